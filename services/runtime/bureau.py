"""Reads a bureau folder: who the bureau is, its regions, feeds, codes of its own and rows of statistics."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts import region
from services.contracts.alert.geometry import Map
from services.contracts.families import FIELDS, TYPES
from services.contracts.fields import TEXT
from services.contracts.region import Region, Regions
from services.contracts.rows import Mistake, Mistakes, Row, advice, misspelt, nearest
from services.runtime import bounds, issuers, sheet, toml
from services.runtime.issuers import Issuers

BUREAU = "bureau.toml"
REGIONS = "regions.csv"
CODES = "codes.toml"
STATISTICS = "statistics"
REGISTERS = "registers.toml"

KNOWN_FILES = (
    BUREAU, REGIONS, CODES, "organisations.csv", "contacts.csv", "roster.csv", REGISTERS, "loops.toml",
    "rules.toml", "clocks.toml", "routes.toml", "messages.toml", issuers.FILE, "responses.toml", "notices.toml",
    bounds.FILE,
)  # fmt: skip
"""What a folder may hold besides `statistics/*.toml` and `report/*`."""

BureauMistakes = Mistakes
"""Raised by `load`: every mistake that was found."""

Codes = Mapping[tuple[str, str], Mapping[str, str]]
"""The bureau's own coded values: (type or "" for all, field) → {value: Chinese name}."""


@dataclass(frozen=True)
class Feed:
    """What a publisher has promised to send, and how often."""

    type: str
    publisher: str
    cadence: datetime.timedelta | None = None
    """At least one event in each such span; None: whenever there is something."""
    grace: datetime.timedelta = datetime.timedelta()


@dataclass(frozen=True)
class Bureau:
    """A bureau folder, read and found without mistake (its statistics: see `services.reporting.statistics`)."""

    name: str
    short_name: str
    region: str
    timezone: ZoneInfo
    document_prefix: str
    addressee: str
    holidays: frozenset[datetime.date]
    workdays: frozenset[datetime.date]
    """Make-up days: Saturdays and Sundays on which work is done."""
    feeds: tuple[Feed, ...]
    regions: Regions
    extra_codes: Codes
    statistics: tuple[Row, ...]
    """The bureau's own rows as written."""
    folder: Path
    hash: str
    """SHA-256 (hex) over the names and bytes of all files."""
    registers: tuple[Row, ...] = ()
    """The bureau's own rows of registers.toml as written."""
    issuers: Issuers = field(default_factory=lambda: Issuers(""))
    """Whose warnings call people."""
    map: Map = field(default_factory=dict)
    """The bounds of its regions, where there is a map."""

    def codes(self, type_: str, name: str) -> Mapping[str, str]:
        """The values that the bureau adds to a coded field of a type."""
        return {**self.extra_codes.get(("", name), {}), **self.extra_codes.get((type_, name), {})}


@dataclass(frozen=True)
class Reading:
    """What could be read of a folder; `bureau` is None when something it needs is wrong."""

    bureau: Bureau | None
    statistics: tuple[Row, ...]
    extra_codes: Codes
    mistakes: tuple[Mistake, ...]
    registers: tuple[Row, ...] = ()


def load(folder: Path) -> Bureau:
    """The bureau in a folder. Raises `BureauMistakes` with every mistake."""
    reading = read(folder)
    if reading.bureau is None or reading.mistakes:
        raise BureauMistakes(reading.mistakes)
    return reading.bureau


def check(folder: Path) -> list[Mistake]:
    """Every mistake in the folder but those in statistics, which `services.reporting.statistics` knows."""
    return list(read(folder).mistakes)


