"""From a table's cell to a value: what a clerk writes as number, date, flag, list or coded value.

A cell is text (CSV) or what a workbook holds: text, number, flag, date, time of day. The same fact gives the same value
from either, because the identity of a row may hang on it. Reasons are Chinese: they are shown to the clerk.
"""

from __future__ import annotations

import datetime
import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.contracts import fields
from services.contracts.fields import FieldSpec, Kind

Cell = str | float | bool | datetime.datetime | datetime.date | datetime.time | datetime.timedelta
Convert = Callable[[Cell], Any]
"""Gives the value, or raises `BadCell`."""

FIRST_SERIAL = datetime.datetime(1899, 12, 30)  # noqa: DTZ001  a date on a clerk's sheet has no zone yet
SERIALS = (1.0, 73_415.0)
"""Days that Excel counts from 1900 to 2100."""
EXACT = 10.0**15
"""Excel keeps 15 digits of a number."""
MAX_NESTED = 1_000
"""Brackets in a cell of JSON."""
FLAGS: Mapping[str, bool] = {
    "是": True, "有": True, "true": True, "1": True, "yes": True, "y": True, "√": True, "✓": True, "对": True,
    "否": False, "无": False, "false": False, "0": False, "no": False, "n": False, "×": False, "✗": False, "错": False,
}  # fmt: skip

_SEPARATORS = re.compile(r"[、,，;；\n]+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_DATE = re.compile(
    r"(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})[日号]|(\d{4})(\d\d)(\d\d))"
    r"(?:(?:T|\s)*(.+))?"
)
_CLOCK = re.compile(
    r"(?:(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?|(\d{1,2})[时点](?:(\d{1,2})分(?:(\d{1,2})秒)?)?)"
    r"\s*(Z|[+-]\d\d:\d\d)?",
    re.IGNORECASE,
)


class BadCell(ValueError):
    """A cell that is not what its column holds; the text is the reason, `code` names the kind of problem."""

    def __init__(self, reason: str, code: str = "kind") -> None:
        super().__init__(reason)
        self.code = code


def text(cell: Cell) -> str:
    """A cell as text, trimmed. Raises BadCell for a number that the workbook no longer holds exactly."""
    if isinstance(cell, str):
        found = cell.strip()
        if "\x00" in found:
            raise BadCell("含有不可见的控制字符", "characters")
        return found
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(_whole(cell))
    return _written(cell)


def converter(spec: FieldSpec, zone: datetime.tzinfo, codes: Mapping[str, str]) -> Convert:
    """How cells of a field's column become values; `codes` are all its coded values with their Chinese names."""
    one = coded(codes, spec.codes.name) if spec.codes else _by_kind(spec.kind, zone)
    return _each(one) if spec.many else one


def coded(codes: Mapping[str, str], name: str) -> Convert:
    """A coded value, by value or by Chinese name."""
    found = {**{zh: value for value, zh in codes.items()}, **{value: value for value in codes}}

    def convert(cell: Cell) -> str:
        given = text(cell)
        if given in found:
            return found[given]
        like = difflib.get_close_matches(given, found, n=1, cutoff=0.5)
        hint = f"，是否“{like[0]}”" if like else ""
        listed = "、".join(f"{zh}({value})" for value, zh in codes.items())
        raise BadCell(f"“{_short(given)}”不在代码表 {name} 中{hint}；可填：{listed}", "codes")

    return convert


def when(zone: datetime.tzinfo) -> Convert:
    """The time of an event: RFC 3339, a date with a time of day in the bureau's zone, or a date alone (00:00)."""

    def convert(cell: Cell) -> str:
        date, clock = _moment(cell)
        return _rfc3339(datetime.datetime.combine(date, clock), zone)

    return convert


