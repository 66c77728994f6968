"""Ledger and tally from a full backlog: events per second, and where the microseconds go, process by process."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench import events
from bench.line import Line
from bench.parts import Ended, Stage, per_event
from services.contracts.topics import CANONICAL
from services.runtime import postgres
from services.runtime.kafka import ensure_topics
from services.runtime.settings import Settings

LEAST = 25_000
FLAT_PERCENT = 25
POLL_SECONDS = 0.05
READ = "SELECT coalesce(sum(next - first), 0)::bigint FROM reporting.position"


@dataclass(frozen=True)
class Drained:
    """What one run measured."""

    events: int
    per_second: float
    cpu: Mapping[str, float]
    """Microseconds per event, by process."""
    details: Mapping[str, float]

    @property
    def microseconds(self) -> float:
        """CPU per event of all processes together."""
        return sum(self.cpu.values())

    def line(self, ids: str) -> Line:
        """Its row in the table."""
        what = f"ledger + tally, backlog of {self.events:,} ({ids})"
        return Line(what, self.per_second, "events/s", least=LEAST, details={**self.cpu, **self.details})


def flat(runs: list[Drained]) -> Line:
    """How far the cost of an event strays over the sizes: ± percent around the middle."""
    costs = [run.microseconds for run in runs]
    stray = (max(costs) - min(costs)) / (max(costs) + min(costs)) * 100
    details = {f"µs at {run.events:,}": run.microseconds for run in runs}
    return Line("ledger + tally, cost per event flat", stray, "± %", most=FLAT_PERCENT, details=details)


def run(stage: Stage, total: int, *, random_ids: bool = False) -> Drained:
    """Fill the topics, unless they are full already; empty the tables; drain."""
    if (there := asyncio.run(stage.guarded(backlog(stage.settings)))) not in (0, total):
        raise Ended(f"{stage.settings.data_dir} holds a backlog of {there:,} events: take another folder, or --events")
    if not there:
        asyncio.run(stage.guarded(fill(stage.settings, total, random_ids=random_ids)))
    asyncio.run(stage.guarded(empty(stage.settings.postgres_dsn)))
    return asyncio.run(drain(stage, total))


async def backlog(settings: Settings) -> int:
    """Records in all canonical topics."""
    await ensure_topics(settings)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await consumer.start()
    try:
        every = [TopicPartition(settings.topic_prefix + t.name, p) for t in CANONICAL for p in range(t.partitions)]
        return sum((await consumer.end_offsets(every)).values())
    finally:
        await consumer.stop()


async def empty(dsn: str) -> None:
    """Tables as on the first day."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("DROP SCHEMA IF EXISTS reporting CASCADE")
    finally:
        await connection.close()
    await postgres.migrate_all(dsn)


async def fill(settings: Settings, total: int, *, random_ids: bool) -> None:
    """Write the backlog."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all", linger_ms=20,
                                max_batch_size=1 << 19)  # fmt: skip
    await producer.start()
    try:
        for n, (topic, event) in enumerate(events.stream(total, random_ids=random_ids), 1):
            await producer.send(settings.topic_prefix + topic, events.record(event), key=event["subject"].encode())
            if n % 100_000 == 0:
                print(f"  backlog {n:,} of {total:,}", file=sys.stderr, flush=True)
        await producer.flush()
    finally:
        await producer.stop()


async def drain(stage: Stage, total: int) -> Drained:
    """Start the reader on the backlog and wait until it is empty; the first batch is not measured."""
    stage.start("reader", "bench.reader")
    connection = await asyncpg.connect(stage.settings.postgres_dsn)
    try:
        first = await stage.guarded(_reaches(connection, 1))
        began, before = time.perf_counter(), stage.cpu()
        tenth = await stage.guarded(_reaches(connection, first + (total - first) // 10))
        early = time.perf_counter()
        nine = await stage.guarded(_reaches(connection, first + (total - first) // 10 * 9))
        late = time.perf_counter()
        await stage.guarded(_reaches(connection, total))
        seconds = time.perf_counter() - began
        cpu = per_event(before, stage.cpu(), total - first)
        return Drained(total, (total - first) / seconds, cpu, {
            "first tenth/s": (tenth - first) / (early - began),
            "last tenth/s": (total - nine) / (began + seconds - late),
            **{f"{name} MB": bytes_ / 1e6 for name, bytes_ in stage.memory().items()},
        })  # fmt: skip
    finally:
        await connection.close()
        stage.end("reader")


async def _reaches(connection: asyncpg.Connection, offset: int) -> int:
    """Wait until so many records have been read; how many it is."""
    while (read := await connection.fetchval(READ)) < offset:  # noqa: ASYNC110 the database tells nobody
        await asyncio.sleep(POLL_SECONDS)
    return int(read)
