"""What figures can be asked for: the definitions in use, and the bureau's regions, feeds and time zone beside them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from services.contracts.region import Regions
from services.reporting import period, registers, statistics
from services.reporting.definition import Condition, Definition, Reference, select
from services.reporting.histories import Histories
from services.reporting.period import Period
from services.reporting.registers import Registers
from services.runtime.bureau import Bureau, Feed

Piece = tuple[Period, Mapping[str, str]]
"""Days, and what rolls up into which child on them."""


@dataclass(frozen=True)
class Catalogue:
    """The figures of one bureau."""

    definitions: tuple[Definition, ...]
    regions: Regions
    zone: ZoneInfo
    feeds: tuple[Feed, ...] = ()
    registers: Registers = field(default_factory=dict)
    histories: Histories = field(default_factory=Histories, compare=False)
    """What the registers have been found to hold."""
    _grown: dict[tuple[str, datetime.date | None], Mapping[str, str]] = field(default_factory=dict, compare=False)

    @cached_property
    def rows(self) -> Mapping[str, tuple[Definition, ...]]:
        """The rows that can be asked for, by key; hidden ones serve ratios only."""
        found: dict[str, tuple[Definition, ...]] = {}
        for d in self.definitions:
            if not d.hidden:
                found[d.key] = (*found.get(d.key, ()), d)
        return found

    def today(self, now: datetime.datetime) -> datetime.date:
        """The local day of a moment."""
        return now.astimezone(self.zone).date()

    def known(self, region: str) -> str:
        """A region of the tree for one of an event, whose row may have been taken out since."""
        return region if region in self.regions else self.regions.resolve(region)[0]

    def trees(self, region: str, over: Period, *, now: bool = False) -> list[Piece]:
        """A region over the days on which the tree stays the same: code → the child that it rolls up into.

        What lies at the region itself rolls up into its own code. `now`: today's tree for all days, and a code that
        is gone counts as its successor.
        """
        if now:
            return [(over, self._children(region, None))]
        turns = sorted({row.first for row in self.regions.rows if over.first < row.first <= over.last})
        return [
            (Period(first, after - period.DAY if after else over.last), self._children(region, first))
            for first, after in zip([over.first, *turns], [*turns, None], strict=True)
        ]

    def _children(self, region: str, on: datetime.date | None) -> Mapping[str, str]:
        turn = on and max((row.first for row in self.regions.rows if row.first <= on), default=datetime.date.min)
        if (region, turn) not in self._grown:
            paths = {code: self.regions.path(code if on else self._successor(code), on) for code in self.regions}
            self._grown[region, turn] = {
                code: (*path, region)[path.index(region) + 1] for code, path in paths.items() if region in path
            }
        return self._grown[region, turn]

    def _successor(self, code: str) -> str:
        seen = {code}
        while (after := self.regions.get(code).successor) and after not in seen:
            seen.add(code := after)
        return code

    def leaves(self, definition: Definition, labels: Mapping[str, str]) -> tuple[Leaf, ...]:
        """The rows that a figure is worked out from: itself, part and whole of a ratio, the two counts of a cohort.

        Raises Ambiguous when a label does not lead to exactly one row on a side of a ratio.
        """
        if definition.cohort is not None:
            return tuple(Leaf(half, _split_by(half, labels)) for half in definition.halves)
        if definition.ratio is None:
            return (Leaf(definition, _split_by(definition, labels)),)
        handed_on = {name: value for name, value in labels.items() if name not in dict(definition.labels)}
        return tuple(self._side(side, handed_on) for side in definition.ratio)

    def _side(self, side: Reference, labels: Mapping[str, str]) -> Leaf:
        own = dict(side.labels)
        clash = sorted(name for name in labels if own.get(name, labels[name]) != labels[name])
        found = [] if clash else select(self.definitions, side.key, {**labels, **own})
        if len(found) != 1:
            raise Ambiguous(side, clash or sorted(labels), found)
        return Leaf(found[0], _split_by(found[0], {**labels, **own}))


@dataclass(frozen=True)
class Leaf:
    """A tallied row with values for some of the labels it is split by."""

    definition: Definition
    labels: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Its kind of measure."""
        return self.definition.measure.kind if self.definition.measure else ""

    def takes(self, values: tuple[str, ...]) -> bool:
        """Whether a series with these label values belongs to it."""
        names = self.definition.label_names
        return all(self.labels.get(name, value) == value for name, value in zip(names, values, strict=True))


class Ambiguous(ValueError):
    """Labels that do not lead to one row on a side of a ratio."""

    def __init__(self, side: Reference, labels: list[str], found: list[Definition]) -> None:
        super().__init__(str(side))
        self.side, self.labels, self.found = side, labels, found


def of(bureau: Bureau) -> Catalogue:
    """The catalogue of a bureau. Raises `Mistakes`."""
    definitions = statistics.definitions(bureau)
    known, _ = registers.read(bureau.registers, bureau.extra_codes)
    return Catalogue(definitions, bureau.regions, bureau.timezone, bureau.feeds, known)


def _split_by(definition: Definition, labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name in definition.label_names}


# A definition in words.

_SIGNS = {"eq": "=", "ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def written(condition: Condition) -> str:
    """A condition as a person reads it: `level=major`, `mode in joint|campaign`, `due present`."""
    match condition.op:
        case "present" | "absent":
            return f"{condition.field} {condition.op}"
        case "in":
            return f"{condition.field} in {'|'.join(map(_text, condition.value))}"
        case "not" if isinstance(condition.value, tuple):
            return f"{condition.field} not in {'|'.join(map(_text, condition.value))}"
        case "not":
            return f"{condition.field}!={_text(condition.value)}"
        case op:
            return f"{condition.field}{_SIGNS[op]}{_text(condition.value)}"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def described(d: Definition) -> dict[str, object]:
    """A definition for an answer: its hash, and the row as a person reads it."""
    where = ",".join(written(c) for c in d.where)
    of = f"{d.event}{{{where}}}" if where else d.event
    if d.cohort:
        of = f"{d.cohort.event}{{{','.join(map(written, d.cohort.of))}}}"
    return {
        "hash": d.hash,
        "key": d.key,
        "zh": d.zh,
        "unit": d.unit,
        "kind": d.kind,
        "of": of or d.register or " / ".join(map(str, d.ratio or ())),
        "measure": str(d.measure or ""),
        "by": list(d.label_names),
        "labels": dict(d.labels),
        "about": d.about,
    }
