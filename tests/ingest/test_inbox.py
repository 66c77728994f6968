"""Inboxes on real Kafka and PostgreSQL: partners with unmodified tools, and partners who make trouble."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from cloudevents.v1 import kafka as cloud
from cloudevents.v1.http import CloudEvent

from services.contracts import frame
from services.contracts.topics import BY_NAME, CANONICAL, Topic, inbox_of, receipts_of
from services.ingest import binding, stream
from services.ingest.problem import Problem
from services.runtime import access, outbox, postgres
from services.runtime.access import Key, Scope
from services.runtime.consume import PROMPT
from services.runtime.kafka import ensure_topics, named
from services.runtime.settings import Settings
from tests.conftest import delete_topics
from tests.ingest.conftest import until
from tests.ingest.scene import event

OWN = Scope(sources=("/town",), rights=("publish", "correct", "retract"))
Headers = list[tuple[str, bytes]]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json")]


class Partner:
    """Somebody who has an inbox."""

    def __init__(self, desk: Desk, key: Key) -> None:
        self.desk, self.key, self.name = desk, key, key.name
        self.inbox = named(desk.settings, inbox_of(self.name))

    async def write(self, records: Iterable[tuple[bytes | None, Headers]], **options: Any) -> None:
        """Write records to the inbox by a plain aiokafka producer, acknowledged."""
        producer = AIOKafkaProducer(bootstrap_servers=self.desk.settings.kafka_bootstrap, acks="all", **options)
        async with producer:
            for value, headers in records:
                await producer.send(self.inbox, value, key=b"k", headers=headers)
            await producer.flush()

    async def send(self, *events: dict[str, Any]) -> None:
        """Write events in structured mode."""
        await self.write([(json.dumps(e).encode(), STRUCTURED) for e in events])

    async def receipts(self, number: int) -> list[dict[str, Any]]:
        """The first receipts, once there are so many."""
        found = await self.desk.read([receipts_of(self.name)], number)
        return [json.loads(record.value) for record in found]


class Desk:
    """A hub without its HTTP: topics, tables, and the stream of ingest."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings, self.connection = settings, connection

    async def partner(self, name: str = "town-a", scope: Scope = OWN) -> Partner:
        """A new partner with its topics, as `hub keys add NAME --kafka` makes it."""
        await ensure_topics(self.settings, [inbox_of(name), receipts_of(name)])
        key, _ = await access.add_key(self.connection, name, scope, kafka=True)
        return Partner(self, key)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """The stream at work."""
        async with stream.build(self.settings, PROMPT) as (loop, box):
            task = asyncio.create_task(outbox.beside(box, loop.run()))
            try:
                yield
            finally:
                loop.stop()
                await asyncio.wait_for(task, 15)

    async def read(self, topics: Iterable[Topic], number: int, seconds: float = 25) -> list[Any]:
        """The records of these topics, once there are so many, by partition and offset."""
        parts = [TopicPartition(named(self.settings, t), p) for t in topics for p in range(t.partitions)]
        found: list[Any] = []
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        consumer.assign(parts)
        async with consumer, asyncio.timeout(seconds):
            while len(found) < number:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        return sorted(found, key=lambda r: (r.topic, r.partition, r.offset))

    async def events(self, number: int) -> list[dict[str, Any]]:
        """What stands on the canonical topics."""
        return [json.loads(record.value) for record in await self.read(CANONICAL, number)]


@pytest.fixture
async def desk(settings: Settings, topics: list[str]) -> AsyncIterator[Desk]:
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await postgres.connect(settings.postgres_dsn, role="test")
    desk = Desk(settings, connection)
    yield desk
    names = await connection.fetch("SELECT DISTINCT name FROM access.key WHERE kafka")
    partners = [named(settings, t(row["name"])) for row in names for t in (inbox_of, receipts_of)]
    await connection.close()
    await delete_topics(settings.kafka_bootstrap, partners)


def found(id_: str, **changes: Any) -> dict[str, Any]:
    """A hazard found in town."""
    return event(**{"id": id_, "source": "/town/office", **changes})


# --- reading (pure) ---------------------------------------------------------------------------------------------------


