"""Turns rows of statistics into definitions, and names every mistake in them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.contracts import fields
from services.contracts.event import Event
from services.contracts.families import FIELDS
from services.contracts.fields import FieldSpec
from services.contracts.rows import Mistake, Mistakes, Row, advice, misspelt
from services.contracts.units import SHARES, UNITS, comparable
from services.reporting.definition import (
    MEASURES,
    Cohort,
    Condition,
    Definition,
    Labels,
    Measure,
    Reference,
    label_name,
    select,
)

Codes = Mapping[tuple[str, str], Mapping[str, str]]
Types = Mapping[str, Mapping[str, FieldSpec]]

ATTRIBUTES = frozenset(Event.__struct_fields__) - {"data"}
STATE_MEASURES = ("count", "sum", "distinct")
"""What can be made of the things in a register."""
RESERVED_LABELS = frozenset({"region", "day", "month"})
"""What any figure can be split by: no label may take their names."""

COMMON = ("zh", "unit", "labels", "hidden", "about")
KINDS = {
    "event": ("event", "measure", "where", "by"),
    "register": ("register", "measure", "where", "by"),
    "ratio": ("ratio",),
    "cohort": ("cohort", "by"),
    "manual": ("manual",),
}
"""The value by which a row's kind is known → all the values that such a row may have besides COMMON."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH = re.compile(r"@?[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_CALL = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_TERM = re.compile(r"""\s*([@a-z][a-z0-9_.]*)\s*(>=|<=|!=|=|>|<)\s*("[^"]*"|'[^']*'|[^,<>=!"']+?)\s*(?:,|$)""")

_WORDS = {"ge": "ge", "gt": "gt", "le": "le", "lt": "lt", "not": "not", "present": "present"}
_SIGNS = {"=": "eq", "!=": "not", ">=": "ge", ">": "gt", "<=": "le", "<": "lt"}

_AMOUNTS = frozenset({fields.INTEGER, fields.COUNT, fields.NUMBER, fields.MONEY})
_ORDERED = _AMOUNTS | {fields.DATE, fields.MOMENT}
_NEVER_LABELS = frozenset({fields.MONEY, fields.MOMENT, fields.OBJECT})


def parse(
    rows: Iterable[Row], types: Types = FIELDS, extra_codes: Codes | None = None, registers: Types | None = None
) -> tuple[tuple[Definition, ...], list[Mistake]]:
    """The definitions that rows make, and every mistake in them; a row with a mistake makes none.

    `registers`: the fields of the things in each; None: whatever is named there is believed.
    """
    known = {**types, **{_members(name): fields for name, fields in (registers or {}).items()}}
    read = [_Reader(row, known, extra_codes or {}, registers) for row in rows]
    made = [(reader.row, definition) for reader in read if (definition := reader.definition())]
    mistakes = [mistake for reader in read for mistake in reader.mistakes]
    definitions = tuple(definition for _, definition in made)
    unread = {reader.row.key for reader in read if reader.mistakes}
    for row, definition in made:
        mistakes += _ratio_mistakes(row, definition, definitions, unread)
    return definitions, sorted([*mistakes, *_twice(made)])


def step(row: Row, name: str, text: str, extra_codes: Codes | None = None) -> tuple[str, tuple[Condition, ...]]:
    """A type of event with conditions, `type{f=v,f>=3}`. Raises `Mistakes`."""
    reader = _Reader(row, FIELDS, extra_codes or {}, None)
    event, conditions = reader.call(name, text)
    if reader.mistakes:
        raise Mistakes(row.mistake(name, mistake.what, mistake.todo) for mistake in reader.mistakes)
    return event, conditions


def _members(register: str) -> str:
    """How the things in a register stand among the types of event."""
    return f"[{register}]"


def _twice(made: Iterable[tuple[Row, Definition]]) -> Iterator[Mistake]:
    """Rows of one key that no constant label tells apart."""
    seen: dict[tuple[str, Labels], Definition] = {}
    for row, definition in made:
        first = seen.setdefault((definition.key, definition.labels), definition)
        if first is not definition:
            place = f"{first.file}:{first.line}"
            yield row.mistake("", f"{row.key} 与 {place} 的标签相同", "用 labels 写明区别, 或删去一段")


def _ratio_mistakes(
    row: Row, definition: Definition, definitions: Sequence[Definition], unread: set[str]
) -> Iterator[Mistake]:
    """Each side of a ratio must be exactly one figure, and both of one kind of unit for a share."""
    sides = [select(definitions, side.key, dict(side.labels)) for side in definition.ratio or ()]
    for side, found in zip(definition.ratio or (), sides, strict=True):
        if len(found) > 1:
            places = "、".join(f"{d.file}:{d.line}" for d in found)
            yield row.mistake("ratio", f"{side} 可指多行: {places}", "用标签写明是哪一行")
        elif not found and side.key not in unread:
            known = {d.key for d in definitions}
            todo = "改正标签" if side.key in known else advice(side.key, known)
            yield row.mistake("ratio", f"没有统计项 {side}", todo)
        elif found and found[0].kind in ("ratio", "cohort"):
            yield row.mistake("ratio", f"{side} 本身是比率", "改为它的分子或分母")
        elif found and found[0].kind == "manual":
            yield row.mistake("ratio", f"{side} 是人工填报的数字", "人工填报的数字不参与计算")
    if definition.unit in SHARES and [len(found) for found in sides] == [1, 1]:
        part, whole = sides[0][0].unit, sides[1][0].unit
        if not comparable(part, whole):
            yield row.mistake("ratio", f"分子的单位 {part} 与分母的单位 {whole} 不能相比", "换成同类的统计项")


def merged(shipped: Sequence[Row], own: Sequence[Row]) -> tuple[Row, ...]:
    """The bureau's rows after the shipped ones that none of them replaces (same key and constant labels)."""
    replaced = {_identity(row) for row in own}
    return (*(row for row in shipped if _identity(row) not in replaced), *own)


def _identity(row: Row) -> tuple[str, Labels]:
    labels = row.values.get("labels")
    return row.key, _labels(labels) if isinstance(labels, dict) else ()


def _labels(labels: Mapping[str, Any]) -> Labels:
    return tuple(sorted((name, label_text(value)) for name, value in labels.items()))


def label_text(value: Any) -> str:
    """A value as a label: flags as true and false, a missing value as empty text."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class _Reader:
    """Reads one row against the register of event types."""

    row: Row
    types: Types
    """Fields by type of event, and those of the things in a register under its name in brackets."""
    codes: Codes
    registers: Types | None
    mistakes: list[Mistake] = field(default_factory=list)
    lookups: list[str] = field(default_factory=list)

    def definition(self) -> Definition | None:
        """What the row means, or None when it has mistakes."""
        if not NAME.fullmatch(self.row.key):
            self._wrong("", f"名称 {self.row.key} 不合规则", "用小写英文字母开头, 只含字母、数字和 _")
        kind = self._kind()
        read = {"event": self._counted, "register": self._counted, "ratio": self._ratio, "cohort": self._cohort,
                "manual": self._manual}  # fmt: skip
        special = read[kind]() if kind else {}
        common = self._common()
        if self.mistakes:
            return None
        labels = (*(label_name(path) for path in special.get("by", ())), *(name for name, _ in common["labels"]))
        for name in sorted({name for name in labels if labels.count(name) > 1}):
            self._wrong("by", f"标签 {name} 重复", "每个标签只写一次, by 与 labels 不同名")
        if self.mistakes:
            return None
        return Definition(**common, **special, lookups=tuple(dict.fromkeys(self.lookups)))

    def _wrong(self, name: str, what: str, todo: str) -> None:
        self.mistakes.append(self.row.mistake(name, what, todo))

    def _kind(self) -> str:
        kinds = [kind for kind in KINDS if kind in self.row.values]
        allowed = {*COMMON, *(KINDS[kinds[0]] if kinds else [name for names in KINDS.values() for name in names])}
        if not kinds:
            self._wrong("", f"{self.row.key} 没有写明数什么", "补上 event、register、ratio、cohort 或 manual")
        for other in kinds[1:]:
            self._wrong(other, f"{kinds[0]} 与 {other} 不能同时写", "只留其一")
        for name in sorted(self.row.values.keys() - allowed - set(kinds)):
            self._wrong(name, f"不认识的项 {name}", advice(name, allowed))
        return kinds[0] if len(kinds) == 1 else ""

    # what every row has

    def _common(self) -> dict[str, Any]:
        return {
            "key": self.row.key,
            "zh": self._text("zh", needed=True),
            "unit": self._unit(),
            "labels": self._constants(),
            "hidden": self._flag("hidden"),
            "about": self._text("about"),
            "file": self.row.file,
            "line": self.row.line,
        }

    def _text(self, name: str, *, needed: bool = False) -> str:
        value = self.row.values.get(name, "")
        if needed and name not in self.row.values:
            self._wrong("", f"缺少 {name}", f'补上 {name} = "…"')
        elif not isinstance(value, str) or (needed and not value.strip()):
            self._wrong(name, f"{name} 不是文字或为空", '写成 "…"')
        return str(value)

    def _flag(self, name: str) -> bool:
        value = self.row.values.get(name, False)
        if not isinstance(value, bool):
            self._wrong(name, f"{name} 不是 true 或 false", "写成 true 或 false, 不加引号")
        return bool(value)

    def _unit(self) -> str:
        unit = self._text("unit", needed=True)
        if unit and unit not in UNITS:
            self._wrong("unit", f"没有计量单位 {unit}", "金额一律用 元" if unit.endswith("元") else advice(unit, UNITS))
        return unit

    def _constants(self) -> Labels:
        labels = self.row.values.get("labels", {})
        if not isinstance(labels, dict):
            self._wrong("labels", "labels 不是表", 'labels = { scope = "…" }')
            return ()
        for name, value in labels.items():
            self._label_name("labels", name)
            if not isinstance(value, str | int) or value == "":
                self._wrong("labels", f"标签 {name} 的值不是文字", '写成 "…"')
        return _labels(labels)

    def _label_name(self, where: str, name: str) -> None:
        if not NAME.fullmatch(name):
            self._wrong(where, f"标签名 {name} 不合规则", "用小写英文字母开头, 只含字母、数字和 _")
        elif name in RESERVED_LABELS:
            self._wrong(where, f"标签名 {name} 另有用途", f"不必写: 任何统计项都可按 {name} 分列")

    # rows that count events or members of a register

    def _counted(self) -> dict[str, Any]:
        event, register = self._text("event"), self._text("register")
        if "event" in self.row.values:
            self._type("event", event)
        else:
            self._register(register)
        of = event or _members(register)
        measure = self._measure(of)
        if measure:
            self._fits(of, measure)
        counted = {
            "event": event,
            "register": register,
            "measure": measure,
            "where": self._where(of),
            "by": self._by(of),
        }
        if register and self.lookups:
            self._wrong("register", f"名册的统计项不能再查名册 {self.lookups[0]}", f"只用 {register} 自己的字段")
        return counted

    def _register(self, name: str) -> None:
        if not NAME.fullmatch(name):
            self._wrong("register", f"名册名 {name!r} 不合规则", "写 registers.toml 中的表名")
        elif self.registers is not None and name not in self.registers:
            self._wrong("register", f"没有名册 {name}", f"{advice(name, self.registers)}; 新的名册写入 registers.toml")
        measure = str(self.row.values.get("measure", "")).partition(":")[0].strip()
        if measure in MEASURES and measure not in STATE_MEASURES:
            self._wrong("measure", f"名册不能 {measure}", f"用 {'、'.join(STATE_MEASURES)}")

    def _type(self, name: str, event: str) -> None:
        if event not in self.types or event.startswith("["):
            known = [type_ for type_ in self.types if not type_.startswith("[")]
            self._wrong(name, f"没有事件类型 {event}", advice(event, known))

    def _measure(self, event: str) -> Measure | None:
        text = self._text("measure", needed=True)
        kind, colon, path = (part.strip() for part in text.partition(":"))
        if kind not in MEASURES:
            if text:
                self._wrong("measure", f"没有算法 {kind}", advice(kind, MEASURES))
        elif kind == "count" and colon:
            self._wrong("measure", "count 后面不写字段", "写成 count, 或 distinct:字段")
        elif kind != "count" and not path:
            self._wrong("measure", f"{kind} 缺少字段", f"写成 {kind}:字段")
        else:
            if path:
                self._spec("measure", event, path)
            return Measure(kind, path)
        return None

    def _fits(self, event: str, measure: Measure) -> None:
        """Amounts are added and compared, anything is told apart; the unit says which."""
        spec = self.types.get(event, {}).get(measure.field)
        unit = UNITS.get(str(self.row.values.get("unit")))
        if measure.kind not in ("count", "distinct") and spec and spec.kind not in {*_AMOUNTS, fields.ANYTHING}:
            todo = f"改用 distinct:{measure.field}, 或换一个数量字段"
            self._wrong("measure", f"{measure.field} 不是数量, 不能 {measure.kind}", todo)
        if unit and measure.kind in ("count", "distinct") and (unit.kind == "money" or unit.zh in SHARES):
            self._wrong("unit", f"{measure.kind} 的单位不会是 {unit.zh}", "改正单位或算法")
        if unit and spec and measure.kind not in ("count", "distinct"):
            if spec.kind is fields.MONEY and unit.kind not in ("money", "level"):
                self._wrong("unit", f"{measure.field} 是金额, 单位不会是 {unit.zh}", "单位改为 元")
            if spec.kind is fields.COUNT and unit.kind == "money":
                self._wrong("unit", f"{measure.field} 不是金额", "改正单位或字段")
        if unit and measure.kind in ("sum", "stock") and not unit.adds:
            self._wrong("unit", f"单位 {unit.zh} 的数不能相加", "改用 last、mean 或 max, 或改正单位")

    def _by(self, event: str) -> tuple[str, ...]:
        paths = self.row.values.get("by", [])
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            self._wrong("by", "by 不是字段名的列表", 'by = ["level"]')
            return ()
        for path in paths:
            spec = self._spec("by", event, path)
            self._label_name("by", label_name(path))
            if spec and spec.personal:
                self._wrong("by", f"{path} 是个人信息, 不能作标签", "从 by 中删去")
            elif spec and (spec.kind in _NEVER_LABELS or spec.many):
                self._wrong("by", f"{path} 的值不能作标签", "用编码字段, 从 by 中删去它")
        return tuple(paths)

    def _spec(self, name: str, event: str, path: str) -> FieldSpec | None:
        """What the register knows of a field path; a path that cannot be meant is a mistake.

        A field that the class does not have is the publisher's own, unless it looks like a slip of a known one and
        `codes.toml` does not list it.
        """
        known = self.types.get(event)
        first, dot, rest = path.partition(".")
        if not _PATH.fullmatch(path):
            self._wrong(name, f"字段名 {path!r} 不合规则", "写字段名、a.b 或 @属性")
        elif first.startswith("@"):
            if path[1:] not in ATTRIBUTES:
                self._wrong(name, f"事件没有属性 {path}", advice(path[1:], ATTRIBUTES))
        elif known is None or (first in known and not dot):
            return known[first] if known else None
        elif dot:
            return self._nested(name, known, first, rest)
        elif not self._own(event, first) and (meant := misspelt(first, known)):
            of = "名册" + event if event.startswith("[") else event
            self._wrong(name, f"{of} 没有字段 {first}", f"是否应为 {meant}; 若是自有字段, 在 codes.toml 中列出它的值")
        return None

    def _nested(self, name: str, known: Mapping[str, FieldSpec], first: str, rest: str) -> FieldSpec | None:
        if first in known:
            if known[first].kind not in (fields.OBJECT, fields.ANYTHING):
                self._wrong(name, f"{first} 里没有 {rest}: 它不是对象", f"只写 {first}")
        elif f"{first}_id" in known:
            return self._looked_up(name, first, rest)
        else:
            self._wrong(name, f"没有对象 {first}, 也没有字段 {first}_id", advice(first, known))
        return None

    def _looked_up(self, name: str, register: str, path: str) -> FieldSpec | None:
        """A field of a register."""
        self.lookups.append(register)
        if self.registers is None:
            return None
        if register not in self.registers:
            self._wrong(
                name, f"没有名册 {register}", f"{advice(register, self.registers)}; 新的名册写入 registers.toml"
            )
            return None
        return self._spec(name, _members(register), path) if "." not in path else None

    def _own(self, event: str, name: str) -> Mapping[str, str]:
        """The bureau's own values of a field."""
        return {**self.codes.get(("", name), {}), **self.codes.get((event, name), {})}

    # conditions

    def _where(self, event: str) -> tuple[Condition, ...]:
        where = self.row.values.get("where", {})
        if not isinstance(where, dict):
            self._wrong("where", "where 不是表", 'where = { level = "major" }')
            return ()
        return tuple(c for path, value in where.items() for c in self._condition(f"where.{path}", event, path, value))

    def _condition(self, name: str, event: str, path: str, value: Any) -> Iterator[Condition]:
        """The conditions that one entry of `where` writes; `name` is where it stands."""
        if isinstance(value, dict) and not value.keys() & _WORDS.keys() and self._holds(event, path):
            for below, inner in value.items():  # `where = { losses.people = … }` reads as a table in a table
                yield from self._condition(f"{name}.{below}", event, f"{path}.{below}", inner)
            return
        spec = self._spec(name, event, path)
        if isinstance(value, list):
            wanted = tuple(self._value(name, event, path, spec, one) for one in value)
            if not wanted:
                self._wrong(name, f"{path} 的列表是空的", "至少写一个值")
            yield Condition(path, "in", wanted)
        elif isinstance(value, dict):
            yield from self._compared(name, event, path, spec, value)
        else:
            yield Condition(path, "eq", self._value(name, event, path, spec, value))

    def _holds(self, event: str, path: str) -> bool:
        """Whether fields may lie below this one."""
        known = self.types.get(event, {})
        first = path.partition(".")[0]
        return known[first].kind in (fields.OBJECT, fields.ANYTHING) if first in known else f"{first}_id" in known

    def _compared(
        self, name: str, event: str, path: str, spec: FieldSpec | None, words: Mapping[str, Any]
    ) -> Iterator[Condition]:
        if not words:
            self._wrong(name, f"{path} 没有写条件", "写成 { present = true } 或 { ge = 3 }")
        for word, value in words.items():
            if word not in _WORDS:
                self._wrong(name, f"不认识的比较 {word}", advice(word, _WORDS))
            elif word == "present":
                if not isinstance(value, bool):
                    self._wrong(name, "present 不是 true 或 false", "写成 { present = true }")
                yield Condition(path, "present" if value else "absent")
            elif word == "not" and isinstance(value, list):
                yield Condition(path, "not", tuple(self._value(name, event, path, spec, one) for one in value))
            else:
                yield self._one(name, event, path, spec, _WORDS[word], value)

    def _one(self, name: str, event: str, path: str, spec: FieldSpec | None, op: str, value: Any) -> Condition:
        if op in ("ge", "gt", "le", "lt"):
            if spec and (spec.codes or spec.kind not in {*_ORDERED, fields.ANYTHING}):
                self._wrong(name, f"{path} 没有大小", "用等于或列表")
            elif isinstance(value, bool | list | dict):
                self._wrong(name, f"{path} 的 {op} 后面不是数或日期", f"写成 {{ {op} = 3 }}")
        return Condition(path, op, self._value(name, event, path, spec, value))

    def _value(self, name: str, event: str, path: str, spec: FieldSpec | None, value: Any) -> Any:
        """A value of a condition, checked against the kind and the list of codes of its field."""
        if isinstance(value, datetime.date | datetime.time):
            value = value.isoformat()
        if isinstance(value, list | dict) or value == "":
            self._wrong(name, f"{path} 的值不是文字、数或 true/false", "只写单个值, 或一个列表")
        elif spec and (reason := _unfit(spec, value)):
            self._wrong(name, f"{path} 的值 {label_text(value)} {reason[0]}", reason[1])
        elif isinstance(value, str):
            self._coded(name, event, path, spec, value)
        return value

    def _coded(self, name: str, event: str, path: str, spec: FieldSpec | None, value: str) -> None:
        own = self._own(event, path)
        if spec and spec.codes:
            listed = {**spec.codes.values, **own}
            if value not in listed:
                todo = f"{advice(value, listed)}; 新的代码写入 codes.toml"
                self._wrong(name, f"{path} 没有代码 {value} (代码表 {spec.codes.name})", todo)
        elif value not in own and (meant := misspelt(value, own)):
            self._wrong(name, f"{path} 没有代码 {value}", f"是否应为 {meant}")

    # rows made of other figures

    def _ratio(self) -> dict[str, Any]:
        ratio = self.row.values["ratio"]
        if not isinstance(ratio, dict) or ratio.keys() != {"part", "whole"}:
            self._wrong("ratio", "ratio 要有 part 和 whole", 'ratio = { part = "a{x=1}", whole = "b" }')
            return {}
        sides = [self._reference(ratio[side]) for side in ("part", "whole")]
        return {"ratio": (sides[0], sides[1])}

    def _reference(self, text: Any) -> Reference:
        call = _CALL.fullmatch(text) if isinstance(text, str) else None
        terms = _terms(call[2] or "") if call else None
        if call is None or terms is None or any(sign != "=" for _, sign, _ in terms):
            self._wrong("ratio", f"读不懂 {text}", '写成 "名称" 或 "名称{标签=值}"')
            return Reference("")
        return Reference(call[1], tuple(sorted((name, value.strip("\"'")) for name, _, value in terms)))

    def _cohort(self) -> dict[str, Any]:
        cohort = self.row.values["cohort"]
        if not isinstance(cohort, dict) or cohort.keys() != {"of", "met"}:
            self._wrong("cohort", "cohort 要有 of 和 met", 'cohort = { of = "类型{…}", met = "…" }')
            return {}
        event, of = self.call("cohort", cohort["of"])
        if not event:
            return {}
        met = self._written("cohort", event, cohort["met"])
        if not met and not self.mistakes:
            self._wrong("cohort", "met 没有条件", 'met = "字段 = 值"')
        return {"event": event, "cohort": Cohort(event, of, met), "by": self._by(event)}

    def call(self, name: str, text: Any) -> tuple[str, tuple[Condition, ...]]:
        """A type of event with conditions: `type{f=v,f>=3}`."""
        call = _CALL.fullmatch(text) if isinstance(text, str) else None
        if call is None:
            self._wrong(name, f"读不懂 {text}", '写成 "类型{字段=值,字段>=3}"')
            return "", ()
        self._type(name, call[1])
        return call[1], self._written(name, call[1], call[2] or "")

    def _written(self, name: str, event: str, text: Any) -> tuple[Condition, ...]:
        """The conditions of a string: `f=v, f>=3`."""
        terms = _terms(text) if isinstance(text, str) else None
        if terms is None:
            self._wrong(name, f"读不懂 {text}", '写成 "字段=值,字段>=3"')
        return tuple(self._term(name, event, *term) for term in terms or ())

    def _manual(self) -> dict[str, Any]:
        """A figure that a person records."""
        if not self._flag("manual"):
            self._wrong("manual", "manual 只能是 true", "写成 manual = true, 或写明数什么")
        return {"manual": True}

    def _term(self, name: str, event: str, path: str, sign: str, text: str) -> Condition:
        spec = self._spec(name, event, path)
        return self._one(name, event, path, spec, _SIGNS[sign], _typed(text, spec))


def _terms(text: str) -> list[tuple[str, str, str]] | None:
    """Name, sign and value of each term; None when there is anything else in the text."""
    terms: list[tuple[str, str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        term = _TERM.match(text, at)
        if term is None:
            return None
        terms.append((term[1], term[2], term[3]))
        at = term.end()
    return terms


def _typed(text: str, spec: FieldSpec | None) -> Any:
    """A value from a string: in quotes or of a text field it is text, else what it looks like."""
    if text[0] in "\"'":
        return text[1:-1]
    if spec and spec.kind in (fields.TEXT, fields.IDENTIFIER, fields.DATE, fields.MOMENT):
        return text
    if text in ("true", "false"):
        return text == "true"
    number = fields.decimal(text)
    if number is None:
        return text
    return int(number) if number == number.to_integral_value() else number


def _unfit(spec: FieldSpec, value: Any) -> tuple[str, str] | None:
    """Why no event can hold this value in this field, and what to write."""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if spec.kind is fields.FLAG and not isinstance(value, bool):
        return "不是 true 或 false", "写成 true 或 false, 不加引号"
    if spec.kind in _AMOUNTS and not number:
        return "不是数", "写数字, 不加引号"
    if spec.kind in (fields.TEXT, fields.IDENTIFIER, fields.DATE, fields.MOMENT) and not isinstance(value, str):
        return "不是文字", '写成 "…"'
    if spec.kind is fields.DATE and spec.kind.check(value):
        return "不是日期", '写成 "2023-06-30"'
    if spec.kind is fields.MOMENT and spec.kind.check(value):
        return "不是时间", '写成 "2023-06-30" 或 "2023-06-30T08:00:00+08:00"'
    return None
