"""Warnings over HTTP: CAP 1.2, 国突 and weather JSON through the real door; what waits while Kafka is away."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.contracts.alert import reading
from services.ingest import cap as cap_api
from services.ingest import spool
from services.ingest.api import records_of
from services.ingest.door import Admitted
from services.runtime.access import Scope
from services.runtime.kafka import Record, Rejected, Unknown
from services.warning import messages
from tests.contracts.alert.messages import IDENTIFIER, OWN, cap, guotu, info
from tests.ingest.conftest import Hub, until

EARLIER = "hydrology@water.example,FLOOD-1,2026-07-15T20:00:00+08:00"
EVERY = Scope(("/weather",), statuses=("actual", "exercise", "test"), rights=("publish", "read", "history"))


async def send(hub: Hub, header: str, body: bytes, **query: str) -> httpx.Response:
    kind = "application/json" if "shape" in query else "application/xml"
    return await hub.client.post(
        "/ingest/cap", content=body, headers={"authorization": header, "content-type": kind}, params=query
    )


def reasons(answer: httpx.Response) -> set[str]:
    return {problem["code"] for problem in answer.json()["problems"]}


async def test_what_comes_in_is_one_event_of_its_chain(hub: Hub) -> None:
    _, header = await hub.key(EVERY, "weather")
    red, update = guotu(), guotu(f"{OWN}_20260716050000", kind="Update", colour="Orange", references=IDENTIFIER)
    chain = f"{OWN}/{IDENTIFIER}"
    source = "/weather/江滨区气象台"
    answer = await send(hub, header, red)
    assert (answer.status_code, answer.json()) == (202, {"id": IDENTIFIER, "source": source, "chain": chain})
    assert (await send(hub, header, update)).json()["chain"] == chain
    flood = await send(
        hub,
        header,
        cap("FLOOD-2", kind="Update", references=EARLIER),
    )
    assert flood.json()["chain"] == "hydrology@water.example/FLOOD-1"
    ack = await send(hub, header, guotu(f"{OWN}_20260716060000", kind="Ack", references=IDENTIFIER))
    assert ack.json()["chain"] is None
    drill = await send(hub, header, guotu("D_1", status="Exercise", more="<incidents>YL-2026-1</incidents>"))
    assert drill.status_code == 202, drill.text
    records = {record["id"]: record for record in await hub.records()}
    first, second = records[IDENTIFIER], records[f"{OWN}_20260716050000"]
    assert {first["topic"], first["type"], first["subject"]} == {"urgent", "weather.alert_received", chain}
    assert (first["region"], first["time"], first["status"]) == ("990111", "2026-07-16T03:10:00+08:00", "actual")
    data = first["data"]
    expected = {
        "level": "red", "level_source": "field", "hazard": "rainstorm", "event_code": "11B03", "msg_type": "issue",
        "sender_code": OWN, "via": "push",
    }  # fmt: skip
    assert {name: data[name] for name in expected} == expected
    assert [area["region"] for area in data["areas"]] == ["990111003", "990111004"]
    assert messages.rendered(first, "guotu") == red
    assert messages.rendered(first, "cap") == reading.RENDER["cap"](reading.parse(red))
    assert json.loads(messages.rendered(first, "json") or b"")["senderCode"] == OWN
    assert (second["data"]["level"], second["data"]["references"]) == ("orange", [IDENTIFIER])
    flooded = records["FLOOD-2"]
    assert (flooded["region"], flooded["data"]["level"], flooded["data"]["level_source"]) == (
        "990111004",
        "orange",
        "converted",
    )
    assert (records["D_1"]["status"], records["D_1"]["drill"]) == ("exercise", "YL-2026-1")


async def test_what_is_strange_is_kept_and_marked(hub: Hub) -> None:
    _, header = await hub.key(EVERY, "weather")
    strange = {
        "outside": guotu("A_1", geocode="880101000000", sender_code="88010141600000"),
        "province": guotu("A_2", geocode="990000000000", sender_code="99000041600000", sender="省气象台"),
        "text": guotu("A_3", colour="Unknown", headline="江滨区气象台更新暴雨红色预警为暴雨黄色预警"),
        "disagrees": guotu("A_4", colour="Yellow"),
        "ahead": guotu("A_5", sent="2099-01-01 00:00:00+08:00"),
        "expired": guotu("A_6", expires="2020-01-01 00:00:00+08:00"),
        "orphan": guotu("A_7", kind="Cancel", headline="江滨区气象台解除暴雨红色预警"),
        "itself": guotu("A_8", kind="Update", references="A_8"),
        "unknown": guotu("A_9", kind="Update", references=f"{OWN}_20200101000000"),
        "spoken": cap(
            "A_10", info(), info(language="zh-CN", event="洪水", headline="洪水橙色预警", description="河水上涨")
        ),
        "long": guotu("A_11", note="长" * 150_000),
        "short": guotu("A_12", geocode=""),
    }
    for name, body in strange.items():
        answer = await send(hub, header, body)
        assert answer.status_code == 202, (name, answer.text)
    records = {record["id"]: record for record in await hub.records()}
    found = {name: records[f"A_{n}"] for n, name in enumerate(strange, 1)}
    data = {name: record["data"] for name, record in found.items()}
    assert (data["outside"]["outside"], found["outside"]["region"]) == (True, "990111")
    assert (data["province"]["areas"][0]["region"], "outside" in data["province"]) == ("990111", False)
    assert [data["text"][name] for name in ("level", "level_source", "prev_level")] == ["yellow", "text", "red"]
    assert data["disagrees"]["level"] == "yellow"
    assert any(flaw.startswith("level:") for flaw in data["disagrees"]["flaws"])
    assert "clock" in found["ahead"]["flags"]
    assert any(flaw.startswith("expires:") for flaw in data["expired"]["flaws"])
    assert data["orphan"]["chain_id"] == f"{OWN}/A_7"
    assert data["itself"]["chain_id"] == f"{OWN}/A_8"
    assert data["unknown"]["chain_id"] == f"{OWN}/{OWN}_20200101000000"
    assert (data["spoken"]["level"], data["spoken"]["headline"]) == ("orange", "洪水橙色预警")
    assert len(found["spoken"]["data"]["alert"]["info"]) == 2
    assert "alert" not in data["long"]
    assert messages.rendered(found["long"], "guotu") == strange["long"]
    assert b"cap:1.2" in (messages.rendered(found["long"], "cap") or b"")
    assert [area["by"] for area in data["short"]["areas"] if "by" in area] == ["sender"]


BOMB = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]>'
REFUSED: dict[str, tuple[bytes, int, str]] = {
    "doctype": (b"<!DOCTYPE alert>" + cap().partition(b"?>")[2], 400, "doctype"),
    "entities": (BOMB + cap(kind="&z;").partition(b"?>")[2], 400, "doctype"),
    "outside": (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><alert/>', 400, "doctype"),
    "not xml": (b"<alert>", 400, "not_xml"),
    "empty": (b"", 400, "not_xml"),
    "deep": (b"<a>" * 100_000, 400, "not_xml"),
    "cap 1.1": (cap(namespace="urn:oasis:names:tc:emergency:cap:1.1"), 422, "namespace"),
    "feed": (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', 422, "namespace"),
    "no time": (guotu(sent="soon"), 422, "alert"),
    "level": (guotu(colour="Purple"), 422, "alert"),
    "no references": (cap(kind="Cancel"), 422, "references"),
    "circular": (cap(kind="Update", references=EARLIER), 422, "circular"),
    "later": (cap(kind="Update", references="a,b,2027-07-15T20:00:00+08:00"), 422, "postdated"),
    "sender": (cap(sender="two words"), 422, "names"),
    "control": (guotu(identifier="x" * 300), 422, "too_long"),
}  # fmt: skip


async def test_what_is_no_warning_is_refused_with_its_reasons(hub: Hub) -> None:
    _, header = await hub.key(EVERY, "weather")
    _, actual = await hub.key(Scope(("/weather",)), "actual")
    for name, (body, status, code) in REFUSED.items():
        answer = await send(hub, header, body)
        assert answer.status_code == status, (name, answer.text)
        assert code in reasons(answer), (name, answer.text)
    assert (await send(hub, header, guotu(note="x" * 600 * 1024))).status_code == 413
    assert (await send(hub, "", guotu())).status_code == 401
    assert (await send(hub, actual, guotu(status="Exercise"))).status_code == 403
    assert (await send(hub, header, b"{}", shape="none")).status_code == 422
    assert (await send(hub, header, b"{}", shape="nmc")).status_code == 422
    assert (await send(hub, header, b"{", shape="nmc")).status_code == 400
    assert await hub.records() == []


async def test_weather_json_becomes_an_event_per_warning(hub: Hub) -> None:
    _, header = await hub.key(EVERY, "relay")
    alarms = [
        {"id": f"{OWN}_2026071603{minute}00", "title": "江滨区气象台发布暴雨红色预警[I级/特别严重]",
         "signaltype": "暴雨", "signallevel": "红色", "effective": f"2026/07/16 03:{minute}",
         "eventType": "11B03", "severity": "RED"}
        for minute in (10, 20)
    ]  # fmt: skip
    answer = await send(hub, header, json.dumps(alarms).encode(), shape="cimiss")
    assert [item["id"] for item in answer.json()["items"]] == [alarm["id"] for alarm in alarms]
    records = await hub.records()
    assert [(r["data"]["level"], r["data"]["via"], r["source"]) for r in records] == [
        ("red", "poll", "/weather/江滨区气象台")
    ] * 2
    assert [r["data"]["areas"] for r in records] == [
        [{"code": "990111", "name": "江滨区气象台", "region": "990111", "by": "sender"}]
    ] * 2


class Away:
    """A broker that is away until `back` is set: five lines at the world's edge."""

    def __init__(self, real: Any) -> None:
        self.real, self.back, self.sent = real, False, list[Record]()

    async def publish(self, records: list[Record]) -> None:
        if not self.back:
            raise Unknown("away")
        self.sent += records
        await self.real.publish(records)

    async def close(self) -> None:
        await self.real.close()