def test_binary_and_structured_records_are_the_same_event() -> None:
    whole = found("e-1", subject="隐患-1")
    data = whole.pop("data")
    attributes = [(f"ce_{name}", str(value).encode()) for name, value in whole.items()]
    binary = binding.read_kafka([*attributes, ("content-type", b"application/json")], json.dumps(data).encode())
    structured = binding.read_kafka(STRUCTURED, json.dumps({**whole, "data": data}).encode())
    assert binary.value == {**structured.value, "datacontenttype": "application/json"}
    assert binding.read_kafka([], json.dumps({**whole, "data": data}).encode()).value == structured.value


@pytest.mark.parametrize(
    ("headers", "value", "code"),
    [
        (STRUCTURED, b"\xff\xfe", "not_json"),
        (STRUCTURED, None, "not_json"),
        ([("ce_id", b"\xff")], b"{}", "not_json"),
        ([("ce_id", b"1"), ("content-type", b"text/plain")], b"x", "content_type"),
        ([("ce_id", b"1"), ("ce_data", b"x")], b"{}", "not_json"),
        (STRUCTURED, b"[" * 1000, "not_json"),
    ],
)
def test_what_is_no_event_says_why_and_raises_nothing(headers: Headers, value: bytes | None, code: str) -> None:
    sent = binding.read_kafka(headers, value)
    assert isinstance(sent.problem, Problem)
    assert sent.problem.code == code


# --- partners ---------------------------------------------------------------------------------------------------------


async def test_what_comes_by_an_inbox_is_an_event_like_any_other(desk: Desk) -> None:
    partner = await desk.partner()
    async with desk.reading():
        await partner.send(found("e-1"), found("e-2"), found("e-1"), found("e-1", data={"hazard_id": "YH-9"}))
        receipts = await partner.receipts(4)
    assert [(r["id"], r["offset"], r["outcome"]) for r in sorted(receipts, key=lambda r: r["offset"])] == [
        ("e-1", 0, "accepted"), ("e-2", 1, "accepted"), ("e-1", 2, "duplicate"), ("e-1", 3, "conflict"),
    ]  # fmt: skip
    written = await desk.events(4)
    assert {e["publisher"] for e in written} == {"town-a"}
    record = (await desk.read([inbox_of("town-a")], 4))[0]
    assert record.timestamp_type == 1
    appended = datetime.datetime.fromtimestamp(record.timestamp / 1000, datetime.UTC)
    first = min(datetime.datetime.fromisoformat(e["recordedtime"]) for e in written)
    assert first == appended


async def test_what_comes_again_later_is_told_from_what_it_was(desk: Desk) -> None:
    partner = await desk.partner()
    async with desk.reading():
        await partner.send(found("e-1"))
        await partner.receipts(1)
        await partner.send(found("e-1"), found("e-2"), found("e-1", data={"hazard_id": "YH-9"}))
        receipts = await partner.receipts(4)
    assert [(r["id"], r["outcome"]) for r in sorted(receipts, key=lambda r: r["offset"])] == [
        ("e-1", "accepted"), ("e-1", "duplicate"), ("e-2", "accepted"), ("e-1", "conflict"),
    ]  # fmt: skip
    assert await desk.connection.fetchval("SELECT sum(events) FROM ingest.outcome WHERE fate = 'accepted'") == 2


async def test_an_inbox_that_comes_later_is_read_too(desk: Desk) -> None:
    early = await desk.partner("early")
    async with desk.reading():
        await early.send(found("e-1"))
        await early.receipts(1)
        late = await desk.partner("late")
        await late.send(found("l-1"))
        assert [r["outcome"] for r in await late.receipts(1)] == ["accepted"]
        await early.send(found("e-2"))
        assert [r["id"] for r in await early.receipts(2)] == ["e-1", "e-2"]


