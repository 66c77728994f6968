"""Reads TOML files so that every table and value knows its line (tomllib forgets them)."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.contracts.rows import Mistake, Row

_SEGMENT = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAME = rf"{_SEGMENT}(?:\s*\.\s*{_SEGMENT})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAME})\s*\]")
_VALUE = re.compile(rf"\s*({_NAME})\s*=")
_AT_LINE = re.compile(r"line (\d+)")

Place = tuple[str, int, str]
"""Table, which of several of that name, name of the value (`where.level`: within it; empty: the table's heading)."""


@dataclass(frozen=True)
class Document:
    """A TOML file: its values, and where they stand."""

    file: str
    values: Mapping[str, Any]
    lines: Mapping[Place, int]

    def row(self) -> Row:
        """The values outside any table."""
        lines = {name: line for (table, _, name), line in self.lines.items() if table == "" and name}
        headings = {table: line for (table, n, name), line in self.lines.items() if n == 0 and name == ""}
        return Row("", self.values, self.file, 1, headings | lines)

    def rows(self, table: str) -> Iterator[Row]:
        """The tables of one name: `[name]`, or each `[[name]]`; what is not a table is left out."""
        found = self.values.get(table)
        for n, values in enumerate(found if isinstance(found, list) else [found]):
            if isinstance(values, dict):
                yield Row(table, values, self.file, self._line(table, n), self._lines(table, n))

    def _line(self, table: str, n: int) -> int:
        return self.lines.get((table, n, "")) or self.lines.get(("", 0, table)) or 1

    def _lines(self, table: str, n: int) -> dict[str, int]:
        return {name: line for (t, i, name), line in self.lines.items() if t == table and i == n and name}


def read(folder: Path, file: str) -> Document | Mistake:
    """The file as a document; what keeps it from being one is the mistake. Fractions become exact decimals."""
    try:
        text = (folder / file).read_text(encoding="utf-8-sig")
        return document(file, text, tomllib.loads(text, parse_float=Decimal))
    except OSError as error:
        return Mistake(file, 1, f"读不出文件: {error.strerror}", "放一个可读的文件")
    except UnicodeDecodeError:
        return Mistake(file, 1, "文件不是 UTF-8 编码", "另存为 UTF-8")
    except tomllib.TOMLDecodeError as error:
        where = _AT_LINE.search(str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        return Mistake(file, line, f"TOML 语法有误: {error}", "按 TOML 语法改正这一行")


def document(file: str, text: str, values: Mapping[str, Any]) -> Document:
    """A text that was read, with the place of each of its values."""
    return Document(file, values, dict(_places(text)))


def _places(text: str) -> Iterator[tuple[Place, int]]:
    """Every heading and value with its line; the first of a name counts."""
    found: dict[Place, int] = {}
    seen: Counter[str] = Counter()
    table, inner = "", []
    for number, line in _outside_strings(text):
        if heading := _HEADER.match(line):
            table, *inner = _segments(heading[2])
            seen[table] += heading[1] == "[[" and not inner
            for name in _paths(inner) or [""]:
                found.setdefault((table, max(seen[table] - 1, 0), name), number)
        elif value := _VALUE.match(line):
            names = [*inner, *_segments(value[1])]
            for name in _paths(names):
                found.setdefault((table, max(seen[table] - 1, 0), name), number)
            for name in _paths(names[1:]) if not table else ():
                found.setdefault((names[0], 0, name), number)
    yield from found.items()


def _outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines that do not lie inside a string of several lines."""
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not inside:
            yield number, line
        for quotes in ('"""', "'''"):
            if inside in ("", quotes) and line.count(quotes) % 2:
                inside = "" if inside else quotes


def _paths(names: list[str]) -> list[str]:
    """A value and the tables it lies in: `where`, `where.level`."""
    return [".".join(names[:n]) for n in range(1, len(names) + 1)]


def _segments(name: str) -> list[str]:
    return [segment.strip("\"'") for segment in re.findall(_SEGMENT, name)]
