"""The tally as it stood at a moment: that of now, with what has come since taken back.

Counting a year anew from the ledger takes as long as the ledger is large; what came after a cut-off is little. Its
increments stand in temporary tables, and views named like the tally's tables show both together, so that everything
that reads the tally reads the earlier one with the same arithmetic. Definitions that the tally does not hold (look-ups
into registers, rows that were taken out since) are counted from the ledger, as `asof` does.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from services.contracts import corrections
from services.reporting import asof, inforce, ledger, tally_store
from services.reporting.answer import LOOKS_BACK, NotCounted
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.ledger import Entry
from services.reporting.lookups import Lookups, countable
from services.reporting.period import Period, year_before
from services.reporting.question import Query
from services.reporting.tally import Increments, Series, SeriesKey, Tally, tallied
from services.runtime import postgres

LATE = datetime.timedelta(days=1)
"""So late at most an event that was recorded before a cut-off comes to Kafka; within it offsets are looked at too."""
BREATH = 128
"""Events between two pauses, in which others may answer."""
MEMORY = "SET LOCAL work_mem = '64MB'"
SUMMARIZE = "SELECT brin_summarize_new_values('ledger_recorded')"
"""What the index does not know yet would be read from end to end."""


class Cut(NamedTuple):
    """What belongs to an earlier tally: recorded up to a moment, and read before these offsets."""

    moment: datetime.datetime
    next: Mapping[int, int] | None = None
    """Position → offset; None: whatever has been read."""

    def has(self, entry: Entry) -> bool:
        """Whether a ledger row belongs to it."""
        return inforce.had(self.next, entry.position, entry.offset) and entry.event.recordedtime <= self.moment


@contextlib.asynccontextmanager
async def snapshot(
    dsn: str, of: Catalogue, queries: Sequence[Query], moment: datetime.datetime,
    vector: Iterable[Mapping[str, Any]] | None = None, *, wait: bool = False,
) -> AsyncIterator[asyncpg.Connection]:  # fmt: skip
    """A connection in one snapshot whose tally holds what was recorded up to a moment, as far as it is asked for.

    The queries must have `known_at` = the moment. A `vector` of offsets (`{topic, partition, epoch, next}`) leaves out
    what was read after them, too. With `wait` a definition that the tally does not hold yet raises
    NotCounted; without, it is counted from the ledger.
    """
    connection = await postgres.connect(dsn, role="reporting-since", command_timeout=None)
    try:
        await connection.execute("SET search_path TO reporting; SET enable_seqscan TO off")
        await connection.execute(SUMMARIZE)
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute(MEMORY)
            await _stand(connection, of, queries, await cut(connection, moment, vector), wait=wait)
            yield connection
    finally:
        connection.terminate()


async def cut(
    connection: asyncpg.Connection, moment: datetime.datetime, vector: Iterable[Mapping[str, Any]] | None
) -> Cut:
    """A moment and offsets by the numbers of the positions."""
    if vector is None:
        return Cut(moment)
    read = {(at["topic"], at["partition"], at["epoch"]): at["next"] for at in vector}
    rows = await connection.fetch("SELECT id, topic, partition, epoch FROM position")
    return Cut(moment, {row["id"]: read.get((row["topic"], row["partition"], row["epoch"]), 0) for row in rows})


async def _stand(
    connection: asyncpg.Connection, of: Catalogue, queries: Sequence[Query], then: Cut, *, wait: bool
) -> None:
    """Make the tables and views."""
    wanted = {leaf.definition.hash: leaf.definition for q in queries for leaf in q.leaves if leaf.definition.event}
    kept = await _kept(connection, wanted.values())
    missing = [d for hash_, d in wanted.items() if hash_ not in kept and tallied(d)]
    if wait and missing:
        raise NotCounted(missing[0].key, 0.0)
    series = await tally_store.load_series(connection)
    back = await _since(connection, of, [wanted[hash_] for hash_ in kept], series, then)
    others = frozenset(wanted) - kept
    for table in asof.TABLES:
        await connection.execute(f"CREATE TEMPORARY TABLE {table} (LIKE reporting.{table} INCLUDING INDEXES)")
    await tally_store.add(connection, back)
    if others:
        await _count_others(connection, of, queries, others, then, max(series.ids.values(), default=0))
    await _views(connection, back, others)


async def _kept(connection: asyncpg.Connection, wanted: Iterable[Definition]) -> frozenset[str]:
    """Of these definitions, those that the tally holds."""
    hashes = [d.hash for d in wanted if tallied(d)]
    rows = await connection.fetch("SELECT hash FROM definition WHERE hash = ANY($1) AND counted IS NOT NULL", hashes)
    return frozenset(row["hash"] for row in rows)


async def _since(
    connection: asyncpg.Connection, of: Catalogue, definitions: Sequence[Definition], series: Series, then: Cut
) -> Increments:
    """What turns the tally of now into that of then."""
    back = Increments()
    tally = Tally(definitions, of.zone, series)
    entries = await come_since(connection, {d.event for d in definitions}, then)
    for n, (entry, sign) in enumerate(await differences(connection, entries, then)):
        if n % BREATH == 0:
            await ledger.breathe()
        tally.count(entry.event, entry.type, entry.key, back, sign, stored=True)
    return back


async def come_since(connection: asyncpg.Connection, types: Iterable[str], then: Cut) -> dict[bytes, Entry]:
    """All ledger rows of these types that do not belong to a cut, retractions too."""
    found: dict[bytes, Entry] = {}
    after = then.moment if then.next is None else then.moment - LATE
    read = then.next or {}
    n = 0
    async for row in connection.cursor(
        SINCE, after, sorted(types), then.moment, list(read), list(read.values()), prefetch=1000
    ):
        n += 1
        if n % BREATH == 0:
            await ledger.breathe()
        entry = ledger.entry(row["position"], row["offset"], row["body"])
        if not then.has(entry):
            found[entry.key] = entry
    return found


async def differences(
    connection: asyncpg.Connection, since: Mapping[bytes, Entry], cut: Cut
) -> list[tuple[Entry, int]]:
    """What counts now and did not then (-1), and what counted then and does not now (+1)."""
    linked = await _linked(connection, since)
    found = [(entry, -1) for key, entry in since.items() if key not in linked and not entry.retracts]
    if linked:
        kin = await ledger.kin(connection, [since[key] for key in linked])
        entries = {**kin, **{key: since[key] for key in linked}}
        now = corrections.judge(entry.member() for entry in entries.values()).counting
        then = corrections.judge(entry.member() for entry in entries.values() if cut.has(entry)).counting
        found += [(entries[key], -1) for key in now - then if not entries[key].retracts]
        found += [(entries[key], 1) for key in then - now if not entries[key].retracts]
    return found


async def _linked(connection: asyncpg.Connection, since: Mapping[bytes, Entry]) -> set[bytes]:
    """Those that correct, or that something corrects."""
    rows = await connection.fetch(CORRECTED, [key.hex() for key in since]) if since else []
    return {row["corrects"].bytes for row in rows} | {key for key, entry in since.items() if entry.target}


@dataclass
class _Beyond(Series):
    """Numbers of series that the tally does not have."""

    last: int = 0

    def id(self, key: SeriesKey) -> int:
        """The number of a series, a new one if need be."""
        number = self.ids.get(key)
        if number is None:
            number = self.ids[key] = self.last + len(self.ids) + 1
            self.unsaved.append((number, key))
        return number


async def _count_others(
    connection: asyncpg.Connection,
    of: Catalogue,
    queries: Sequence[Query],
    hashes: frozenset[str],
    then: Cut,
    last: int,
) -> None:
    """Count what the tally does not hold from the ledger: each type once, over all days that are asked for."""
    series = _Beyond(last=last)
    asked = [(q, leaf.definition) for q in queries for leaf in q.leaves if leaf.definition.hash in hashes]
    for status, type_ in sorted({(q.status, d.event) for q, d in asked}):
        mine = [(q, d) for q, d in asked if (q.status, d.event) == (status, type_)]
        own = list({d.hash: d for _, d in mine}.values())
        tally = Tally(map(countable, own), of.zone, series)
        lookups = await Lookups.of(connection, of, own, mine[0][0])
        more = Increments()
        async for one in inforce.read(connection, type_, status, mine[0][0].known_at, _days(mine), of.zone, then.next):
            tally.count(lookups.enriched(one.event), type_, one.key, more, stored=True)
            if len(more.events) + len(more.members) + len(more.observations) > asof.FULL:
                await asof.save(connection, series, more)
                more = Increments()
        await asof.save(connection, series, more)


def _days(asked: Sequence[tuple[Query, Definition]]) -> Period:
    """The days that matter for any of these."""
    back = any(d.measure and d.measure.kind in LOOKS_BACK for _, d in asked)
    first = min(year_before(q.period.first) if q.compare else q.period.first for q, _ in asked)
    return Period(datetime.date.min if back else first, max(q.period.last for q, _ in asked))


async def _views(connection: asyncpg.Connection, back: Increments, others: frozenset[str]) -> None:
    """The tables of differences step aside, and views named like them show the tally and the differences together."""
    gone = {(o.series, o.key, o.n) for o in back.observations if o.sign < 0}
    await connection.execute("CREATE TEMPORARY TABLE gone (series integer, key uuid, n smallint)")
    await connection.copy_records_to_table("gone", records=[(s, key.hex(), n) for s, key, n in gone])
    await connection.execute("CREATE INDEX ON gone (series, key, n)")
    for table in asof.TABLES:
        await connection.execute(f"ALTER TABLE pg_temp.{table} RENAME TO since_{table}; ANALYZE since_{table}")
        body = VIEWS[table].format(table=table, stale=", ".join(f"'{hash_}'" for hash_ in sorted(others)) or "''")
        await connection.execute(f"CREATE TEMPORARY VIEW {table} AS {body}")


_BOTH = "SELECT * FROM reporting.{table} UNION ALL SELECT * FROM since_{table}"
VIEWS: Mapping[str, str] = {
    "series": "SELECT * FROM reporting.series WHERE definition NOT IN ({stale}) UNION ALL SELECT * FROM since_series",
    "tally_day": _BOTH,
    "tally_month": _BOTH,
    "member": """
