"""A question for a figure, answered from the tally (contract, section 3)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from services.contracts.event import STATUSES, Status
from services.reporting import amount, catalogue, cells, coverage, period, recorded, stays
from services.reporting.catalogue import Catalogue, Leaf, Piece
from services.reporting.cells import NOTHING, Cell, Cells, Span
from services.reporting.definition import Definition
from services.reporting.period import Period
from services.reporting.question import Problem, Query, Unclear
from services.reporting.register import History

LOOKS_BACK = frozenset({"last", "stock"})
MAX_PARTS = 50_000
Group = tuple[str, ...]
"""The values of the labels (and the region) that a figure is split by, time left out."""
_Part = tuple[Group, datetime.date | None]
Figures = dict[_Part, Cell]


class NotCounted(Exception):
    """A new definition is still being counted from the ledger: not now. `progress`: share of it read, 0 to 1."""

    def __init__(self, key: str, progress: float) -> None:
        super().__init__(f"{key} is new or changed and is being counted from the ledger: {progress:.0%} of it is read")
        self.progress = round(progress, 3)


async def answer(connection: asyncpg.Connection, of: Catalogue, query: Query, now: datetime.datetime) -> dict[str, Any]:
    """The figure with everything that explains it. Reads one snapshot: call it in a transaction.

    Raises NotCounted, and Unclear when a split has too many parts.
    """
    await _counted(connection, query)
    asked = _Asked(connection, of, query, of.today(now))
    total = await asked.total(query.period)
    covered = await coverage.of(connection, of, query, query.period, now)
    d = query.definition
    figures = await recorded.read(connection, query, query.period)
    by_hand = {} if total.events else recorded.of(figures, query)
    if d.kind == "manual" and (one := recorded.first(by_hand, recorded.KINDS)):
        total, covered = Cell(0, one.value), coverage.MANUAL
    found: dict[str, Any] = {
        "key": d.key,
        "value": asked.shown(coverage.bare(total, covered)),
        "unit": d.unit,
        "from": query.period.first,
        "to": query.period.last,
        "region": query.region,
        "labels": dict(query.labels),
        "status": query.status,
        "events": total.events,
        "coverage": covered,
        "definition": catalogue.described(d),
        "as_of": (query.known_at or now).astimezone(of.zone),
    }
    if by_hand:
        found["recorded"] = [one.shown(d.unit) for one in by_hand.values()]
    if sums := recorded.disagreements(figures, query, of.regions):
        found["disagreements"] = [one.shown(d.unit) for one in sums]
    if query.by:
        found["parts"] = await asked.parts()
    if query.compare:
        found["compare"] = await _compared(asked, coverage.bare(total, covered), now)
    return found


async def _counted(connection: asyncpg.Connection, query: Query) -> None:
    """What is worked out from the ledger needs not to have been counted."""
    hashes = {leaf.definition.hash for leaf in query.leaves if leaf.definition.kind == "event"}
    if query.from_ledger:
        return
    rows = await connection.fetch(
        "SELECT progress, counted IS NOT NULL AS counted FROM definition WHERE hash = ANY($1)", list(hashes)
    )
    if len(rows) < len(hashes) or not all(row["counted"] for row in rows):
        waiting = [row["progress"] for row in rows if not row["counted"]]
        raise NotCounted(query.definition.key, min(waiting, default=0.0) if len(rows) == len(hashes) else 0.0)


async def _compared(asked: _Asked, current: Cell, now: datetime.datetime) -> dict[str, Any]:
    """The same days a year earlier; of a period that is not over, the days that have been."""
    query, of = asked.query, asked.of
    last = max(query.period.first, min(query.period.last, of.today(now)))
    before = Period(period.year_before(query.period.first), period.year_before(last))
    was = await asked.total(before)
    covered = await coverage.of(asked.connection, of, query, before, now)
    base, reason = coverage.bare(was, covered), covered if covered in (coverage.SILENT, coverage.NONE) else None
    if not was.events and (printed := await _baseline(asked.connection, query, before)):
        base, reason = Cell(0, printed.value), recorded.BASELINE
    comparable = reason in (None, "baseline") and None not in (base.value, current.value)
    return {
        "from": before.first,
        "to": before.last,
        "value": asked.shown(base),
        "change_pct": amount.change_pct(current.value, base.value) if comparable else None,
        "comparable": comparable,
        "reason": reason if comparable or reason else "no_value",
    }


async def _baseline(connection: asyncpg.Connection, query: Query, over: Period) -> recorded.Recorded | None:
    return recorded.of(await recorded.read(connection, query, over), query).get(recorded.BASELINE)


@dataclass
class _Asked:
    """One question, put to the tables for one period or another."""

    connection: asyncpg.Connection
    of: Catalogue
    query: Query
    today: datetime.date

    async def total(self, over: Period) -> Cell:
        """The figure for a period, not split."""
        return (await self._figures(over, (), "")).get(((), None), NOTHING)

    async def parts(self) -> list[dict[str, Any]]:
        """The figure split as asked. Split by time alone, parts without events are shown too, up to today's."""
        q = self.query
        by = tuple(name for name in q.by if name != q.every)
        found = await self._figures(q.period, by, q.every)
        figures = {at: cell for at, cell in found.items() if cell.events or cell.value}
        if len(figures) > MAX_PARTS:
            raise Unclear(422, [Problem("by", f"{len(figures)} parts, at most {MAX_PARTS}: ask for less", "too_many")])
        if q.every and not by:
            none = self._worked_out({}, ((), None))
            every = [((), at) for at, _ in period.parts(q.period, q.every)]
            figures = {at: figures.get(at, none) for at in every if at[1] <= self.today or at in figures}
        order = {code: n for n, code in enumerate(self.of.regions)}
        at_region = by.index("region") if "region" in by else None

        def place(at: _Part) -> tuple[Any, ...]:
            group, day = at
            return (day or datetime.date.min, -1 if at_region is None else order[group[at_region]], group)

        return [self._part(at, figures[at], by) for at in sorted(figures, key=place)]

    def _part(self, at: _Part, cell: Cell, by: tuple[str, ...]) -> dict[str, Any]:
        group, first = at
        labels = dict(zip(by, group, strict=True))
        if first is not None:
            labels[self.query.every] = period.name(first, self.query.every)
        return {"labels": labels, "value": self.shown(cell), "events": cell.events}

    def shown(self, cell: Cell) -> amount.Value:
        """The value as answers show it."""
        d = self.query.definition
        return amount.shown(cell.value, d.unit, d.measure.kind if d.measure else "")

    async def _figures(self, over: Period, by: tuple[str, ...], every: str) -> Figures:
        sides = [await self._leaf(leaf, over, by, every) for leaf in self.query.leaves]
        at = {at for side in sides for at in side} or ({((), None)} if not by and not every else set())
        return {one: self._worked_out(dict(enumerate(sides)), one) for one in at}

    def _worked_out(self, sides: Mapping[int, Figures], at: _Part) -> Cell:
        """The figure itself, or the ratio of its two sides."""
        cells = [sides.get(n, {}).get(at, NOTHING) for n in range(len(self.query.leaves))]
        return figure_of(self.query.definition, self.query.leaves, cells)

    async def _leaf(self, leaf: Leaf, over: Period, by: tuple[str, ...], every: str) -> Figures:
        kind = leaf.kind
        if leaf.definition.register:
            history = await history_of(self.connection, self.of, self.query, leaf)
            return stays.figures(history, self.of, self.query, leaf, over, by, every)
        series = await series_of(self.connection, leaf, self.query)
        groups: dict[Group, int] = {}
        back = Period(datetime.date.min, over.last) if kind in LOOKS_BACK else over
        pieces = self.of.trees(self.query.region, back, now=self.query.tree_now)
        spans = list(spans_of(series, leaf, self.of, pieces, by, groups))
        read: Cells = await cells.read(self.connection, kind, spans, every, over)
        names = {number: group for group, number in groups.items()}
        return {(names[number], at): cell for (number, at), cell in read.items()}


