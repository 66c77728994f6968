"""A notice as a document: what its GET shows, in the form of an official letter (工作提示单)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from services.contracts import codes
from services.runtime.bureau import Bureau
from services.runtime.document.model import Annex, Block, Document, Heading, Paragraph, Table, day, numeral

DRAFT, EXERCISE, LIFTED = "（未签发，仅供审阅）", "【演练】", "（已解除）"
COLUMNS = ("序号", "隐患编号", "级别", "责任单位", "所在区域", "整改期限")
WIDTHS = (2, 6, 3, 7, 5, 4)


def sheet(notice: Mapping[str, Any], bureau: Bureau) -> Document:
    """The document of a notice as it stands; a draft is marked as such."""
    issued = _moment(notice.get("signed"), bureau)
    level = codes.WEATHER_LEVEL.values.get(notice["level"], notice["level"])
    hazard = codes.WEATHER_HAZARD.values.get(notice["hazard"], notice["hazard"])
    return Document(
        issuer=f"{bureau.name}工作提示单", title=f"关于做好{hazard}{level}预警防范应对工作的提示单",
        number=notice.get("document_no") or f"{bureau.document_prefix}提示〔　　〕　号",
        urgency=f"{level}预警", colour=notice["level"], addressees="、".join(notice.get("recipients") or ()),
        blocks=tuple(_blocks(notice, bureau)), signed=bureau.name, date=issued.date() if issued else None,
        remark=f"签发：{notice['approver'] or notice['author']}" if issued else "",
        annexes=tuple(_annexes(notice, bureau)), printed_by=bureau.name if issued else "", mark=_mark(notice),
    )  # fmt: skip


def _mark(notice: Mapping[str, Any]) -> str:
    draft = DRAFT if not notice.get("signed") else LIFTED if notice.get("state") == "lifted" else ""
    return (EXERCISE if notice.get("status") == "exercise" else "") + draft


def _blocks(notice: Mapping[str, Any], bureau: Bureau) -> Iterator[Block]:
    where = "、".join(str(area.get("name") or area.get("code")) for area in notice.get("areas") or ())
    yield Paragraph(f"{notice['headline']}。影响区域：{where}。{notice.get('cautions') or ''}请按下列要求抓好落实。")
    if notice.get("text"):
        yield Paragraph(str(notice["text"]))
    parts = iter(range(1, 10))
    yield Heading(f"{numeral(next(parts))}、工作措施")
    measures = [str(m).rstrip("。；;") for m in notice.get("measures") or ()]
    for n, measure in enumerate(measures, 1):
        yield Paragraph(f"{n}．{measure}{'。' if n == len(measures) else '；'}")
    if hazards := notice.get("open_hazards"):
        yield Heading(f"{numeral(next(parts))}、隐患防范")
        yield Paragraph(
            f"影响区域内尚有未销号隐患{len(hazards)}处（见附件），请督促责任单位落实防范措施，必要时停用、撤人。"
        )
    yield Heading(f"{numeral(next(parts))}、签收反馈")
    yield Paragraph(_until(notice, bureau) + "险情、灾情随时报告。")


def _until(notice: Mapping[str, Any], bureau: Bureau) -> str:
    issued = _moment(notice.get("signed"), bureau)
    minutes = int(notice.get("due_minutes") or 0)
    if issued is None:
        return f"请于签发后{minutes}分钟内签收。"
    due = issued + datetime.timedelta(minutes=minutes)
    return f"请于{day(due)}{due:%H:%M}前签收。"


def _annexes(notice: Mapping[str, Any], bureau: Bureau) -> Iterator[Annex]:
    hazards = notice.get("open_hazards") or ()
    if hazards:
        rows = tuple(_row(n, hazard, bureau) for n, hazard in enumerate(hazards, 1))
        yield Annex("影响区域未销号隐患清单", (Table(COLUMNS, rows, WIDTHS),))


def _row(number: int, hazard: Mapping[str, Any], bureau: Bureau) -> tuple[str, ...]:
    region, due = str(hazard.get("region") or ""), _moment(hazard.get("due"), bureau)
    return (
        str(number), str(hazard.get("hazard_id") or ""), _level(hazard), str(hazard.get("owner") or ""),
        bureau.regions.get(region).name if region in bureau.regions else region,
        f"{due:%m月%d日}" if due else "",
    )  # fmt: skip


def _level(hazard: Mapping[str, Any]) -> str:
    level = str(hazard.get("level") or "")
    return codes.HAZARD_LEVEL.values.get(level, level).removesuffix("隐患")


def _moment(value: Any, bureau: Bureau) -> datetime.datetime | None:
    """A moment as JSON has it, in the bureau's time."""
    if isinstance(value, str) and value:
        value = datetime.datetime.fromisoformat(value)
    return value.astimezone(bureau.timezone) if isinstance(value, datetime.datetime) else None