def place(codes: Mapping[str, str]) -> Convert:
    """A region by its code, or by its name where one region alone has it; an unknown code is the door's matter."""

    def convert(cell: Cell) -> str:
        given = text(cell)
        if given in codes or given.isascii():
            return codes.get(given, given)
        like = difflib.get_close_matches(given, codes, n=1, cutoff=0.5)
        hint = f"，是否“{like[0]}”" if like else "：请填区域代码"
        raise BadCell(f"没有名为“{_short(given)}”的区域，或不止一个{hint}", "region")

    return convert


def _by_kind(kind: Kind, zone: datetime.tzinfo) -> Convert:
    if kind is fields.MOMENT:
        return _moment_in(zone)
    return _KINDS.get(kind.name, _text)


def _text(cell: Cell) -> str:
    given = text(cell)
    if len(given) > fields.MAX_TEXT:
        raise BadCell(f"超过 {fields.MAX_TEXT} 个字", "too_long")
    return given


def _identifier(cell: Cell) -> str:
    given = text(cell)
    if len(given) > 256:
        raise BadCell("编号超过 256 个字", "too_long")
    return given


def _flag(cell: Cell) -> bool:
    found = FLAGS.get(text(cell).lower())
    if found is None:
        raise BadCell(f"“{_short(text(cell))}”应填 是 或 否")
    return found


def _number(cell: Cell) -> int | Decimal:
    if isinstance(cell, float):
        return _whole(cell)
    given = unicodedata.normalize("NFKC", text(cell)).replace(" ", "").replace("−", "-")
    if _THOUSANDS.fullmatch(given):
        given = given.replace(",", "")
    if not _NUMBER.fullmatch(given):
        raise BadCell(f"“{_short(given)}”不是数字")
    number = Decimal(given)
    if not -(2**53) < number < 2**53:
        raise BadCell(f"“{_short(given)}”超出范围")
    return int(number) if number == number.to_integral_value() else number.normalize()


def _integer(cell: Cell) -> int:
    number = _number(cell)
    if not isinstance(number, int):
        raise BadCell(f"“{number}”应为整数")
    return number


def _count(cell: Cell) -> int:
    number = _integer(cell)
    if number < 0:
        raise BadCell(f"“{number}”不能为负数")
    return number


def _money(cell: Cell) -> str:
    """An amount in yuan with two decimals, as text."""
    if isinstance(cell, str):
        cell = unicodedata.normalize("NFKC", cell).strip().removeprefix("¥").removesuffix("元")
    number = Decimal(_number(cell))
    if number != round(number, 2) or abs(number) >= 10**15:
        raise BadCell(f"“{number}”应为金额（元），至多两位小数", "money")
    return f"{number:.2f}"


def _date(cell: Cell) -> str:
    return _moment(cell)[0].isoformat()


def _moment_in(zone: datetime.tzinfo) -> Convert:
    def convert(cell: Cell) -> str:
        date, clock = _moment(cell)
        if clock == datetime.time():
            return date.isoformat()
        return _rfc3339(datetime.datetime.combine(date, clock), zone)

    return convert


def _object(cell: Cell) -> Any:
    found = _json(text(cell))
    if not isinstance(found, dict):
        raise BadCell('应为 JSON 对象，如 {"name": "value"}')
    return found


def _each(one: Convert) -> Convert:
    """A list: items separated by 、 , ; or new lines, or a JSON array."""

    def convert(cell: Cell) -> list[Any]:
        given = text(cell)
        return [one(item) for item in _items(given)]

    return convert


def is_separated(given: str) -> bool:
    """Whether a cell with this text would be several items of a list."""
    return bool(_SEPARATORS.search(given))


def _items(given: str) -> list[str]:
    if given.startswith("{"):
        return [given]
    if not given.startswith("["):
        return [item.strip() for item in _SEPARATORS.split(given) if item.strip()]
    found = _json(given)
    return [item if isinstance(item, str) else msgspec.json.encode(item).decode() for item in found]