def read(folder: Path) -> Reading:
    """As much of a folder as can be read, with every mistake."""
    if not folder.is_dir():
        return Reading(None, (), {}, (Mistake(BUREAU, 1, f"没有目录 {folder}", "给出单位目录的路径"),))
    found = Found()
    _stray_files(folder, found)
    regions = _regions(folder, found)
    own = _bureau(folder, regions, found)
    extra_codes = _codes(folder, found)
    statistics = tuple(_statistics(folder, found))
    registers = tuple(_registers(folder, found))
    warners, mistakes = issuers.read(folder, regions.root if regions else "")
    found.add(*mistakes)
    bound, mistakes = bounds.read(folder, regions) if regions else ({}, [])
    found.add(*mistakes)
    bureau = None
    if regions and own and not found.mistakes:
        bureau = Bureau(
            **own, regions=regions, extra_codes=extra_codes, statistics=statistics, folder=folder, hash=digest(folder),
            registers=registers, issuers=warners, map=bound,
        )  # fmt: skip
    return Reading(bureau, statistics, extra_codes, tuple(sorted(found.mistakes)), registers)


def digest(folder: Path) -> str:
    """SHA-256 (hex) over the relative names and bytes of all files, hidden ones left out."""
    total = hashlib.sha256()
    for name, content in contents(folder):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Relative name and bytes of each file, hidden ones left out, in order."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path.read_bytes()


@dataclass
class Found:
    """The mistakes found so far."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, *mistakes: Mistake) -> None:
        """Note these."""
        self.mistakes.extend(mistakes)

    def document(self, folder: Path, file: str) -> toml.Document | None:
        """The TOML file, or None and a mistake."""
        document = toml.read(folder, file)
        if isinstance(document, Mistake):
            self.add(document)
            return None
        return document


def _stray_files(folder: Path, found: Found) -> None:
    """Files whose name is a slip of a known one: they would be left unread without a word."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in KNOWN_FILES and (meant := misspelt(path.name, KNOWN_FILES)):
            found.add(Mistake(path.name, 1, "不认识的文件, 不会被读取", f"是否应为 {meant}"))
        if path.is_dir() and path.name != STATISTICS and misspelt(path.name, [STATISTICS]):
            found.add(Mistake(path.name, 1, "不认识的目录, 不会被读取", f"是否应为 {STATISTICS}"))


# bureau.toml


class Wrong(ValueError):
    """A value is not of its kind: what, and what to do."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.what, self.todo = what, todo


def plain_text(value: Any) -> str:
    """A text that is not empty. Raises Wrong."""
    if not isinstance(value, str) or not value.strip():
        raise Wrong("不是文字或为空", '写成 "…"')
    return value.strip()


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(plain_text(value))
    except (ValueError, OSError) as error:  # an unknown key is a KeyError, a hostile one a ValueError
        raise Wrong(f"不是时区: {value}", '写成 "Asia/Shanghai"') from error
    except KeyError as error:
        raise Wrong(f"没有时区 {value}", '写成 "Asia/Shanghai"') from error


def _days(value: Any) -> frozenset[datetime.date]:
    if not isinstance(value, list):
        raise Wrong("不是日期的列表", "写成 [2023-10-01, 2023-10-02]")
    return frozenset(_day(day) for day in value)


def _day(value: Any) -> datetime.date:
    try:
        if type(value) is datetime.date:
            return value
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Wrong(f"不是日期: {value}", "写成 2023-10-01") from error


_SPAN = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def span(value: Any) -> datetime.timedelta:
    """A duration like 30m, 12h, 7d. Raises Wrong."""
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or int(match[1]) == 0 or int(match[1]) > 10**6:
        raise Wrong(f"不是时长: {value}", "写成 30m、12h 或 7d")
    return datetime.timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def _type(value: Any) -> str:
    if str(value) not in TYPES:
        raise Wrong(f"没有事件类型 {value}", advice(str(value), TYPES))
    return str(value)


@dataclass(frozen=True)
class Value:
    """One value of a table: how it is read, and whether the table needs it."""

    read: Callable[[Any], Any]
    needed: bool = True
    otherwise: Any = None


_BUREAU_VALUES = {
    "name": Value(plain_text),
    "short_name": Value(plain_text),
    "region": Value(plain_text),
    "timezone": Value(_zone),
    "document_prefix": Value(plain_text),
    "addressee": Value(plain_text),
    "holidays": Value(_days, needed=False, otherwise=frozenset()),
    "workdays": Value(_days, needed=False, otherwise=frozenset()),
}
_FEED_VALUES = {
    "type": Value(_type),
    "publisher": Value(plain_text),
    "cadence": Value(span, needed=False),
    "grace": Value(span, needed=False, otherwise=datetime.timedelta()),
}
_CODE_VALUES = {
    "field": Value(plain_text),
    "value": Value(plain_text),
    "zh": Value(plain_text),
    "type": Value(_type, needed=False, otherwise=""),
}


def read_values(row: Row, table: Mapping[str, Value], found: Found, besides: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values of a row, each read; what is missing, unknown or of the wrong kind is a mistake."""
    values = {name: value.otherwise for name, value in table.items() if not value.needed}
    for name in row.values.keys() - table.keys() - set(besides):
        found.add(row.mistake(name, f"不认识的项 {name}", advice(name, table.keys() | set(besides))))
    for name, value in table.items():
        if name in row.values:
            try:
                values[name] = value.read(row.values[name])
            except Wrong as wrong:
                found.add(row.mistake(name, f"{name} {wrong.what}", wrong.todo))
        elif value.needed:
            found.add(row.mistake("", f"缺少 {name}", f"补上 {name} = …"))
    return values


