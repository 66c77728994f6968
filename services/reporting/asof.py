"""The tally as of an earlier moment: the ledger's rows known then, judged and counted anew by today's definitions.

They are counted into temporary tables of the same names on a connection of their own, so that everything that reads
the tally reads these instead, with the same arithmetic.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator

import asyncpg

from services.contracts import event as events
from services.reporting import chain, ledger, tally_store
from services.reporting.answer import LOOKS_BACK
from services.reporting.catalogue import Catalogue
from services.reporting.count import BREATH
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
        await connection.execute("SET search_path TO reporting")
        async with connection.transaction(isolation="repeatable_read"):
            for table in TABLES:
                await connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE reporting.{table} INCLUDING INDEXES)")
            await _count(connection, of, query)
            yield connection
    finally:
        connection.terminate()


async def _count(connection: asyncpg.Connection, of: Catalogue, query: Query) -> None:
    definitions = list({leaf.definition.hash: leaf.definition for leaf in query.leaves}.values())
    series, more = Series(), Increments()
    tally = Tally(definitions, of.zone, series)
    for name in {d.event for d in definitions}:
        linked, counting = await _chains(connection, name, query)
        back = any(d.event == name and d.measure and d.measure.kind in LOOKS_BACK for d in definitions)
        n = 0
        async for row in connection.cursor(ROWS, name, query.known_at, *_days(query, back), of.zone.key, prefetch=1000):
            n += 1
            if n % BREATH == 0:
                await ledger.breathe()
            key = row["key"].bytes
            if key not in linked or key in counting:
                tally.count(events.decode(row["body"]), name, key, more)
            if len(more.events) + len(more.members) + len(more.observations) > FULL:
                await _save(connection, series, more)
                more = Increments()
    await _save(connection, series, more)


async def _save(connection: asyncpg.Connection, series: Series, more: Increments) -> None:
    await tally_store.save_series(connection, series)
    await tally_store.add(connection, more)


def _days(query: Query, back: bool) -> tuple[datetime.date, datetime.date]:
    """The days that matter: those asked for, and those they are compared with."""
    asked: Period = query.period
    first = year_before(asked.first) if query.compare else asked.first
    return (datetime.date.min if back else first, asked.last)


async def _chains(connection: asyncpg.Connection, name: str, query: Query) -> tuple[set[bytes], frozenset[bytes]]:
    """The events of a type that stood in chains at that moment, and those of them that counted."""
    rows = await connection.fetch(LINKED, name, query.known_at)
    entries = [ledger.entry(row["position"], row["offset"], row["body"]) for row in rows]
    kin = await ledger.kin(connection, entries)
    members = [e.member() for e in kin.values() if query.known_at is None or e.event.recordedtime <= query.known_at]
    return {m.key for m in members}, chain.judge(members).counting


ROWS = """
SELECT key, body FROM ledger
 WHERE type = (SELECT id FROM type WHERE name = $1) AND NOT retracts AND recorded <= $2
   AND time >= $3::date::timestamp AT TIME ZONE $5 AND time < ($4::date + 1)::timestamp AT TIME ZONE $5
"""
LINKED = """
SELECT position, "offset", body FROM ledger l
 WHERE type = (SELECT id FROM type WHERE name = $1) AND recorded <= $2
   AND (corrects IS NOT NULL OR EXISTS (SELECT FROM ledger c WHERE c.corrects = l.key AND c.recorded <= $2))
"""
