"""A reader of reporting on real parts, stopped and started at will."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from services.contracts.topics import CANONICAL
from services.reporting.count import AT_ONCE, Count
from services.reporting.definition import Condition, Definition, Measure
from services.runtime import postgres
from services.runtime.consume import Loop
from services.runtime.settings import Settings
from tests.records import publish

SHANGHAI = ZoneInfo("Asia/Shanghai")


def statistic(key: str, event: str = "hazard.found", measure: str = "count", **more: Any) -> Definition:
    """A definition in one line; `where` as a dict of equalities."""
    kind, _, field = measure.partition(":")
    where = tuple(Condition(name, "eq", value) for name, value in more.pop("where", {}).items())
    return Definition(key=key, zh=key, unit="条", event=event, measure=Measure(kind, field), where=where, **more)


DEFINITIONS = (
    statistic("hazards_found", by=("level",)),
    statistic("hazards_found_major", where={"level": "major"}),
    statistic("enterprises", measure="distinct:enterprise_id"),
    statistic("fines", "penalty.imposed", "sum:amount_cny"),
    statistic("people", "drill.completed", "sum:participants"),
    statistic("largest_drill", "drill.completed", "max:participants"),
    statistic("last_drill", "drill.completed", "last:participants"),
    statistic("stock_drill", "drill.completed", "stock:participants"),
)


class Reader:
    """Reporting's loop over one test's topics and database."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings, self.connection = settings, connection
        self.definitions: tuple[Definition, ...] = DEFINITIONS
        self.at_once = AT_ONCE

    def loop(self) -> Loop:
        """A new loop, not started."""
        fold = Count(self.settings.postgres_dsn, self.definitions, SHANGHAI, at_once=self.at_once)
        return Loop(self.settings, self.settings.postgres_dsn, self.settings.kafka_bootstrap, schema="reporting",
                    topics=CANONICAL, fold=fold)  # fmt: skip

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Loop]:
        """The loop at work."""
        loop = self.loop()
        task = asyncio.create_task(loop.run())
        try:
            yield loop
            if task.done():
                task.result()
        finally:
            loop.stop()
            await asyncio.wait_for(task, 10)

    async def read(self, records: list[Any] | None = None) -> None:
        """Publish, and read until everything is handled."""
        await publish(self.settings, records or [])
        async with self.running():
            await self.caught_up()

    async def caught_up(self, seconds: float = 20) -> None:
        """Until every partition has been read to the end that was told after this call."""
        asked = datetime.datetime.now(datetime.UTC) + datetime.timedelta(milliseconds=20)
        async with asyncio.timeout(seconds):
            while not await self.connection.fetchval(CAUGHT_UP, asked):
                await asyncio.sleep(0.05)

    async def total(self, key: str) -> int:
        """Events counted under a statistic, status actual."""
        (definition,) = (d for d in self.definitions if d.key == key)
        found = await self.connection.fetchval(
            "SELECT sum(t.events) FROM tally_day t JOIN series s ON s.id = t.series"
            " WHERE s.definition = $1 AND s.status = 0", definition.hash,
        )  # fmt: skip
        return int(found or 0)


CAUGHT_UP = """
SELECT coalesce(bool_and(p.next >= (r.ends ->> (p.topic || '/' || p.partition))::bigint), false)
  FROM position p, reader r WHERE p.is_current AND r.seen > $1"""


@pytest.fixture
async def reader(settings: Settings, topics: list[str]) -> AsyncIterator[Reader]:
    """Reporting on this test's own topics and database, not yet reading."""
    await postgres.migrate_all(settings.postgres_dsn)
    # as somebody with all rights, who can tamper with what no service can
    own = {"search_path": "reporting", "session_replication_role": "replica"}
    connection = await asyncpg.connect(settings.postgres_dsn, server_settings=own)
    yield Reader(settings, connection)
    await connection.close()
