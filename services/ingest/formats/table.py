"""From lines of cells to rows of one event type: what the headings mean, and every cell as a value.

A heading is the English field name, its Chinese name in the glossary, or an attribute of the envelope in either
language; a data field that clashes with an envelope name is `data.NAME` (contract, section 1). Reasons are Chinese:
they are shown to the clerk.
"""

from __future__ import annotations

import datetime
import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from services.contracts.event import HUB_ATTRIBUTES, Type
from services.contracts.families import FIELDS, TYPES
from services.contracts.fields import FieldSpec
from services.contracts.glossary import attribute, term
from services.ingest.formats import cell
from services.ingest.formats.cell import BadCell, Cell, Convert
from services.ingest.formats.sheet import Line, letter

ATTRIBUTES = (
    "id", "time", "region", "status", "subject", "source", "drill", "lane", "corrects", "correctssource", "type",
)  # fmt: skip
"""The attributes of the envelope that a column may give."""
ENVELOPE = frozenset([*ATTRIBUTES, *HUB_ATTRIBUTES, "specversion", "datacontenttype", "dataschema", "data"])
STATUS_NAMES: Mapping[str, str] = {"actual": "实际", "exercise": "演练", "test": "测试"}
LANE_NAMES: Mapping[str, str] = {"history": "历史"}
RESULT = ("结果", "受理结果")
"""The column of an answer; the second where a field of the type is called so."""
NOT_READ = frozenset(["序号", *RESULT, *(attribute(name).zh for name in HUB_ATTRIBUTES), *HUB_ATTRIBUTES])


class Bureau(msgspec.Struct, frozen=True):
    """What a table's cells are read by."""

    zone: datetime.tzinfo
    codes: Mapping[tuple[str, str], Mapping[str, str]] = {}
    """The bureau's own coded values: (type or "" for all, field) → {value: Chinese name}."""
    places: Mapping[str, str] = {}
    """Name of a region → its code, where one region alone has the name."""

    def codes_of(self, type_name: str, spec: FieldSpec) -> dict[str, str]:
        """All values of a coded field with their Chinese names."""
        own = {**self.codes.get(("", spec.name), {}), **self.codes.get((type_name, spec.name), {})}
        return {**(spec.codes.values if spec.codes else {}), **own}


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong with a table: where, what and why. `column` counts from 0; None: the whole line."""

    line: int
    column: int | None
    heading: str
    field: str
    reason: str
    code: str

    @property
    def where(self) -> str:
        """For people: 第 3 行 C 列（隐患级别）."""
        column = "" if self.column is None else f" {letter(self.column)} 列（{self.heading}）"
        return f"第 {self.line} 行{column}"


class BadHeadings(ValueError):
    """The first line does not say what the columns are."""

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__("；".join(flaw.reason for flaw in flaws))
        self.flaws = flaws


class Column(msgspec.Struct, frozen=True):
    """One column that is read."""

    index: int
    heading: str
    field: str
    """As in a problem of the door: `time`, `data.level`."""
    name: str
    """The field's own name: `time`, `level`."""
    in_data: bool
    convert: Convert


class Row(msgspec.Struct, gc=False):
    """One line of the table as far as it could be read."""

    line: int
    attributes: dict[str, Any]
    data: dict[str, Any]
    flaws: list[Flaw]