SELECT m.series, m.day, m.member, m.refs + coalesce((SELECT d.refs FROM since_member d
        WHERE d.series = m.series AND d.day = m.day AND d.member = m.member), 0) AS refs
  FROM reporting.member m
 UNION ALL SELECT series, day, member, refs FROM since_member""",
    "observation": """
SELECT o.series, o.key, o.n, o.subject, o.time, o.recorded,
       CASE WHEN EXISTS (SELECT FROM gone g WHERE g.series = o.series AND g.key = o.key AND g.n = o.n)
            THEN NULL ELSE o.day END AS day, o.value
  FROM reporting.observation o
 UNION ALL SELECT * FROM since_observation""",
}
"""Of sums both rows are added up by whoever reads; a member has the references that are left of it (its difference
counts by itself where there is more than there was); a value taken back stands on no day. No side has a condition or a
join: only then does the planner look up a series in both by index.
"""
SINCE = """
SELECT l.position, l."offset", l.body
  FROM ledger l LEFT JOIN unnest($4::smallint[], $5::bigint[]) AS v(position, next) ON v.position = l.position
 WHERE l.recorded > $1 AND l.type + 0 IN (SELECT id FROM type WHERE name = ANY($2))
   AND (l.recorded > $3 OR l."offset" >= coalesce(v.next, 0))"""
"""The sum keeps the planner from reading all there is of a type instead of the end of the ledger."""
CORRECTED = "SELECT DISTINCT corrects FROM ledger WHERE corrects = ANY($1::uuid[])"
