"""Corrections and retractions in any order of arrival, in any split into batches: ledger and tally are the same."""

from __future__ import annotations

import asyncio
import datetime
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.reporting.count import Count
from services.runtime import postgres
from services.runtime.consume import Position, Slice
from tests.records import record
from tests.reporting.conftest import DEFINITIONS, SHANGHAI
from tests.reporting.truth import as_json, expected, found

START = datetime.datetime(2023, 6, 2, tzinfo=datetime.UTC)
NAMES = "abcdefg"


@dataclass
class Raw:
    """A Kafka record, as far as the loop looks at it."""

    offset: int
    value: bytes | None


class Table:
    """Count on a real database, fed by hand: batch by batch, the next prepared before the one before is written."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.offset = 0
        self.numbers = itertools.count()

    async def open(self) -> None:
        """Connect, and make one position."""
        await postgres.migrate_all(self.dsn)
        own = {"search_path": "reporting", "session_replication_role": "replica"}  # may clear the ledger
        self.connection = await asyncpg.connect(self.dsn, server_settings=own)
        row = await self.connection.fetchrow(
            "INSERT INTO position (topic, partition, epoch, cluster, topic_id, first, next)"
            " VALUES ('hazards', 0, 1, 'c', 't', 0, 0) RETURNING id"
        )
        assert row is not None
        self.position = Position(row["id"], "hazards", 0, 1, 0, 0, None)

    async def feed(self, batches: Sequence[Sequence[dict[str, Any]]], *, ahead: bool) -> None:
        """Read the batches with a Count that has just started; `ahead`: each is prepared before the last is written."""
        count = Count(self.dsn, DEFINITIONS, SHANGHAI)
        await count.reset(self.connection, [self.position])
        waiting: list[tuple[list[Slice], Any]] = []
        for batch in batches:
            piece = self._slice(batch)
            waiting.append(([piece], await count.prepare([piece])))
            if not ahead or len(waiting) == 2:
                await self._write(count, *waiting.pop(0))
        for slices, prepared in waiting:
            await self._write(count, slices, prepared)

    async def _write(self, count: Count, slices: list[Slice], prepared: Any) -> None:
        async with self.connection.transaction():
            await count.apply(self.connection, slices, prepared)
            await self.connection.executemany(
                'INSERT INTO quarantine (position, "offset", reason, detail, late, record, digest)'
                " VALUES ($1, $2, $3, $4, $5, $6, sha256($6))",
                [(a.position.id, a.offset, a.reason, a.detail, a.late, a.record) for s in slices for a in s.asides],
            )

    def _slice(self, batch: Sequence[dict[str, Any]]) -> Slice:
        first = self.offset
        self.offset += len(batch)
        return Slice(self.position, first, self.offset, [Raw(n, as_json(r)) for n, r in enumerate(batch, first)])

    async def clear(self) -> None:
        """Forget everything but the position."""
        await self.connection.execute(
            "TRUNCATE ledger, duplicate, seal, quarantine, tally_day, tally_month, member, observation, series, type"
        )


@pytest.fixture
def table(database: str) -> Iterator[tuple[Table, asyncio.Runner]]:
    with asyncio.Runner() as runner:
        table = Table(database)
        runner.run(table.open())
        yield table, runner
        runner.run(table.connection.close())


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Records that correct and take back one another in any way, some of them twice, in batches of any size."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    made = {name: _drawn(draw, name) for name in names}
    order = draw(st.permutations([*names, *draw(st.lists(st.sampled_from(names), max_size=2))]))
    batches: list[list[dict[str, Any]]] = [[]]
    for name in order:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(made[name])
    return [batch for batch in batches if batch]


def _drawn(draw: st.DrawFn, name: str) -> dict[str, Any]:
    target = draw(st.sampled_from(["", *NAMES, "never"]))
    retracts = target != "" and draw(st.integers(0, 3)) == 0
    kind = draw(st.sampled_from(["hazard.found", "hazard.found", "hazard.found", "drill.completed"]))
    measured = {"level": draw(st.sampled_from(["major", "general"])),
                "enterprise_id": draw(st.sampled_from(["e1", "e2"])),
                "participants": draw(st.integers(0, 3))}  # fmt: skip
    return record(
        "event.retracted" if retracts else kind, draw(st.sampled_from(["h1", "h1", "h1", "h2"])),
        {"type": kind} if retracts else measured,
        id=name, at=START - datetime.timedelta(days=draw(st.sampled_from([0, 0, 1, 40]))),
        recorded=START + datetime.timedelta(seconds=draw(st.integers(0, 3))),
        region=draw(st.sampled_from(["990111", "990112"])),
        **({"corrects": target} if target else {}),
        **({"status": "exercise"} if draw(st.integers(0, 5)) == 0 else {}),
    )  # fmt: skip


@given(arrivals(), st.booleans(), st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_batches_change_nothing(
    table: tuple[Table, asyncio.Runner], batches: list[list[dict[str, Any]]], ahead: bool, data: st.DataObject
) -> None:
    desk, runner = table
    restart = data.draw(st.integers(0, len(batches)))

    async def example() -> None:
        await desk.clear()
        await desk.feed(batches[:restart], ahead=ahead)
        await desk.feed(batches[restart:], ahead=ahead)
        assert await found(desk.connection) == expected([r for batch in batches for r in batch])

    runner.run(example())
