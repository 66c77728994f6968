"""A tally of its own for one question: as of an earlier moment, or of events with what they look up in registers.

The ledger's rows known then are judged and counted anew by today's definitions.

They are counted into temporary tables of the same names on a connection of their own, so that everything that reads
the tally reads these instead, with the same arithmetic.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator

import asyncpg

from services.reporting import inforce, tally_store
from services.reporting.answer import LOOKS_BACK
from services.reporting.catalogue import Catalogue
from services.reporting.lookups import Lookups, countable
from services.reporting.period import Period, year_before
from services.reporting.question import Query
from services.reporting.tally import Increments, Series, Tally
from services.runtime import postgres

FULL = 100_000
"""Increments held in memory before they are added to the tables."""
TABLES = ("series", "tally_day", "tally_month", "member", "observation")


@contextlib.asynccontextmanager
async def known(dsn: str, of: Catalogue, query: Query) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a transaction whose tally holds what was known at `query.known_at`, as far as it is asked for."""
    connection = await postgres.connect(dsn, role="reporting-asof")
    try:
        await connection.execute("SET search_path TO reporting; SET enable_seqscan TO off")
        async with connection.transaction(isolation="repeatable_read"):
            for table in TABLES:
                await connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE reporting.{table} INCLUDING INDEXES)")
            await _count(connection, of, query)
            yield connection
    finally:
        connection.terminate()


async def _count(connection: asyncpg.Connection, of: Catalogue, query: Query) -> None:
    rows = {leaf.definition.hash: leaf.definition for leaf in query.leaves if leaf.definition.kind == "event"}
    definitions = list(rows.values())
    series, more = Series(), Increments()
    tally = Tally(map(countable, definitions), of.zone, series)
    for name in {d.event for d in definitions}:
        own = [d for d in definitions if d.event == name]
        lookups = await Lookups.of(connection, of, own, query)
        days = _days(query, back=any(d.measure and d.measure.kind in LOOKS_BACK for d in own))
        async for one in inforce.read(connection, name, query.status, query.known_at, days, of.zone):
            tally.count(lookups.enriched(one.event), name, one.key, more)
            if len(more.events) + len(more.members) + len(more.observations) > FULL:
                await save(connection, series, more)
                more = Increments()
    await save(connection, series, more)


async def save(connection: asyncpg.Connection, series: Series, more: Increments) -> None:
    """Add increments to the tables that the connection finds."""
    await tally_store.save_series(connection, series)
    await tally_store.add(connection, more)


def _days(query: Query, *, back: bool) -> Period:
    """The days that matter: those asked for, and those they are compared with."""
    asked: Period = query.period
    first = year_before(asked.first) if query.compare else asked.first
    return Period(datetime.date.min if back else first, asked.last)