def tables(value: Any) -> bool:
    """Whether a value is a list of tables: what `[[name]]` writes."""
    return isinstance(value, list) and all(isinstance(table, dict) for table in value)


def _bureau(folder: Path, regions: Regions | None, found: Found) -> dict[str, Any] | None:
    document = found.document(folder, BUREAU)
    if document is None:
        return None
    row = document.row()
    values = read_values(row, _BUREAU_VALUES, found, besides=("feeds",))
    for day in sorted(values.get("holidays", frozenset()) & values.get("workdays", frozenset())):
        found.add(row.mistake("workdays", f"{day} 既是假日又是工作日", "在其中一处删去"))
    if regions and "region" in values and values["region"] != regions.root:
        todo = f"改为 {regions.root}, 或改正 {REGIONS} 中上级为空的那一行"
        found.add(row.mistake("region", f"region {values['region']} 不是 {REGIONS} 的根", todo))
    values["feeds"] = tuple(_feeds(document, found))
    return values if len(values) == len(_BUREAU_VALUES) + 1 else None


def _feeds(document: toml.Document, found: Found) -> Iterator[Feed]:
    if not tables(document.values.get("feeds", [])):
        found.add(document.row().mistake("feeds", "feeds 不是列表", "每个来源写一段 [[feeds]]"))
        return
    seen: set[tuple[str, str]] = set()
    for row in document.rows("feeds"):
        values = read_values(row, _FEED_VALUES, found)
        if values["cadence"] is None and "grace" in row.values:
            found.add(row.mistake("grace", "有 grace 而没有 cadence", "补上 cadence, 或删去 grace"))
        if "type" in values and "publisher" in values:
            if (values["type"], values["publisher"]) in seen:
                found.add(row.mistake("", f"{values['publisher']} 的 {values['type']} 已写过", "删去其中一段"))
            seen.add((values["type"], values["publisher"]))
            yield Feed(**values)


# regions.csv

_COLUMNS = {"code": True, "name": True, "parent": True, "kind": False, "from": False, "to": False, "successor": False}
"""Column → whether the table needs it."""
_CODE = re.compile(r"[0-9A-Za-z_-]{1,32}")


def _regions(folder: Path, found: Found) -> Regions | None:
    """The tree, or None when it is none."""
    before = len(found.mistakes)
    rows, mistakes = sheet.read(folder, REGIONS, _COLUMNS)
    found.add(*mistakes)
    read = [_region(row, found) for row in rows]
    for problem in region.problems(tuple(read)):
        found.add(rows[problem.index].mistake(problem.column, problem.what, problem.todo))
    if not rows and len(found.mistakes) == before:
        found.add(Mistake(REGIONS, 1, "没有任何区域", "至少写出本级区域一行, parent 留空"))
    return Regions(read) if len(found.mistakes) == before else None


