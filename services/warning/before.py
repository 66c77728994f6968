"""The life before (前世): notices that the database is older than what this hub has already said on Kafka.

Whoever restores a database puts the watch back to an earlier moment. What it had concluded since then lies on Kafka,
and whatever it said in a turn it had noted as taken in: to read such a record and not know it is the proof. From
then on, until all of it has been read, facts are only taken in; the clockwork then finds out what the life before
must have said and sent, and goes on from there. Nobody is told twice, nothing is said twice.
"""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from asyncpg.pgproto.pgproto import UUID

from services.contracts import identity
from services.contracts.topics import CANONICAL
from services.runtime import kafka
from services.runtime.settings import Settings
from services.warning import said

log = structlog.get_logger(__name__)
IN_A_TURN = frozenset(
    ["warning.level_changed", "warning.chain_rated", "warning.ended", "callout.opened", "callout.escalated",
     "callout.closed", "loop.opened", "loop.moved", "loop.due_soon", "loop.due", "loop.overdue", "loop.closed"]
)  # fmt: skip
"""What is said in turns alone, each noted as taken in by the transaction that says it."""
OURS = f'"source":"{said.SOURCE}"'.encode()
LOOK_AHEAD = 50_000
"""Records of the lanes that can wait, in which a proof is looked for; once there is one, everything is read."""
AT_ONCE = 5_000
FETCH_SECONDS = 20.0


@dataclass(frozen=True)
class Life:
    """The life before this one."""

    found: datetime.datetime
    until: datetime.datetime
    """The last thing that it said: what fell due by then, it has done."""
    settled: bool
    said: frozenset[str] = field(repr=False)
    """Slots (`slot_of`) of everything that it said."""


class _Head(msgspec.Struct):
    id: str
    source: str
    type: str
    recordedtime: datetime.datetime


@dataclass
class Voice:
    """What one look hears of the hub itself."""

    rows: list[tuple[str, UUID, bytes]] = field(default_factory=list)
    until: datetime.datetime | None = None
    in_turns: list[UUID] = field(default_factory=list)
    records: int = 0

    def hear(self, record: bytes) -> None:
        """Note a record of our own."""
        self.records += 1
        if OURS not in record:
            return
        try:
            head = _head(record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # the reader sets it aside, with its reason
        if head.source == said.SOURCE:
            key = UUID(identity.key(head.source, head.id))
            self.rows.append((slot_of(head.id), key, record))
            self.until = max(self.until or head.recordedtime, head.recordedtime)
            if head.type in IN_A_TURN:
                self.in_turns.append(key)


_head = msgspec.json.Decoder(_Head).decode


def slot_of(id_: str) -> str:
    """What of an id follows from matter, slot and turn, whatever the moment."""
    return id_[14:]


class Before:
    """Looks ahead on Kafka, whenever a reader begins."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def look(self, connection: asyncpg.Connection, now: datetime.datetime) -> None:
        """Find the life before, if there was one that is not known yet; see `Life`. Raises what Kafka raises."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap(self._settings), enable_auto_commit=False, auto_offset_reset="none",
            fetch_max_bytes=16 << 20, max_partition_fetch_bytes=2 << 20, request_timeout_ms=10_000,
        )  # fmt: skip
        await connection.execute("SELECT pg_advisory_lock(hashtext('hub.warning.before'))")
        try:
            await asyncio.wait_for(consumer.start(), 10)
            await self._find(connection, consumer, now)
        finally:
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=3)
        await connection.execute("SELECT pg_advisory_unlock(hashtext('hub.warning.before'))")

    async def _find(self, connection: asyncpg.Connection, consumer: AIOKafkaConsumer, now: datetime.datetime) -> None:
        begins, ends = await self._ahead(connection, consumer)
        if not begins:
            return
        urgent = {tp: at for tp, at in begins.items() if tp.topic == kafka.named(self._settings, "urgent")}
        voice = Voice()
        await _listen(consumer, urgent, ends, voice)
        patient = {tp: at for tp, at in begins.items() if tp not in urgent}
        patient = await _listen(consumer, patient, ends, voice, LOOK_AHEAD)
        if not await connection.fetchval(UNKNOWN, voice.in_turns):
            return
        await _listen(consumer, patient, ends, voice)
        prefix = self._settings.topic_prefix
        marks = {f"{tp.topic.removeprefix(prefix)}/{tp.partition}": ends[tp] for tp in begins}
        async with connection.transaction():
            await connection.executemany(SAID, voice.rows)
            await connection.execute(FOUND, now, voice.until, json.dumps(marks))
        log.warning("a life before was found", said=len(voice.rows), until=str(voice.until))

    async def _ahead(
        self, connection: asyncpg.Connection, consumer: AIOKafkaConsumer
    ) -> tuple[dict[TopicPartition, int], Mapping[TopicPartition, int]]:
        """Where each log that goes on after what was read is to be read from, and where each ends."""
        partitions = [TopicPartition(kafka.named(self._settings, t.name), p) for t in CANONICAL
                      for p in range(t.partitions)]  # fmt: skip
        rows = await connection.fetch("SELECT topic, partition, next FROM position WHERE is_current")
        read = {TopicPartition(kafka.named(self._settings, r["topic"]), r["partition"]): r["next"] for r in rows}
        first = await asyncio.wait_for(consumer.beginning_offsets(partitions), 10)
        ends = await asyncio.wait_for(consumer.end_offsets(partitions), 10)
        begins = {tp: max(read.get(tp, 0), first[tp]) for tp in partitions}
        return {tp: at for tp, at in begins.items() if at < ends[tp]}, ends