async def test_while_the_broker_is_away_warnings_wait_on_disk_and_follow_in_order(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, header = await hub.key(EVERY, "weather")
    desk = hub.app.state.cap
    away = Away(desk.desk.publisher)
    monkeypatch.setattr(desk.desk, "publisher", away)
    monkeypatch.setattr(desk.spool, "_publisher", away)
    update = guotu("A_2", kind="Update", references=IDENTIFIER)
    for body in (guotu(), update, guotu()):
        answer = await send(hub, header, body)
        assert (answer.status_code, answer.json()["kept"]) == (503, True)
        assert "retry-after" in answer.headers
    listed = (await hub.client.get("/ingest/spool", headers={"authorization": header})).json()
    assert [item["id"] for item in listed["items"]] == [IDENTIFIER, "A_2"]
    assert listed["items"][0]["chain"] == f"{OWN}/{IDENTIFIER}"
    folder = hub.settings.data_dir / "ingest" / "spool"
    assert len(list(folder.iterdir())) == 2
    again = cap_api.Spool(folder, away, desk.spool._records_of)
    assert [row.id for row in again.waiting()] == [IDENTIFIER, "A_2"]
    away.back = True
    assert (await send(hub, header, guotu("A_3"))).status_code == 202
    assert [record["id"] for record in await hub.records()] == [IDENTIFIER, "A_2", "A_3"]
    await until(lambda: not list(folder.iterdir()))


async def test_what_waits_is_published_by_itself(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    _, header = await hub.key(EVERY, "weather")
    desk = hub.app.state.cap
    away = Away(desk.desk.publisher)
    monkeypatch.setattr(desk.desk, "publisher", away)
    monkeypatch.setattr(desk.spool, "_publisher", away)
    assert (await send(hub, header, guotu())).status_code == 503
    away.back = True
    await until(lambda: len(desk.spool) == 0, 5)
    assert [record["id"] for record in await hub.records()] == [IDENTIFIER]
    monkeypatch.setattr(cap_api.Spool, "keep", _full)
    away.back = False
    full = await send(hub, header, guotu("A_2"))
    assert (full.status_code, "kept" in full.json()) == (503, False)
    await asyncio.sleep(0)


async def _full(*_: Any) -> None:
    raise cap_api.Full


async def test_what_kafka_refuses_for_good_is_set_aside_and_does_not_hold_up_the_rest(tmp_path: Path) -> None:
    def kept(name: str) -> spool.Kept:
        one = Admitted(0, name, "/weather", "weather.alert_received", "urgent", None, b"k", name.encode())
        return spool.Kept(datetime.datetime.now(datetime.UTC), "weather", name, (name,), (one,))

    class Strict:
        def __init__(self) -> None:
            self.sent: list[bytes] = []

        async def publish(self, records: Sequence[Record]) -> None:
            if records[0].value == b"bad":
                raise Rejected("too large")
            self.sent += [record.value for record in records]

    strict = Strict()
    waiting = spool.Spool(tmp_path / "spool", strict, records_of)
    for name in ("bad", "good", "bad"):
        await waiting.keep(kept(name))
    assert len(waiting) == 2
    assert await waiting.drain()
    assert (strict.sent, len(waiting)) == ([b"good"], 0)
    (tmp_path / "spool" / "1.json").write_bytes(b"{torn")
    for one in (waiting, spool.Spool(tmp_path / "spool", strict, records_of)):
        assert [(row.id, row.reason[:16]) for row in one.waiting()] == [("bad", "refused by Kafka")]


async def test_a_full_spool_keeps_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_FILES", 0)
    one = spool.Kept(datetime.datetime.now(datetime.UTC), "weather", "x", (), ())
    with pytest.raises(spool.Full):
        await spool.Spool(tmp_path, Away(None), records_of).keep(one)