async def test_the_sdk_of_cloudevents_and_aiokafka_work_unmodified(desk: Desk) -> None:
    partner = await desk.partner()
    attributes = {k: v for k, v in found("sdk-1").items() if k not in ("data", "specversion")}
    data = {"hazard_id": "YH-1", "level": "general"}
    binary = cloud.to_binary(CloudEvent({**attributes, "datacontenttype": "application/json"}, data))
    structured = cloud.to_structured(CloudEvent({**attributes, "id": "sdk-2"}, data))
    messages = [binary, structured]
    async with desk.reading():
        await partner.write([(m.value, list(m.headers.items())) for m in messages])
        receipts = await partner.receipts(2)
    assert [(r["id"], r["outcome"]) for r in receipts] == [("sdk-1", "accepted"), ("sdk-2", "accepted")], receipts


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
async def test_kcat_works_unmodified(desk: Desk) -> None:
    partner = await desk.partner()
    kcat = ["kcat", "-b", desk.settings.kafka_bootstrap, "-t", partner.inbox, "-P"]
    attributes = {k: v for k, v in found("kcat-1").items() if k != "data"}
    headers = [word for k, v in attributes.items() for word in ("-H", f"ce_{k}={v}")]
    lines = "\n".join(json.dumps(found(f"kcat-{n}")) for n in (2, 3))
    async with desk.reading():
        await asyncio.to_thread(_run, [*kcat, *headers, "-H", "content-type=application/json"], '{"hazard_id":"YH-1"}')
        await asyncio.to_thread(_run, kcat, lines)
        receipts = await partner.receipts(3)
        told = _run(["kcat", "-b", desk.settings.kafka_bootstrap, "-t", named(desk.settings, receipts_of("town-a")),
                     "-C", "-e", "-q"], "")  # fmt: skip
    assert {(r["id"], r["outcome"]) for r in receipts} == {(f"kcat-{n}", "accepted") for n in (1, 2, 3)}, receipts
    assert len(told.splitlines()) == 3


def _run(command: list[str], said: str) -> str:
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=30, check=True).stdout


async def test_a_producer_with_transactions_leaves_marks_that_stop_nothing(desk: Desk) -> None:
    partner = await desk.partner()
    producer = AIOKafkaProducer(bootstrap_servers=desk.settings.kafka_bootstrap, transactional_id=partner.inbox)
    async with desk.reading(), producer:
        for id_ in ("t-1", "t-2"):
            async with producer.transaction():
                await producer.send(partner.inbox, json.dumps(found(id_)).encode())
        with contextlib.suppress(ConnectionAbortedError):
            async with producer.transaction():
                await producer.send_and_wait(partner.inbox, json.dumps(found("t-aborted")).encode())
                raise ConnectionAbortedError
        await partner.send(found("t-3"))
        assert [r["id"] for r in await partner.receipts(3)] == ["t-1", "t-2", "t-3"]


async def test_the_command_makes_key_and_topics(desk: Desk) -> None:
    made = json.loads(await _hub(desk, "keys", "add", "town-b", "--source", "/town", "--kafka", "--json"))
    assert (made["inbox"], made["receipts"]) == (
        named(desk.settings, "inbox.town-b"),
        named(desk.settings, "receipts.town-b"),
    )
    (key,) = await access.list_keys(desk.connection)
    async with desk.reading():
        partner = Partner(desk, key)
        await partner.send(found("e-1"))
        assert [r["outcome"] for r in await partner.receipts(1)] == ["accepted"]
    with pytest.raises(subprocess.CalledProcessError):
        await _hub(desk, "keys", "add", "镇", "--source", "/town", "--kafka")


async def _hub(desk: Desk, *words: str) -> str:
    command = [sys.executable, "-c", "from services.cli.app import main; main()", *words]
    environment = {**os.environ, **_environment(desk.settings)}
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_partner_who_floods_with_garbage_stops_neither_his_inbox_nor_the_others(desk: Desk) -> None:
    flooding, other = await desk.partner("flooding"), await desk.partner("other")
    async with desk.reading():
        garbage: list[tuple[bytes | None, Headers]] = [(b"\xff\xfe\x00 no UTF-8", []), (None, []), (b"{}", STRUCTURED)]
        await flooding.write(garbage * 150)
        await other.send(found("good"))
        assert (await other.receipts(1))[0]["outcome"] == "accepted"
        await flooding.send(found("after"))
        receipts = await flooding.receipts(451)
    assert [r["outcome"] for r in receipts[:450]] == ["quarantined"] * 450
    assert (receipts[450]["id"], receipts[450]["outcome"]) == ("after", "accepted")
    rows = await desk.connection.fetch("SELECT reason, count(*) AS n FROM ingest.quarantine GROUP BY 1 ORDER BY 1")
    assert sum(row["n"] for row in rows) == 450
    position = await desk.connection.fetchrow("SELECT * FROM ingest.position WHERE topic = 'inbox.flooding'")
    assert (position["handled"], position["quarantine"], position["next"]) == (1, 450, 451)


