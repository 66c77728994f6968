"""One upload of a table: from its rows to what the door says of each, so that HTTP and `hub import` agree."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from services.ingest.binding import Sent
from services.ingest.door import Admitted, Door
from services.ingest.formats import sheet
from services.ingest.formats.row_id import Identities, NoIdentity
from services.ingest.formats.sheet import Line, Unreadable
from services.ingest.formats.table import Bureau, Row, Table
from services.runtime.access import Key

REASONS: Mapping[str, str] = {
    "source_not_allowed": "来源不在钥匙允许的前缀之下", "type_not_allowed": "钥匙不允许报送这一类型",
    "region_not_allowed": "区域不在钥匙允许的范围内", "status_not_allowed": "钥匙不允许报送这一状态",
    "right_missing": "钥匙缺少所需权限", "origin_not_allowed": "这一类型不由外部报送",
    "event_too_large": "这一行超过 256 KB", "missing": "必填", "too_long": "过长", "characters": "含有控制字符",
    "time_range": "年份应在 1900 至 2100 之间", "time_ahead": "时间晚于现在", "time_format": "时间写法有误",
    "subject_differs": "事件对象与内容中的编号不一致", "correction": "更正两列不配套", "number": "数字过大",
    "codes": "不在代码表中", "money": "金额至多两位小数", "kind": "内容与该列不符", "value": "不是可填的值",
}  # fmt: skip
"""What the door's codes say to a clerk."""


_NONE = "-"
"""Stands for the id of a row that has none, so that the door finds what else is wrong with it."""


class Options(msgspec.Struct, frozen=True):
    """What a request adds to every row; a column of the table goes before it."""

    attributes: Mapping[str, str] = {}
    upload: str | None = None
    """The token of a correcting upload; None: changed rows are conflicts."""


class Judged(msgspec.Struct, gc=False):
    """What came of one row; `index` counts rows from 0."""

    index: int
    row: Row
    id: str | None
    admitted: Admitted | None
    """None: see the row's flaws."""


class Upload:
    """A table that can be read as often as needed: once to judge, once to publish.

    Raises Unreadable and BadHeadings.
    """

    def __init__(self, type_name: str, file: BinaryIO, bureau: Bureau, options: Options) -> None:
        self._file = file
        self._options = options
        found = sheet.read(file)
        self.format = found.format
        self._written = found.encoding, found.delimiter
        # A workbook is in memory anyway, and takes long to open.
        self._kept = list(found.lines) if found.format == "xlsx" else None
        self.table = Table(type_name, self._headings(), bureau)

    def judge(self, door: Door, key: Key, now: Callable[[], datetime.datetime]) -> Iterator[Judged]:
        """What the door says to each row, in order; `now` is asked for each. Raises Unreadable on the way."""
        identities = Identities(self.table.type, self._options.upload)
        for index, row in enumerate(self.table.rows(self.lines())):
            yield self._judge(index, row, identities, door, key, now())

    def events(self) -> Iterator[dict[str, Any] | None]:
        """Each row as a publisher would send it, of a table that has been judged; None: it has no identity."""
        identities = Identities(self.table.type, self._options.upload)
        for row in self.table.rows(self.lines()):
            try:
                ids, _ = identities.of(row.attributes, row.data, row.line)
            except NoIdentity:
                yield None
            else:
                yield self._event(row, ids)

    def lines(self) -> Iterator[Line]:
        """The lines below the headings."""
        lines = self.all()
        next(lines, None)
        return lines

    def all(self) -> Iterator[Line]:
        """All lines that are not blank, the headings first."""
        return iter(self._kept) if self._kept is not None else sheet.csv_lines(self._file, *self._written)

    def _headings(self) -> Line:
        for line in self.all():
            return line
        raise Unreadable("表是空的：第一行应是列名", code="table_empty")

    def _judge(
        self, index: int, row: Row, identities: Identities, door: Door, key: Key, now: datetime.datetime
    ) -> Judged:
        ids, size = {"id": row.attributes.get("id", _NONE)}, 0
        try:
            ids, size = identities.of(row.attributes, row.data, row.line)
        except NoIdentity as error:
            self._add(row, error.field, str(error), error.code)
        event = self._event(row, ids)
        judged = door.admit(Sent(index, size, event), key, now)
        if isinstance(judged, list):
            for problem in judged:
                reason = f"{REASONS[problem.code]}（{problem.reason}）" if problem.code in REASONS else problem.reason
                self._add(row, problem.field, reason, problem.code)
        admitted = judged if isinstance(judged, Admitted) and not row.flaws else None
        return Judged(index, row, None if event["id"] == _NONE else event["id"], admitted)

    def _event(self, row: Row, ids: dict[str, str]) -> dict[str, Any]:
        """A row as a publisher would send it."""
        fixed = {"specversion": "1.0", "type": self.table.type.name}
        return {**fixed, **self._options.attributes, **row.attributes, **ids, "data": row.data}

    def _add(self, row: Row, field: str, reason: str, code: str) -> None:
        """Note a flaw, unless the field has one already: what could not be read is missing to the door."""
        flawed = {flaw.field for flaw in row.flaws} - {""}
        implied = field == "subject" and flawed & {f"data.{name}" for name in self.table.type.subject}
        if field not in flawed and not implied:
            row.flaws.append(self.table.flaw(row.line, field, reason, code))


def default_source(sources: tuple[str, ...]) -> dict[str, str]:
    """The source of rows that name none: the key's prefix, when it has one alone."""
    return {"source": sources[0]} if len(sources) == 1 and sources[0] != "*" else {}
