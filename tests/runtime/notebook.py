"""A service of five lines over the consume loop: it writes down what it reads. For tests of the loop itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from services.contracts.topics import Topic
from services.runtime import postgres
from services.runtime.consume import PROMPT, Loop, Pace, Position, Slice
from services.runtime.settings import ROOT, Settings

TOPIC = Topic("notes", "normal", (), 2, 30, "what a test writes")


class Notes:
    """Writes down every record; what begins with `no` is no note, and `spoil` may make trouble."""

    def __init__(self) -> None:
        self.spoil: Callable[[str, str], None] = lambda _where, _text: None

    async def reset(self, connection: asyncpg.Connection, positions: Sequence[Position]) -> None:
        """Nothing is kept in memory."""

    async def stale(self, connection: asyncpg.Connection) -> str | None:
        return None

    async def prepare(self, slices: list[Slice]) -> list[tuple[str, int, int, str]]:
        """The notes to write."""
        notes = []
        for piece in slices:
            for record in piece:
                text = (record.value or b"").decode()
                if text.startswith("no"):
                    piece.never(record, "not_a_note", text)
                else:
                    self.spoil("prepare", text)
                    notes.append((piece.position.topic, piece.position.partition, record.offset, text))
        return notes

    async def apply(self, connection: asyncpg.Connection, slices: list[Slice], prepared: Any) -> None:
        """Write them."""
        for note in prepared:
            self.spoil("apply", note[3])
        await connection.copy_records_to_table(
            "note", records=prepared, columns=["topic", "partition", "offset", "text"]
        )


class Notebook:
    """Loops over the topic `notes` into the schema `probe`, and what they wrote."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings, self.connection = settings, connection
        self.notes = Notes()
        self.topics: tuple[Topic, ...] = (TOPIC,)

    def loop(self, pace: Pace = PROMPT) -> Loop:
        """A new loop, not started."""
        return Loop(self.settings, self.settings.postgres_dsn, self.settings.kafka_bootstrap, schema="probe",
                    topics=self.topics, fold=self.notes, pace=pace)  # fmt: skip

    @contextlib.asynccontextmanager
    async def reading(self, loop: Loop | None = None) -> AsyncIterator[asyncio.Task[None]]:
        """A loop at work; what it raises is raised here."""
        loop = loop or self.loop()
        task = asyncio.create_task(loop.run())
        try:
            yield task
        finally:
            loop.stop()
            await asyncio.wait({task}, timeout=10)
        task.result()

    async def send(self, *texts: str, partition: int = 0) -> None:
        """Publish, in order and acknowledged."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap, acks="all")
        await producer.start()
        try:
            for text in texts:
                await producer.send(self.settings.topic_prefix + TOPIC.name, text.encode(), partition=partition)
            await producer.flush()
        finally:
            await producer.stop()

    async def until(self, sql: str, *arguments: Any, seconds: float = 15) -> Any:
        """Wait until a query answers something true."""
        async with asyncio.timeout(seconds):
            while not (found := await self.connection.fetchval(sql, *arguments)):
                await asyncio.sleep(0.03)
        return found

    async def read_to(self, next_: int, partition: int = 0) -> None:
        """Wait until the current position of a partition is there."""
        await self.until("SELECT next = $1 FROM position WHERE partition = $2 AND is_current", next_, partition)

    async def stopped(self, partition: int = 0) -> str:
        """Wait until the partition has stopped; the sentence that says why."""
        why = await self.until("SELECT stopped ->> $1 FROM reader", f"{TOPIC.name}/{partition}")
        return str(why)

    async def texts(self) -> list[str]:
        """Every note, in order of topic, partition and offset."""
        rows = await self.connection.fetch('SELECT text FROM note ORDER BY topic, partition, id, "offset"')
        return [row["text"] for row in rows]

    async def position(self, partition: int = 0) -> dict[str, Any]:
        """The current position of a partition."""
        row = await self.connection.fetchrow("SELECT * FROM position WHERE partition = $1 AND is_current", partition)
        assert row is not None
        return dict(row)

    async def asides(self) -> list[tuple[int, str]]:
        """Offset and reason of what was set aside."""
        rows = await self.connection.fetch('SELECT "offset", reason FROM quarantine ORDER BY id')
        return [(row["offset"], row["reason"]) for row in rows]


async def prepare(settings: Settings) -> asyncpg.Connection:
    """Make the schema `probe`; a connection that looks into it."""
    connection = await asyncpg.connect(settings.postgres_dsn, server_settings={"search_path": "probe"})
    folder = Path(ROOT) / "services" / "runtime" / "schema" / "consume"
    await postgres.migrate(connection, "probe", (folder,))
    await connection.execute(
        'CREATE TABLE note (topic text, partition int, "offset" bigint, text text,'
        " id bigint GENERATED ALWAYS AS IDENTITY)"
    )
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    return connection