async def test_a_source_that_is_not_his_and_a_right_he_has_not_are_quarantined(desk: Desk) -> None:
    partner = await desk.partner(scope=Scope(sources=("/town",)))
    async with desk.reading():
        await partner.send(
            found("theirs", source="/city/office"),
            found("back", type="event.retracted", subject="YH-1", corrects="e-0", data={"type": "hazard.found"}),
            found("good"),
        )
        receipts = {r["id"]: r for r in await partner.receipts(3)}
    assert receipts["good"]["outcome"] == "accepted"
    assert "source_not_allowed" in receipts["theirs"]["reason"]
    assert "right_missing" in receipts["back"]["reason"]
    assert [e["id"] for e in await desk.events(1)] == ["good"]


async def test_of_a_revoked_key_everything_is_quarantined_until_there_is_a_new_one(desk: Desk) -> None:
    partner = await desk.partner()
    await access.revoke(desk.connection, partner.key.id)
    await partner.send(found("e-1"))
    async with desk.reading():
        (receipt,) = await partner.receipts(1)
        assert receipt["reason"].startswith("key_revoked")
        await desk.partner()
        await asyncio.sleep(1)
        await partner.send(found("e-1"))
        assert [r["outcome"] for r in await partner.receipts(2)] == ["quarantined", "accepted"]


@pytest.mark.parametrize("place", ["inbox.published", "loop.in_transaction", "outbox.sent"])
async def test_killed_at_any_place_nothing_is_lost_and_each_event_is_one(desk: Desk, place: str) -> None:
    partner = await desk.partner()
    ids = [f"e-{n}" for n in range(50)]
    await partner.send(*(found(id_) for id_ in ids))
    killed = await asyncio.to_thread(_stream, desk.settings, place)
    assert killed == -signal.SIGKILL
    async with desk.reading():
        await until(lambda: _accepted(desk), 20)
        receipts = await partner.receipts(50)
    assert {r["id"] for r in receipts} >= set(ids)
    assert await _accepted(desk)
    assert {e["id"] for e in await desk.events(50)} == set(ids)


async def _accepted(desk: Desk) -> bool:
    accepted = await desk.connection.fetchval("SELECT count(*) FROM ingest.accepted")
    counted = await desk.connection.fetchval("SELECT sum(events) FROM ingest.outcome WHERE fate = 'accepted'")
    return bool(accepted == counted == 50)


def _stream(settings: Settings, place: str) -> int:
    """Run the stream as a process of its own until it is killed at this place."""
    environment = {**os.environ, **_environment(settings), "HUB_FAULT": place, "HUB_ENVIRONMENT": "test"}
    return subprocess.run(
        [sys.executable, "-m", "services.ingest.stream"], env=environment, timeout=60, check=False, capture_output=True
    ).returncode


def _environment(settings: Settings) -> dict[str, str]:
    return {f"HUB_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()}


async def test_readings_share_a_record_and_each_has_its_receipt(desk: Desk) -> None:
    partner = await desk.partner()
    data = [{"point_id": "P1", "site_id": "CS-1", "value": n} for n in range(3)]
    await partner.send(
        *(found(f"r{n}", type="sensor.reading", data=one) for n, one in enumerate(data)), found("bad", id="")
    )
    async with desk.reading():
        receipts = await partner.receipts(4)
        records = await desk.read([BY_NAME["telemetry"]], 1)
    assert sorted((r["id"], r["outcome"]) for r in receipts) == [
        ("", "quarantined"), ("r0", "accepted"), ("r1", "accepted"), ("r2", "accepted")
    ]  # fmt: skip
    readings = [one for record in records for one in frame.read(record.value).readings]
    assert [(one.id, one.data.value) for one in readings] == [("r0", 0), ("r1", 1), ("r2", 2)]
