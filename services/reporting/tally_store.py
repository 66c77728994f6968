"""The tally's tables: adding increments, and reading back what the counting needs at the start."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import asyncpg

from services.reporting.tally import DAY_BITS, DAY_MASK, Increments, Series, by_month

CHANNEL = "reporting_tally"
"""NOTIFY carries the numbers of the series that moved, as a JSON list; empty when there are too many to name."""


async def load_series(connection: asyncpg.Connection) -> Series:
    """All series with their numbers."""
    rows = await connection.fetch("SELECT id, definition, status, drill, region, labels FROM series")
    return Series({(r["definition"], r["status"], r["drill"], r["region"], tuple(r["labels"])): r["id"] for r in rows})


async def save_series(connection: asyncpg.Connection, series: Series) -> None:
    """Save the series numbered since the last time."""
    rows, series.unsaved = series.unsaved, []  # the next batch may number more while these are being saved
    if rows:
        await connection.copy_records_to_table("series", records=[(number, *key) for number, key in rows])


async def load_seals(connection: asyncpg.Connection, positions: Sequence[int]) -> dict[int, bytes]:
    """The last seal of each position that has one."""
    rows = await connection.fetch(
        "SELECT p.id, s.seal FROM unnest($1::smallint[]) AS p(id),"
        " LATERAL (SELECT seal FROM seal WHERE position = p.id ORDER BY first DESC LIMIT 1) s",
        positions,
    )
    return {row["id"]: row["seal"] for row in rows}


_DAY = """
INSERT INTO tally_day AS t (series, day, events, value)
SELECT * FROM unnest($1::int[], $2::date[], $3::bigint[], $4::numeric[])
ON CONFLICT (series, day) DO UPDATE SET events = t.events + excluded.events, value = t.value + excluded.value"""
_MONTH = _DAY.replace("tally_day", "tally_month").replace("day", "month")
_MEMBER = """
INSERT INTO member AS t (series, day, member, refs)
SELECT * FROM unnest($1::int[], $2::date[], $3::uuid[], $4::int[])
ON CONFLICT (series, day, member) DO UPDATE SET refs = t.refs + excluded.refs"""
_NOTHING = Decimal(0)


async def add(connection: asyncpg.Connection, more: Increments) -> None:
    """Add increments to the tables, rows in order of their keys."""
    codes = sorted(more.events.keys() | more.values.keys())
    if codes:
        get = more.values.get
        await connection.execute(
            _DAY, [c >> DAY_BITS for c in codes], _days(codes), [more.events.get(c, 0) for c in codes],
            [get(c, _NOTHING) for c in codes],
        )  # fmt: skip
        events, values = by_month(more.events), by_month(more.values)
        months = sorted(events.keys() | values.keys())
        await connection.execute(
            _MONTH, [s for s, _ in months], [m for _, m in months], [events.get(m, 0) for m in months],
            [values.get(m, _NOTHING) for m in months],
        )  # fmt: skip
    if more.members:
        pairs = sorted(more.members)
        await connection.execute(
            _MEMBER, [c >> DAY_BITS for c, _ in pairs], _days([c for c, _ in pairs]), [m.hex() for _, m in pairs],
            [more.members[p] for p in pairs],
        )  # fmt: skip
    if more.observations:
        await _observe(connection, more)


async def _observe(connection: asyncpg.Connection, more: Increments) -> None:
    """Single values: added or taken away; one added and taken away in the same batch leaves nothing."""
    net: dict[tuple[int, bytes, int], int] = {}
    for o in more.observations:
        at = (o.series, o.key, o.n)
        net[at] = net.get(at, 0) + o.sign
    gone = [at for at, sign in net.items() if sign < 0]
    if gone:
        await connection.execute(
            "DELETE FROM observation o USING unnest($1::int[], $2::uuid[], $3::smallint[]) AS g(series, key, n)"
            " WHERE (o.series, o.key, o.n) = (g.series, g.key, g.n)",
            [s for s, _, _ in gone],
            [key.hex() for _, key, _ in gone],
            [n for _, _, n in gone],
        )
    rows = {
        (o.series, o.key, o.n): (o.series, o.key.hex(), o.n, o.subject.hex(), o.time, o.recorded, date(o.day), o.value)
        for o in more.observations
        if net[(o.series, o.key, o.n)] > 0
    }
    await connection.copy_records_to_table("observation", records=list(rows.values()))


async def uncounted(connection: asyncpg.Connection, hashes: Mapping[str, str]) -> set[str]:
    """Of these definitions (hash -> key), those not yet counted from the ledger; new ones are entered as such.

    All others are no longer kept up from now on: should one come back, it is counted anew.
    """
    await connection.execute("UPDATE definition SET counted = NULL, run = NULL WHERE hash <> ALL($1)", list(hashes))
    await connection.executemany(
        "INSERT INTO definition (hash, key) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(hashes.items())
    )
    rows = await connection.fetch("SELECT hash FROM definition WHERE counted IS NULL AND hash = ANY($1)", list(hashes))
    return {row["hash"] for row in rows}


async def counted(connection: asyncpg.Connection, hashes: Iterable[str]) -> None:
    """Their figures can be given from now on."""
    await connection.execute(
        "UPDATE definition SET counted = now(), progress = 1, run = NULL WHERE hash = ANY($1)", list(hashes)
    )


async def progress(connection: asyncpg.Connection, hashes: Iterable[str], share: float) -> None:
    """How much of the ledger has been read for them, 0 to 1."""
    await connection.execute("UPDATE reporting.definition SET progress = $2 WHERE hash = ANY($1)", list(hashes), share)


async def begin(connection: asyncpg.Connection, hashes: Iterable[str], run: str) -> None:
    """This reader counts them in the background from now on; every event from now on it counts as it comes."""
    await connection.execute("UPDATE definition SET progress = 0, run = $2 WHERE hash = ANY($1)", list(hashes), run)


async def left_to(connection: asyncpg.Connection, hashes: Iterable[str], run: str) -> bool:
    """Whether any of them is to be counted and nobody, or another reader than this, has begun to."""
    return bool(await connection.fetchval(
        "SELECT EXISTS (SELECT FROM reporting.definition WHERE hash = ANY($1) AND counted IS NULL"
        " AND run IS DISTINCT FROM $2)", list(hashes), run,
    ))  # fmt: skip


async def notify(connection: asyncpg.Connection, more: Increments) -> None:
    """Tell who listens that these series have moved."""
    moved = {code >> DAY_BITS for code in more.events}
    if moved:
        payload = json.dumps(sorted(moved), separators=(",", ":")) if len(moved) <= 500 else "[]"
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)


_dates: dict[int, datetime.date] = {}


def date(ordinal: int) -> datetime.date:
    """The day of a proleptic ordinal."""
    day = _dates.get(ordinal)
    if day is None:
        day = _dates[ordinal] = datetime.date.fromordinal(ordinal)
    return day


def _days(codes: Sequence[int]) -> list[datetime.date]:
    return [date(code & DAY_MASK) for code in codes]
