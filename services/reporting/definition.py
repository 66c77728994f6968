"""What a statistic is: which events it counts, how, and by which labels. Rows become definitions in `grammar`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from services.contracts.fields import decimal, moment
from services.contracts.identity import canonical

MEASURES = ("count", "sum", "distinct", "last", "stock", "mean", "median", "max")
OPERATORS = ("eq", "in", "present", "absent", "not", "ge", "gt", "le", "lt")

Labels = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""


@dataclass(frozen=True)
class Condition:
    """One condition on an event.

    A list fulfils it when one of its elements does (`not`: when none is the value). A missing field fulfils only
    `absent` and `not`.
    """

    field: str
    """A data field, `a.b` nested, or `@NAME`: an attribute of the envelope."""
    op: str
    """One of OPERATORS."""
    value: Any = None
    """Text, whole number, Decimal or flag; for `in` and for `not` one of several: a tuple of them."""


@dataclass(frozen=True)
class Measure:
    """What is made of the events that meet the conditions."""

    kind: str
    """One of MEASURES."""
    field: str = ""
    """Empty for `count`."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.field}" if self.field else self.kind


@dataclass(frozen=True)
class Reference:
    """Another figure: `hazards_found{level=major}`."""

    key: str
    labels: Labels = ()

    def __str__(self) -> str:
        inner = ",".join(f"{name}={value}" for name, value in self.labels)
        return f"{self.key}{{{inner}}}" if inner else self.key


@dataclass(frozen=True)
class Cohort:
    """Events of the period that meet `met`, out of all that meet `of`."""

    event: str
    of: tuple[Condition, ...]
    met: tuple[Condition, ...]


