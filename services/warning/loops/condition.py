"""Which events a step means: `type{field=value,field>=3,field}`, read once and matched against the data of a case."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.contracts.families import FIELDS, TYPES
from services.contracts.fields import decimal
from services.contracts.rows import advice

_CALL = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_TERM = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(?:(>=|<=|!=|=|>|<)\s*([^,<>=!]+?))?\s*")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


class NotACondition(ValueError):
    """The text does not say which events: what is wrong, and what to do."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


@dataclass(frozen=True)
class Term:
    """One field and what it must be; without a sign: present."""

    field: str
    sign: str = ""
    value: str = ""

    def holds(self, view: Mapping[str, Any]) -> bool:
        """Whether it is so; a missing field equals nothing."""
        found = view.get(self.field)
        if not self.sign:
            return found not in (None, "", [], False)
        if self.sign in _ORDER:
            number, limit = decimal(found), Decimal(self.value)
            return number is not None and _ORDER[self.sign](number, limit)
        return (found is not None and _text(found) == self.value) == (self.sign == "=")


@dataclass(frozen=True)
class Condition:
    """A type of event and what its data must be."""

    type: str
    terms: tuple[Term, ...] = ()

    def meets(self, type_: str, view: Mapping[str, Any]) -> bool:
        """Whether an event is meant."""
        return type_ == self.type and all(term.holds(view) for term in self.terms)


def read(text: Any, inside: str = "") -> Condition:
    """The condition a text means; `inside`: the list of objects whose members the terms speak of.

    Raises NotACondition.
    """
    match = _CALL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise NotACondition(f"不是事件类型: {text}", '写成 "hazard.found" 或 "hazard.found{level=major}"')
    type_ = match[1]
    if type_ not in TYPES:
        raise NotACondition(f"没有事件类型 {type_}", advice(type_, TYPES))
    return Condition(type_, terms(match[2] or "", type_, inside))


def terms(text: str, type_: str, inside: str = "") -> tuple[Term, ...]:
    """The terms in the braces. Raises NotACondition."""
    return tuple(_term(part, type_, inside) for part in text.split(",") if part.strip())


def _term(text: str, type_: str, inside: str) -> Term:
    match = _TERM.fullmatch(text)
    if match is None:
        raise NotACondition(f"不是条件: {text.strip()}", "写成 字段=值、字段>=数 或 字段（即有值）")
    field, sign, value = match[1], match[2] or "", (match[3] or "").strip("\"' ")
    if not inside and field not in FIELDS[type_]:
        raise NotACondition(f"{type_} 没有字段 {field}", advice(field, FIELDS[type_]))
    if sign in _ORDER and decimal(value) is None:
        raise NotACondition(f"{sign} 后面不是数: {value}", "写成 字段>=3")
    return Term(field, sign, value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
