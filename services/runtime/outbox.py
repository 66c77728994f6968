"""The outbox: what a service says on Kafka, written down in the transaction that decides it, then sent in order.

A row is removed only after Kafka has it on disk, so it may be sent twice; whoever reads it knows it by its id. One
sender per schema, by advisory lock; a second process stands by.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple, NoReturn

import asyncpg
import structlog

from services.runtime import fault, postgres
from services.runtime.kafka import Publisher, Record, Rejected, Unknown
from services.runtime.settings import Settings

log = structlog.get_logger(__name__)

EVENT = "application/cloudevents+json"
BATCH = 500
POLL_SECONDS = 5.0
"""So long at most until a row is seen whose NOTIFY was lost."""
STANDBY_SECONDS = 0.5
HELD_SECONDS = 0.1
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Row(NamedTuple):
    """What is to be said."""

    topic: str
    key: bytes | None
    value: bytes
    content_type: str = EVENT
    partition: int | None = None
    """None: by the key."""


async def put(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Write rows into the schema of the connection's search path; call it inside the transaction of the effect."""
    if rows:
        await connection.copy_records_to_table("outbox", records=rows, columns=list(Row._fields))
        await connection.execute("SELECT pg_notify(current_schema() || '.outbox', '')")


Held = Callable[[asyncpg.Connection], Awaitable[bool]]
"""Whether something else goes first now."""


async def _never(_connection: asyncpg.Connection) -> bool:
    return False


class Outbox:
    """Sends what stands in one schema's outbox until it is told to stop, except while it is held up."""

    def __init__(self, settings: Settings, schema: str, held: Held = _never) -> None:
        self._dsn, self._schema, self._held = settings.postgres_dsn, schema, held
        self._publisher = Publisher(settings)
        self._told = asyncio.Event()
        self._tries = 0

    async def run(self) -> None:
        """For ever, until cancelled; whatever may pass is tried again, in order."""
        try:
            while True:
                try:
                    await self._follow()
                except (*postgres.NOT_NOW, Unknown) as error:
                    self._tries += 1
                    log.warning("outbox.not_now", schema=self._schema, error=repr(error), tries=self._tries)
                    await asyncio.sleep(RETRY_SECONDS[min(self._tries, len(RETRY_SECONDS)) - 1])
        finally:
            await self._publisher.close()

    async def _follow(self) -> NoReturn:
        """Send from one connection, from its start to the first trouble."""
        connection = await postgres.connect(self._dsn, role=f"{self._schema}-outbox", command_timeout=30)
        try:
            await connection.execute(f"SET search_path TO {self._schema}")
            await connection.add_listener(f"{self._schema}.outbox", lambda *_: self._told.set())
            await self._lead(connection)
            while True:
                self._told.clear()
                while not (held := await self._held(connection)) and await self._send(connection):
                    self._tries = 0
                await (asyncio.sleep(HELD_SECONDS) if held else _at_most(self._told, POLL_SECONDS))
        finally:
            connection.terminate()

    async def _lead(self, connection: asyncpg.Connection) -> None:
        """Wait until this process is the one sender of the schema."""
        lock = f"hub.outbox.{self._schema}"
        while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", lock):  # noqa: ASYNC110
            await asyncio.sleep(STANDBY_SECONDS)

    async def _send(self, connection: asyncpg.Connection) -> bool:
        """Send the oldest rows; False when there is none. Raises Unknown."""
        rows = await connection.fetch("SELECT * FROM outbox WHERE refused IS NULL ORDER BY id LIMIT $1", BATCH)
        if not rows:
            return False
        try:
            await self._publisher.publish([_record(row) for row in rows])
        except Rejected:
            await self._one_by_one(connection, rows)
            return True
        fault.at("outbox.sent")
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
        return True

    async def _one_by_one(self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> None:
        """Among these is one that Kafka will never take: keep that with its reason, send the others."""
        for row in rows:
            try:
                await self._publisher.publish([_record(row)])
            except Rejected as error:
                log.warning("outbox.refused", schema=self._schema, id=row["id"], topic=row["topic"], error=str(error))
                await connection.execute("UPDATE outbox SET refused = $2 WHERE id = $1", row["id"], str(error))
            else:
                await connection.execute("DELETE FROM outbox WHERE id = $1", row["id"])


def _record(row: asyncpg.Record) -> Record:
    return Record(row["topic"], row["key"], row["value"], [("content-type", row["content_type"].encode())],
                  row["partition"])  # fmt: skip


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation (Python 3.11)
            await event.wait()


async def beside(outbox: Outbox, work: Coroutine[Any, Any, None]) -> None:
    """Send while the work goes on; either one's error ends both."""
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(outbox.run(), name="outbox")
        await work
        sending.cancel()
