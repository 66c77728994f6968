"""What the tally holds, added up: series in groups over periods, one SQL statement per kind of measure.

The tables are found by the connection's search path, so that the same arithmetic reads the tally itself or one made
for an earlier moment (`asof`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg

from services.reporting.period import Period, cut, parts


class Span(NamedTuple):
    """A series that belongs to a group from one day to another."""

    series: int
    group: int
    first: datetime.date
    last: datetime.date


class Cell(NamedTuple):
    """What one group comes to, in all or in one part of the period."""

    events: int
    value: Decimal | None = None


NOTHING = Cell(0)
Cells = dict[tuple[int, datetime.date | None], Cell]
"""By group and part: the first day of a day or month; None: not split by time."""


async def read(connection: asyncpg.Connection, kind: str, spans: Sequence[Span], every: str, over: Period) -> Cells:
    """What the spans come to under a kind of measure, split by `every` day or month of `over` when it is not empty.

    Of `last` and `stock` each part is the state at its end, and only the days of `over` (not of the spans) begin
    the parts: spans look back.
    """
    if not spans:
        return {}
    if kind in ("last", "stock"):
        return _cells(await connection.fetch(STATES[kind], *_columns(spans), *_ends(every, over)))
    added = await sums(connection, spans, every)
    if kind not in MEASURED:
        return {at: of_sum(kind, cell) for at, cell in added.items()}
    rows = await connection.fetch(MEASURED[kind].replace("{bucket}", BUCKETS[every].format("o")), *_columns(spans))
    measured = {(row["grp"], row["bucket"]): row["value"] for row in rows}
    return {at: Cell(cell.events, measured.get(at)) for at, cell in added.items()}


async def winners(connection: asyncpg.Connection, kind: str, spans: Sequence[Span], over: Period) -> list[Any]:
    """The keys of the events whose values a `last` or `stock` is made of."""
    if not spans:
        return []
    rows = await connection.fetch(
        WINNERS[kind], *_columns([span._replace(group=0) for span in spans]), *_ends("", over)
    )
    return list(dict.fromkeys(row["key"] for row in rows))


def of_sum(kind: str, cell: Cell) -> Cell:
    """What the sums say under a kind of measure that they are enough for."""
    if kind == "mean":
        return Cell(cell.events, cell.value / cell.events if cell.events and cell.value is not None else None)
    return Cell(cell.events, Decimal(cell.events) if kind == "count" else cell.value)


async def sums(connection: asyncpg.Connection, spans: Sequence[Span], every: str = "") -> Cells:
    """Events and values added up. Whole months from the table of months, the rest from that of days."""
    months, days = _tables(spans, every)
    statement = SUMS.format(month=BUCKETS[every].format("t").replace("day", "month"), day=BUCKETS[every].format("t"))
    return _cells(await connection.fetch(statement, *_columns(months), *_columns(days)))


def _tables(spans: Iterable[Span], every: str) -> tuple[list[Span], list[Span]]:
    months: list[Span] = []
    days: list[Span] = []
    for span in spans:
        whole, edges = (None, [Period(span.first, span.last)]) if every == "day" else cut(Period(span.first, span.last))
        if whole:
            months.append(span._replace(first=whole.first, last=whole.last))
        days += (span._replace(first=edge.first, last=edge.last) for edge in edges)
    return months, days


def _columns(spans: Sequence[Span]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    series, group, first, last = zip(*spans, strict=True) if spans else ((), (), (), ())
    return list(series), list(group), list(first), list(last)


def _ends(every: str, over: Period) -> tuple[list[datetime.date | None], list[datetime.date]]:
    """The name and last day of each part."""
    if not every:
        return [None], [over.last]
    split = list(parts(over, every))
    return [name for name, _ in split], [part.last for _, part in split]


def _cells(rows: Iterable[asyncpg.Record]) -> Cells:
    return {(row["grp"], row["bucket"]): Cell(int(row["events"]), row["value"]) for row in rows}


BUCKETS = {"": "NULL::date", "day": "{}.day", "month": "date_trunc('month', {}.day)::date"}

SUMS = """
SELECT grp, bucket, sum(events) AS events, sum(value) AS value FROM (
    SELECT g.grp, {month} AS bucket, t.events, t.value
      FROM unnest($1::int[], $2::int[], $3::date[], $4::date[]) AS g(series, grp, first, last)
      JOIN tally_month t ON t.series = g.series AND t.month BETWEEN g.first AND g.last
    UNION ALL
    SELECT g.grp, {day} AS bucket, t.events, t.value
      FROM unnest($5::int[], $6::int[], $7::date[], $8::date[]) AS g(series, grp, first, last)
      JOIN tally_day t ON t.series = g.series AND t.day BETWEEN g.first AND g.last
) s GROUP BY 1, 2"""

_OBSERVED = """
  FROM unnest($1::int[], $2::int[], $3::date[], $4::date[]) AS g(series, grp, first, last)
  JOIN observation o ON o.series = g.series AND o.day BETWEEN g.first AND g.last
"""

MEASURED = {
    "distinct": """
SELECT grp, bucket, count(*)::numeric AS value FROM (
    SELECT DISTINCT g.grp, {bucket} AS bucket, o.member
      FROM unnest($1::int[], $2::int[], $3::date[], $4::date[]) AS g(series, grp, first, last)
      JOIN member o ON o.series = g.series AND o.day BETWEEN g.first AND g.last
     WHERE o.refs > 0
) d GROUP BY 1, 2""",
    "max": f"SELECT g.grp, {{bucket}} AS bucket, max(o.value) AS value {_OBSERVED} GROUP BY 1, 2",
    # percentile_cont works in floating point; the middle of the sorted values is exact.
    "median": f"""
SELECT grp, bucket, (sorted[(n + 1) / 2] + sorted[(n + 2) / 2]) / 2 AS value FROM (
    SELECT g.grp, {{bucket}} AS bucket, array_agg(o.value ORDER BY o.value) AS sorted, count(*)::int AS n
    {_OBSERVED} GROUP BY 1, 2
) m""",  # noqa: S608
}
"""Measures that need more than the sums."""

_UP_TO = f"{_OBSERVED} JOIN unnest($5::date[], $6::date[]) AS b(bucket, until) ON o.day <= b.until"
_LATEST = "o.time DESC, o.recorded DESC, o.key DESC"
_LAST = f"""
SELECT DISTINCT ON (g.grp, b.until) g.grp, b.bucket, o.key, o.value {_UP_TO}
 ORDER BY g.grp, b.until, {_LATEST}, o.n DESC"""
_STOCK = f"""
SELECT grp, bucket, key, value FROM (
    SELECT g.grp, b.bucket, o.key, o.value,
           rank() OVER (PARTITION BY g.grp, b.until, o.series, o.subject ORDER BY {_LATEST}) AS place
    {_UP_TO}) r WHERE place = 1"""  # noqa: S608

WINNERS = {"last": _LAST, "stock": _STOCK}
"""`last`: the single latest value. `stock`: all values of the latest event of each subject in each series."""
STATES: dict[str, str] = {
    "last": f"SELECT grp, bucket, 1 AS events, value FROM ({_LAST}) w",  # noqa: S608
    "stock": f"SELECT grp, bucket, count(DISTINCT key) AS events, sum(value) AS value FROM ({_STOCK}) w GROUP BY 1, 2",  # noqa: S608
}
