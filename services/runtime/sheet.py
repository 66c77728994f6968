"""Reads CSV files of a bureau folder so that every row knows its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from services.contracts.rows import Mistake, Row, advice

Columns = Mapping[str, bool]
"""Column → whether the table needs it. The first one is the key of a row."""


def read(folder: Path, file: str, columns: Columns) -> tuple[list[Row], list[Mistake]]:
    """The rows that hold anything, every value trimmed, and what is wrong with the table as such."""
    try:
        content = (folder / file).read_bytes()
    except OSError as error:
        return [], [Mistake(file, 1, f"读不出文件: {error.strerror}", "放一个可读的文件")]
    reader = csv.DictReader(decoded(content).splitlines(keepends=True), restkey="")
    heading = [str(column).strip() for column in reader.fieldnames or []]
    reader.fieldnames = heading
    mistakes = list(_heading_mistakes(file, heading, columns))
    if any(needed and name not in heading for name, needed in columns.items()):
        return [], mistakes
    return list(_rows(file, reader, next(iter(columns)), mistakes)), mistakes


def decoded(content: bytes) -> str:
    """Text as spreadsheets save it: UTF-8 with or without mark, else GB18030."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def _heading_mistakes(file: str, heading: list[str], columns: Columns) -> Iterator[Mistake]:
    for name in sorted(set(heading) - columns.keys()):
        yield Mistake(file, 1, f"不认识的列 {name}", advice(name, columns))
    for name in (n for n, needed in columns.items() if needed and n not in heading):
        yield Mistake(file, 1, f"缺少列 {name}", f"表头应为 {','.join(columns)}")


def _rows(file: str, reader: csv.DictReader[str], key: str, mistakes: list[Mistake]) -> Iterator[Row]:
    for values in reader:
        if values.get(""):
            mistakes.append(Mistake(file, reader.line_num, "这一行的列比表头多", "删去多余的逗号, 或给文字加引号"))
        texts = {name: (value or "").strip() for name, value in values.items() if name}
        if any(texts.values()):
            yield Row(texts[key], texts, file, reader.line_num)
