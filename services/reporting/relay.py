"""Relays to open pages what the watch NOTIFYs: alerts, callouts, loops … each as its GET gives it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import asyncpg
import msgspec

from services.contracts.region import Regions
from services.runtime import log, postgres
from services.runtime.sse import Fan

CHANNEL = "warning.moved"
SECONDS = 0.1
"""Between two messages at least: what changes together is told together."""
TICK_SECONDS = 5.0
RETRY_SECONDS = 0.5
PAGE = 2000
"""Matters read at once."""
TOLD = ("alert", "notice", "callout", "loop", "feed", "channel", "response", "alarm", "shift", "silence", "drill")
"""The kinds that pages are told of; each is the name of its message."""
SNAPSHOT = ("alert", "notice", "callout", "feed", "channel", "response", "alarm")
"""Those whose open matters stand in the first message; what is many (loops) is asked for by its list."""
EXERCISED = ("alert", "callout", "response")
"""Those of exercises stand there, too, apart from what is real: in `exercises`."""
_logger = log.get("relay")


class Relay:
    """Follows the watch for the open streams of one process."""

    def __init__(self, dsn: str, regions: Regions, fan: Fan) -> None:
        self._dsn, self._regions, self._fan = dsn, regions, fan
        self._version = 0
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever; while the database is away nothing is told."""
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
                _logger.warning("relay.away", error=repr(error))
            await asyncio.sleep(RETRY_SECONDS)

    def again_from(self, version: int) -> None:
        """Tell once more what changed after a version: somebody who has just come may have missed it."""
        if version < self._version:
            self._version = version
            self._wake.set()

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role="reporting-relay")
        try:
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            if not self._version:
                self._version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM warning.matter")
            while True:
                self._wake.clear()
                while await self._turn(connection):
                    pass
                await asyncio.sleep(SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._wake.wait()
        finally:
            connection.terminate()

    async def _turn(self, connection: asyncpg.Connection) -> bool:
        """Tell what has changed; whether there may be more."""
        rows = await connection.fetch(CHANGED, self._version, PAGE)
        if rows:
            self._version = rows[-1]["version"]
            self._tell(rows)
        return len(rows) == PAGE

    def _tell(self, rows: list[asyncpg.Record]) -> None:
        """One chunk per region that somebody watches."""
        chunks = [(row["region"], _message(row)) for row in rows if row["kind"] in TOLD]
        for audience in {client.audience for client in self._fan.clients}:
            region = audience[0] if isinstance(audience, tuple) else str(audience)
            within = self._regions.subtree(region)
            if told := b"".join(chunk for at, chunk in chunks if at in within):
                self._fan.send({audience: told})


def _message(row: asyncpg.Record) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (row["kind"].encode(), row["told"].encode())


async def standing(connection: asyncpg.Connection, regions: Regions, region: str) -> tuple[int, dict[str, Any]]:
    """The version, and the open matters of a region by the name of their message, for a first message."""
    version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM warning.matter")
    within = sorted(regions.subtree(region))
    real = await connection.fetch(OPEN, list(SNAPSHOT), within, "actual")
    exercises = await connection.fetch(OPEN, list(EXERCISED), within, "exercise%")
    return version, {**_by_kind(SNAPSHOT, real), "exercises": _by_kind(EXERCISED, exercises)}


def _by_kind(kinds: Iterable[str], rows: Iterable[asyncpg.Record]) -> dict[str, list[msgspec.Raw]]:
    """`{alerts: […], callouts: […]}`."""
    found: dict[str, list[msgspec.Raw]] = {f"{kind}s": [] for kind in kinds}
    for row in rows:
        found[f"{row['kind']}s"].append(msgspec.Raw(row["told"].encode()))
    return found


CHANGED = "SELECT kind, region, version, told FROM warning.told WHERE version > $1 ORDER BY version LIMIT $2"
OPEN = """
SELECT kind, told FROM warning.told WHERE kind = ANY($1) AND region = ANY($2) AND NOT closed AND scope LIKE $3
 ORDER BY version DESC LIMIT 2000"""