async def _listen(
    consumer: AIOKafkaConsumer, begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int],
    voice: Voice, limit: int | None = None,
) -> dict[TopicPartition, int]:  # fmt: skip
    """Hear each log up to its end, or about so many records in all; where it is to go on."""
    left = dict(begins)
    if not left:
        return left
    consumer.assign(list(left))
    for tp, at in left.items():
        consumer.seek(tp, at)
    heard = voice.records
    while left and (limit is None or voice.records - heard < limit):
        for tp, records in (await asyncio.wait_for(_some(consumer), FETCH_SECONDS)).items():
            for record in records:
                voice.hear(record.value or b"")
            left[tp] = records[-1].offset + 1
            if left[tp] >= ends[tp]:
                del left[tp]
                consumer.pause(tp)
    return left


async def _some(consumer: AIOKafkaConsumer) -> Mapping[TopicPartition, list[Any]]:
    while not (found := await consumer.getmany(timeout_ms=500, max_records=AT_ONCE)):
        pass
    return dict(found)


async def load(connection: asyncpg.Connection, known: Life | None) -> Life | None:
    """The life before as the database has it; what is `known` already is not read again."""
    row = await connection.fetchrow("SELECT found, until, settled FROM warning.life_before ORDER BY found DESC LIMIT 1")
    if row is None:
        return None
    if known is not None and known.found == row["found"]:
        said_ = known.said
    else:
        rows = await connection.fetch("SELECT slot FROM warning.said_before")
        said_ = frozenset(one["slot"] for one in rows)
    return Life(row["found"], row["until"], row["settled"] is not None, said_)


async def records(connection: asyncpg.Connection, slots: list[str]) -> dict[str, bytes]:
    """Slot → what the life before said in it."""
    rows = await connection.fetch("SELECT slot, record FROM warning.said_before WHERE slot = ANY($1)", slots)
    return {row["slot"]: row["record"] for row in rows}


async def settle(connection: asyncpg.Connection, now: datetime.datetime) -> bool:
    """Once all that it said has been read and folded, things go their usual way again; whether they do now."""
    return bool(await connection.fetchval(SETTLE, now))


UNKNOWN = """
SELECT EXISTS (SELECT FROM unnest($1::uuid[]) k WHERE NOT EXISTS (SELECT FROM handled WHERE key = k)
                  AND NOT EXISTS (SELECT FROM said_before WHERE key = k))"""
SAID = "INSERT INTO said_before (slot, key, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
FOUND = "INSERT INTO life_before (found, until, ends) VALUES ($1, $2, $3)"
SETTLE = """
UPDATE warning.life_before SET settled = $1
 WHERE settled IS NULL
   AND (found < $1::timestamptz - interval '1 day' OR (NOT EXISTS (SELECT FROM warning.matter WHERE wake <= until)
        AND NOT EXISTS (SELECT FROM jsonb_each_text(ends) e WHERE NOT EXISTS (
              SELECT FROM warning.position p
               WHERE p.is_current AND p.topic || '/' || p.partition = e.key AND p.next >= e.value::bigint))))
RETURNING true"""
"""After a day at the latest: a log that stands still must not keep the others from their usual way."""