def figure_of(definition: Definition, leaves: Sequence[Leaf], cells: Sequence[Cell]) -> Cell:
    """The figure itself, or the ratio of its two sides; the events of a cohort are those of the whole."""
    found = [_filled(leaf, cell) for leaf, cell in zip(leaves, cells, strict=True)]
    if len(found) == 1:
        return found[0]
    part, whole = found
    return Cell(
        whole.events + (0 if definition.cohort else part.events), amount.ratio(part.value, whole.value, definition.unit)
    )


def _filled(leaf: Leaf, cell: Cell) -> Cell:
    """Of nothing, a count is 0 and a mean is nothing."""
    empty = cell.value is None and leaf.kind in amount.EMPTY_IS_ZERO
    return Cell(cell.events, Decimal(0)) if empty else cell


async def history_of(connection: asyncpg.Connection, of: Catalogue, query: Query, leaf: Leaf) -> History:
    """What the register of a leaf held."""
    register = of.registers[leaf.definition.register]
    return await of.histories.of(connection, register, of.zone, query.status, query.drill, query.known_at)


Series = tuple[int, str, tuple[str, ...]]
"""Number, region, label values."""


async def series_of(connection: asyncpg.Connection, leaf: Leaf, query: Query) -> list[Series]:
    """The series of a leaf that the query's status, drill and labels leave."""
    rows = await connection.fetch(
        "SELECT id, region, labels FROM series WHERE definition = $1 AND status = $2 AND ($3 = '' OR drill = $3)",
        leaf.definition.hash, STATUSES.index(Status(query.status)), query.drill,
    )  # fmt: skip
    return [(r["id"], r["region"], tuple(r["labels"])) for r in rows if leaf.takes(tuple(r["labels"]))]


def spans_of(
    series: Iterable[Series],
    leaf: Leaf,
    of: Catalogue,
    pieces: Iterable[Piece],
    by: tuple[str, ...],
    groups: dict[Group, int],
) -> Iterator[Span]:
    """Each series with the group it belongs to, from when to when; new groups are numbered on the way."""
    names = leaf.definition.label_names
    at = [names.index(name) if name != "region" else -1 for name in by]
    series = [(number, of.known(region), labels) for number, region, labels in series]
    for piece, child in pieces:
        for number, region, labels in series:
            if region in child:
                group = tuple(child[region] if n < 0 else labels[n] for n in at)
                yield Span(number, groups.setdefault(group, len(groups)), piece.first, piece.last)
