"""The source table (指标来源对照表): every printed number has a line that says where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.reporting.report import told
from services.reporting.report.content import Head, Line, Names
from services.reporting.report.told import Told
from services.runtime.document.model import Annex, Block, Paragraph, Table

TITLE = "指标来源对照表"
SEALS = "台账封印"
RECORDED = "※"
COVERAGE = {
    "live": "有报送", "declared_zero": "零报告", "silent": "报送中断", "none": "无报送", "manual": "人工填报",
}  # fmt: skip
KINDS = {"manual": "人工填报", "baseline": "历史基数"}
_COLUMNS = ("行号", "统计指标", "分项", "时段", "区域", "文中", "精确值", "事件数", "报送", "口径")
_WIDTHS = (5, 21, 18, 14, 8, 11, 11, 7, 7, 14)


@dataclass
class Sources:
    """The lines so far; what is printed twice in the same way has one."""

    head: Head
    lines: list[Line] = field(default_factory=list)
    _known: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def line(
        self, id_: str, answer: Mapping[str, Any], one: Told, printed: str, labels: Mapping[str, str],
        aspect: str = "", value: Decimal | None = None,
    ) -> int:  # fmt: skip
        """The number of the line for a printed number; a new one when it is new. `value`: of an aspect."""
        at = (id_, tuple(sorted(labels.items())), aspect, printed)
        if at not in self._known:
            self._known[at] = len(self.lines) + 1
            self.lines.append(self._line(len(self.lines) + 1, id_, answer, one, printed, labels, aspect, value))
        return self._known[at]

    def _line(
        self, number: int, id_: str, answer: Mapping[str, Any], one: Told, printed: str, labels: Mapping[str, str],
        aspect: str, value: Decimal | None,
    ) -> Line:  # fmt: skip
        of = answer["definition"]
        return Line(
            number, id_, str(answer["key"]), str(of["zh"]), {**(answer.get("labels") or {}), **labels},
            str(answer["from"]), str(answer["to"]), str(answer["region"]), printed,
            value if aspect else one.value, "" if aspect else one.unit, one.events, one.coverage,
            str(answer["as_of"]), str(of["hash"]), aspect, self._remark(id_, one, aspect),
        )  # fmt: skip

    def _remark(self, id_: str, one: Told, aspect: str) -> str:
        said = []
        if one.recorded:
            said.append(KINDS.get(one.recorded, one.recorded) + (f"（{one.basis}）" if one.basis else ""))
        if one.coverage == told.SILENT and self.head.notes.get(id_):
            said.append(self.head.notes[id_])
        if aspect and one.compare:
            was = told.MISSING if one.compare.value is None else f"{told.plain(one.compare.value)}{one.unit}"
            said.append(f"上年同期{was}" + ("（历史基数）" if one.compare.reason == told.BASELINE else ""))
        return "；".join(said)


def name_of(names: Names, label: str, value: str) -> str:
    """A value of a label as a reader knows it."""
    if label == "month" and len(value) == 7:
        return f"{value[:4]}年{int(value[5:])}月"
    return names.get(label, {}).get(value) or value or "未填"


def annexes(lines: tuple[Line, ...], head: Head, names: Names) -> tuple[Annex, ...]:
    """The source table, and the seals of the ledger where there are any."""
    found = [Annex(TITLE, tuple(_table(lines, head, names)), wide=True)] if lines else []
    if head.seals:
        rows = tuple((str(s["topic"]), str(s["partition"]), str(s["next"]), str(s["seal"])) for s in head.seals)
        lead = "下列封印由台账各分区的全部记录依次算出，任何一条被改动，其后的封印都不再相符。"
        table = Table(("主题", "分区", "已读至", "封印（SHA-256）"), rows, (16, 5, 8, 60), size=8)
        found.append(Annex(SEALS, (Paragraph(lead), table), wide=True))
    return tuple(found)


def _table(lines: tuple[Line, ...], head: Head, names: Names) -> list[Block]:
    span = f"{head.first.isoformat()}至{head.last.isoformat()}"
    lead = (
        f"本表行号与文中数字右上角的编号一致。时段写“全期”的为{span}；计算截止{head.as_of:%Y-%m-%d %H:%M}；"
        f"口径为统计项定义的编号，定义相同编号才相同。带{RECORDED}的数字由人工填报或取自历史基数，未与计数相加。"
    )
    rows = tuple(_row(line, span, head, names) for line in lines)
    found: list[Block] = [Paragraph(lead), Table(_COLUMNS, rows, _WIDTHS, size=8)]
    said = {f"第{line.number}行：{line.remark}。" for line in lines if line.remark}
    notes = sorted(said, key=lambda text: int(text[1 : text.index("行")]))
    return [*found, *([Paragraph("注：" + "".join(notes))] if notes else [])]


def _row(line: Line, span: str, head: Head, names: Names) -> tuple[str, ...]:
    over = f"{line.first}至{line.last}"
    exact = "—" if line.value is None else told.plain(line.value) + line.unit
    parts = "，".join(name_of(names, label, value) for label, value in line.labels.items())
    region = "全部" if line.region == head.region else name_of(names, "region", line.region)
    return (
        str(line.number), f"{line.name}{'（同比）' if line.aspect else ''} {line.key}", parts or "—",
        "全期" if over == span else over, region, line.printed, exact, str(line.events),
        COVERAGE.get(line.coverage, line.coverage), line.definition,
    )  # fmt: skip
