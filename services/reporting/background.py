"""Counts new definitions from the ledger beside the reader, which goes on reading and counts what comes by them too.

The count is one of differences to the tally, as of one snapshot that is taken after the reader has begun to count by
the new definitions. Added to the tally whenever it is ready, they make it whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from zoneinfo import ZoneInfo

import asyncpg

from services.reporting import recount, tally_store
from services.reporting.definition import Definition
from services.reporting.tally import Series
from services.runtime import log, postgres

PAUSE_SECONDS = 5.0
_logger = log.get("background")


class Background:
    """One count under way; made by the reader when it begins to count by these definitions."""

    def __init__(self, dsn: str, definitions: Mapping[str, Definition], zone: ZoneInfo) -> None:
        self.hashes = frozenset(definitions)
        self.share = 0.0
        self._dsn, self._definitions, self._zone = dsn, tuple(definitions.values()), zone
        self._connection: asyncpg.Connection | None = None
        self._task = asyncio.create_task(self._run(), name="background")

    @property
    def ready(self) -> bool:
        """Whether the differences can be added. Raises what ended the count, if it was a fault of ours."""
        return self._task.done() and self._task.result() is None

    async def settle(self, connection: asyncpg.Connection, series: Series) -> None:
        """Add the differences; the caller is the reader. Raises what the database raises: then it counts anew."""
        assert self._connection is not None  # noqa: S101  it is ready
        await self._connection.execute("SELECT")  # it holds the lock on the scratch tables for as long as it lives
        async with connection.transaction():
            await recount.repair(connection, series)
            await tally_store.counted(connection, self.hashes)
        self._connection.terminate()

    async def close(self) -> None:
        """End it, whatever it has found."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            self._connection.terminate()

    async def _run(self) -> None:
        """Count; while the database is away, or when a worker was killed, again."""
        while True:
            try:
                return await self._count()
            except (*postgres.NOT_NOW, BrokenProcessPool, OSError) as error:
                _logger.warning("background.not_now", error=repr(error))
                if self._connection is not None:
                    self._connection.terminate()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _count(self) -> None:
        self.share = 0.0
        self._connection = connection = await recount.connect(self._dsn, "recount")
        await connection.execute(f"SELECT pg_advisory_lock({recount.ALONE})")
        await recount.count(
            connection, self._dsn, self._definitions, self._zone, self._told, recount.WORKERS, beside=True
        )

    def _told(self, done: int, pages: int) -> None:
        self.share = done / pages
