"""The shipped registers, one TOML file per family, and what they and a bureau's own rows come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.contracts.families import FIELDS
from services.contracts.fields import DATE, MOMENT, FieldSpec
from services.contracts.rows import Mistake, Mistakes, Row, advice, misspelt
from services.reporting import grammar
from services.reporting.grammar import Codes
from services.reporting.register import Register, Step
from services.runtime import toml

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
Registers = Mapping[str, Register]

VALUES = ("key", "added", "changed", "removed", "expires", "zh")
NEEDED = ("key", "added", "zh")
_TEXTS = ("key", "expires", "zh")


def shipped() -> tuple[Row, ...]:
    """The rows that every bureau has. Raises `Mistakes`: then the fault is ours."""
    rows: list[Row] = []
    for path in sorted(FOLDER.glob("*.toml")):
        document = toml.read(ROOT, path.relative_to(ROOT).as_posix())
        if isinstance(document, Mistake):
            raise Mistakes([document])
        rows += (row for name in document.values for row in document.rows(name))
    return tuple(rows)


def read(own: Sequence[Row], extra_codes: Codes) -> tuple[Registers, list[Mistake]]:
    """The registers of the shipped rows and a bureau's own, which replace those of the same name, and every mistake."""
    mine = {row.key for row in own}
    readers = [_Reader(row, extra_codes) for row in (*(row for row in shipped() if row.key not in mine), *own)]
    found = {register.name: register for reader in readers if (register := reader.register())}
    return found, sorted(mistake for reader in readers for mistake in reader.mistakes)


def fields(register: Register) -> Mapping[str, FieldSpec]:
    """What a thing in a register may have."""
    return {name: spec for type_ in register.types for name, spec in FIELDS.get(type_, {}).items()}


@dataclass
class _Reader:
    """Reads one row, and notes everything that is wrong."""

    row: Row
    codes: Codes
    mistakes: list[Mistake] = field(default_factory=list)

    def register(self) -> Register | None:
        """What the row means, or None when it has mistakes."""
        self._names()
        texts = {name: self._text(name) for name in _TEXTS if name in self.row.values}
        acts = {act: self._steps(act) for act in ("added", "changed", "removed")}
        if self.mistakes:
            return None
        found = Register(
            self.row.key, texts["key"], acts["added"], acts["changed"], acts["removed"], texts.get("expires", ""),
            texts["zh"], self.row.file, self.row.line,
        )  # fmt: skip
        self._key(found)
        self._expires(found)
        return None if self.mistakes else found

    def _wrong(self, name: str, what: str, todo: str) -> None:
        self.mistakes.append(self.row.mistake(name, what, todo))

    def _names(self) -> None:
        if not grammar.NAME.fullmatch(self.row.key):
            self._wrong("", f"名册名 {self.row.key} 不合规则", "用小写英文字母开头, 只含字母、数字和 _")
        for name in sorted(self.row.values.keys() - set(VALUES)):
            self._wrong(name, f"不认识的项 {name}", advice(name, VALUES))
        for name in (name for name in NEEDED if name not in self.row.values):
            self._wrong("", f"名册 {self.row.key} 缺少 {name}", f'补上 {name} = "…"')

    def _text(self, name: str) -> str:
        value = self.row.values[name]
        if not isinstance(value, str) or not value.strip():
            self._wrong(name, f"{name} 不是文字或为空", '写成 "…"')
        return str(value)

    def _steps(self, act: str) -> tuple[Step, ...]:
        return tuple(step for text in self._listed(act) for step in self._step(act, text))

    def _listed(self, act: str) -> list[Any]:
        value = self.row.values.get(act, [])
        if value == [] and act in self.row.values:
            self._wrong(act, f"{act} 的列表是空的", '写成 "类型", 或一个列表')
        return value if isinstance(value, list) else [value]

    def _step(self, act: str, text: Any) -> Iterable[Step]:
        try:
            return [Step(*grammar.step(self.row, act, text, self.codes))]
        except Mistakes as error:
            self.mistakes += error.mistakes
            return []

    def _key(self, found: Register) -> None:
        """The field must be one of each type: without it nobody knows which thing is meant."""
        for type_ in found.types:
            if found.key not in FIELDS[type_]:
                self._wrong("key", f"{type_} 没有字段 {found.key}", advice(found.key, FIELDS[type_]))

    def _expires(self, found: Register) -> None:
        known = fields(found)
        spec = known.get(found.expires)
        if spec and (spec.kind not in (DATE, MOMENT) or spec.many):
            self._wrong("expires", f"{found.expires} 不是日期", "写一个日期或时间字段")
        elif found.expires and not spec and (meant := misspelt(found.expires, known)):
            self._wrong("expires", f"名册 {found.name} 没有字段 {found.expires}", f"是否应为 {meant}")
