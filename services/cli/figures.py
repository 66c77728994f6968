"""The published figures of a bureau (`figures.csv`): what they may ask for, and whether the hub says the same."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from services.cli.year import recipe
from services.contracts.families import TYPES
from services.contracts.rows import Mistake, advice
from services.reporting import question
from services.reporting.catalogue import Catalogue
from services.runtime import toml

FILE = "figures.csv"
YEAR = "year.toml"
COLUMNS = ("id", "query", "member", "value", "unit", "zh")
TODAY = datetime.date(2000, 1, 1)
"""A figure names its period; what today is plays no part."""
_AT = re.compile(r"\$\.facts\[(\d+)\](?:\.(\w+))?")


@dataclass(frozen=True)
class Figure:
    """One published figure: what to ask, which member of the answer it is, and what was published."""

    id: str
    query: str
    member: str
    value: str
    unit: str
    zh: str
    line: int

    @property
    def key(self) -> str:
        """The statistic."""
        return self.query.partition("?")[0]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What is asked of it."""
        return parse_qsl(self.query.partition("?")[2], keep_blank_values=True)

    def same(self, answer: Mapping[str, Any]) -> bool:
        """Whether an answer has what was published, to as many decimals as were."""
        found = member(answer, self.member)
        return found is not None and Decimal(str(found)) == Decimal(self.value)


def member(answer: Mapping[str, Any], path: str) -> Any:
    """A member of an answer: `value`, or `compare.change_pct`."""
    found: Any = answer
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def read(folder: Path) -> list[Figure]:
    """The figures of a folder; none without the file. Raises Mistakes as a list of one for a wrong heading."""
    path = folder / FILE
    if not path.exists():
        return []
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
    names = set(rows.fieldnames or ())
    return [Figure(**{name: (row.get(name) or "").strip() for name in COLUMNS}, line=rows.line_num) for row in rows
            if names >= set(COLUMNS)]  # fmt: skip


def mistakes(folder: Path, of: Catalogue) -> list[Mistake]:
    """Everything wrong with the published figures and with the recipe of the year."""
    figures = read(folder)
    found = [one for figure in figures for one in _mistakes(figure, of)]
    if (folder / FILE).exists() and not figures:
        found.append(Mistake(FILE, 1, "没有任何数字", f"表头应为 {','.join(COLUMNS)}"))
    twice = {f.id for n, f in enumerate(figures) if f.id in {g.id for g in figures[:n]}}
    found += [Mistake(FILE, f.line, f"编号 {f.id} 已写过", "每行一个编号") for f in figures if f.id in twice]
    return sorted([*found, *_year(folder, {f.id for f in figures}, of)])


def _mistakes(figure: Figure, of: Catalogue) -> Iterator[Mistake]:
    try:
        query = question.parse(figure.key, figure.parameters, of, TODAY)
    except question.Unclear as unclear:
        for problem in unclear.problems:
            yield Mistake(FILE, figure.line, f"{figure.id}: {problem.reason}", _todo(problem.code, figure, of))
        return
    if figure.member == "value" and query.definition.unit != figure.unit:
        yield Mistake(
            FILE, figure.line, f"{figure.id}: 单位是 {figure.unit}", f"统计项的单位是 {query.definition.unit}"
        )
    try:
        Decimal(figure.value)
    except InvalidOperation:
        yield Mistake(FILE, figure.line, f"{figure.id}: {figure.value!r} 不是数字", "写公布的数字, 不带单位和逗号")


def _todo(code: str, figure: Figure, of: Catalogue) -> str:
    if code == "unknown_key":
        return advice(figure.key, of.rows)
    return "按 docs/statistics.md 改正 query 这一列"


def _year(folder: Path, ids: set[str], of: Catalogue) -> Iterator[Mistake]:
    """What is wrong with the recipe, each at its line."""
    document = toml.read(folder, YEAR) if (folder / YEAR).exists() else None
    if document is None or isinstance(document, Mistake):
        yield from [document] if document else []
        return
    rows = list(document.rows("facts"))
    try:
        read = recipe.read(folder / YEAR)
    except msgspec.ValidationError as error:
        place = _AT.search(str(error))
        row = rows[int(place[1])] if place else document.row()
        yield row.mistake(place[2] or "" if place else "", str(error), "按 docs/bureau.md 改正这一项")
        return
    for row, facts in zip(rows, read.facts, strict=True):
        if facts.type not in TYPES:
            yield row.mistake("type", f"没有事件类型 {facts.type}", advice(facts.type, TYPES))
        for id_ in sorted(set(facts.figures) - ids):
            yield row.mistake("figures", f"{FILE} 里没有 {id_}", "改正编号, 或补上那一行")
        if facts.region and facts.region not in of.regions:
            yield row.mistake("region", f"没有区域 {facts.region}", "代码见 regions.csv")
