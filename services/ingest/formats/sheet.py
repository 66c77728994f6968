"""From the bytes of a CSV file or an XLSX workbook to its lines of cells; what they mean is the table's matter.

CSV: UTF-8 with or without BOM, GB18030, UTF-16 with BOM (Excel's "Unicode text"); separated by , ; or tab. XLSX: the
first visible sheet, values as last calculated. Reasons are Chinese: they are shown to the clerk.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from xml.etree import ElementTree

import msgspec
import python_calamine as calamine

from services.ingest.formats.cell import Cell

MAX_ROWS = 1_000_000
MAX_INFLATED = 128 * 1024 * 1024
"""Bytes that a workbook may have when unpacked."""
MAX_COLUMNS = 500

Line = tuple[int, Sequence[Cell]]
"""Its number in the file, from 1, and its cells; '' is an empty one."""


class Unreadable(ValueError):
    """The file as a whole cannot be read; the text says why and what to do, `line` where (0: nowhere special)."""

    def __init__(self, reason: str, line: int = 0, code: str = "table_format") -> None:
        super().__init__(reason)
        self.line = line
        self.code = code


class Sheet(msgspec.Struct, frozen=True):
    """What was found: `format` is csv or xlsx; `encoding` and `delimiter` are of CSV alone."""

    format: str
    lines: Iterator[Line]
    """Blank lines are left out. Raises Unreadable on the way."""
    encoding: str = ""
    delimiter: str = ""


def read(file: BinaryIO) -> Sheet:
    """The lines of a file that can be rewound. Raises Unreadable; a CSV file is read as its lines are asked for."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"PK\x03\x04"):
        return Sheet("xlsx", _counted(_workbook(file)))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("这是旧格式（.xls）或加了密码的工作簿：请另存为不加密的 .xlsx 或 CSV")
    if start.startswith((b"%PDF", b"<", b"{", b"[")):
        raise Unreadable("这不是表格：请上传 CSV 或 XLSX")
    encoding = encoding_of(file)
    delimiter = _delimiter(file, encoding)
    return Sheet("csv", csv_lines(file, encoding, delimiter), encoding, delimiter)


def csv_lines(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Line]:
    """The lines of a CSV file once more, when its encoding and delimiter are known."""
    return _counted(_csv(file, encoding, delimiter))


def encoding_of(file: BinaryIO) -> str:
    """The encoding of a CSV file, by all of its lines. Raises Unreadable when it is none, or two at once."""
    file.seek(0)
    start = file.read(3)
    file.seek(0)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    utf8_line, other_line = 0, 0
    for number, line in enumerate(file, 1):
        if line.isascii():
            continue
        if b"\x00" in line:
            raise Unreadable(f"第 {number} 行不是文字", number, "encoding")
        if _is_utf8(line):
            utf8_line = utf8_line or (number if _surely_utf8(line) else 0)
        else:
            other_line = other_line or number
        if utf8_line and other_line:
            raise Unreadable(
                f"编码混杂：第 {utf8_line} 行是 UTF-8，第 {other_line} 行不是；请用同一种编码重新保存",
                max(utf8_line, other_line), "encoding",
            )  # fmt: skip
    if not other_line:
        return "utf-8-sig"
    if start == b"\xef\xbb\xbf":
        raise Unreadable(f"编码混杂：文件以 UTF-8 标记开头，第 {other_line} 行却不是 UTF-8", other_line, "encoding")
    _must_be_gb18030(file)
    return "gb18030"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _surely_utf8(line: bytes) -> bool:
    """Whether a line that is UTF-8 is no everyday Chinese in GB18030 as well, as the famous 联通 is."""
    try:
        line.decode("gb18030").encode("gb2312")
    except UnicodeError:
        return True
    return False


def _must_be_gb18030(file: BinaryIO) -> None:
    file.seek(0)
    for number, line in enumerate(file, 1):
        try:
            line.decode("gb18030")
        except UnicodeDecodeError as error:
            raise Unreadable(
                f"第 {number} 行既不是 UTF-8 也不是 GB18030：请另存为 CSV UTF-8", number, "encoding"
            ) from error


def _delimiter(file: BinaryIO, encoding: str) -> str:
    """The separator that the first line with text has most of."""
    for line in _text(file, encoding):
        if line.strip():
            bare = re.sub(r'"[^"]*"', "", line)
            return max(",;\t", key=bare.count)
    raise Unreadable("文件是空的", code="table_empty")


def _text(file: BinaryIO, encoding: str) -> Iterator[str]:
    file.seek(0)
    reader = io.TextIOWrapper(file, encoding, newline="")
    try:
        for line in reader:  # noqa: UP028  `yield from` would close the file when nobody asks for more
            yield line
    except UnicodeError as error:
        raise Unreadable("文件在一个字的中间断开：请重新保存", code="encoding") from error
    finally:
        with contextlib.suppress(ValueError):  # the file was closed by whom it belongs to
            reader.detach()


