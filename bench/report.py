"""The annual report of a filled ledger: its figures in one snapshot at a cut-off, and what it is drawn as."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Iterator

import asyncpg

from bench import recount
from bench.line import Line
from bench.parts import Stage
from services.reporting import catalogue
from services.reporting.report import edition, figures, frozen, making, template
from services.reporting.report.edition import Edition, Scope
from services.reporting.report.frozen import Frozen
from services.reporting.report.rendering import RENDERINGS
from services.reporting.tally import tallied
from services.runtime import bureau

MOST_SECONDS = {"figures": 1.0, "pdf": 3.0, "docx": 2.0}
LATE = 1_000
"""Events recorded after the cut-off: they are taken back."""


def run(stage: Stage, total: int) -> Iterator[Line]:
    """Count the bureau's statistics, then cut and draw its annual report of 2023."""
    of = catalogue.of(bureau.load(stage.settings.bureau))
    recount.add(stage, [d for d in of.definitions if tallied(d)])
    kept, seconds, late = asyncio.run(stage.guarded(_cut(stage)))
    yield Line(f"annual report: {len(kept.figures)} figures of {total:,} events, cut {late:,} events ago", seconds, "s",
               most=MOST_SECONDS["figures"])  # fmt: skip
    one = _edition(kept)
    for format_, (_, draw) in RENDERINGS.items():
        began = time.perf_counter()
        bytes_ = draw(making.content(one, kept))
        yield Line(f"annual report as {format_.upper()}", time.perf_counter() - began, "s",
                   most=MOST_SECONDS.get(format_), details={"bytes": len(bytes_)})  # fmt: skip


async def _cut(stage: Stage) -> tuple[Frozen, float, int]:
    """Read all figures twice, as a service that runs does; what is frozen, the seconds of the second time."""
    house = bureau.load(stage.settings.bureau)
    of, dsn = catalogue.of(house), stage.settings.postgres_dsn
    scope = Scope("annual", house.region, datetime.date(2023, 1, 1), datetime.date(2023, 12, 31))
    cutoff = await _late(dsn)
    t = template.find(scope.template, house.folder)
    asked = making.asked(t, of, scope)
    queries = figures.parsed(asked, of, scope.region, cutoff)
    for _ in range(2):
        began = time.perf_counter()
        reading = await figures.read(dsn, of, queries, cutoff, wait=True)
        seconds = time.perf_counter() - began
    rows, registers = frozen.needed(of, queries.values())
    kept = Frozen(
        id=edition.id_of(scope, 1, house.region), region=scope.region, from_=scope.first, to=scope.last,
        cutoff=cutoff, at=cutoff, files={making.TEXT: t.text, making.CHECKS: t.checks_text},
        bureau=making.bureau_of(house), questions=asked, figures=reading.figures, definitions=rows,
        registers=registers, regions=of.regions.rows, timezone=of.zone.key, feeds=of.feeds,
        positions=reading.positions, heads=reading.heads, names=making.names_of(house, queries.values()),
    )  # fmt: skip
    return frozen.decode(frozen.encode(kept)), seconds, LATE


async def _late(dsn: str) -> datetime.datetime:
    """The moment after which so many events were recorded."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "reporting"})
    try:
        found: datetime.datetime = await connection.fetchval(
            "SELECT recorded FROM ledger ORDER BY recorded DESC OFFSET $1 LIMIT 1", LATE
        )
        return found
    finally:
        await connection.close()


def _edition(kept: Frozen) -> Edition:
    scope = Scope("annual", kept.region, kept.from_, kept.to)
    asked = edition.request(None, None, edition.Asked(kept.id, scope, 1, kept.cutoff), "clerk", kept.at)
    return edition.cut(asked, 1, kept.at, "", [])
