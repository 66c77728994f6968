"""A report as a workbook: its text, its tables, and the source table with exact numbers. No text is ever a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import xlsxwriter

from services.reporting.report import told
from services.reporting.report.content import Content, Line
from services.reporting.report.sources import COVERAGE, TITLE
from services.runtime.document.model import Block, Chart, Heading, Paragraph, Table

_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
_HEADING = (
    "行号", "引用", "统计指标键", "统计指标", "分项", "起始日期", "截止日期", "区域", "文中", "精确值", "单位",
    "事件数", "报送", "计算时间", "口径", "类别", "备注",
)  # fmt: skip
_SAFE_DIGITS = 15
"""Excel keeps so many; longer numbers are written as text."""
TEXT = "正文"


def write(content: Content) -> bytes:
    """The XLSX."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, _OPTIONS)
    book.set_properties({"title": content.document.title[:255], "created": None})
    _sheet(book, TEXT, [[text] for text in _text(content)], (100,))
    for n, table in enumerate(_tables(content), 1):
        _sheet(
            book, f"表{n}", [[table.caption], list(table.columns), *map(list, table.rows)], (24,) * len(table.columns)
        )
    _sheet(book, TITLE, [_HEADING, *map(_row, content.lines)], (6, 36, 28, 20, 20, 12, 12, 12, 14, 16, 8))
    for annex in content.document.annexes:
        if annex.title != TITLE:
            _sheet(book, annex.title[:31], [row for block in annex.blocks for row in _annex(block)], (24, 12, 12, 70))
    book.close()
    return out.getvalue()


def _sheet(book: xlsxwriter.Workbook, name: str, rows: Iterable[Sequence[object]], widths: tuple[int, ...]) -> None:
    sheet = book.add_worksheet(name)
    for n, width in enumerate(widths):
        sheet.set_column(n, n, width)
    for n, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(n, column, value)
            elif value:
                sheet.write_string(n, column, str(value))


def _text(content: Content) -> Iterator[str]:
    it = content.document
    yield from (it.mark, it.issuer, it.number, it.title, f"{it.addressees}：" if it.addressees else "")
    for block in it.blocks:
        match block:
            case Heading():
                yield block.text
            case Paragraph():
                yield _marked(block)
            case _:
                yield block.caption
    yield from (it.signed, it.date.isoformat() if it.date else "", it.remark)


def _marked(block: Paragraph) -> str:
    said, at = [], 0
    for offset, mark in block.marks:
        said += [block.text[at:offset], mark]
        at = offset
    return "".join([*said, block.text[at:]])


def _tables(content: Content) -> Iterator[Table]:
    for block in content.document.blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Chart):
            rows = tuple((label, told.plain(value)) for label, value in zip(block.labels, block.values, strict=True))
            yield Table(("项", "值"), rows, caption=block.caption)


def _annex(block: Block) -> Iterator[Sequence[object]]:
    match block:
        case Heading() | Paragraph():
            yield [block.text]
        case Table():
            yield from (block.columns, *block.rows)


def _row(line: Line) -> list[object]:
    labels = "，".join(f"{name}={value}" for name, value in line.labels.items())
    return [
        line.number, line.slot, line.key, line.name, labels, line.first, line.last, line.region, line.printed,
        _number(line.value), line.unit, line.events, COVERAGE.get(line.coverage, line.coverage), line.as_of,
        line.definition, line.aspect, line.remark,
    ]  # fmt: skip


def _number(value: Decimal | None) -> object:
    """A number, where Excel can hold it exactly."""
    if value is None:
        return ""
    return told.jsonable(value) if len(value.normalize().as_tuple().digits) <= _SAFE_DIGITS else told.plain(value)
