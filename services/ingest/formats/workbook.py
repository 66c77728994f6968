"""The workbooks that go to a clerk: the template of a type, and a table given back with what came of each row."""

from __future__ import annotations

import datetime
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import IO, Any

import msgspec
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.contracts import fields
from services.contracts.event import STATUSES, Data, Type
from services.contracts.families import CLASS_OF, FIELDS, TYPES
from services.contracts.fields import FieldSpec
from services.contracts.glossary import attribute, term
from services.ingest.formats.cell import Cell, is_separated
from services.ingest.formats.sheet import letter
from services.ingest.formats.table import ENVELOPE, RESULT, STATUS_NAMES, Bureau, result_heading

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = 10_000
"""Rows of the template that have formats and lists to choose from."""
_COMMON = frozenset(Data.__struct_encode_fields__)
_MOST_TEXT = 32_767

KINDS: Mapping[str, tuple[str, str]] = {
    "identifier": ("编号", "@"), "text": ("文字", "@"), "flag": ("是 或 否", "@"), "integer": ("整数", "0"),
    "count": ("数量（不小于 0 的整数）", "0"), "number": ("数字", "General"),
    "money": ("金额（元，至多两位小数）", "0.00"), "date": ("日期，如 2023-06-30", "yyyy-mm-dd"),
    "moment": ("日期，或日期和时间，如 2023-06-30 08:30", "yyyy-mm-dd hh:mm"),
    "object": ('JSON 对象，如 {"name": "value"}', "@"), "anything": ("文字", "@"),
}  # fmt: skip
"""Kind of a field → what to write, number format of its column."""


class Entry(msgspec.Struct, frozen=True):
    """One column of a template."""

    heading: str
    field: str
    about: str
    number_format: str
    example: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    strict: bool = True
    """Whether only the choices may be entered."""


def entries(type_name: str, bureau: Bureau) -> list[Entry]:
    """The columns of a type's template: when and what first, then what may be added."""
    type_ = TYPES[type_name]
    needed = {*type_.keys, *type_.subject}
    names = sorted(FIELDS[type_name], key=lambda name: (name not in needed, name in _COMMON))
    own = [_field(type_, FIELDS[type_name][name], name in needed, bureau) for name in names]
    return [*_first(type_), *own, *_last(bureau)]


def template(type_name: str, bureau: Bureau) -> bytes:
    """The workbook a clerk fills in: headings with comments and lists to choose from, and a sheet that explains."""
    out = io.BytesIO()
    rows = entries(type_name, bureau)
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(_sheet_name(TYPES[type_name]))
        explained = book.add_worksheet("说明")
        lists = book.add_worksheet("代码")
        _fill(book, sheet, lists, rows)
        _explain(book, explained, TYPES[type_name], rows)
    return out.getvalue()


def answer(
    type_name: str, lines: Iterable[tuple[int, Sequence[Cell]]], told: Mapping[int, str], sequential: bool
) -> IO[bytes]:
    """The same cells with a column 结果; `told` says it for each line of rows. `sequential`: number the lines anew."""
    # Rows go to disk as they are written: an answer may have as many as the table.
    file = tempfile.TemporaryFile()  # noqa: SIM115  whoever answers closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_sheet_name(TYPES[type_name]))
        bold, bad = book.add_format({"bold": True}), book.add_format({"font_color": "#B00020"})
        dates = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        kept: list[int] = []
        for place, (number, cells) in enumerate(lines):
            row = place if sequential else number - 1
            if place == 0:
                kept = [
                    i for i, cell in enumerate(cells) if str(cell).strip() not in RESULT or _is_field(type_name, cell)
                ]
                sheet.write_string(row, len(kept), result_heading(type_name), bold)
            else:
                result = told.get(number, "")
                sheet.write_string(row, len(kept), result[:_MOST_TEXT], bad if result.startswith("错误") else None)
            for column, index in enumerate(kept):
                if index < len(cells):
                    _write(sheet, row, column, cells[index], dates)
        sheet.set_column(0, max(len(kept) - 1, 0), 16)
        sheet.set_column(len(kept), len(kept), 60)
    file.seek(0)
    return file


def _is_field(type_name: str, cell: Cell) -> bool:
    return str(cell).strip() != result_heading(type_name) and str(cell).strip() == RESULT[0]


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, dates: tuple[Format, Format]) -> None:
    if isinstance(cell, str):
        if cell:
            sheet.write_string(row, column, cell[:_MOST_TEXT])
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, datetime.datetime):
        sheet.write_datetime(row, column, cell, dates[1])
    elif isinstance(cell, datetime.date | datetime.time | datetime.timedelta):
        sheet.write_datetime(row, column, cell, dates[0])
    else:
        sheet.write_number(row, column, cell)


def _first(type_: Type) -> list[Entry]:
    when = Entry(
        attribute("time").zh, "time", "事情发生的时间；只写日期即当日 00:00",
        "yyyy-mm-dd hh:mm", "2023-07-16 09:30", True,
    )  # fmt: skip
    if type_.subject:
        return [when]
    target = Entry(attribute("corrects").zh, "corrects", "被撤回的那条事件的编号", "@", "", True)
    return [when, target, Entry(attribute("subject").zh, "subject", "被撤回的那条事件的对象", "@", "", True)]


