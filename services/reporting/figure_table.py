"""A clerk's table of figures (CSV or XLSX, Chinese or English headings) as the figures of `POST /reporting/figures`."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import python_calamine as calamine

from services.contracts.codes import FIGURE_KIND
from services.contracts.families import FIELDS
from services.contracts.glossary import attribute, term
from services.reporting.recorded import TYPE

FORMATS = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
LABEL = "label."
"""`label.sector` is a column of its own."""
_FIELDS = [name for name in FIELDS[TYPE] if name != "labels"]
HEADINGS = {heading: name for name in _FIELDS for heading in (name, term(TYPE, name).zh)} | {
    heading: name for name in ("region", "corrects") for heading in (name, attribute(name).zh)
}
"""Heading → name in the figure."""
KINDS = {zh: value for value, zh in FIGURE_KIND.values.items()}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class Unreadable(ValueError):
    """The file is no such table; the text says why."""


def read(body: bytes) -> list[dict[str, Any]]:
    """A figure for each row that holds anything. Raises Unreadable."""
    lines = [line for line in _lines(body) if any(str(cell).strip() for cell in line)]
    if not lines:
        raise Unreadable("表是空的: 第一行写表头")
    names = _names([str(cell).strip() for cell in lines[0]])
    return [_figure(names, line) for line in lines[1:]]


def _lines(body: bytes) -> Iterator[Sequence[Any]]:
    if body.startswith(b"PK\x03\x04"):
        try:
            yield from calamine.load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python()
        except (calamine.CalamineError, IndexError, OSError) as error:
            raise Unreadable(f"读不出工作簿: {error}") from error
        return
    yield from csv.reader(io.StringIO(_text(body), newline=""))


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("既不是 UTF-8 也不是 GB18030: 请重新保存")


def _names(headings: list[str]) -> list[str]:
    unknown = [heading for heading in headings if heading not in HEADINGS and not heading.startswith(LABEL)]
    if unknown:
        raise Unreadable(f"不认识的表头 {'、'.join(unknown)}: 可用 {'、'.join(HEADINGS)}、{LABEL}标签名")
    names = [HEADINGS.get(heading, heading) for heading in headings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Unreadable(f"表头 {'、'.join(twice)} 写了两次")
    return names


def _figure(names: list[str], line: Sequence[Any]) -> dict[str, Any]:
    cells = {name: cell for name, cell in zip(names, line, strict=False) if str(cell).strip()}
    found = {name: _value(name, cell) for name, cell in cells.items() if not name.startswith(LABEL)}
    labels = {name.removeprefix(LABEL): _plain(cell) for name, cell in cells.items() if name.startswith(LABEL)}
    return found | ({"labels": labels} if labels else {})


def _value(name: str, cell: Any) -> Any:
    """A cell as JSON would have it; what cannot be read stays as it is, for the judge to refuse."""
    if name == "value":
        return _number(cell)
    if name in ("from", "to"):
        return _day(cell)
    text = _plain(cell)
    return KINDS.get(text, text) if name == "kind" else text


def _number(cell: Any) -> Any:
    try:
        number = Decimal(str(cell).strip().replace(",", ""))
    except InvalidOperation:
        return cell
    if not number.is_finite():
        return str(cell)
    return int(number) if number == number.to_integral_value() else number


def _day(cell: Any) -> str:
    if isinstance(cell, datetime.date):  # a moment is a date too
        return cell.isoformat()[:10]
    text = str(cell).strip()
    parts = _DAY.fullmatch(text)
    return f"{parts[1]}-{int(parts[2]):02}-{int(parts[3]):02}" if parts else text


def _plain(cell: Any) -> str:
    """A number that Excel made of a code is the code again."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
