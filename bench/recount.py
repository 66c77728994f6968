"""Counting again: the whole ledger by another road, and statistics that a bureau has only now asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import asyncpg

from bench.events import DEFINITIONS
from bench.line import Line
from bench.parts import Ended, Stage, per_event
from services.reporting import recount, tally_store
from services.reporting.definition import Definition

ZONE = ZoneInfo("Asia/Shanghai")
MOST_SECONDS = 120
"""For ten million events."""


def run(stage: Stage, total: int) -> Line:
    """Recount what the reader counted; nothing may differ."""
    before, began = stage.cpu(), time.perf_counter()
    differences = asyncio.run(stage.guarded(recount.recount(stage.settings.postgres_dsn, DEFINITIONS, ZONE)))
    seconds = time.perf_counter() - began
    if differences:
        raise Ended(f"the recount differs from the tally: {differences[:3]}")
    details = {"events/s": total / seconds, **per_event(before, stage.cpu(), total)}
    return Line(f"recount of {total:,} events", seconds, "s", most=MOST_SECONDS * total / 10_000_000, details=details)


def add(stage: Stage, definitions: Sequence[Definition]) -> float:
    """Count statistics that are new from the ledger, as reporting does at its start; seconds."""
    began = time.perf_counter()
    asyncio.run(stage.guarded(_add(stage.settings.postgres_dsn, definitions)))
    return time.perf_counter() - began


async def _add(dsn: str, definitions: Sequence[Definition]) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "reporting"})
    try:
        hashes = {d.hash: d.key for d in definitions}
        await tally_store.uncounted(connection, hashes)
        await recount.recount(dsn, definitions, ZONE)
        async with connection.transaction():
            await recount.repair(connection, await tally_store.load_series(connection))
            await tally_store.counted(connection, hashes)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
