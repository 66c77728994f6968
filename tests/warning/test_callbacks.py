"""Gateways call back, people answer: receipts, replies, the link, answers noted by hand (stories 3 and 4)."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from services.runtime.settings import Settings
from services.warning import reply
from tests.warning.served import Served, served

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEAVY = 5 * 1024


@pytest.fixture
async def hub(settings: Settings, topics: list[str]) -> AsyncIterator[Served]:
    async with served(settings.model_copy(update={"gateway_secret": SecretStr(SECRET)})) as one:
        yield one


async def begun(hub: Served, level: str = "red", **more: Any) -> str:
    """A warning that has called its posts; its chain."""
    alert = hub.watch.alert(level, **more)
    await hub.watch.publish(alert)
    await hub.watch.settled()
    return str(alert["subject"])


async def lifted(hub: Served, chain: str) -> None:
    cancel = hub.watch.alert(
        data={"chain_id": chain, "msg_type": "cancel", "level": "none", "references": [chain.split("/")[1]]}
    )
    await hub.watch.publish({**cancel, "subject": chain})
    await hub.watch.settled()


def own(letters: list[dict[str, Any]]) -> dict[str, Any]:
    """A letter whose number is that of one callout alone."""
    callouts: dict[str, set[str]] = {}
    for letter in letters:
        callouts.setdefault(letter["address"], set()).add(letter["callout"])
    return next(one for one in letters if len(callouts[one["address"]]) == 1)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1", "received"), ("１。", "received"), (" 收到，已到岗", "received"), ("1收到", "received"),
        ("2", "need_support"), ("2需支援", "need_support"), ("需要支援！", "need_support"), ("拒绝", "refused"),
        ("打错了", "wrong_number"), ("1号楼进水", None), ("没收到", None), ("收到了吗", None), ("12", None), ("", None),
    ],
)  # fmt: skip
def test_a_reply_means(text: str, answer: str | None) -> None:
    assert reply.meaning(text) == answer


def test_a_number_is_known_with_and_without_the_country() -> None:
    assert "13800000001" in reply.numbers("+86 138-0000-0001")
    assert "+8613800000001" in reply.numbers("13800000001")
    assert "02584000000" in reply.numbers("025-84000000")


def test_a_clock_that_is_off_is_not_believed() -> None:
    now = datetime.datetime(2026, 7, 1, 3, 20, tzinfo=datetime.UTC)
    made = now - datetime.timedelta(minutes=5)
    between = now - datetime.timedelta(minutes=2)
    assert reply.moment(between.isoformat(), made, now) == between
    for off in (now + datetime.timedelta(hours=1), made - datetime.timedelta(hours=1)):
        assert reply.moment(off.isoformat(), made, now) == now
    assert reply.moment("gestern", made, now) == now


async def test_a_receipt_says_what_became_of_a_message_and_twice_says_no_more(hub: Served) -> None:
    await hub.behaves("sms", "silent")
    await hub.behaves("voice", "silent")
    await begun(hub)
    letter = (await hub.letters(channel="sms", state="handed"))[0]
    receipt = {"message_id": str(letter["id"]), "to": letter["address"], "result": "delivered"}
    assert (await hub.calls_back("/receipts/sms", receipt)).json()["outcome"] == "taken"
    await hub.watch.settled()
    assert (await hub.calls_back("/receipts/sms", receipt)).json()["outcome"] == "duplicate"
    await hub.watch.settled()
    found = await hub.get("/warning/deliveries", callout=letter["callout"], state="delivered")
    assert [item["id"] for item in found["items"]] == [str(letter["id"])]
    callout = await hub.get(f"/warning/callouts/{letter['callout']}")
    assert [a["result"] for a in callout["attempts"]].count("delivered") == 1
    busy = {"message_id": str((await hub.letters(channel="voice"))[0]["id"]), "result": "busy"}
    assert (await hub.calls_back("/receipts/voice", [busy, receipt])).json()["outcomes"] == ["taken", "unknown"]
    await hub.watch.settled()
    assert (await hub.letters(channel="voice"))[0]["state"] == "failed"


@pytest.mark.parametrize("mode", ["ok", "twice"])
async def test_a_gateway_confirms_by_itself_once_or_twice(hub: Served, mode: str) -> None:
    await hub.behaves("sms", mode)
    await hub.behaves("voice", "silent")
    await begun(hub)

    async def confirmed() -> bool:
        return {one["state"] for one in await hub.letters(channel="sms")} == {"delivered"}

    await hub.watch.until(confirmed)
    assert {one["state"] for one in await hub.letters(channel="voice")} == {"handed"}
    callouts = await hub.watch.matters("callout")
    results = [a["result"] for a in next(iter(callouts.values()))["attempts"] if a["channel"] == "sms"]
    assert results.count("delivered") == results.count("handed")


async def test_what_is_forged_old_or_wrong_is_not_taken(hub: Served) -> None:
    receipt = {"message_id": "0197f3a2-5b1c-4c5e-9d0e-3f6a1b2c4d5e", "result": "delivered"}
    old = str(int(time.time()) - 600)
    assert (await hub.calls_back("/receipts/sms", receipt, **{"webhook-signature": "v1,x"})).status_code == 401
    assert (await hub.calls_back("/receipts/sms", receipt, **{"webhook-timestamp": old})).status_code == 401
    assert (await hub.client.post("/warning/replies/sms", json={"from": "1", "text": "1"})).status_code == 401
    assert (await hub.calls_back("/receipts/sms", receipt)).status_code == 404
    wrong = await hub.calls_back("/receipts/sms", {"message_id": "7", "result": "eaten"})
    assert wrong.status_code == 422
    assert {p["field"] for p in wrong.json()["problems"]} == {"message_id", "result"}
    assert (await hub.calls_back("/replies/sms", {"text": "1"})).status_code == 422
    assert (await hub.calls_back("/replies/sms", ["1"])).status_code == 400


async def test_a_reply_answers_the_callouts_of_its_number(hub: Served) -> None:
    first, second = await begun(hub), await begun(hub, identifier="99011141600000_2")
    letter = own([one for one in await hub.letters(channel="sms") if one["chain"] == second])
    sent = {"from": f"+86{letter['address']}", "text": "收到，已上岗", "at": hub.watch.clock.now().isoformat()}
    assert (await hub.calls_back("/replies/sms", sent)).json() == {
        "outcome": "answered", "callouts": [letter["callout"]], "note": None
    }  # fmt: skip
    await hub.watch.settled()
    assert (await hub.calls_back("/replies/sms", sent)).json()["outcome"] == "duplicate"
    callouts = await hub.watch.matters("callout")
    assert callouts[letter["callout"]]["state"] == "answered"
    (call, *_) = [one for one in await hub.letters(channel="voice", address=letter["address"]) if one["chain"] == first]
    third = await begun(hub, identifier="99011141600000_3")
    pressed = {"from": letter["address"], "text": "1", "message_id": str(call["id"])}
    answered = (await hub.calls_back("/replies/voice", pressed)).json()["callouts"]
    assert {(await hub.get(f"/warning/callouts/{key}"))["chain"] for key in answered} == {first}, f"not {third}"
    answer = callouts[letter["callout"]]["answers"][0]
    assert (answer["via"], answer["answer"], answer["person"]) == ("sms", "received", letter["person"])
    assert {c["state"] for c in callouts.values() if c["chain"] == first} == {"calling"}
    again = await hub.calls_back("/replies/sms", {**sent, "at": "2026-01-01T00:00:00Z"})
    assert again.json()["outcome"] == "answered", "the next reply is about the warning before"


async def test_by_voice_key_only_the_own_ladder_stops_and_the_rest_goes_up_to_the_end(hub: Served) -> None:
    await begun(hub)
    letter = own(await hub.letters(channel="voice"))
    told = await hub.calls_back("/replies/voice", {"from": letter["address"], "text": "1"})
    assert told.json()["callouts"] == [letter["callout"]]
    await hub.watch.settled()
    hub.watch.clock.advance(minutes=5, seconds=1)
    await hub.watch.settled()
    callouts = await hub.watch.matters("callout")
    mine = callouts.pop(letter["callout"])
    assert (mine["state"], mine["answers"][0]["via"]) == ("answered", "key")
    assert len(callouts) > 2
    assert {c["state"] for c in callouts.values()} == {"escalated"}
    hub.watch.clock.advance(minutes=10)
    await hub.watch.settled()
    callouts = await hub.watch.matters("callout")
    assert {c["state"] for key, c in callouts.items() if key != letter["callout"]} == {"exhausted"}


async def test_after_the_lift_it_is_recorded_and_told_and_an_unknown_number_is_logged(hub: Served) -> None:
    chain = await begun(hub)
    letter = own(await hub.letters(channel="sms"))
    await lifted(hub, chain)
    before = len(await hub.watch.outbox())
    told = (await hub.calls_back("/replies/sms", {"from": letter["address"], "text": "1"})).json()
    assert (told["outcome"], told["note"]) == ("over", "已解除")
    await hub.watch.settled()
    callout = (await hub.watch.matters("callout"))[letter["callout"]]
    assert (callout["state"], len(callout["answers"])) == ("lifted", 1)
    after = (await hub.watch.outbox())[before:]
    assert [(row["address"], "解除" in row["text"]) for row in after] == [(letter["address"], True)]
    for number, text, outcome in (("19900000000", "1", "unknown_number"), (letter["address"], "水位上涨", "logged")):
        answer = await hub.calls_back("/replies/sms", {"from": number, "text": text})
        assert answer.json()["outcome"] == outcome
    await hub.watch.settled()
    shifts = await hub.watch.matters("shift")
    assert {"水位上涨", "1"} <= {entry.get("text") for s in shifts.values() for entry in s.get("log", ())}


async def test_the_link_shows_who_asks_and_only_post_answers(hub: Served) -> None:
    chain = await begun(hub)
    letter = next(one for one in await hub.letters(channel="sms") if one["token"])
    sent = next(row for row in await hub.watch.outbox() if row["message_id"] == letter["id"])
    path = re.sub(r"^https?://[^/]+", "", sent["link"])
    assert path == f"/n/{letter['token']}"
    page = await hub.client.get(path)
    assert page.status_code == 200
    assert len(page.content) <= HEAVY
    words = ("暴雨red预警", "红色预警", "江滨区", "收到", "需支援", "拒绝", "号码错误")
    assert [word for word in words if word not in page.text] == []
    assert "script" not in page.text
    assert "http" not in page.text, "it asks nobody else for anything"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    await hub.watch.settled()
    assert (await hub.watch.matters("callout"))[letter["callout"]]["answers"] == [], "a preview changes nothing"
    for _ in range(2):
        done = await hub.client.post(path, data={"answer": "need_support"})
        assert done.status_code == 200
        assert "已记录" in done.text
        await hub.watch.settled()
    callout = (await hub.watch.matters("callout"))[letter["callout"]]
    assert [(a["via"], a["answer"]) for a in callout["answers"]] == [("link", "need_support")]
    assert (await hub.client.post(path, data={"answer": "nonsense"})).status_code == 422
    await lifted(hub, chain)
    others = [one for one in await hub.letters(channel="sms") if one["token"]]
    other = next(one for one in others if one["callout"] != letter["callout"])
    assert "已解除" in (await hub.client.get(f"/n/{other['token']}")).text
    assert "已记录" in (await hub.client.post(f"/n/{other['token']}", json={"answer": "received"})).text
    await hub.watch.settled()
    assert len((await hub.watch.matters("callout"))[other["callout"]]["answers"]) == 1


async def test_forged_links_are_not_found_and_soon_not_even_looked_for(hub: Served) -> None:
    statuses = [(await hub.client.get(f"/n/{n:016d}")).status_code for n in range(7)]
    assert statuses == [404] * 5 + [429] * 2
    assert (await hub.client.get("/n/short")).status_code == 429
    assert (await hub.client.post(f"/n/{'x' * 16}", data={"answer": "received"})).status_code == 429


async def test_a_contact_is_tested_and_its_answer_counted(hub: Served) -> None:
    officer = await hub.log_in("watch")
    answer = await hub.client.post("/warning/contacts/R004/test", json={"channel": "sms"}, headers=officer)
    assert answer.status_code == 200, answer.text
    await hub.watch.settled()
    sent = [row for row in await hub.watch.outbox() if "测试" in row["text"]]
    assert [row["address"] for row in sent] == ["13800000004"]
    told = await hub.calls_back("/replies/sms", {"from": "13800000004", "text": "1"})
    assert told.json()["outcome"] == "tested"
    await hub.watch.settled()
    contact = await hub.get("/warning/contacts/R004")
    assert contact["tests"]["sms"]["result"] == "answered"
    assert contact["state"] == "recorded"
    nobody = await hub.client.post("/warning/contacts/nobody/test", json={}, headers=officer)
    assert nobody.status_code in (200, 409)
    await hub.watch.settled()
    assert "nobody" not in await hub.watch.matters("contact")


async def test_the_officer_records_an_answer_by_telephone(hub: Served) -> None:
    await begun(hub)
    key = sorted(await hub.watch.matters("callout"))[0]
    path = f"/warning/callouts/{key}/answer"
    sent = {"answer": "received", "via": "phone_recorded", "text": "已电话告知"}
    officer, wall = await hub.log_in("watch"), await hub.log_in("wall")
    assert (await hub.client.post(path, json=sent)).status_code == 401
    assert (await hub.client.post(path, json=sent, headers=wall)).status_code == 403
    unknown = await hub.client.post("/warning/callouts/JY-0-0-0/answer", json=sent, headers=officer)
    assert unknown.status_code == 404
    wrong = await hub.client.post(path, json={**sent, "post": "nobody"}, headers=officer)
    assert (wrong.status_code, wrong.json()["detail"][:5]) == (409, "岗位不符：")
    assert (await hub.watch.matters("callout"))[key]["answers"] == []
    answer = await hub.client.post(path, json=sent, headers=officer)
    assert answer.status_code == 200, answer.text
    await hub.watch.settled()
    callout = (await hub.watch.matters("callout"))[key]
    assert callout["state"] == "answered"
    assert callout["answers"][0]["via"] == "phone_recorded"
    assert callout["answers"][0]["recorded_by"].startswith("watch-")
    before = len(await hub.watch.outbox())
    hub.watch.clock.advance(minutes=11)
    await hub.watch.settled()
    assert key not in {row["callout"] for row in (await hub.watch.outbox())[before:]}


async def test_whoever_has_no_number_is_shown_as_not_reached(hub: Served) -> None:
    person = {"person_id": "R008", "channels": [{"kind": "email", "address": "r008@jiangbin.example"}]}
    await hub.watch.publish(hub.watch.fact("contact.upserted", "R008", person))
    await hub.watch.settled()
    await begun(hub)
    letters = await hub.letters(person="R008")
    assert {(one["state"], one["result"]) for one in letters} == {("failed", "没有号码")}
    callout = (await hub.watch.matters("callout"))[letters[0]["callout"]]
    assert {attempt["result"] for attempt in callout["attempts"]} == {"failed"}
    assert callout["state"] == "calling"