@dataclass(frozen=True)
class Definition:
    """One row of a statistic, checked."""

    key: str
    zh: str
    unit: str
    event: str = ""
    measure: Measure | None = None
    where: tuple[Condition, ...] = ()
    by: tuple[str, ...] = ()
    """Field paths whose values become labels, named by their last segment (`label_names`)."""
    labels: Labels = ()
    """Constant labels: they tell the rows of one key apart."""
    hidden: bool = False
    """Serves ratios only."""
    ratio: tuple[Reference, Reference] | None = None
    cohort: Cohort | None = None
    register: str = ""
    lookups: tuple[str, ...] = ()
    """Registers whose fields it uses (`enterprise.sector`): such a row is not tallied but worked out when asked."""
    manual: bool = False
    """Nothing is counted: a person records the figure (`figure.recorded`)."""
    basis: tuple[str, ...] = ()
    """The hashes of the registers that it reads."""
    about: str = ""
    file: str = ""
    line: int = 0

    @property
    def kind(self) -> str:
        """How it is worked out: `event` (tallied), `ratio`, `cohort`, `register` or `manual`."""
        if self.ratio:
            return "ratio"
        return "cohort" if self.cohort else "register" if self.register else "manual" if self.manual else "event"

    @cached_property
    def halves(self) -> tuple[Definition, Definition]:
        """Of a cohort the two counts that it is made of: the events that meet the condition, and all."""
        if self.cohort is None:
            raise AssertionError(f"{self.key} is no cohort")
        all_ = replace(
            self, key=f"{self.key}.of", unit="件", event=self.cohort.event, measure=Measure("count"),
            where=self.cohort.of, cohort=None, hidden=True,
        )  # fmt: skip
        return replace(all_, key=f"{self.key}.met", where=(*self.cohort.of, *self.cohort.met)), all_

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels in `by`, in its order: `enterprise.sector` → `sector`, `@drill` → `drill`."""
        return tuple(label_name(path) for path in self.by)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every field that must be looked at to count an event."""
        measured = (self.measure.field,) if self.measure and self.measure.field else ()
        return tuple(dict.fromkeys([*(c.field for c in self.where), *self.by, *measured]))

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change when the same events would give another figure.

        Names, unit and explanation are left out; key and constant labels are in, so that two rows never share
        counters. The order of conditions means nothing, that of `by` is the order in which labels are stored.
        """
        return hashlib.sha256(canonical(self._counting())).hexdigest()[:16]

    def _counting(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "labels": [list(pair) for pair in self.labels],
            "event": self.event,
            "measure": str(self.measure or ""),
            "where": plain_conditions(self.where),
            "by": list(self.by),
            "ratio": [str(reference) for reference in self.ratio or ()],
            "cohort": [self.cohort.event, plain_conditions(self.cohort.of), plain_conditions(self.cohort.met)]
            if self.cohort
            else [],
            "register": self.register,
            **({"basis": list(self.basis)} if self.basis else {}),
        }


def label_name(path: str) -> str:
    """The label that a field of `by` makes: its last segment."""
    return path.removeprefix("@").rpartition(".")[2]


def plain_conditions(conditions: Iterable[Condition]) -> list[list[Any]]:
    """Conditions as JSON, in an order of their own: what a hash is made of."""
    return sorted(([c.field, c.op, _plain(c.value)] for c in conditions), key=repr)


def _plain(value: Any) -> Any:
    """A value as JSON that keeps text, flags and numbers apart (1 and 1.0 are one number)."""
    if isinstance(value, tuple):
        return sorted((_plain(v) for v in value), key=repr)
    if value is None or isinstance(value, bool | str):
        return value
    return ["number", format(Decimal(value).normalize(), "f")]


def select(definitions: Iterable[Definition], key: str, labels: Mapping[str, str]) -> list[Definition]:
    """The rows of a key that a query with these labels can mean: exactly one, when the query is clear.

    A row is meant when each label of the query is one of its constants (same value) or is among its `by` (a ratio
    hands others on to its two figures). Of several, those win all of whose constants the query gives, and of these
    the one with most constants.
    """
    meant = [d for d in definitions if d.key == key and _takes(d, labels)]
    exact = [d for d in meant if all(labels.get(name) == value for name, value in d.labels)]
    most = max((len(d.labels) for d in exact), default=0)
    return [d for d in exact if len(d.labels) == most] or meant


def _takes(definition: Definition, labels: Mapping[str, str]) -> bool:
    constants = dict(definition.labels)
    return all(
        constants[name] == value
        if name in constants
        else name in definition.label_names or definition.ratio is not None
        for name, value in labels.items()
    )


# The plain reading of conditions. The stream compiles its own; tests hold the two against each other.


def values_at(path: str, attributes: Mapping[str, Any], data: Mapping[str, Any]) -> list[Any]:
    """What stands at a field path: nothing, one value, or the elements of a list. null and "" are nothing."""
    if path.startswith("@"):
        found = attributes.get(path[1:])
    else:
        found = data
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list | tuple) else [found]
    return [value for value in values if value is not None and value != ""]


def matches(conditions: Iterable[Condition], attributes: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Whether an event meets all conditions."""
    return all(meets(c, values_at(c.field, attributes, data)) for c in conditions)


def meets(condition: Condition, values: list[Any]) -> bool:
    """Whether the values of a field meet one condition."""
    match condition.op:
        case "present":
            return bool(values)
        case "absent":
            return not values
        case "not":
            wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,)
            return not any(same(value, one) for value in values for one in wanted)
        case "in":
            return any(same(value, one) for value in values for one in condition.value)
        case "eq":
            return any(same(value, condition.value) for value in values)
        case op:
            return any(_ORDER[op](order) for value in values if (order := compare(value, condition.value)) is not None)


_ORDER = {"ge": (0).__le__, "gt": (0).__lt__, "le": (0).__ge__, "lt": (0).__gt__}


def same(value: Any, wanted: Any) -> bool:
    """Whether a value of an event is the one of a condition: numbers by amount ("3.50" is 3.5), else exactly."""
    if isinstance(value, bool) or isinstance(wanted, bool | str):
        return type(value) is type(wanted) and bool(value == wanted)
    return decimal(value) == decimal(wanted)


def compare(value: Any, limit: Any) -> int | None:
    """-1, 0 or 1 as a value is below, at or above a limit; None when they cannot be compared.

    Numbers by amount, times with offset by instant, other text (dates) by its characters.
    """
    one, other = _orderable(value, limit)
    if one is None or other is None:
        return None
    return int(one > other) - int(one < other)


def _orderable(value: Any, limit: Any) -> tuple[Any, Any]:
    if isinstance(limit, str):
        instants = moment(value), moment(limit)
        return instants if all(instants) else (value if isinstance(value, str) else None, limit)
    return decimal(value), decimal(limit)
