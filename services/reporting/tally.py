"""The tally: statistics compiled into "for this type, these increments".

A type's statistics look at a few fields of its data. Events that agree in these (their *shape*) take the same
increments, so the plan for a shape is worked out once; after that an event costs one look-up and a few additions.
Increments are exact (integers and decimals) and can be taken back: `sign` is +1 or -1.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.contracts.event import STATUSES, Event
from services.contracts.families import FIELDS
from services.contracts.fields import DATE, IDENTIFIER, TEXT, decimal
from services.reporting.definition import Definition, meets

DAY_BITS = 22
"""Low bits of a code: the day's proleptic ordinal. High bits: the series."""
DAY_MASK = (1 << DAY_BITS) - 1
PLANS = 200_000
"""Shapes remembered at most; then they are worked out anew."""
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_QUARTER_HOUR = datetime.timedelta(minutes=15)
"""No time zone is set off from another by less."""
OBSERVED = frozenset({"last", "stock", "max", "median"})
"""Measures that need the single values, since they cannot be taken back from a sum."""

SeriesKey = tuple[str, int, str, str, tuple[str, ...]]
"""Definition hash, status, drill, region, label values."""


@dataclass
class Observation:
    """One value of one event in one series."""

    series: int
    key: bytes
    n: int
    subject: bytes
    time: datetime.datetime
    recorded: datetime.datetime
    day: int
    value: Decimal
    sign: int


@dataclass(eq=False)
class Plan:
    """What every event of one shape adds, told apart by identity."""

    once: tuple[int, ...]
    """Series (shifted) in which it is one event more."""
    measuring: tuple[tuple[int, str, int], ...]
    """Series (shifted), measure and field index of those that also measure."""


@dataclass
class Increments:
    """What some events add to the tally. Codes are series << 22 | day ordinal."""

    times: dict[tuple[Plan, int], int] = field(default_factory=dict)
    """How often a plan was carried out on a day: one addition an event, however many statistics count it."""
    values: dict[int, Decimal | int] = field(default_factory=dict)
    members: dict[tuple[int, bytes], int] = field(default_factory=dict)
    observations: list[Observation] = field(default_factory=list)
    _events: dict[int, int] = field(default_factory=dict)

    @property
    def events(self) -> dict[int, int]:
        """How many events, by code."""
        times, self.times = self.times, {}
        for (plan, day), n in times.items():
            for series in plan.once:
                self._events[series | day] = self._events.get(series | day, 0) + n
        return self._events


@dataclass
class Series:
    """The numbers of the series in the database; new ones are numbered here and saved with the next transaction."""

    ids: dict[SeriesKey, int] = field(default_factory=dict)
    unsaved: list[tuple[int, SeriesKey]] = field(default_factory=list)

    def id(self, key: SeriesKey) -> int:
        """The number of a series, a new one if need be."""
        number = self.ids.get(key)
        if number is None:
            number = self.ids[key] = len(self.ids) + 1
            self.unsaved.append((number, key))
        return number


@dataclass(frozen=True)
class _Statistic:
    """One definition, ready to be asked about a shape."""

    definition: Definition
    kind: str
    measured: int
    """Index of the measured field among the type's fields; -1 for count."""


class _Recipe:
    """The statistics of one type, and the few fields of its data that they look at."""

    def __init__(self, type_: str, definitions: Iterable[Definition]) -> None:
        definitions = list(definitions)
        splitting = {name for d in definitions for name in (*d.by, *(c.field for c in d.where))}
        measured = {d.measure.field for d in definitions if d.measure and d.measure.field}
        self.paths = tuple(sorted(splitting)) + tuple(sorted(measured - splitting))
        self.split = len(splitting)
        self.plans: dict[Any, Plan] = {}
        tops = list(dict.fromkeys(path.split(".")[0] for path in self.paths if not path.startswith("@")))
        slots = {f"f{i}": top for i, top in enumerate(tops)}
        shape = msgspec.defstruct("Shape", [(slot, Any, None) for slot in slots], rename=slots, gc=False)
        self._decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode
        self._getters = None if tops == list(self.paths) else tuple(_getter(path, tops) for path in self.paths)
        self.plain = all(_is_text(type_, path) for path in self.paths[: self.split])
        self.statistics = tuple(
            _Statistic(d, d.measure.kind, self.paths.index(d.measure.field) if d.measure.field else -1)
            for d in definitions
            if d.measure is not None
        )

    def values(self, event: Event) -> tuple[Any, ...]:
        """What stands at the paths, in their order."""
        data = self._decode(event.data)
        if self._getters is None:
            return msgspec.structs.astuple(data)
        return tuple(get(event, data) for get in self._getters)

    def shape(self, event: Event, values: tuple[Any, ...]) -> Any:
        """What the plan for an event depends on; 1, 1.0 and true are told apart."""
        splitting = values[: self.split]
        if not self.plain:
            splitting = tuple(map(_exact, splitting))
        return (event.region, event.status, event.drill, splitting)


def _is_text(type_: str, path: str) -> bool:
    """Whether a field can only be text: then equal values are the same value."""
    spec = FIELDS.get(type_, {}).get(path)
    return spec is not None and not spec.many and spec.kind in (TEXT, IDENTIFIER, DATE)


def _exact(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_exact, value))
    if isinstance(value, dict):
        return tuple(sorted((k, _exact(v)) for k, v in value.items()))
    return value if value is None or isinstance(value, str) else (type(value), value)


def _getter(path: str, tops: list[str]) -> Any:
    """A function (event, shape) -> value of a field path; `@NAME` is an attribute of the envelope."""
    if path.startswith("@"):
        name = path[1:]
        return lambda event, _shape: str(getattr(event, name, None) or "")
    top, *rest = path.split(".")
    slot = f"f{tops.index(top)}"

    def get(_event: Event, shape: Any) -> Any:
        value = getattr(shape, slot)
        for part in rest:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    return get


