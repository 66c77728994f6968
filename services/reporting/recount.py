"""Counting again from the ledger: what the tally should hold, by another road, in one snapshot.

Workers read slices of the ledger in one exported snapshot and add what they count to scratch tables; what the
tally holds goes in with the opposite sign. What does not cancel out is the difference. Differences are increments:
adding them repairs the tally, also while new events arrive, and a definition that was never counted is one that
differs by everything.
"""

from __future__ import annotations

import asyncio
import datetime
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.contracts import corrections
from services.contracts import event as events
from services.reporting import ledger, tally_store
from services.reporting.definition import Definition
from services.reporting.tally import DAY_BITS, DAY_MASK, Increments, Series, Tally, tallied
from services.runtime import postgres

BLOCKS = 8192
"""Ledger pages (8 kB) in one piece of work."""
ALONE = "hashtext('hub.recount')"
"""The advisory lock on the scratch tables; who wants to repair holds it from the recount on."""
FULL = 300_000
"""Increments held in memory before they are written to the scratch tables."""
ROWS = 2000
"""Ledger rows read at once."""
WORKERS = 2
NICENESS = 5
"""Of workers that count beside a reader at work."""

SCRATCH = """
DROP SCHEMA IF EXISTS recount CASCADE;
CREATE SCHEMA recount;
CREATE UNLOGGED TABLE recount.series (id int, definition text, status smallint, drill text, region text, labels text[]);
CREATE UNLOGGED TABLE recount.day (series int, day date, events bigint, value numeric);
CREATE UNLOGGED TABLE recount.member (series int, day date, member uuid, refs bigint);
CREATE UNLOGGED TABLE recount.observation (series int, key uuid, n smallint, subject uuid, time timestamptz,
    recorded timestamptz, day date, value numeric, sign int);
CREATE UNLOGGED TABLE recount.number (series int PRIMARY KEY, number int NOT NULL);
"""
HELD = (
    "INSERT INTO recount.series SELECT * FROM series WHERE definition = ANY($1)",
    "INSERT INTO recount.day SELECT series, day, -events, -value FROM tally_day"
    " WHERE series IN (SELECT id FROM series WHERE definition = ANY($1))",
    "INSERT INTO recount.member SELECT series, day, member, -refs FROM member"
    " WHERE series IN (SELECT id FROM series WHERE definition = ANY($1))",
    "INSERT INTO recount.observation SELECT *, -1 FROM observation"
    " WHERE series IN (SELECT id FROM series WHERE definition = ANY($1))",
)
"""What the tally holds of the definitions, with the opposite sign."""
PAGES = "SELECT pg_relation_size('reporting.ledger') / 8192"
"""How much there is to read."""

Progress = Callable[[int, int], None]
"""Told (pages done, pages in all)."""


@dataclass(frozen=True)
class Difference:
    """What the tally has too little (or, negative, too much) of."""

    definition: str
    region: str
    labels: tuple[str, ...]
    day: datetime.date
    events: int
    value: Any


@dataclass(frozen=True)
class _Work:
    """What one worker needs to count a piece; it travels to another process."""

    dsn: str
    snapshot: str
    types: tuple[int, ...]
    """Numbers of the types that the definitions count."""
    definitions: tuple[Definition, ...]
    zone: str
    linked: frozenset[bytes]
    counting: frozenset[bytes]
    """Of the linked events, those in force."""


async def recount(
    dsn: str,
    definitions: Sequence[Definition],
    zone: ZoneInfo,
    progress: Progress = lambda _done, _all: None,
    workers: int = WORKERS,
    *,
    alone: bool = False,
) -> list[Difference]:
    """Count the definitions again; the differences to the tally, none when all is well.

    `workers`: processes beside this one; 0: it counts itself. `alone`: the caller holds `ALONE` already.
    """
    connection = await connect(dsn, "recount")
    try:
        if not alone:
            await connection.execute(f"SELECT pg_advisory_lock({ALONE})")
        await count(connection, dsn, definitions, zone, progress, workers)
        return await _differences(connection)
    finally:
        await connection.close()


async def count(
    connection: asyncpg.Connection,
    dsn: str,
    definitions: Sequence[Definition],
    zone: ZoneInfo,
    progress: Progress,
    workers: int,
    *,
    beside: bool = False,
) -> None:
    """Leave the differences in the scratch tables; somebody holds `ALONE`.

    `beside`: a reader is at work in this process, so the workers count whatever there is, and give way.
    """
    definitions = tuple(filter(tallied, definitions))
    await connection.execute(SCRATCH)
    async with connection.transaction(isolation="repeatable_read"):
        snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
        pages = await connection.fetchval(PAGES)
        numbers = await connection.fetch("SELECT id FROM type WHERE name = ANY($1)", [*{d.event for d in definitions}])
        linked, counting = await _chains(connection)
        types = tuple(row["id"] for row in numbers)
        work = _Work(dsn, snapshot, types, definitions, zone.key, linked, counting)
        for statement in HELD:
            await connection.execute(statement, [d.hash for d in definitions])
        await _spread(work, pages, progress, workers, beside=beside)


