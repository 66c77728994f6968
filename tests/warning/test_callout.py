"""From a warning to the last person's answer, on real parts (stories 1-4 and what goes wrong)."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.reporting import relay as relays
from services.reporting.relay import Relay
from services.runtime.settings import Settings
from services.runtime.sse import Client, Fan
from services.warning import stream
from services.warning.callout.ladder import Callout
from services.warning.channels.testing import TestGateway
from tests.records import retraction
from tests.warning.watching import OWN, Watching, watching


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings) as one:
        yield one


async def test_a_red_warning_calls_every_post_at_once(watch: Watching) -> None:
    alert = watch.alert()
    await watch.publish(alert)
    await watch.settled()
    chain = alert["subject"]
    alerts = await watch.matters("alert")
    assert alerts[chain]["state"] == "in_force"
    assert alerts[chain]["level"] == "red"
    callouts = await watch.matters("callout")
    posts = {(c["organisation"], c["post"]) for c in callouts.values()}
    assert len(posts) == len(callouts) > 8
    given = await watch.outbox()
    assert {row["callout"] for row in given} == set(callouts)
    assert {row["channel"] for row in given} == {"sms", "voice"}
    assert all(row["chain"] == chain for row in given)


async def begun(watch: Watching, level: str = "red", **more: object) -> str:
    """A warning that has called its posts; its chain."""
    alert = watch.alert(level, **more)
    await watch.publish(alert)
    await watch.settled()
    return str(alert["subject"])


def texts(given: list[dict[str, object]]) -> list[str]:
    return [str(row["text"]) for row in given]


async def test_an_answer_stops_its_own_ladder_only(watch: Watching) -> None:
    await begun(watch)
    first, *others = sorted(await watch.matters("callout"))
    answer = {"callout_id": first, "via": "key", "answer": "received"}
    await watch.publish(watch.fact("callout.answered", first, answer, source="/hub/people"))
    await watch.settled()
    before = await watch.outbox()
    watch.clock.advance(minutes=5, seconds=1)
    await watch.settled()
    callouts = await watch.matters("callout")
    assert callouts[first]["state"] == "answered"
    assert callouts[first]["closed"]
    assert {callouts[key]["state"] for key in others} == {"escalated"}
    after = (await watch.outbox())[len(before) :]
    assert {row["callout"] for row in after} - {""} == set(others)  # "" is about the desk
    watch.clock.advance(minutes=10)
    await watch.settled()
    callouts = await watch.matters("callout")
    assert {callouts[key]["state"] for key in others} == {"exhausted"}
    assert callouts[first]["state"] == "answered"
    rung = await watch.connection.fetch("SELECT post, matter, text FROM delivery WHERE channel = 'console'")
    assert {row["matter"] for row in rung} == set(others)
    assert {row["post"] for row in rung} == {"bureau_duty"}
    assert all("无人应答" in row["text"] for row in rung)


async def test_a_lower_level_supersedes_and_tells_everybody_once(watch: Watching) -> None:
    chain = await begun(watch)
    called = {row["address"] for row in await watch.outbox()}
    before = len(await watch.outbox())
    update = watch.alert("yellow", data={"chain_id": chain, "msg_type": "update", "references": [chain.split("/")[1]]})
    await watch.publish({**update, "subject": chain})
    await watch.settled()
    callouts = await watch.matters("callout")
    assert {c["state"] for c in callouts.values()} == {"superseded"}
    after = (await watch.outbox())[before:]
    assert len({row["address"] for row in after}) == len(after)
    assert {row["address"] for row in after} <= called
    assert all("黄色" in text for text in texts(after))
    watch.clock.advance(minutes=20)
    await watch.settled()
    assert len(await watch.outbox()) == before + len(after)


async def test_two_that_refer_to_each_other_are_one_chain_though_they_come_together(watch: Watching) -> None:
    one, other = f"{OWN}_1", f"{OWN}_2"
    await watch.publish(*(
        watch.alert(identifier=a, data={"chain_id": f"{OWN}/{b}", "msg_type": "update", "references": [b]})
        for a, b in ((one, other), (other, one))
    ))  # fmt: skip
    await watch.settled()
    (alert,) = (await watch.matters("alert")).values()
    assert {message["id"] for message in alert["messages"]} == {one, other}


async def test_a_lift_that_refers_to_nothing_lifts_what_its_issuer_has_in_force(watch: Watching) -> None:
    nothing = {"msg_type": "cancel", "level": "none"}
    await watch.publish(watch.alert("yellow"), watch.alert(data=nothing))
    await watch.settled()
    assert [a["how"] for a in (await watch.matters("alert")).values()] == ["cancelled"]
    await watch.publish(watch.alert("blue"), watch.alert("orange", data={"hazard": "gale"}))
    await watch.settled()
    await watch.publish(watch.alert(data={**nothing, "hazard": "gale"}))
    await watch.settled()
    alerts = (await watch.matters("alert")).values()
    assert sorted((a["hazard"], a["state"]) for a in alerts) == [
        ("gale", "ended"), ("rainstorm", "ended"), ("rainstorm", "in_force"),
    ]  # fmt: skip
    await watch.publish(watch.alert(data={**nothing, "hazard": "hail"}))
    await watch.settled()
    assert [a["inferred"] for a in (await watch.matters("alert")).values()].count(True) == 1


async def test_what_was_sent_by_mistake_is_taken_back_at_once(watch: Watching) -> None:
    alert = watch.alert()
    await watch.publish(alert)
    await watch.settled()
    before = await watch.outbox()
    now = watch.clock.now()
    await watch.publish(retraction(alert, at=now, recorded=now))
    await watch.settled()
    assert await watch.matters("callout") == {}
    assert await watch.matters("alert") == {}
    told = (await watch.outbox())[len(before) :]
    assert set(texts(told)) == {f"【区应急局】更正：「{alert['data']['headline']}」系误发，已撤回，不必响应。"}
    assert len(told) == len({row["address"] for row in told}) == len({row["address"] for row in before})
    watch.clock.advance(minutes=20)
    await watch.settled()
    assert len(await watch.outbox()) == len(before) + len(told), "the ladder has stopped"


async def test_nobody_is_called_about_the_past(watch: Watching) -> None:
    now = watch.clock.now()
    late = watch.alert(recorded=now - datetime.timedelta(minutes=61))
    gone = watch.alert(data={"expires": (now - datetime.timedelta(minutes=1)).isoformat()})
    imported = watch.alert(lane="history")
    outside = watch.alert(data={"areas": [{"code": "110101000000", "name": "别处"}]})
    tried = watch.alert(status="test")
    await watch.publish(late, gone, outside, tried)
    await watch.settled()
    assert len(await watch.matters("alert")) == 3
    assert len(await watch.matters("alert", "test")) == 1
    assert await watch.outbox() == []
    assert imported


async def test_nobody_claims_it_so_the_duty_leader_is_called_about_the_desk(watch: Watching) -> None:
    chain = await begun(watch)
    before = len(await watch.outbox())
    watch.clock.advance(seconds=61)
    await watch.settled()
    after = (await watch.outbox())[before:]
    assert after
    assert {row["post"] for row in after} == {"duty_leader"}
    letters = await watch.connection.fetch("SELECT organisation FROM delivery WHERE slot LIKE 'unclaimed:%'")
    assert {row["organisation"] for row in letters} == {"JB00"}, "not the leaders of streets"
    assert (await watch.matters("alert"))[chain]["unclaimed"]


async def test_claimed_in_time_nobody_is_called_about_the_desk(watch: Watching) -> None:
    chain = await begun(watch)
    before = len(await watch.outbox())
    claim = {"shift_id": "desk", "post": "bureau_duty", "person_id": "P-1", "refers_to": chain}
    await watch.publish(watch.fact("duty.alert_taken", "desk", claim))
    await watch.settled()
    watch.clock.advance(seconds=61)
    await watch.settled()
    assert len(await watch.outbox()) == before


async def test_a_gateway_that_is_away_is_tried_until_the_message_is_no_longer_fresh(watch: Watching) -> None:
    await watch.connection.execute("INSERT INTO testing_gateway VALUES ('sms', '500'), ('voice', 'ok')")
    await watch.publish(watch.alert())
    await watch.until(lambda: watch.connection.fetchval("SELECT 1 FROM delivery WHERE channel = 'sms' AND tries > 0"))
    await watch.until(watch.outbox)
    assert {row["channel"] for row in await watch.outbox()} == {"voice"}
    await watch.connection.execute("UPDATE testing_gateway SET mode = 'ok'")
    watch.clock.advance(seconds=30)
    await watch.settled()
    given = [row for row in await watch.outbox() if row["channel"] == "sms"]
    assert len({row["message_id"] for row in given}) == len(given) > 0


async def test_without_a_lift_it_stays_in_force_until_a_person_confirms(watch: Watching) -> None:
    chain = await begun(watch)
    watch.clock.advance(hours=24, seconds=1)
    await watch.settled()
    alert = (await watch.matters("alert"))[chain]
    assert (alert["state"], alert["note"]) == ("unconfirmed", "超24小时未见解除")
    await watch.publish(watch.fact("warning.confirmed", chain, {"chain_id": chain, "revision": 1, "by": "值班员"}))
    await watch.settled()
    alert = (await watch.matters("alert"))[chain]
    assert (alert["state"], alert["how"]) == ("ended", "confirmed")


async def test_messages_out_of_order_come_to_the_same_chain(watch: Watching) -> None:
    first = watch.alert("orange", identifier=f"{OWN}_1")
    chain = first["subject"]
    minute = datetime.timedelta(minutes=1)
    second = watch.alert("red", identifier=f"{OWN}_2", at=watch.clock.now() + minute,
                         data={"chain_id": chain, "msg_type": "update", "references": [f"{OWN}_1"]})  # fmt: skip
    await watch.publish(second)
    await watch.settled()
    inferred = (await watch.matters("alert"))[chain]
    assert (inferred["level"], inferred["inferred"]) == ("red", True)
    before = len(await watch.outbox())
    await watch.publish(first)
    await watch.settled()
    alert = (await watch.matters("alert"))[chain]
    assert (alert["level"], alert["revision"], alert["inferred"]) == ("red", 2, False)
    assert len(await watch.outbox()) == before


async def test_open_pages_are_told_at_once(watch: Watching, settings: Settings) -> None:
    regions = stream.surroundings(settings, watch.clock).regions
    fan = Fan()
    relay = Relay(settings.postgres_dsn, regions, fan)
    following = asyncio.create_task(relay.run())
    version, standing = await relays.standing(watch.connection, regions, regions.root)
    assert standing["alerts"] == []
    everywhere, street = Client((regions.root, None)), Client(("990111001", None))
    for client in (everywhere, street):
        fan.open(client, b"")
    relay.again_from(version)
    chain = await begun(watch)
    await asyncio.sleep(0.5)
    told = (await everywhere.next()).decode()
    assert "event: alert\n" in told
    assert "event: callout\n" in told
    assert chain in told
    assert "event: alert\n" not in (await street.next()).decode(), "the whole bureau's alert is not the street's"
    following.cancel()


async def test_a_second_claim_and_an_idle_confirmation_are_refused_with_the_reason(watch: Watching) -> None:
    chain = await begun(watch)
    claims = [
        watch.fact("duty.alert_taken", "desk", {"shift_id": "desk", "person_id": who, "refers_to": chain})
        for who in ("甲", "乙")
    ]
    idle = watch.fact("warning.confirmed", chain, {"chain_id": chain, "revision": 1, "by": "甲"})
    await watch.publish(*claims, idle)
    await watch.settled()
    rows = await watch.connection.fetch("SELECT refused FROM handled WHERE refused IS NOT NULL ORDER BY 1")
    assert [row["refused"][:4] for row in rows] == ["已由 甲", "无需确认"]


async def test_cut_off_from_the_database_it_goes_on_by_itself(watch: Watching) -> None:
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name ~ '^hub-(warning|gateway)'"
    )
    await begun(watch, identifier=f"{OWN}_begun")
    for n in range(4):
        await watch.publish(watch.alert(identifier=f"{OWN}_{n}"))
        await asyncio.sleep(0.15 * n)
        await watch.until(lambda: watch.connection.fetchval(cut))
    await watch.settled()
    given = await watch.outbox()
    each = Counter((row["chain"], row["address"], row["channel"]) for row in given)
    assert set(each.values()) == {1}
    assert set(Counter(chain for chain, _, _ in each).values()) == {len(each) // 5}
    watch.clock.advance(minutes=5, seconds=1)
    await watch.settled()
    assert {c["state"] for c in (await watch.matters("callout")).values()} == {"escalated"}


async def test_a_matter_that_cannot_be_folded_keeps_no_other_waiting(
    watch: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(watch)
    broken, *others = sorted(await watch.matters("callout"))
    fold = Callout.fold

    def faulty(self: Callout, key: str, facts: Any, world: Any) -> Any:
        if key == broken and world.now > start + datetime.timedelta(minutes=2):
            raise KeyError("a fault of ours")
        return fold(self, key, facts, world)

    start = watch.clock.now()
    monkeypatch.setattr(Callout, "fold", faulty)
    watch.clock.advance(minutes=5, seconds=1)
    await watch.settled()
    callouts = await watch.matters("callout")
    assert {callouts[key]["state"] for key in others} == {"escalated"}
    assert callouts[broken]["state"] == "calling"
    monkeypatch.setattr(Callout, "fold", fold)
    watch.clock.advance(minutes=1)
    await watch.settled()
    assert (await watch.matters("callout"))[broken]["state"] == "escalated"


async def test_beside_a_red_warning_an_orange_one_of_the_same_station_calls_nobody(watch: Watching) -> None:
    await begun(watch, "red")
    before = len(await watch.outbox())
    orange = await begun(watch, "orange")
    other = await begun(watch, "orange", data={"hazard": "gale", "event_code": "11B06"})
    alerts = await watch.matters("alert")
    assert alerts[orange]["inhibited_by"]
    assert not alerts[other]["inhibited_by"]
    assert {row["chain"] for row in (await watch.outbox())[before:]} == {other}


async def test_a_channel_with_a_fault_keeps_no_other_waiting(watch: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = TestGateway.hand

    async def faulty(self: TestGateway, messages: Any) -> Any:
        if self.name == "sms" and watch.clock.ahead < datetime.timedelta(seconds=30):
            raise KeyError("a fault of ours")
        return await hand(self, messages)

    monkeypatch.setattr(TestGateway, "hand", faulty)
    await watch.publish(watch.alert())
    await watch.until(lambda: watch.connection.fetchval("SELECT 1 FROM delivery WHERE channel = 'sms' AND tries > 0"))
    await watch.until(lambda: watch.connection.fetchval("SELECT 1 FROM testing_outbox WHERE channel = 'voice'"))
    watch.clock.advance(seconds=31)
    await watch.until(lambda: watch.connection.fetchval("SELECT 1 FROM testing_outbox WHERE channel = 'sms'"))