def _json(given: str) -> Any:
    if given.count("{") + given.count("[") > MAX_NESTED or "\\u0000" in given:
        raise BadCell("JSON 内容过于复杂，或含有不可见的控制字符", "characters")
    try:
        return msgspec.json.decode(given, strict=True)
    except msgspec.DecodeError as error:
        raise BadCell(f"不是 JSON（{error}）") from error


_KINDS: Mapping[str, Convert] = {
    "identifier": _identifier, "text": _text, "flag": _flag, "integer": _integer, "count": _count, "number": _number,
    "money": _money, "date": _date, "object": _object,
}  # fmt: skip


def _moment(cell: Cell) -> tuple[datetime.date, datetime.time]:
    """The date and the time of day; the latter has a zone only when the cell names one."""
    if isinstance(cell, datetime.datetime):
        at = _rounded(cell)
        return at.date(), at.time()
    if isinstance(cell, datetime.date):
        return cell, datetime.time()
    given = unicodedata.normalize("NFKC", text(cell))
    if _SERIAL.fullmatch(given):
        return _from_serial(float(given))
    found = _DATE.fullmatch(given)
    if found:
        try:
            year, month, day = (int(part) for part in found.group(1, 3, 4, 5, 6, 7, 8, 9, 10) if part)
            return datetime.date(year, month, day), _clock(found.group(11))
        except ValueError:
            pass
    raise BadCell(f"“{_short(given)}”不是日期或时间，应写作 2023-06-30 或 2023-06-30 08:30", "time_format")


def _from_serial(serial: float) -> tuple[datetime.date, datetime.time]:
    """A day as Excel counts it; such numbers show when a column of dates has lost its format."""
    if not SERIALS[0] <= serial < SERIALS[1]:
        raise BadCell(f"“{serial:g}”不是日期", "time_format")
    at = FIRST_SERIAL + datetime.timedelta(seconds=round(serial * 86_400))
    return at.date(), at.time()


def _rounded(at: datetime.datetime) -> datetime.datetime:
    """To the second: a workbook keeps times as binary fractions of a day, 08:30:00 may come as 08:29:59.999."""
    return (at + datetime.timedelta(milliseconds=500)).replace(microsecond=0)


def _clock(given: str | None) -> datetime.time:
    if not given:
        return datetime.time()
    found = _CLOCK.fullmatch(given.strip())
    if not found:
        raise ValueError(given)
    parts = found.group(1, 2, 3) if found.group(1) else found.group(4, 5, 6)
    hour, minute, second = (int(part or 0) for part in parts)
    return datetime.time(hour, minute, second, tzinfo=_offset(found.group(7)))


def _offset(given: str | None) -> datetime.tzinfo | None:
    if given is None:
        return None
    return datetime.datetime.fromisoformat(f"2000-01-01T00:00:00{given.upper()}").tzinfo


def _rfc3339(at: datetime.datetime, zone: datetime.tzinfo) -> str:
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    offset = at.utcoffset() or datetime.timedelta()
    # Before time zones there were offsets with seconds, which RFC 3339 cannot say.
    return (at.astimezone(datetime.UTC) if offset.seconds % 60 else at).isoformat()


def _whole(number: float) -> int | Decimal:
    """A workbook's number, whole where it is; 15 digits are all that it holds."""
    if not abs(number) < EXACT:
        raise BadCell("数字超过 15 位，表格软件已丢失末位：请把该列设为文本格式后重新填写", "number")
    return int(number) if number.is_integer() else Decimal(repr(round(number, 15))).normalize()


def _written(cell: datetime.datetime | datetime.date | datetime.time | datetime.timedelta) -> str:
    if isinstance(cell, datetime.datetime):
        return str(_rounded(cell)).removesuffix(" 00:00:00")
    return str(cell) if isinstance(cell, datetime.timedelta) else cell.isoformat()


def _short(given: str) -> str:
    return given if len(given) <= 40 else given[:40] + "…"
