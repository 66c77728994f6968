"""The door over HTTP: the three modes, NDJSON, answers, limits, keys; all of it on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import datetime
import time
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from services.ingest import api
from services.ingest.binding import BATCH, NDJSON
from services.runtime import access
from services.runtime.access import Scope
from tests.ingest.conftest import Hub, until
from tests.ingest.scene import event

FAR = {"time": "9999-12-31T23:59:59-08:00"}


def lines(*events: Any) -> bytes:
    return b"\n".join(msgspec.json.encode(e) for e in events)


def many(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [event(id=f"e-{i}", data={"hazard_id": f"YH-{i % 7}"}, **changes) for i in range(number)]


def told(response: httpx.Response) -> set[tuple[int, str, str]]:
    return {(p["index"], p["field"], p["code"]) for p in response.json()["problems"]}


async def test_every_mode_puts_the_same_fact_on_kafka(hub: Hub) -> None:
    _, header = await hub.key()
    sent = event()
    attributes = {f"ce-{k}": quote(str(v), safe="/:+-.") for k, v in sent.items() if k != "data"}
    answers = [
        await hub.post(sent, header),
        await hub.post([sent], header, BATCH),
        await hub.post(lines(sent) + b"\n", header, NDJSON),
        await hub.post(sent["data"], header, "application/json; charset=utf-8", headers=attributes),
        await hub.post(sent, header, "application/json"),
    ]
    for answer in answers:
        assert answer.status_code == 202, answer.text
        accepted = [{"index": 0, "id": sent["id"], "source": sent["source"]}]
        assert answer.json() == {"accepted": accepted, "problems": []}
    records = await hub.records()
    assert len(records) == 5
    for record in records:
        assert record["topic"] == "hazards"
        assert {k: record[k] for k in sent} == sent
        assert (record["publisher"], record["status"], record["region"]) == ("tester", "actual", "990111")
    assert len({r["digest"] for r in records}) == 2  # binary mode says datacontenttype, the others do not
    assert len({r["recordedtime"] for r in records}) == 5


async def test_what_the_official_sdk_sends_is_taken(hub: Hub) -> None:
    _, header = await hub.key()
    attributes = {
        "id": "隐患-1", "source": "/sdk", "type": "hazard.found", "specversion": "1.0", "note": "100% \"sure\" €",
        "time": datetime.datetime(2023, 6, 30, 8, tzinfo=datetime.UTC), "datacontenttype": "application/json",
    }  # fmt: skip
    made = CloudEvent(attributes, {"hazard_id": "YH-1"})
    for message in (to_binary_event(made), to_structured_event(made)):
        headers = {**message.headers, "authorization": header}
        answer = await hub.client.post("/ingest/events", content=message.body, headers=headers)
        assert answer.status_code == 202, answer.text
    assert [(r["id"], r["note"]) for r in await hub.records()] == [("隐患-1", '100% "sure" €')] * 2


async def test_all_or_nothing_and_every_problem_named(hub: Hub) -> None:
    _, header = await hub.key(Scope(("/bureau",)))
    batch = [
        event(),
        event(id="e-2", time="yesterday", data={"hazard_id": "1", "level": "huge"}),
        event(id="e-3", type="hazard.fuond"),
        7,
    ]
    refused = await hub.post(batch, header, BATCH)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    expected = {
        (1, "time", "time_format"), (1, "data.level", "codes"), (2, "type", "unknown_type"), (3, "", "not_an_object"),
    }  # fmt: skip
    assert told(refused) == expected
    problems = refused.json()["problems"]
    assert all(p.keys() == {"index", "id", "field", "reason", "code"} for p in problems)
    assert "did you mean hazard.found" in next(p["reason"] for p in problems if p["code"] == "unknown_type")
    assert await hub.records() == []
    partial = await hub.post(batch, header, BATCH, params={"partial": "true"})
    assert partial.status_code == 202
    assert [a["index"] for a in partial.json()["accepted"]] == [0]
    assert told(partial) == expected
    assert [r["id"] for r in await hub.records()] == ["e-1"]


async def test_the_worst_kind_of_problem_gives_the_status(hub: Hub) -> None:
    _, header = await hub.key(Scope(("/bureau",)))
    invalid, forbidden = event(**FAR), event(source="/other")
    huge = event(data={"hazard_id": "1", "x": "y" * 300_000})
    assert (await hub.post([invalid, huge], header, BATCH)).status_code == 413
    assert (await hub.post([invalid, huge, forbidden], header, BATCH)).status_code == 403
    broken = await hub.post(lines(invalid, forbidden) + b"\n{", header, NDJSON)
    assert broken.status_code == 400
    assert (2, "line 3", "not_json") in told(broken)
    partial = await hub.post(lines(invalid, event()) + b"\n{", header, NDJSON, params={"partial": "true"})
    assert partial.status_code == 202
    assert [a["index"] for a in partial.json()["accepted"]] == [1]


async def test_the_same_identity_twice_in_a_batch_is_the_ledgers_matter(hub: Hub) -> None:
    _, header = await hub.key()
    batch = [event(), event(), event(data={"hazard_id": "YH-1", "level": "major"})]
    assert (await hub.post(batch, header, BATCH)).status_code == 202
    records = await hub.records()
    assert len(records) == 3
    assert [r["recordedtime"] for r in records] == sorted({r["recordedtime"] for r in records})


async def test_one_subject_stays_in_order_and_a_full_batch_comes_in(hub: Hub) -> None:
    _, header = await hub.key()
    assert (await hub.post(many(5000), header, BATCH)).status_code == 202
    by_subject: dict[str, list[int]] = {}
    for record in await hub.records():
        by_subject.setdefault(record["subject"], []).append(int(record["id"][2:]))
    assert sum(map(len, by_subject.values())) == 5000
    assert all(ids == sorted(ids) for ids in by_subject.values())


async def test_limits_are_named(hub: Hub) -> None:
    _, header = await hub.key()
    cases = [
        (many(5001), BATCH, "5000"),
        (lines(*many(10_001)), NDJSON, "10000"),
        (b"x" * 10_000_000, BATCH, "8 MB"),
        (event(data={"hazard_id": "1", "x": "y" * 300_000}), "application/cloudevents+json", "256 KB"),
        (lines(*({} for _ in range(100_000))), NDJSON, "10000"),
    ]
    for body, kind, limit in cases:
        answer = await hub.post(body, header, kind)
        assert answer.status_code == 413, answer.text[:200]
        assert limit in answer.text
    assert (await hub.post(event(), header)).status_code == 202


async def test_a_chunked_body_is_counted_as_it_comes(hub: Hub) -> None:
    _, header = await hub.key()

    async def endless() -> Any:
        for _ in range(200):
            yield b" " * 100_000

    headers = {"authorization": header, "content-type": NDJSON}
    answer = await hub.client.post("/ingest/events", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_more_than_64_mb_in_flight_is_not_now(hub: Hub) -> None:
    _, header = await hub.key()
    start = f"POST /ingest/events HTTP/1.1\r\nhost: x\r\ncontent-type: {NDJSON}\r\nauthorization: {header}\r\n"

    async def answers(body: Any, kind: str, status: int) -> bool:
        return (await hub.post(body, header, kind)).status_code == status

    writers = []
    for _ in range(8):
        _reader, writer = await asyncio.open_connection("127.0.0.1", hub.settings.http_port)
        writer.write(f"{start}content-length: {api.MAX_BODY}\r\n\r\n".encode() + b" " * (api.MAX_BODY - 1))
        await writer.drain()
        writers.append(writer)
    await until(lambda: answers(b" " * 5000, NDJSON, 503))
    refused = await hub.post(b" " * 5000, header, NDJSON)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    for writer in writers:
        writer.close()
    await until(lambda: answers(event(), "application/cloudevents+json", 202))


async def test_a_slow_body_is_cut_off_and_a_client_that_hangs_up_leaves_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "BODY_SECONDS", 0.3)
    _, header = await hub.key()
    body = msgspec.json.encode(event())
    start = f"POST /ingest/events HTTP/1.1\r\nhost: x\r\ncontent-type: {NDJSON}\r\nauthorization: {header}\r\n"
    whole = f"{start}content-length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.settings.http_port)
    writer.write(whole[:-10])
    began = time.monotonic()
    answer = await reader.read(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 3
    writer.close()
    for cut in (40, len(whole) - len(body), len(whole) - 1):
        _reader, writer = await asyncio.open_connection("127.0.0.1", hub.settings.http_port)
        writer.write(whole[:cut])
        await writer.drain()
        writer.close()
    await asyncio.sleep(0.3)
    assert await hub.records() == []
    assert (await hub.post(event(), header)).status_code == 202


async def test_a_client_that_hangs_up_after_its_body_has_published(hub: Hub) -> None:
    _, header = await hub.key()
    body = lines(*many(500))
    start = f"POST /ingest/events HTTP/1.1\r\nhost: x\r\ncontent-type: {NDJSON}\r\nauthorization: {header}\r\n"
    _reader, writer = await asyncio.open_connection("127.0.0.1", hub.settings.http_port)
    writer.write(f"{start}content-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()
    await asyncio.sleep(1)
    assert len(await hub.records()) in (0, 500)  # all or nothing, however far it came
    assert (await hub.post(event(), header)).status_code == 202


BAD: dict[str, tuple[Any, str, dict[str, str], int]] = {
    "broken JSON": (b'{"id":', "application/cloudevents+json", {}, 400),
    "no JSON at all": (b"\xff\xfe", BATCH, {}, 400),
    "a bottomless array": (b"[" * 500_000, BATCH, {}, 400),
    "text": (b"hello", "text/plain", {}, 415),
    "XML": (b"<event/>", "application/cloudevents+xml", {}, 415),
    "no content type": (b"{}", "", {}, 415),
    "gzip": (b"\x1f\x8b", NDJSON, {"content-encoding": "gzip"}, 415),
    "a list": ([1, "x", None, [], {}], BATCH, {}, 422),
    "nothing": (b"", "application/cloudevents+json", {}, 400),
    "year 1": (event(time="0001-01-01T00:00:00+08:00"), "application/cloudevents+json", {}, 422),
    "year 9999": (event(**FAR), "application/cloudevents+json", {}, 422),
    "no offset": (event(time="2023-06-30T08:00:00"), "application/cloudevents+json", {}, 422),
    "many kinds of type": (
        event(type={"a": 1}, id=[], source=1.5, time=False),
        "application/cloudevents+json",
        {},
        422,
    ),
}


async def test_bad_input_is_answered_and_never_5xx(hub: Hub) -> None:
    _, header = await hub.key()
    for name, (body, kind, extra, status) in BAD.items():
        answer = await hub.post(body, header, kind, headers=extra)
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert await hub.records() == []


async def test_problems_beyond_a_thousand_are_counted(hub: Hub) -> None:
    _, header = await hub.key()
    answer = await hub.post([{"id": str(i), "type": f"no.such{i}"} for i in range(5000)], header, BATCH)
    assert answer.status_code == 422
    assert len(answer.json()["problems"]) == 1000
    assert answer.json()["problem_count"] > 5000


async def test_keys_are_asked_for_and_revoked_within_a_second(hub: Hub) -> None:
    key, header = await hub.key()
    for bad in (
        "",
        "Bearer x",
        "Basic abc",
        header[:-1],
        header.replace(key.id, "0" * 12),
        "Bearer hub__",
        header + "x",
    ):
        answer = await hub.post(event(), bad)
        assert answer.status_code == 401, bad
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await hub.post(event(), header)).status_code == 202
    await access.revoke(hub.connection, key.id)
    await asyncio.sleep(1)
    assert (await hub.post(event(), header)).status_code == 401


async def test_a_key_with_a_rate_waits(hub: Hub) -> None:
    _, header = await hub.key(Scope(("*",), rate=10.0))
    assert (await hub.post(many(30), header, BATCH)).status_code == 202
    answer = await hub.post(event(), header)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 4


async def test_hub_attributes_from_outside_are_replaced(hub: Hub) -> None:
    _, header = await hub.key()
    forged = {"publisher": "someone", "recordedtime": "2000-01-01T00:00:00Z", "digest": "0" * 64, "cause": "x"}
    assert (await hub.post(event(**forged), header)).status_code == 202
    (record,) = await hub.records()
    assert record["publisher"] == "tester"
    assert record["digest"] != forged["digest"]
    assert record["recordedtime"] > "2020"
    assert "cause" not in record


async def test_the_register_is_shown(hub: Hub) -> None:
    items = (await hub.client.get("/ingest/types")).json()["items"]
    assert {"type": "hazard.found", "zh": "发现隐患"}.items() <= next(
        i for i in items if i["type"] == "hazard.found"
    ).items()
    shown = (await hub.client.get("/ingest/types/hazard.found")).json()
    assert shown["schema"]["$defs"]["data"]["properties"]["hazard_id"]
    _, header = await hub.key()
    assert (await hub.post(shown["example"], header)).status_code == 202
    missing = await hub.client.get("/ingest/types/hazard.fuond")
    assert missing.status_code == 404
    assert "hazard.found" in missing.json()["detail"]


async def test_health_metrics_and_offline_docs(hub: Hub) -> None:
    _, header = await hub.key()
    await hub.post(many(3), header, BATCH)
    await hub.post(event(**FAR), header)
    assert (await hub.client.get("/ingest/health/live")).status_code == 200
    ready = await hub.client.get("/ingest/health/ready")
    assert ready.json() == {"status": "ok", "parts": {"kafka": "ok", "keys": "ok"}}
    metrics = (await hub.client.get("/ingest/metrics")).text
    assert 'hub_ingest_events_total{outcome="accepted",type="hazard.found"} 3.0' in metrics
    assert 'hub_ingest_events_total{outcome="rejected",type="hazard.found"} 1.0' in metrics
    assert 'hub_ingest_requests_total{status="422"} 1.0' in metrics
    docs = (await hub.client.get("/ingest/docs")).text
    assert "://" not in docs
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert (await hub.client.get(f"/ingest/docs/{asset}")).status_code == 200
    assert (await hub.client.get("/ingest/docs/..%2f..%2f__init__.py")).status_code == 404
    described = (await hub.client.get("/ingest/openapi.json")).json()
    assert described["servers"] == [{"url": "/ingest"}]
    body = described["paths"]["/events"]["post"]["requestBody"]["content"]
    assert set(body) >= {"application/cloudevents+json", BATCH, NDJSON}


async def test_every_answer_carries_the_security_headers(hub: Hub) -> None:
    for path, status in (("/ingest/health/live", 200), ("/ingest/nowhere", 404), ("/ingest/events", 405)):
        answer = await hub.client.get(path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answer.headers
        if status != 200:
            assert answer.json()["status"] == status


async def test_the_door_stays_open_while_postgresql_is_away(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    _, header = await hub.key()
    monkeypatch.setattr(hub.app.state.access, "dsn", "postgresql://127.0.0.1:1/nowhere")
    await hub.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hub-access'"
        " AND datname = current_database()"
    )
    await asyncio.sleep(1)
    assert (await hub.post(event(), header)).status_code == 202
    assert (await hub.client.get("/ingest/health/ready")).status_code == 200