def _csv(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Line]:
    reader = csv.reader(_text(file, encoding), delimiter=delimiter, strict=True)
    number = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(f"从第 {number} 行开始的引号没有成对，或单元格过长（{error}）", number) from error
        yield number, cells
        number = reader.line_num + 1


def _counted(lines: Iterator[Line]) -> Iterator[Line]:
    """Without blank lines. Raises Unreadable over the limits."""
    rows = 0
    for number, cells in lines:
        if not any(cell.strip() if isinstance(cell, str) else True for cell in cells):
            continue
        if len(cells) > MAX_COLUMNS and any(cell != "" for cell in cells[MAX_COLUMNS:]):
            raise Unreadable(f"第 {number} 行超过 {MAX_COLUMNS} 列", number, "too_many_columns")
        if rows > MAX_ROWS:
            raise Unreadable(f"超过 {MAX_ROWS} 行：请分成几个文件", number, "too_many_rows")
        rows += 1
        yield number, cells


def _workbook(file: BinaryIO) -> Iterator[Line]:
    parts = _must_unpack(file)
    file.seek(0)
    try:
        book = calamine.CalamineWorkbook.from_filelike(file)
        names = [s.name for s in book.sheets_metadata if s.visible == calamine.SheetVisibleEnum.Visible]
        sheet = book.get_sheet_by_name(names[0])
    except (calamine.CalamineError, IndexError, OSError) as error:
        raise Unreadable(f"打不开这个工作簿（{error}）：请用表格软件重新另存为 .xlsx") from error
    if sheet.total_height > MAX_ROWS + 1:
        raise Unreadable(f"超过 {MAX_ROWS} 行：请分成几个文件", code="too_many_rows")
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        where = f"{letter(left)}{top + 1}:{letter(right)}{bottom + 1}"
        raise Unreadable(
            f"合并单元格 {where}：请取消合并，每行各填各的；第一行应是列名，不要标题行", top + 1, "merged_cells"
        )
    _must_have_values(file, parts.get(names[0], ""))
    return ((number, _floats(cells)) for number, cells in enumerate(sheet.iter_rows(), 1))


def _floats(cells: Sequence[object]) -> list[Cell]:
    return [float(c) if type(c) is int else c for c in cells]  # type: ignore[misc]


def letter(column: int) -> str:
    """How a workbook calls a column, counted from 0: A, B … Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REF = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def _must_unpack(file: BinaryIO) -> dict[str, str]:
    """The part of each sheet, by name. Raises Unreadable for a package that is broken or grows beyond all bounds."""
    try:
        with zipfile.ZipFile(file) as package:
            if sum(info.file_size for info in package.infolist()) > MAX_INFLATED:
                raise Unreadable(f"工作簿解开后超过 {MAX_INFLATED >> 20} MB：请分成几个文件", code="too_large")
            if broken := package.testzip():
                raise Unreadable(f"工作簿已损坏（{broken}）：请重新保存")
            return _sheet_parts(package)
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, NotImplementedError, RuntimeError, EOFError) as error:
        raise Unreadable(f"这不是 XLSX 工作簿，或已损坏（{error}）") from error


def _sheet_parts(package: zipfile.ZipFile) -> dict[str, str]:
    book = _xml(package, "xl/workbook.xml")
    relations = _xml(package, "xl/_rels/workbook.xml.rels")
    targets = {row.get("Id"): row.get("Target", "") for row in relations}
    sheets = ((sheet.get("name", ""), targets.get(sheet.get(_REF), "")) for sheet in book.iter(f"{_MAIN}sheet"))
    return {name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in sheets}


def _xml(package: zipfile.ZipFile, part: str) -> ElementTree.Element:
    content = package.read(part)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise Unreadable("工作簿中有 DTD：请用表格软件重新另存为 .xlsx")
    return ElementTree.fromstring(content)  # noqa: S314  without entities


_CELL = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*\br="([A-Z]+)(\d+)")([^>]*[^/>])>(.*?)</(?:\w+:)?c>', re.DOTALL)
_EMPTY_VALUE = re.compile(rb"<(?:\w+:)?v\s*>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>")


def _must_have_values(file: BinaryIO, part: str) -> None:
    """Raises Unreadable for an error shown and for a formula nobody has calculated: both would read as empty."""
    try:
        with zipfile.ZipFile(file) as package:
            content = package.read(part)
    except KeyError:
        return
    if b"<f" not in content and b":f" not in content and b't="e"' not in content:
        return
    for column, row, attributes, inner in _CELL.findall(content):
        where = f"{column.decode()}{row.decode()}"
        if b't="e"' in attributes:
            raise Unreadable(f"单元格 {where} 显示的是公式错误（如 #N/A）：请改正", int(row), "formula")
        without = b't="str"' not in attributes and _EMPTY_VALUE.search(inner)
        if re.search(rb"<(?:\w+:)?f\b", inner) and (without or not re.search(rb"<(?:\w+:)?v\b", inner)):
            raise Unreadable(
                f"单元格 {where} 的公式没有计算结果：请用表格软件打开并保存一次，或只粘贴数值", int(row), "formula"
            )