class Table:
    """The columns of one table of a type; raises BadHeadings with everything that is wrong with them."""

    def __init__(self, type_name: str, headings: Line, bureau: Bureau) -> None:
        self.type = TYPES[type_name]
        self.line, cells = headings
        self.headings = [_tidy(heading) for heading in cells]
        self.known = headings_of(type_name)
        self._bureau = bureau
        self._flaws: list[Flaw] = []
        self.columns = self._columns()
        self._unnamed = [i for i, heading in enumerate(self.headings) if not heading]
        self._must_be_whole()
        if self._flaws:
            raise BadHeadings(self._flaws)
        self.by_field = {column.field: column for column in self.columns}

    def rows(self, lines: Iterator[Line]) -> Iterator[Row]:
        """The rows below the headings, one for each line that is not blank."""
        return (self._row(number, cells) for number, cells in lines)

    def flaw(self, line: int, field: str, reason: str, code: str) -> Flaw:
        """A flaw of a field found later, with the column it stands in."""
        column = self.by_field.get(field)
        if column is None:
            return Flaw(line, None, "", field, reason, code)
        return Flaw(line, column.index, column.heading, field, reason, code)

    def _row(self, number: int, cells: Sequence[Cell]) -> Row:
        row = Row(number, {}, {}, [])
        width = len(cells)
        for column in self.columns:
            if column.index >= width or _blank(given := cells[column.index]):
                continue
            try:
                value = column.convert(given)
            except BadCell as error:
                row.flaws.append(
                    Flaw(number, column.index, column.heading, column.field, str(error), error.code)
                )  # fmt: skip
                continue
            if value == []:
                continue
            (row.data if column.in_data else row.attributes)[column.name] = value
        for index in (*self._unnamed, *range(len(self.headings), width)):
            if index < width and not _blank(cells[index]):
                reason = "这一列没有列名（逗号等分隔符是否写进了内容？）"
                row.flaws.append(Flaw(number, index, "", "", reason, "no_heading"))
        self._check_type(row)
        return row

    def _check_type(self, row: Row) -> None:
        given = row.attributes.pop("type", self.type.name)
        if given not in (self.type.name, self.type.zh):
            hint = "；事件内容中的该字段，列名是 data.type" if "type" in FIELDS[self.type.name] else ""
            row.flaws.append(self.flaw(row.line, "type", f"这张表是 {self.type.name}，不是 {given}{hint}", "type"))

    def _columns(self) -> list[Column]:
        found: dict[str, Column] = {}
        for index, heading in enumerate(self.headings):
            field = self.known.get(_key(heading)) or self.known.get(_key(_without_unit(heading)))
            if field is None and heading.startswith("data.") and len(heading) > 5:
                field = heading
            if field is None:
                self._unknown(index, heading)
            elif field in found:
                first = found[field]
                reason = f"列名重复：{letter(first.index)} 列“{first.heading}”和 {letter(index)} 列“{heading}”是同一项"
                self._flaws.append(Flaw(self.line, index, heading, field, reason, "heading_twice"))
            else:
                name = field.removeprefix("data.")
                found[field] = Column(index, heading, field, name, name != field, self._convert(field))
        return list(found.values())

    def _unknown(self, index: int, heading: str) -> None:
        if not heading or heading in NOT_READ or heading.lower() in NOT_READ:
            return
        like = difflib.get_close_matches(_key(heading), self.known, n=3, cutoff=0.5)
        hint = f"，是否“{'”或“'.join(like)}”" if like else ""
        reason = f"{self.type.name}（{self.type.zh}）没有列“{heading[:60]}”{hint}"
        self._flaws.append(Flaw(self.line, index, heading[:60], "", reason, "unknown_heading"))

    def _must_be_whole(self) -> None:
        """Without these columns every row would be refused: said once."""
        fields = {column.field for column in self.columns}
        if "time" not in fields:
            self._missing("time", "缺少列 time（发生时间）")
        named = "subject" in fields or "id" in fields
        for name in () if named else self.type.keys:
            if f"data.{name}" not in fields:
                zh = term(self.type.name, name).zh
                self._missing(f"data.{name}", f"缺少关键列 {name}（{zh}）：同一行再次上传时凭它认出")
        for name in () if "subject" in fields else self.type.subject:
            if f"data.{name}" not in fields and name not in self.type.keys:
                self._missing(f"data.{name}", f"缺少列 {name}（{term(self.type.name, name).zh}）：它是事件的对象")

    def _missing(self, field: str, reason: str) -> None:
        self._flaws.append(Flaw(self.line, None, "", field, reason, "missing"))

    def _convert(self, field: str) -> Convert:
        if not field.startswith("data."):
            return _attribute(field, self._bureau)
        spec = FIELDS[self.type.name].get(field.removeprefix("data."))
        if spec is None:
            return cell.text
        return cell.converter(spec, self._bureau.zone, self._bureau.codes_of(self.type.name, spec))


def headings_of(type_name: str) -> dict[str, str]:
    """Every heading that a table of a type may have, tidied → the field it names."""
    fields = FIELDS[type_name]
    found = {_key(name): name for name in ATTRIBUTES}
    found |= {_key(f"data.{name}"): f"data.{name}" for name in fields}
    found |= {_key(name): f"data.{name}" for name in fields if name not in ENVELOPE}
    found |= {_key(attribute(name).zh): name for name in ATTRIBUTES}
    return found | {_key(term(type_name, name).zh): f"data.{name}" for name in fields}


def heading(type_: Type, field: str) -> str:
    """The Chinese heading of a field."""
    if field.startswith("data."):
        return term(type_.name, field.removeprefix("data.")).zh
    return attribute(field).zh


def result_heading(type_name: str) -> str:
    """The heading of the column that an answer adds."""
    return RESULT[0] if RESULT[0] not in headings_of(type_name) else RESULT[1]


def _attribute(name: str, bureau: Bureau) -> Convert:
    if name == "time":
        return cell.when(bureau.zone)
    if name == "status":
        return cell.coded({**STATUS_NAMES}, "status")
    if name == "lane":
        return cell.coded(LANE_NAMES, "lane")
    return cell.place(bureau.places) if name == "region" else cell.text


def _blank(given: Cell) -> bool:
    return given == "" or (isinstance(given, str) and not given.strip())


def _tidy(given: Cell) -> str:
    """A heading without blanks, line breaks and the asterisk of what must be filled in."""
    bare = "" if _blank(given) else cell.text(given)
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", bare)).strip("*").removeprefix("\ufeff")


def _key(given: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", given)).lower()


def _without_unit(given: str) -> str:
    return re.sub(r"\([^()]*\)$", "", given)
