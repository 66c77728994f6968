"""Reads organisations.csv, contacts.csv and roster.csv: every mistake with its line."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from services.contracts.region import Regions
from services.contracts.rows import Row, advice
from services.runtime import sheet
from services.runtime.bureau import Found
from services.warning.house.people import Organisation, Person, Shift

ORGANISATIONS = "organisations.csv"
CONTACTS = "contacts.csv"
ROSTER = "roster.csv"
ADDRESSES = ("sms", "voice", "email")
"""The columns of contacts.csv that hold an address, named like their channels."""
COLUMNS: Mapping[str, sheet.Columns] = {
    ORGANISATIONS: {"code": True, "name": True, "region": True, "kind": False, "superior": False},
    CONTACTS: {
        "person_id": True, "name": True, "organisation": True, "post": True, "deputy_id": False, "sms": False,
        "voice": False, "email": False, "valid_to": False,
    },
    ROSTER: {"shift_id": True, "organisation": True, "post": True, "person_id": True, "from": True, "to": True},
}  # fmt: skip
"""File → its columns, and whether it needs them."""
_NUMBER = re.compile(r"\+?[0-9][0-9 -]{2,19}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True)
class Lists:
    """What the three tables hold."""

    organisations: dict[str, Organisation]
    persons: dict[str, Person]
    shifts: dict[str, Shift]
    lines: Mapping[str, int]
    """Organisation → its line."""


def read(
    folder: Path, posts: Mapping[str, str], regions: Regions | None, timezone: ZoneInfo, found: Found
) -> Lists:  # fmt: skip
    """The lists of a folder; a file that is not there is empty."""
    rows = {file: _rows(folder, file, found) for file in COLUMNS}
    reader = _Reader(posts, regions, timezone, found)
    organisations = {row.key: reader.organisation(row) for row in rows[ORGANISATIONS]}
    reader.organisations = organisations
    for row in rows[ORGANISATIONS]:
        reader.known(row, "superior", organisations, "机构")
    persons = {row.key: reader.person(row) for row in rows[CONTACTS]}
    for row in rows[CONTACTS]:
        reader.known(row, "deputy_id", persons, "人员")
        if row.values.get("deputy_id") == row.key:
            found.add(row.mistake("deputy_id", f"{row.key} 以自己为副职", "改为另一人, 或留空"))
    shifts = {row.key: shift for row in rows[ROSTER] if (shift := reader.shift(row, persons))}
    return Lists(organisations, persons, shifts, {row.key: row.line for row in rows[ORGANISATIONS]})


def _rows(folder: Path, file: str, found: Found) -> list[Row]:
    """The rows of a table, each key once."""
    if not (folder / file).exists():
        return []
    rows, mistakes = sheet.read(folder, file, COLUMNS[file])
    found.add(*mistakes)
    return list(_once(rows, next(iter(COLUMNS[file])), found))


def _once(rows: list[Row], column: str, found: Found) -> Iterator[Row]:
    first: dict[str, int] = {}
    for row in rows:
        if not row.key:
            found.add(row.mistake(column, f"没有 {column}", "每一行写一个不重复的编号"))
        elif row.key in first:
            found.add(
                row.mistake(column, f"{column} {row.key} 重复, 第 {first[row.key]} 行已写过", "删去一行, 或改编号")
            )
        else:
            first[row.key] = row.line
            yield row


@dataclass
class _Reader:
    """Reads single rows and notes what is wrong in them."""

    posts: Mapping[str, str]
    regions: Regions | None
    timezone: ZoneInfo
    found: Found
    organisations: Mapping[str, Organisation] | None = None

    def known(self, row: Row, column: str, known: Mapping[str, object], noun: str, needed: bool = False) -> str:
        """A reference to another table."""
        value = str(row.values.get(column, ""))
        if value and value not in known:
            self.found.add(row.mistake(column, f"{column} {value} 不是已有的{noun}", advice(value, known)))
        if needed and not value:
            self.found.add(row.mistake(column, f"{row.key} 没有 {column}", f"填写已有的{noun}"))
        return value

    def _filled(self, row: Row, column: str) -> str:
        if not (value := str(row.values[column])):
            self.found.add(row.mistake(column, f"{row.key} 没有 {column}", f"填写 {column}"))
        return value

    def organisation(self, row: Row) -> Organisation:
        """A row of organisations.csv."""
        regions = dict.fromkeys(self.regions) if self.regions else None
        region = self._filled(row, "region") if regions is None else self.known(row, "region", regions, "区域", True)
        superior = str(row.values.get("superior", ""))
        if superior == row.key:
            self.found.add(row.mistake("superior", f"{row.key} 以自己为上级", "改为上级机构, 或留空"))
        return Organisation(row.key, self._filled(row, "name"), region, str(row.values.get("kind", "")), superior)

    def person(self, row: Row) -> Person:
        """A row of contacts.csv."""
        addresses = {c: value for c in ADDRESSES if (value := str(row.values.get(c, "")))}
        for column, address in addresses.items():
            if not (_MAIL if column == "email" else _NUMBER).fullmatch(address):
                self.found.add(row.mistake(column, f"{column} 不像号码或邮箱", "改正, 或留空"))
        if not addresses:
            todo = f"填写 {'、'.join(ADDRESSES)} 之一"
            self.found.add(row.mistake("sms", f"{row.values['name'] or row.key} 没有任何联系方式, 叫不到", todo))
        return Person(
            id=row.key, name=self._filled(row, "name"), organisation=self._organisation(row), post=self._post(row),
            deputy=str(row.values.get("deputy_id", "")), addresses=addresses, valid_to=self._end(row),
        )  # fmt: skip

    def _organisation(self, row: Row) -> str:
        return self.known(row, "organisation", self.organisations or {}, "机构", needed=True)

    def _post(self, row: Row) -> str:
        """A post by its key or its Chinese name."""
        keys = {**{zh: key for key, zh in self.posts.items()}, **{key: key for key in self.posts}}
        value = self.known(row, "post", keys, "岗位（routes.toml 的 [posts]）", needed=True)
        return keys.get(value, value)

    def shift(self, row: Row, persons: Mapping[str, Person]) -> Shift | None:
        """A row of roster.csv."""
        organisation, post = self._organisation(row), self._post(row)
        person = self.known(row, "person_id", persons, "人员", needed=True)
        from_, to = self._moment(row, "from"), self._moment(row, "to")
        if from_ is None or to is None:
            return None
        if to <= from_:
            self.found.add(row.mistake("to", f"{row.key} 的结束不晚于开始", "改正 from 或 to"))
        return Shift(row.key, organisation, post, person, from_, to)

    def _end(self, row: Row) -> datetime.datetime | None:
        """The end of the last day, or the moment that is written."""
        text = str(row.values.get("valid_to", ""))
        try:
            return ending(text, self.timezone) if text else None
        except ValueError:
            self.found.add(row.mistake("valid_to", f"valid_to 不是日期: {text}", "写成 2026-12-31, 或留空"))
            return None

    def _moment(self, row: Row, column: str) -> datetime.datetime | None:
        text = str(row.values[column])
        try:
            return local(text, self.timezone)
        except ValueError:
            self.found.add(row.mistake(column, f"{column} 不是时间: {text}", "写成 2026-11-22 08:00"))
            return None


def local(text: str, timezone: ZoneInfo) -> datetime.datetime:
    """A moment; without an offset the bureau's time. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(text.replace("/", "-"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone)


def ending(text: str, timezone: ZoneInfo) -> datetime.datetime:
    """The moment from which something ends; a date alone holds to its end. Raises ValueError."""
    moment = local(text, timezone)
    return moment + datetime.timedelta(days=1) if len(text) <= len("2026-12-31") else moment
