"""The checks that a template asks for (`NAME.checks.toml`): total, part, same and full rate."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.contracts.rows import Mistake, Row, advice
from services.reporting.report import slot
from services.reporting.report.slot import Slot, Wrong
from services.runtime import toml

FIELDS: Mapping[str, Mapping[str, type]] = {
    "total": {"whole": str, "parts": list},
    "part": {"part": str, "whole": str},
    "same": {"slots": list},
    "full_rate": {"rate": str, "part": str, "whole": str},
}
"""Check → its fields: one slot, or a list of them."""
ABOUT = "about"


@dataclass(frozen=True)
class Rule:
    """One check."""

    check: str
    slots: Mapping[str, tuple[Slot, ...]]
    about: str = ""
    line: int = 0

    def one(self, name: str) -> Slot:
        """The slot of a field that holds one."""
        return self.slots[name][0]

    @property
    def all(self) -> tuple[Slot, ...]:
        """Every slot, in the order of the fields."""
        return tuple(one for name in FIELDS[self.check] for one in self.slots[name])


def read(text: str, file: str) -> tuple[tuple[Rule, ...], list[Mistake]]:
    """The checks of a file, and what is wrong with it."""
    mistakes: list[Mistake] = []
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return (), [Mistake(file, 1, f"TOML 语法有误: {error}", "按 TOML 语法改正这一行")]
    document = toml.document(file, text, values)
    strange = sorted(values.keys() - FIELDS.keys())
    mistakes += [document.row().mistake(name, f"不认识的校验 {name}", advice(name, FIELDS)) for name in strange]
    rows = [row for name in FIELDS for row in document.rows(name)]
    rules = [rule for row in rows if (rule := _rule(row, mistakes))]
    return tuple(sorted(rules, key=lambda rule: rule.line)), mistakes


def _rule(row: Row, mistakes: list[Mistake]) -> Rule | None:
    before = len(mistakes)
    fields = FIELDS[row.key]
    strange = sorted(row.values.keys() - fields.keys() - {ABOUT})
    mistakes += [row.mistake(name, f"不认识的项 {name}", advice(name, [*fields, ABOUT])) for name in strange]
    slots = {name: _slots(row, name, kind, mistakes) for name, kind in fields.items()}
    return Rule(row.key, slots, str(row.values.get(ABOUT, "")), row.line) if len(mistakes) == before else None


def _slots(row: Row, name: str, kind: type, mistakes: list[Mistake]) -> tuple[Slot, ...]:
    value: Any = row.values.get(name)
    if not isinstance(value, kind) or not value:
        todo = f'写成 {name} = ["指标", "指标"]' if kind is list else f'写成 {name} = "指标"'
        mistakes.append(row.mistake(name, f"{row.key} 缺少 {name}" if value is None else f"{name} 不对", todo))
        return ()
    found = []
    for text in value if isinstance(value, list) else [value]:
        try:
            found.append(slot.parse(str(text), row.lines.get(name, row.line)))
        except Wrong as error:
            mistakes.append(row.mistake(name, error.what, error.todo))
    return tuple(found)