def _last(bureau: Bureau) -> list[Entry]:
    places = tuple(bureau.places)
    statuses = tuple(STATUS_NAMES[status] for status in STATUSES)
    return [
        Entry(attribute("region").zh, "region", "区域代码或名称；不填即本单位", "@", places[0] if places else "",
              choices=places, strict=False),
        Entry(attribute("status").zh, "status", "不填即“实际”", "@", "实际", choices=statuses),
        Entry(attribute("id").zh, "id", "一般不填：同一行凭关键列认出", "@"),
    ]  # fmt: skip


def _field(type_: Type, spec: FieldSpec, required: bool, bureau: Bureau) -> Entry:
    row = term(type_.name, spec.name)
    codes = bureau.codes_of(type_.name, spec) if spec.codes else {}
    kind, number_format = KINDS[spec.kind.name]
    about = "从列表中选" if codes else kind
    if spec.many:
        about += "；多项用顿号分开"
    unit = f"；单位：{row.unit}" if row.unit else ""
    name = f"data.{spec.name}" if spec.name in ENVELOPE else spec.name
    choices = tuple(codes.values()) or (("是", "否") if spec.kind is fields.FLAG else ())
    example = CLASS_OF[type_.name].example.get(spec.name, "")
    return Entry(
        row.zh, name, about + unit, "@" if spec.many else number_format, _shown(example, codes), required,
        choices, not spec.many,
    )  # fmt: skip


def _shown(value: Any, codes: Mapping[str, str]) -> str:
    """An example as a clerk would write it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list | tuple):
        items = [_shown(item, codes) for item in value]
        return "、".join(items) if not any(map(is_separated, items)) else msgspec.json.encode(value).decode()
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return codes.get(str(value), str(value)) if not isinstance(value, Decimal) else f"{value:f}"


def _sheet_name(type_: Type) -> str:
    return "".join(c for c in type_.zh if c not in "[]:*?/\\'")[:31] or "数据"


def _fill(book: xlsxwriter.Workbook, sheet: Worksheet, lists: Worksheet, rows: list[Entry]) -> None:
    needed = book.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1})
    optional = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    sheet.freeze_panes(1, 0)
    for column, entry in enumerate(rows):
        sheet.set_column(column, column, max(12, 2 * len(entry.heading) + 4), _format(book, entry.number_format))
        sheet.write_string(0, column, entry.heading, needed if entry.required else optional)
        sheet.write_comment(0, column, _comment(entry), {"x_scale": 2, "y_scale": 1.2})
        if entry.choices:
            lists.write_column(0, column, [entry.heading, *entry.choices])
            sheet.data_validation(1, column, ROWS, column, _validation(column, entry))


def _format(book: xlsxwriter.Workbook, number_format: str) -> Format:
    made: Format = book.add_format({"num_format": number_format})
    return made


def _validation(column: int, entry: Entry) -> dict[str, Any]:
    name = letter(column)
    return {
        "validate": "list",
        "source": f"=代码!${name}$2:${name}${len(entry.choices) + 1}",
        "error_type": "stop" if entry.strict else "information",
        "error_title": entry.heading,
        "error_message": "请从列表中选择" if entry.strict else "不在列表中：请确认",
    }


def _comment(entry: Entry) -> str:
    must = "必填。" if entry.required else ""
    example = f"\n例：{entry.example}" if entry.example else ""
    return f"{must}{entry.about}\n字段：{entry.field}{example}"


HOW = (
    "1. 在第一张表中从第 2 行起每行填一件事；第 1 行是列名，列可以增删、调换次序，列名用中文或英文字段名均可。",
    "2. 底色较深（橙色）的列必填，其余可空；空行跳过。不要合并单元格，不要在列名上方加标题行。",
    "3. 编号、电话、统一社会信用代码等长数字按文字填写（模板已设好格式）；日期写作 2023-06-30 或 2023-06-30 08:30。",
    "4. 同一行再次上传不会重复计数；改过的行须选择“更正”上传（correct=true），前后两个版本都保留。",
    "5. 先用试查（check=true）看有无错误；有一行错误则整张表不收，除非选择只收正确的行（partial=true）。",
)


def _explain(book: xlsxwriter.Workbook, sheet: Worksheet, type_: Type, rows: list[Entry]) -> None:
    bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 22)
    sheet.set_column(2, 2, 8)
    sheet.set_column(3, 4, 40)
    sheet.write_string(0, 0, f"{type_.zh}（{type_.name}）填表说明", bold)
    for row, line in enumerate(HOW, 1):
        sheet.write_string(row, 0, line)
    start = len(HOW) + 2
    for column, title in enumerate(("列名", "字段", "必填", "怎样填", "示例")):
        sheet.write_string(start, column, title, bold)
    for row, entry in enumerate(rows, start + 1):
        values = (entry.heading, entry.field, "是" if entry.required else "", entry.about, entry.example)
        for column, value in enumerate(values):
            sheet.write_string(row, column, value, wrap)
