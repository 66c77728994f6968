"""What time it is: the system's clock; in a hub under test one that `hub clock` moves forward, in every process."""

from __future__ import annotations

import asyncio
import contextlib
import datetime

import asyncpg

from services.runtime import log, postgres
from services.runtime.settings import Settings

POLL_SECONDS = 0.5
CHANNEL = "clock"
_logger = log.get("clock")


class Backwards(ValueError):
    """The clock only moves forward."""


class Clock:
    """The clock of one process. In production it asks nobody; under test it follows `access.clock`."""

    def __init__(self, settings: Settings, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.ahead = datetime.timedelta()
        """How far it is ahead of the world."""
        self._dsn, self._poll_seconds = settings.postgres_dsn, poll_seconds
        self._movable = settings.environment == "test"
        self._changed, self._read = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def now(self) -> datetime.datetime:
        """The moment now, in UTC."""
        return datetime.datetime.now(datetime.UTC) + self.ahead

    async def start(self) -> None:
        """Begin to follow the database under test; waits up to 5 s for the first answer, then goes on without."""
        if self._movable:
            self._task = asyncio.create_task(self._run(), name="clock")
            await _at_most(self._read, 5)

    async def stop(self) -> None:
        """End following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Follow the database for ever; while it is away the clock stays as far ahead as it was."""
        away = False
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
                if not away:
                    _logger.warning("clock.away", error=repr(error))
                away = True
            await asyncio.sleep(self._poll_seconds)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role="clock", command_timeout=5)
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._changed.set())
            while True:
                self._changed.clear()
                self.ahead = max(self.ahead, await ahead(connection))
                self._read.set()
                await _at_most(self._changed, self._poll_seconds)
        finally:
            connection.terminate()


async def ahead(connection: asyncpg.Connection) -> datetime.timedelta:
    """How far the clock of this hub is ahead of the world."""
    found: datetime.timedelta = await connection.fetchval("SELECT ahead FROM access.clock")
    return found


async def advance(connection: asyncpg.Connection, by: datetime.timedelta) -> datetime.timedelta:
    """Move the clock forward; returns how far it is ahead then. Raises Backwards."""
    if by < datetime.timedelta():
        raise Backwards("the clock only moves forward")
    found: datetime.timedelta = await connection.fetchval(
        "UPDATE access.clock SET ahead = ahead + $1::interval RETURNING ahead", by
    )
    return found


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation (Python 3.11)
            await event.wait()