async def repair(connection: asyncpg.Connection, series: Series) -> None:
    """Add the differences that the last count left in the scratch tables.

    The caller is the reader (series are numbered here) in a transaction, and `ALONE` has been held since before the
    count. What the reader has counted since then stands in the tally already.
    """
    numbers = [
        (row["id"], series.id((row["definition"], row["status"], row["drill"], row["region"], tuple(row["labels"]))))
        for row in await connection.fetch("SELECT DISTINCT ON (id) * FROM recount.series")
    ]
    await tally_store.save_series(connection, series)
    await connection.copy_records_to_table("number", schema_name="recount", records=numbers)
    for statement in REPAIR:
        await connection.execute(statement)
    if await connection.fetchval("SELECT EXISTS (SELECT FROM recount.observation)"):
        linked, counting = await _chains(connection)
        out_of_force = [key.hex() for key in linked - counting]
        await connection.execute(TAKE_AWAY)
        await connection.execute(ADD, out_of_force)


async def mend(dsn: str, hashes: set[str]) -> None:
    """Have the reader count these definitions anew (it looks once a second); until it has, their figures answer 503."""
    connection = await connect(dsn, "recount")
    try:
        await connection.execute(
            "UPDATE definition SET counted = NULL, progress = 0, run = NULL WHERE hash = ANY($1)", list(hashes)
        )
    finally:
        await connection.close()


DAYS = (
    "SELECT series, day, sum(events) AS events, sum(value) AS value FROM recount.day GROUP BY 1, 2"
    " HAVING sum(events) <> 0 OR sum(value) <> 0"
)
MEMBERS = "SELECT series, day, member, sum(refs) AS refs FROM recount.member GROUP BY 1, 2, 3 HAVING sum(refs) <> 0"
OBSERVATIONS = (
    "SELECT series, key, n, subject, time, recorded, day, value, sum(sign) AS sign FROM recount.observation"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(sign) <> 0"
)


_OF_DAY = (
    "INSERT INTO tally_{part} AS t (series, {part}, events, value)"
    " SELECT n.number, {day}, sum(d.events), sum(d.value) FROM recount.day d JOIN recount.number n USING (series)"
    " GROUP BY 1, 2 HAVING sum(d.events) <> 0 OR sum(d.value) <> 0 ORDER BY 1, 2"
    " ON CONFLICT (series, {part}) DO UPDATE SET events = t.events + excluded.events, value = t.value + excluded.value"
)
REPAIR = (
    _OF_DAY.format(part="day", day="d.day"),
    _OF_DAY.format(part="month", day="date_trunc('month', d.day)::date"),
    "INSERT INTO member AS t (series, day, member, refs)"
    " SELECT n.number, m.day, m.member, sum(m.refs) FROM recount.member m JOIN recount.number n USING (series)"
    " GROUP BY 1, 2, 3 HAVING sum(m.refs) <> 0 ORDER BY 1, 2, 3"
    " ON CONFLICT (series, day, member) DO UPDATE SET refs = t.refs + excluded.refs",
)
_OBSERVED = (
    "(SELECT n.number, o.key, o.n, o.subject, o.time, o.recorded, o.day, o.value, sum(o.sign) AS sign"
    " FROM recount.observation o JOIN recount.number n USING (series) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) g"
)
TAKE_AWAY = (
    f"DELETE FROM observation t USING {_OBSERVED}"  # noqa: S608
    " WHERE g.sign < 0 AND (t.series, t.key, t.n) = (g.number, g.key, g.n)"
)
ADD = (
    f"INSERT INTO observation SELECT number, key, n, subject, time, recorded, day, value FROM {_OBSERVED}"  # noqa: S608
    " WHERE sign > 0 AND key <> ALL($1::uuid[]) ON CONFLICT DO NOTHING"
)
"""$1: what is out of force. What was taken back or came since the snapshot, the reader has seen to."""


async def _differences(connection: asyncpg.Connection) -> list[Difference]:
    """What did not cancel out, by definition, region, labels and day; one row per kind of increment."""
    rows = await connection.fetch(
        f"WITH d AS (SELECT series, day, events, value FROM ({DAYS}) a"  # noqa: S608
        f" UNION ALL SELECT series, day, sum(refs), 0 FROM ({MEMBERS}) b GROUP BY 1, 2"
        f" UNION ALL SELECT series, day, sum(sign), sum(value * sign) FROM ({OBSERVATIONS}) c GROUP BY 1, 2)"
        " SELECT s.definition, s.region, s.labels, d.day, d.events, d.value FROM d"
        " JOIN (SELECT DISTINCT ON (id) * FROM recount.series) s ON s.id = d.series ORDER BY 1, 2, 3, 4"
    )
    return [Difference(r[0], r[1], tuple(r[2]), *tuple(r)[3:]) for r in rows]


