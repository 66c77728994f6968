"""Tells open pages what moves: follows what the stream NOTIFYs, reads it once, and sends it to everybody who watches.

While nobody watches nothing is read.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import asyncpg

from services.reporting import relay
from services.reporting.catalogue import Catalogue
from services.reporting.counters import Counters, Values
from services.reporting.meters import Meters
from services.reporting.relay import Relay
from services.reporting.tally_store import CHANNEL
from services.runtime import log, postgres, sse
from services.runtime.sse import Client, EventStream, Fan

SECONDS = 0.25
"""Between two movements at least: four a second."""
REST_SHARE = 2
"""After a reading, so many times as long nothing is read: the ledger goes first."""
TICK_SECONDS = 5.0
"""How often it is asked whether a new day has begun, or a new definition has been counted."""
RETRY_SECONDS = 0.5
REGIONS = 64
"""Regions that can be watched at once."""
Audience = tuple[str, frozenset[str] | None]
"""Region, and the keys wanted; None: all."""
_logger = log.get("live")


class TooManyRegions(Exception):
    """More regions are watched than counters are kept for."""


class Live:
    """The counters of one process and its open streams."""

    def __init__(self, dsn: str, of: Catalogue, meters: Meters, clock: Callable[[], datetime.datetime]) -> None:
        self.fan = Fan()
        self.state = "starting"
        self._dsn, self._clock, self._meters = dsn, clock, meters
        self.relay = Relay(dsn, of.regions, self.fan)
        self._counters = Counters(of)
        self._as_of = clock()
        self._moved: set[int] | None = None
        """Series that moved and were not read yet; None: any."""
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        meters.clients.set_function(lambda: len(self.fan.clients))

    async def open(self, region: str, keys: frozenset[str] | None, allowed: Callable[[], bool]) -> EventStream:
        """A stream that begins with a snapshot. Raises TooManyRegions, or what the database raises."""
        async with self._lock:
            if self._connection is None:
                raise ConnectionError("the database is away")
            if not self.fan.clients:
                await self._turn(self._connection)
            if region not in self._counters.boards:
                await self._watch(self._connection, region)
            version, matters = await relay.standing(self._connection, self._counters.of.regions, region)
        # From here to the end nothing waits, so that no movement is lost between snapshot and stream.
        values = self._counters.boards[region]
        counters = [counter for _, counter in self._told(region, values, keys)]
        snapshot = {"as_of": self._as_of, "region": region, "counters": counters, **matters}
        stream = self.fan.open(Client((region, keys), allowed), sse.message("snapshot", snapshot))
        self.relay.again_from(version)
        return stream

    async def _watch(self, connection: asyncpg.Connection, region: str) -> None:
        self._forget_unwatched()
        if len(self._counters.boards) > REGIONS:
            raise TooManyRegions(f"{REGIONS} regions are being watched already")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await self._counters.watch(connection, region)

    def _forget_unwatched(self) -> None:
        watched = {region for region, _ in self._audiences()} | {self._counters.of.regions.root}
        for region in self._counters.boards.keys() - watched:
            del self._counters.boards[region]

    def _audiences(self) -> set[Audience]:
        return {cast(Audience, client.audience) for client in self.fan.clients}

    # --- following ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the database for ever; while it is away the last counters stand."""
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
                if self.state != "away":
                    _logger.warning("live.away", error=repr(error))
                self.state = "away"
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role="reporting-live")
        try:
            await connection.execute("SET search_path TO reporting; SET enable_seqscan TO off")
            await connection.add_listener(CHANNEL, self._heard)
            self._moved = None
            self._counters.forget()
            self._connection = connection
            while True:
                self._wake.clear()
                began = time.monotonic()
                async with self._lock:
                    if self.fan.clients:
                        await self._turn(connection)
                    else:
                        await connection.execute("SELECT")
                self.state = "ok"
                took = time.monotonic() - began
                await asyncio.sleep(max(SECONDS - took, REST_SHARE * took))
                await self._pause()
        finally:
            self._connection = None
            connection.terminate()

    async def _pause(self) -> None:
        """Until something moves, a tick, or until what is dear may be worked out."""
        left = self._counters.dear_at - time.monotonic() if self._counters.waiting else TICK_SECONDS
        try:
            await asyncio.wait_for(self._wake.wait(), min(max(left, 0.0), TICK_SECONDS))
        except TimeoutError:
            return

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        numbers = json.loads(str(payload))
        self._moved = self._moved | set(numbers) if numbers and self._moved is not None else None
        self._wake.set()

    async def _turn(self, connection: asyncpg.Connection) -> None:
        """Read what has moved, and tell it. When it fails everything is read anew."""
        moved, self._moved = self._moved, set()
        now = self._clock()
        self._forget_unwatched()
        try:
            with self._meters.requery_seconds.time():
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    today = self._counters.of.today(now)
                    changed = await self._counters.move(connection, moved, today)
                    self._as_of = now
        except BaseException:
            self._moved = None
            self._counters.forget()
            raise
        self._tell(changed)

    # --- telling --------------------------------------------------------------------------------------------------

    def _tell(self, changed: Mapping[str, Values]) -> None:
        """Send each client the counters that changed, encoded once per audience."""
        told = {
            region: [(key, sse.message("counter", counter)) for key, counter in self._told(region, values)]
            for region, values in changed.items()
        }
        self.fan.send(
            {
                (region, keys): b"".join(chunk for key, chunk in told.get(region, ()) if keys is None or key in keys)
                for region, keys in self._audiences()
            }
        )

    def _told(
        self, region: str, values: Values, keys: frozenset[str] | None = None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and counter, as the contract has it."""
        for (hash_, name), value in values.items():
            d, over = self._counters.figures[hash_].definition, self._counters.period(name)
            if keys is None or d.key in keys:
                yield (
                    d.key,
                    {
                        "key": d.key,
                        "period": name,
                        "from": over.first,
                        "to": over.last,
                        "region": region,
                        "labels": dict(d.labels),
                        "value": value,
                        "as_of": self._as_of,
                    },
                )