def tallied(definition: Definition) -> bool:
    """Whether a definition has counters; look-ups into registers are computed from the ledger when asked."""
    return definition.measure is not None and not definition.lookups


class Tally:
    """Turns events into increments by the definitions in use."""

    def __init__(self, definitions: Iterable[Definition], zone: ZoneInfo, series: Series) -> None:
        by_type: dict[str, list[Definition]] = {}
        for definition in definitions:
            if tallied(definition):
                by_type.setdefault(definition.event, []).append(definition)
        self._recipes = {name: _Recipe(name, rows) for name, rows in by_type.items()}
        self._days: dict[int, int] = {}
        """By quarter of an hour."""
        self._zone, self.series = zone, series

    def day(self, time: datetime.datetime) -> int:
        """The ordinal of the local day of an instant, in the bureau's time zone."""
        quarter = (time - _EPOCH) // _QUARTER_HOUR
        day = self._days.get(quarter)
        if day is None:
            if len(self._days) > PLANS:
                self._days.clear()
            day = self._days[quarter] = time.astimezone(self._zone).toordinal()
        return day

    def count(
        self, event: Event, type_: str, key: bytes, into: Increments, sign: int = 1, *, stored: bool = False
    ) -> None:
        """Add an event to the increments, or take it back. Raises ValueError for a value that cannot be measured.

        Of an event that is `stored` in the ledger such a value adds nothing: the statistic came later than it.
        """
        recipe = self._recipes.get(type_)
        if recipe is None:
            return
        values = recipe.values(event)
        plan = self._plan(recipe, event, values)
        day = self.day(event.time)
        if plan.measuring:
            amounts = [_amounts(kind, _present(values[index]), stored) for _, kind, index in plan.measuring]
            for (series, kind, _), amount in zip(plan.measuring, amounts, strict=True):
                _measure(into, series | day, kind, amount, event, key, sign)
        at = plan, day
        into.times[at] = into.times.get(at, 0) + sign

    def _plan(self, recipe: _Recipe, event: Event, values: tuple[Any, ...]) -> Plan:
        shape = recipe.shape(event, values)
        plan = recipe.plans.get(shape)
        if plan is None:
            if len(recipe.plans) >= PLANS:
                recipe.plans.clear()
            plan = recipe.plans[shape] = self._work_out(recipe, event, values)
        return plan

    def _work_out(self, recipe: _Recipe, event: Event, values: tuple[Any, ...]) -> Plan:
        at = dict(zip(recipe.paths, values, strict=True))
        status = STATUSES.index(event.status)
        once, measuring = [], []
        for s in recipe.statistics:
            if not all(meets(condition, _present(at[condition.field])) for condition in s.definition.where):
                continue
            labels = tuple(label(at[path]) for path in s.definition.by)
            series = self.series.id((s.definition.hash, status, event.drill, label(event.region), labels)) << DAY_BITS
            if s.kind != "mean":
                once.append(series)
            if s.kind != "count":
                measuring.append((series, s.kind, s.measured))
        return Plan(tuple(once), tuple(measuring))


def _present(value: Any) -> list[Any]:
    """What stands in a field: nothing, one value, or the elements of a list."""
    values = value if isinstance(value, list) else [value]
    return [v for v in values if v is not None and v != ""]


def _amounts(kind: str, elements: list[Any], stored: bool) -> list[Any]:
    """What one event measures: exact numbers, or the hashes of different things."""
    if kind == "distinct":
        return list({member(label(e)) for e in elements})
    return [number(e) for e in elements if not stored or _is_number(e)]


def _measure(into: Increments, code: int, kind: str, amounts: list[Any], event: Event, key: bytes, sign: int) -> None:
    """Add what one event measures to one series and day. The events of a mean are its values."""
    if kind == "mean":
        into.events[code] = into.events.get(code, 0) + sign * len(amounts)
    if kind == "distinct":
        for amount in amounts:
            into.members[code, amount] = into.members.get((code, amount), 0) + sign
    elif kind in OBSERVED:
        of, series, day = member(event.subject), code >> DAY_BITS, code & DAY_MASK
        into.observations += (
            Observation(series, key, n, of, event.time, event.recordedtime, day, amount, sign)
            for n, amount in enumerate(amounts)
        )
    else:
        for amount in amounts:
            into.values[code] = into.values.get(code, 0) + sign * amount


def _is_number(value: Any) -> bool:
    return type(value) is int or decimal(value) is not None


def number(value: Any) -> Decimal:
    """A measured value, exact. Raises ValueError when it is not a number."""
    exact = Decimal(value) if type(value) is int else decimal(value)
    if exact is None:
        raise ValueError(f"{value!r} is measured but is not a number")
    return exact


def member(value: str) -> bytes:
    """16 bytes that stand for a counted thing: it may name a person, and only its being different matters."""
    return hashlib.blake2b(value.encode(), digest_size=16).digest()


def label(value: Any) -> str:
    """A label's value as text; absent is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(sorted(map(label, value)))
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def by_month(daily: Mapping[int, Any]) -> dict[tuple[int, datetime.date], Any]:
    """Daily increments, by series and first day of the month."""
    months: dict[tuple[int, datetime.date], Any] = {}
    firsts: dict[int, datetime.date] = {}
    for code, amount in daily.items():
        ordinal = code & DAY_MASK
        first = firsts.get(ordinal)
        if first is None:
            first = firsts[ordinal] = datetime.date.fromordinal(ordinal).replace(day=1)
        at = (code >> DAY_BITS, first)
        months[at] = months.get(at, 0) + amount
    return months
