"""The counters of open pages: day, month and year of every figure, held in memory for some regions.

Figures that add up (count, sum, mean) are held per series, so that only the series that moved are read again; the
others are worked out anew when one of their series moved, and as that may be dear, not too often.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import asyncpg

from services.contracts.event import STATUSES, Status
from services.reporting import amount, cells, period
from services.reporting.answer import LOOKS_BACK, Series, figure_of, spans_of
from services.reporting.catalogue import Ambiguous, Catalogue, Leaf
from services.reporting.cells import NOTHING, Cell, Span
from services.reporting.definition import Definition
from services.reporting.period import Period

PERIODS = ("day", "month", "year")
ADDITIVE = frozenset({"count", "sum", "mean"})
DEAR_SHARE = 3
"""After working out what does not add up, so many times as long nothing of it is worked out."""

At = tuple[str, str]
"""A counter: the hash of a definition, and a period."""
Values = dict[At, amount.Value]
_Slot = tuple[int, str, datetime.date]
"""A series, a period, and the first day of a piece of it in which the tree stays the same."""


@dataclass(frozen=True)
class Figure:
    """One visible row, and the tallied rows that it is worked out from."""

    definition: Definition
    leaves: tuple[Leaf, ...]

    @property
    def hashes(self) -> frozenset[str]:
        """Of the definitions whose series move it."""
        return frozenset(leaf.definition.hash for leaf in self.leaves)

    @property
    def additive(self) -> bool:
        """Whether it follows from sums over series."""
        return all(leaf.kind in ADDITIVE for leaf in self.leaves)

    def value(self, sides: list[Cell]) -> amount.Value:
        """What it shows."""
        d = self.definition
        return amount.shown(figure_of(d, self.leaves, sides).value, d.unit, d.measure.kind if d.measure else "")


def figures(of: Catalogue) -> Iterator[Figure]:
    """All rows that have counters: those that the tally can give."""
    for d in (d for rows in of.rows.values() for d in rows if d.kind in ("event", "ratio", "cohort")):
        try:
            leaves = of.leaves(d, dict(d.labels))
        except Ambiguous:
            continue
        if all(leaf.definition.kind == "event" and not leaf.definition.lookups for leaf in leaves):
            yield Figure(d, leaves)


@dataclass
class Counters:
    """What is held. Every reading is of the one snapshot that the connection is in."""

    of: Catalogue
    today: datetime.date = datetime.date.min
    figures: dict[str, Figure] = field(default_factory=dict)
    """By the hash of their definition."""
    boards: dict[str, Values] = field(default_factory=dict)
    """The values by region."""
    _counted: frozenset[str] = frozenset()
    _series: dict[str, dict[int, Series]] = field(default_factory=dict)
    _owner: dict[int, str] = field(default_factory=dict)
    """The definition of each series."""
    _cells: dict[_Slot, Cell] = field(default_factory=dict)
    _spans: dict[str, dict[tuple[str, At], list[Span]]] = field(default_factory=dict)
    """By definition: the spans of each region, labels and period."""
    _dear: set[str] = field(default_factory=set)
    """Figures that must be worked out anew."""
    dear_at: float = 0.0
    """When (monotonic seconds) that may be done next."""

    @property
    def waiting(self) -> bool:
        """Whether something is to be worked out when its time comes."""
        return bool(self._dear)

    def forget(self) -> None:
        """Read everything anew the next time."""
        self._counted = frozenset()

    def period(self, name: str) -> Period:
        """The day, month or year that is."""
        if name == "day":
            return Period(self.today, self.today)
        return period.month(self.today) if name == "month" else period.year(self.today)

    # --- reading --------------------------------------------------------------------------------------------------

    async def move(
        self, connection: asyncpg.Connection, moved: Collection[int] | None, today: datetime.date
    ) -> dict[str, Values]:
        """Take in what these series (None: all) have become; returns the counters that changed, by region.

        On a new day, or when other definitions are counted, all counters are returned.
        """
        anew = await self._renew(connection, today)
        if anew or moved is None or not all(number in self._owner for number in moved):
            await self._load_series(connection)
        numbers = self._owner.keys() if anew or moved is None else {n for n in moved if n in self._owner}
        await self._read_slots(connection, numbers)
        touched = self._touched({self._owner[number] for number in numbers}, anew)
        changed = {}
        for region, board in self.boards.items():
            values = await self._values(connection, region, touched)
            changed[region] = {at: v for at, v in values.items() if anew or at not in board or board[at] != v}
            self.boards[region] = values if anew else board | values
        return changed

    async def watch(self, connection: asyncpg.Connection, region: str) -> None:
        """Hold the counters of one more region."""
        self.boards[region] = await self._values(connection, region, self.figures)

    async def _renew(self, connection: asyncpg.Connection, today: datetime.date) -> bool:
        """Begin anew on a new day, or when other definitions are counted."""
        rows = await connection.fetch("SELECT hash FROM definition WHERE counted IS NOT NULL")
        counted = frozenset(row["hash"] for row in rows)
        if (counted, today) == (self._counted, self.today):
            return False
        self._counted, self.today = counted, today
        self.figures = {f.definition.hash: f for f in figures(self.of) if f.hashes <= counted}
        self._series, self._owner, self._cells, self._spans = {}, {}, {}, {}
        self.boards.setdefault(self.of.regions.root, {})
        return True

    async def _load_series(self, connection: asyncpg.Connection) -> None:
        """The series that are not known yet."""
        hashes = list({hash_ for figure in self.figures.values() for hash_ in figure.hashes})
        rows = await connection.fetch(
            "SELECT id, definition, region, labels FROM series WHERE definition = ANY($1) AND status = $2 AND id > $3",
            hashes, STATUSES.index(Status.ACTUAL), max(self._owner, default=0),
        )  # fmt: skip
        for row in rows:
            self._owner[row["id"]] = row["definition"]
            self._series.setdefault(row["definition"], {})[row["id"]] = (row["id"], row["region"], tuple(row["labels"]))
            self._spans.pop(row["definition"], None)

    async def _read_slots(self, connection: asyncpg.Connection, numbers: Iterable[int]) -> None:
        """Read the sums of some series."""
        root = self.of.regions.root
        pieces = [(name, piece) for name in PERIODS for piece, _ in self.of.trees(root, self.period(name))]
        slots = [(n, name, piece) for n in numbers for name, piece in pieces]
        spans = [Span(n, at, piece.first, piece.last) for at, (n, _, piece) in enumerate(slots)]
        for (at, _), cell in (await cells.sums(connection, spans)).items():
            number, name, piece = slots[at]
            self._cells[number, name, piece.first] = cell

    def _touched(self, hashes: set[str], anew: bool) -> list[str]:
        """The figures to work out now."""
        moved = {hash_ for hash_, figure in self.figures.items() if anew or figure.hashes & hashes}
        now = {hash_ for hash_ in moved if self.figures[hash_].additive}
        self._dear = (self._dear | moved - now) & self.figures.keys()
        if self._dear and (anew or time.monotonic() >= self.dear_at):
            now, self._dear = now | self._dear, set()
        return sorted(now)

    # --- working out ----------------------------------------------------------------------------------------------

    async def _values(self, connection: asyncpg.Connection, region: str, which: Iterable[str]) -> Values:
        """The counters of some figures in one region."""
        dear = {}
        found: Values = {}
        for hash_ in which:
            figure = self.figures[hash_]
            if not figure.additive:
                dear[hash_] = figure
                continue
            for name in PERIODS:
                found[hash_, name] = figure.value([self._added(region, leaf, name) for leaf in figure.leaves])
        return found | await self._worked_out(connection, region, dear) if dear else found

    def _added(self, region: str, leaf: Leaf, name: str) -> Cell:
        """What the held cells of a row's series add up to."""
        events, value = 0, Decimal(0)
        for span in self._spans_of(region, leaf, name):
            cell = self._cells.get((span.series, name, span.first), NOTHING)
            events += cell.events
            value += cell.value or 0
        return cells.of_sum(leaf.kind, Cell(events, value))

    def _spans_of(self, region: str, leaf: Leaf, name: str) -> list[Span]:
        held = self._spans.setdefault(leaf.definition.hash, {})
        at = (region, (str(sorted(leaf.labels.items())), name))
        if at not in held:
            over = self.period(name)
            if leaf.kind in LOOKS_BACK:
                over = Period(datetime.date.min, over.last)
            series = [s for s in self._series.get(leaf.definition.hash, {}).values() if leaf.takes(s[2])]
            held[at] = list(spans_of(series, leaf, self.of, self.of.trees(region, over), (), {}))
        return held[at]

    async def _worked_out(self, connection: asyncpg.Connection, region: str, dear: Mapping[str, Figure]) -> Values:
        """What does not add up: one reading per kind of measure."""
        began = time.monotonic()
        places = [(hash_, name, leaf) for hash_, figure in dear.items() for name in PERIODS for leaf in figure.leaves]
        found = [NOTHING] * len(places)
        for kind in {leaf.kind for _, _, leaf in places}:
            spans = [
                span._replace(group=n)
                for n, (_, name, leaf) in enumerate(places)
                if leaf.kind == kind
                for span in self._spans_of(region, leaf, name)
            ]
            for (n, _), cell in (await cells.read(connection, kind, spans, "", period.year(self.today))).items():
                found[n] = cell
        sides: dict[At, list[Cell]] = {}
        for (hash_, name, _), cell in zip(places, found, strict=True):
            sides.setdefault((hash_, name), []).append(cell)
        self.dear_at = time.monotonic() + DEAR_SHARE * (time.monotonic() - began)
        return {at: dear[at[0]].value(of_figure) for at, of_figure in sides.items()}
