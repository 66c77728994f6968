"""All figures of an annual report: every statistic of the example bureau, asked for a year of a filled ledger."""

from __future__ import annotations

import asyncio
import datetime
import time

from bench import recount
from bench.line import Line
from bench.parts import Stage
from services.reporting import answer, catalogue, question
from services.reporting.api import connections
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.tally import tallied
from services.runtime import bureau

MOST_SECONDS = 1.0
YEAR = [("from", "2023-01-01"), ("to", "2023-12-31")]
NOW = datetime.datetime(2024, 1, 15, tzinfo=datetime.UTC)


def run(stage: Stage, total: int) -> list[Line]:
    """Count the bureau's statistics from the ledger, then ask for each of them, in one snapshot."""
    of = catalogue.of(bureau.load(stage.settings.bureau))
    counted = [d for d in of.definitions if tallied(d)]
    seconds = recount.add(stage, counted)
    asked, events, slowest, spent = asyncio.run(stage.guarded(_ask(stage.settings.postgres_dsn, of)))
    return [
        Line(f"{len(counted)} new statistics counted from {total:,} events", seconds, "s",
             details={"events/s": total / seconds}),
        Line(f"{asked} figures of a year of {total:,} events", spent, "s", most=MOST_SECONDS,
             details={"slowest ms": slowest * 1000, "events behind them": events}),
    ]  # fmt: skip


async def _ask(dsn: str, of: Catalogue) -> tuple[int, int, float, float]:
    async with connections(dsn) as pool, pool.acquire() as connection:
        for _ in range(2):  # the first time prepares the statements, as in a service that runs
            asked = events = 0
            slowest, began = 0.0, time.perf_counter()
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for row in [row for rows in of.rows.values() for row in rows if can_be_asked(row, of)]:
                    start = time.perf_counter()
                    labels = [(f"label.{name}", value) for name, value in row.labels]
                    query = question.parse(row.key, YEAR + labels, of, NOW.date())
                    events += (await answer.answer(connection, of, query, NOW))["events"]
                    asked, slowest = asked + 1, max(slowest, time.perf_counter() - start)
        return asked, events, slowest, time.perf_counter() - began


def can_be_asked(row: Definition, of: Catalogue) -> bool:
    """Whether this release can work it out."""
    try:
        labels = [(f"label.{name}", value) for name, value in row.labels]
        question.parse(row.key, YEAR + labels, of, NOW.date())
    except question.Unclear:
        return False
    return True
