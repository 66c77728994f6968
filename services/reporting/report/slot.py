"""The grammar of a figure's place in a template: `{{key{label=v}|from=|region=|by=|同比|万元|…}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.contracts.rows import advice

COMPARED, ABOUT, MYRIADS, NUMERAL, TABLE, CHART = FORMS = ("同比", "约", "万元", "汉字", "table", "chart")
OPTIONS = ("from", "to", "region", "by")
HERE = "*"
"""As a label's value inside `{{#each}}`: that of the part at hand."""
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_REFERENCE = re.compile(r"\s*([^{}|\s]+)\s*(?:\{([^{}]*)\})?\s*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
RELATIVE = {
    "from": {"年初": "the first day of the year", "月初": "the first day of the month"},
    "to": {"年末": "the last day of the year", "月末": "the last day of the month"},
}
"""Words for a day of the report's own year or month; which year and month, its `from` (of `to`, its `to`) says."""

Labels = tuple[tuple[str, str], ...]


class Wrong(ValueError):
    """What is wrong with a slot, and what to do about it."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}, {todo}")
        self.what, self.todo = what, todo


@dataclass(frozen=True)
class Slot:
    """One place for a figure; `id` is what is asked, `forms` how it is printed."""

    key: str
    labels: Labels = ()
    first: str = ""
    last: str = ""
    region: str = ""
    by: tuple[str, ...] = ()
    forms: frozenset[str] = frozenset()
    line: int = 0

    @property
    def id(self) -> str:
        """The slot as it is written, in one way: the figure's name in an edition."""
        inner = ",".join(f"{name}={value}" for name, value in sorted(self.labels))
        options = [("from", self.first), ("to", self.last), ("region", self.region), ("by", ",".join(self.by))]
        return "|".join([self.key + (f"{{{inner}}}" if inner else ""), *(f"{n}={v}" for n, v in options if v)])

    @property
    def here(self) -> tuple[str, ...]:
        """The labels that take the value of the part at hand."""
        return tuple(name for name, value in self.labels if value == HERE)

    def asked(self) -> Slot:
        """The slot whose answer holds this one's figure: a label of the part at hand is a split by it."""
        if not self.here:
            return self
        labels = tuple((name, value) for name, value in self.labels if value != HERE)
        return replace(self, labels=labels, by=tuple(dict.fromkeys([*self.by, *self.here])))


def parse(text: str, line: int = 0) -> Slot:
    """The slot between the braces. Raises Wrong."""
    reference, *parts = text.split("|")
    match = _REFERENCE.fullmatch(reference)
    if not match or not KEY.fullmatch(match[1]):
        raise Wrong(f"{{{{{text}}}}} 不是指标", "写成 {{指标键}} 或 {{指标键{标签=值}}}")
    slot = Slot(match[1], _labels(match[2] or ""), line=line)
    for part in parts:
        slot = _with(slot, part.strip())
    return slot


def _labels(text: str) -> Labels:
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = (one.strip() for one in pair.partition("="))
        if not (name and sign and value):
            raise Wrong(f"标签 {pair} 缺少名称或值", "写成 {标签=值}")
        if name in found:
            raise Wrong(f"标签 {name} 写了两次", "删去其中一个")
        found[name] = value
    return tuple(sorted(found.items()))


def _with(slot: Slot, part: str) -> Slot:
    """The slot with one more modifier."""
    name, sign, value = (one.strip() for one in part.partition("="))
    if not sign and name in FORMS:
        return replace(slot, forms=slot.forms | {name})
    if not sign or name not in OPTIONS:
        raise Wrong(f"不认识的修饰 {part or '(空)'}", advice(name, [*FORMS, *(f"{o}=" for o in OPTIONS)]))
    if not value:
        raise Wrong(f"{name}= 没有值", f"写上值, 或删去 {name}=")
    if name in RELATIVE and not (_DATE.fullmatch(value) or value in RELATIVE[name]):
        raise Wrong(f"{name}={value} 不是日期", f"写成 2023-06-30 或 {'、'.join(RELATIVE[name])}")
    if name == "by":
        return replace(slot, by=tuple(dict.fromkeys(filter(None, (one.strip() for one in value.split(","))))))
    return replace(slot, **{{"from": "first", "to": "last"}.get(name, name): value})  # type: ignore[arg-type]


def part_of(answer: Mapping[str, Any], labels: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The part of a split answer that has these labels."""
    parts: Sequence[Mapping[str, Any]] = answer.get("parts") or ()
    return next((part for part in parts if dict(part["labels"]) == dict(labels)), None)