async def connect(dsn: str, role: str) -> asyncpg.Connection:
    """A connection that reads the ledger by its index, for as long as that takes."""
    connection = await postgres.connect(dsn, role=role, command_timeout=None)
    await connection.execute("SET search_path TO reporting; SET work_mem = '64MB'; SET enable_seqscan TO off")
    return connection


async def _chains(connection: asyncpg.Connection) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """All events in chains, and those of them that count."""
    rows = connection.cursor(
        'SELECT position, "offset", body FROM ledger WHERE corrects IS NOT NULL'
        " OR key = ANY(ARRAY(SELECT corrects FROM ledger WHERE corrects IS NOT NULL))", prefetch=1000,
    )  # fmt: skip
    members = [ledger.entry(row["position"], row["offset"], row["body"]).member() async for row in rows]
    return frozenset(m.key for m in members), corrections.judge(members).counting


async def _spread(work: _Work, pages: int, progress: Progress, workers: int, *, beside: bool) -> None:
    """Give the ledger's pages to the workers, piece by piece."""
    pieces = [(n, range(first, first + BLOCKS)) for n, first in enumerate(range(0, pages, BLOCKS), 1)]
    if not workers or (len(pieces) <= 1 and not beside):
        for n, piece in pieces:
            await _count(work, n, piece)
        return
    loop, done = asyncio.get_running_loop(), 0
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _give_way, (NICENESS if beside else 0,))
    try:
        for task in asyncio.as_completed([loop.run_in_executor(pool, _piece, work, n, piece) for n, piece in pieces]):
            await task
            done += BLOCKS
            progress(min(done, pages), pages)
    finally:
        await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _give_way(niceness: int) -> None:
    os.nice(niceness)


def _piece(work: _Work, n: int, piece: range) -> None:
    asyncio.run(_count(work, n, piece))


async def _count(work: _Work, n: int, piece: range) -> None:
    """Count one piece of the ledger into the scratch tables. Series unknown to the tally get numbers of their own."""
    reading, writing = await connect(work.dsn, "recount-read"), await connect(work.dsn, "recount-write")
    try:
        async with reading.transaction(isolation="repeatable_read"):
            await reading.execute(f"SET TRANSACTION SNAPSHOT '{work.snapshot}'")
            series = await tally_store.load_series(reading)
            series.ids = {key: -number for key, number in series.ids.items()}
            tally = Tally(work.definitions, ZoneInfo(work.zone), series)
            more = Increments()
            cursor = await reading.cursor(
                "SELECT key, body FROM ledger WHERE type = ANY($1)"  # noqa: S608
                f" AND ctid >= '({piece.start},0)'::tid AND ctid < '({piece.stop},0)'::tid", list(work.types),
            )  # fmt: skip
            while rows := await cursor.fetch(ROWS):
                for key, body in rows:
                    _take(work, tally, key.bytes, body, more)
                if len(more.events) + len(more.members) + len(more.observations) > FULL:
                    await _flush(writing, more, series, n)
                    more = Increments()
            await _flush(writing, more, series, n)
    finally:
        await reading.close()
        await writing.close()


def _take(work: _Work, tally: Tally, key: bytes, body: bytes, into: Increments) -> None:
    if key in work.linked and key not in work.counting:
        return
    event = events.decode(body)
    if event.type != "event.retracted":
        tally.count(event, event.type, key, into, stored=True)


async def _flush(connection: asyncpg.Connection, more: Increments, series: Series, n: int) -> None:
    """Write what was counted; negative numbers are those of the tally, new ones are moved out of their way."""

    def number(local: int) -> int:
        return -local if local < 0 else local + n * 100_000 + (1 << 28)

    await connection.copy_records_to_table(
        "series", schema_name="recount", records=[(number(local), *key) for local, key in series.unsaved]
    )
    series.unsaved.clear()
    day = tally_store.date
    codes = more.events.keys() | more.values.keys()
    await connection.copy_records_to_table("day", schema_name="recount", records=[
        (number(c >> DAY_BITS), day(c & DAY_MASK), more.events.get(c, 0), more.values.get(c, 0)) for c in codes
    ])  # fmt: skip
    await connection.copy_records_to_table("member", schema_name="recount", records=[
        (number(c >> DAY_BITS), day(c & DAY_MASK), m.hex(), refs) for (c, m), refs in more.members.items()
    ])  # fmt: skip
    await connection.copy_records_to_table("observation", schema_name="recount", records=[
        (number(o.series), o.key.hex(), o.n, o.subject.hex(), o.time, o.recorded, day(o.day), o.value, o.sign)
        for o in more.observations
    ])  # fmt: skip