def _region(row: Row, found: Found) -> Region:
    if not _CODE.fullmatch(row.key):
        found.add(row.mistake("code", f"代码 {row.key!r} 不是代码", "只用数字、字母、-、_, 不留空"))
    if not row.values["name"]:
        found.add(row.mistake("name", f"{row.key} 没有名称", "填写 name"))
    return Region(
        code=row.key,
        name=row.values["name"],
        parent=row.values["parent"],
        kind=row.values.get("kind", ""),
        from_=_date(row, "from", found),
        to=_date(row, "to", found),
        successor=row.values.get("successor", ""),
    )


def _date(row: Row, name: str, found: Found) -> datetime.date | None:
    text = row.values.get(name, "")
    try:
        return _day(text) if text else None
    except Wrong as wrong:
        found.add(row.mistake(name, f"{name} {wrong.what}", wrong.todo))
        return None


# codes.toml


def _codes(folder: Path, found: Found) -> Codes:
    """The coded values that the bureau adds; it may also give a shipped value another Chinese name."""
    extra: dict[tuple[str, str], dict[str, str]] = {}
    document = found.document(folder, CODES) if (folder / CODES).exists() else None
    if document is None:
        return extra
    for name in document.values.keys() - {"code"}:
        found.add(document.row().mistake(name, f"不认识的表 {name}", "每个代码写一段 [[code]]"))
    if not tables(document.values.get("code", [])):
        found.add(document.row().mistake("code", "code 不是列表", "每个代码写一段 [[code]]"))
        return extra
    for row in document.rows("code"):
        values = read_values(row, _CODE_VALUES, found)
        if len(values) == len(_CODE_VALUES):
            _code(row, values, extra, found)
    return extra


def _code(row: Row, values: Mapping[str, str], extra: dict[tuple[str, str], dict[str, str]], found: Found) -> None:
    found.add(*_field_mistakes(row, values["type"], values["field"]))
    known = extra.setdefault((values["type"], values["field"]), {})
    if values["value"] in known:
        found.add(row.mistake("value", f"{values['field']} 的 {values['value']} 已写过", "删去其中一段"))
    known[values["value"]] = values["zh"]


def _field_mistakes(row: Row, type_: str, name: str) -> Iterator[Mistake]:
    """A code belongs to a text field of the type (of any type, when none is named), or to one of the bureau's own."""
    registers = [FIELDS[type_]] if type_ else list(FIELDS.values())
    specs = [fields[name] for fields in registers if name in fields]
    if specs and all(spec.kind is not TEXT for spec in specs):
        yield row.mistake("field", f"{name} 不是编码字段", f"它的值是 {specs[0].kind.name}, 不需要代码")
    known = {known for fields in registers for known in fields}
    if not specs and (meant := misspelt(name, known)):
        yield row.mistake("field", f"没有字段 {name}", f"是否应为 {meant}")


# registers.toml


def _registers(folder: Path, found: Found) -> Iterator[Row]:
    """The rows as written; `services.reporting.registers` knows what they may hold."""
    document = found.document(folder, REGISTERS) if (folder / REGISTERS).exists() else None
    for name, value in document.values.items() if document else ():
        if isinstance(value, dict):
            yield from document.rows(name) if document else ()
        else:
            row = document.row() if document else Row(name, {}, REGISTERS, 1)
            found.add(row.mistake(name, f"{name} 不是名册", f"写成一段 [{name}]"))


# statistics/*.toml


def _statistics(folder: Path, found: Found) -> Iterator[Row]:
    for path in sorted((folder / STATISTICS).glob("*.toml")):
        document = found.document(folder, f"{STATISTICS}/{path.name}")
        if document is not None:
            yield from statistic_rows(document, found.mistakes)


def statistic_rows(document: toml.Document, mistakes: list[Mistake]) -> Iterator[Row]:
    """The rows `[key]` and `[[key]]` of one file of statistics; anything else in it is added to the mistakes."""
    for key, value in document.values.items():
        tables = value if isinstance(value, list) else [value]
        if not tables or not all(isinstance(table, dict) for table in tables):
            todo = f"写成一段 [{key}]" if not nearest(key, ["zh", "unit", "event", "measure"]) else "移到它的表头下面"
            mistakes.append(document.row().mistake(key, f"{key} 不是统计项", todo))
        else:
            yield from document.rows(key)
