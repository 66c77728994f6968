"""What stood in a register at the end of a period, or of each day or month of it: counted, summed, told apart."""

from __future__ import annotations

import bisect
import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from zoneinfo import ZoneInfo

from services.contracts.fields import decimal
from services.reporting import period
from services.reporting.catalogue import Catalogue, Leaf
from services.reporting.cells import Cell
from services.reporting.definition import Definition, matches, values_at
from services.reporting.period import Period
from services.reporting.question import Query
from services.reporting.register import FOREVER, History, State, Stay
from services.reporting.tally import label

Group = tuple[str, ...]
Part = tuple[Group, datetime.date | None]


@dataclass
class _Steps:
    """What changes from one end to the next, for one group."""

    events: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    value: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    there: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """How many things."""
    members: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    """Of each different value: how many things have it."""


def figures(
    history: History, of: Catalogue, query: Query, leaf: Leaf, over: Period, by: Group, every: str
) -> dict[Part, Cell]:
    """The state at the end of `over`, or of each of its parts, by the tree of regions of that day."""
    names, days = zip(*(_ends(over, every)), strict=True)
    instants = [end_of(day, of.zone) for day in days]
    groups: dict[Group, _Steps] = defaultdict(_Steps)
    for piece, children in of.trees(query.region, Period(days[0], days[-1]), now=query.tree_now):
        within = bisect.bisect_left(days, piece.first), bisect.bisect_right(days, piece.last)
        for stay in history:
            first, last = max(within[0], _first(instants, stay)), min(within[1], _last(instants, stay))
            group = _group(of, leaf, stay.state, children, by) if first < last else None
            if group is not None:
                _add(groups[group], leaf.definition, stay.state, first, last)
    return {
        (group, names[n]): cell
        for group, steps in groups.items()
        for n, cell in enumerate(_cells(steps, leaf.kind, len(days)))
        if cell.events
    }


def standing(history: History, of: Catalogue, query: Query, leaf: Leaf) -> Iterator[State]:
    """The states that a figure is made of."""
    instants = [end_of(query.period.last, of.zone)]
    last = Period(query.period.last, query.period.last)
    ((_, children),) = of.trees(query.region, last, now=query.tree_now)
    for stay in history:
        if _first(instants, stay) < _last(instants, stay) and _group(of, leaf, stay.state, children, ()) is not None:
            yield stay.state


def end_of(day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """The instant at which a local day is over."""
    if day == datetime.date.max:
        return FOREVER
    return datetime.datetime.combine(day + period.DAY, datetime.time(), zone)


def _ends(over: Period, every: str) -> Iterable[tuple[datetime.date | None, datetime.date]]:
    return [(name, part.last) for name, part in period.parts(over, every)] if every else [(None, over.last)]


def _first(instants: list[datetime.datetime], stay: Stay) -> int:
    """The first end that lies after the stay has begun."""
    return bisect.bisect_right(instants, stay.since)


def _last(instants: list[datetime.datetime], stay: Stay) -> int:
    """One past the last end at which it was still there."""
    return bisect.bisect_right(instants, stay.until)


def _group(of: Catalogue, leaf: Leaf, state: State, children: Mapping[str, str], by: Group) -> Group | None:
    """The group that a state belongs to; None: none that is asked for."""
    d, region = leaf.definition, of.known(state.region)
    if region not in children or not matches(d.where, _attributes(state), state.fields):
        return None
    labels = {name: _label(state, path) for name, path in zip(d.label_names, d.by, strict=True)}
    if not leaf.takes(tuple(labels.values())):
        return None
    return tuple(children[region] if name == "region" else labels[name] for name in by)


def _attributes(state: State) -> dict[str, str]:
    return {"subject": state.thing, "region": state.region}


def _label(state: State, path: str) -> str:
    values = values_at(path, _attributes(state), state.fields)
    return ",".join(sorted(map(label, values)))


def _add(steps: _Steps, definition: Definition, state: State, first: int, last: int) -> None:
    """One state that stood from one end to another."""
    kind, path = (definition.measure.kind, definition.measure.field) if definition.measure else ("", "")
    values = values_at(path, _attributes(state), state.fields) if path else []
    amount = sum(filter(None, map(decimal, values)), Decimal(0)) if kind == "sum" else Decimal(0)
    for at, sign in ((first, 1), (last, -1)):
        steps.events[at] += sign * state.length
        steps.there[at] += sign
        steps.value[at] += sign * amount
        for value in {label(one) for one in values} if kind == "distinct" else ():
            steps.members[value][at] += sign


def _cells(steps: _Steps, kind: str, size: int) -> list[Cell]:
    events = _run(steps.events, size)
    if kind == "distinct":
        runs = [_run(refs, size) for refs in steps.members.values()]
        values = [Decimal(sum(run[n] > 0 for run in runs)) for n in range(size)]
    elif kind == "sum":
        values = list(accumulate(steps.value.get(n, Decimal(0)) for n in range(size)))
    else:
        values = [Decimal(n) for n in _run(steps.there, size)]
    return [Cell(n, value) for n, value in zip(events, values, strict=True)]


def _run(steps: Mapping[int, int], size: int) -> list[int]:
    return list(accumulate(steps.get(n, 0) for n in range(size)))
