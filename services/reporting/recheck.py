"""The continuous check: once an hour the tally is held against the ledger, and once a day the heads of the seals leave.

One process of all does it, by advisory lock; the counting runs beside it in a process of its own with low priority.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.reporting import export
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.recount import recount
from services.runtime import log, postgres

EVERY = datetime.timedelta(hours=1)
TICK_SECONDS = 60.0
NICENESS = 10
_logger = log.get("recheck")


class Recheck:
    """Does it for one bureau, for as long as `run` runs."""

    def __init__(self, dsn: str, of: Catalogue, folder: Path, clock: Callable[[], datetime.datetime]) -> None:
        self._dsn, self._of, self._folder, self._clock = dsn, of, folder, clock

    async def run(self) -> None:
        """For ever; while the database is away it waits."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self.turn()
            except (*postgres.NOT_NOW, OSError) as error:
                _logger.warning("recheck.not_now", error=repr(error))

    async def turn(self) -> None:
        """Do what is due, unless another process is at it."""
        connection = await postgres.connect(self._dsn, role="reporting-recheck", command_timeout=60)
        try:
            await connection.execute("SET search_path TO reporting")
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtext('hub.recheck'))"):
                await self._keep_heads(connection)
                if await connection.fetchval(DUE, EVERY):
                    await self._compare(connection)
        finally:
            connection.terminate()

    async def _keep_heads(self, connection: asyncpg.Connection) -> None:
        """One file a day with the last seal of every partition."""
        today = self._of.today(self._clock())
        file = self._folder / f"{today}.json"
        if not await asyncio.to_thread(file.exists):
            heads = {"day": today, "as_of": self._clock(), "heads": await export.heads(connection)}
            await asyncio.to_thread(_write, file, msgspec.json.format(msgspec.json.encode(heads), indent=1))

    async def _compare(self, connection: asyncpg.Connection) -> None:
        """Hold what is counted against the ledger; a definition that is being counted is left for the next time."""
        hashes = {row["hash"] for row in await connection.fetch("SELECT hash FROM definition")}
        definitions = [d for d in self._of.definitions if d.hash in hashes]
        began = time.monotonic()
        differences = await compare(self._dsn, definitions, self._of.zone)
        await connection.execute(SAVE, time.monotonic() - began, len(definitions), differences)
        if differences:
            _logger.error("recheck.differs", differences=differences, todo="hub recount --repair")


DUE = """
SELECT NOT EXISTS (SELECT FROM definition WHERE counted IS NULL)
   AND NOT EXISTS (SELECT FROM recheck WHERE at > now() - $1::interval)"""
SAVE = "INSERT INTO recheck (seconds, definitions, differences) VALUES ($1, $2, $3)"


async def compare(dsn: str, definitions: Sequence[Definition], zone: ZoneInfo) -> int:
    """How many rows of the tally are not what the ledger says; counted in a process of its own."""
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_count, args=(dsn, tuple(definitions), zone.key, sending), daemon=True)
    process.start()
    sending.close()
    try:
        return int(await asyncio.to_thread(receiving.recv))
    except EOFError as error:
        raise OSError("the process that counts has ended") from error
    finally:
        process.kill()
        process.join()


def _count(dsn: str, definitions: Sequence[Definition], zone: str, into: Connection) -> None:
    os.nice(NICENESS)
    into.send(len(asyncio.run(recount(dsn, definitions, ZoneInfo(zone), workers=0))))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".partial")
    unfinished.write_bytes(content)
    unfinished.rename(file)
