"""Safety reports from the public, and petitions (举报信访)."""

from __future__ import annotations

from typing import Annotated

from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Flag, Id, Moment, Money, Personal, Text


class SafetyReportReceived(Data, frozen=True, kw_only=True):
    """A safety report is received."""

    about = row("safety_report.received", "举报接收", "report_id", keys="report_id")
    example = {"report_id": "JB-2023-017", "channel": "12350", "real_name": True, "category": "违规作业"}

    report_id: Id | None = None
    channel: Text | None = None
    real_name: Flag | None = None
    category: Text | None = None


class SafetyReportNumbered(Data, frozen=True, kw_only=True):
    """A safety report gets its number and a leader's note."""

    about = row("safety_report.numbered", "举报编号阅批", "report_id")
    example = {"report_id": "JB-2023-017", "serial_no": "2023-017", "leader": "领导甲"}

    report_id: Id | None = None
    serial_no: Text | None = None
    leader: Annotated[str, TEXT, Personal] | None = None


class SafetyReportAssigned(Data, frozen=True, kw_only=True):
    """A safety report is given to a section."""

    about = row("safety_report.assigned", "举报交办", "report_id")
    example = {"report_id": "JB-2023-017", "owner": "危化科", "section": "危化科", "due": "2023-07-30"}

    report_id: Id | None = None
    owner: Text | None = None
    section: Text | None = None
    due: Moment | None = None


class SafetyReportVerified(Data, frozen=True, kw_only=True):
    """A safety report has been verified."""

    about = row("safety_report.verified", "举报核实", "report_id", keys="report_id")
    example = {"report_id": "JB-2023-017", "real_name": True, "result": "属实"}

    report_id: Id | None = None
    real_name: Flag | None = None
    result: Text | None = None


class SafetyReportClosed(Data, frozen=True, kw_only=True):
    """A safety report is closed."""

    about = row("safety_report.closed", "举报办结", "report_id", keys="report_id")
    example = {"report_id": "JB-2023-017"}

    report_id: Id | None = None


class SafetyReportRewarded(Data, frozen=True, kw_only=True):
    """The reporter gets a reward."""

    about = row("safety_report.rewarded", "举报奖励", "report_id", keys="report_id")
    example = {"report_id": "JB-2023-017", "amount_cny": "20000.00"}

    report_id: Id | None = None
    amount_cny: Money | None = None


class PetitionReceived(Data, frozen=True, kw_only=True):
    """A petition is received."""

    about = row("petition.received", "信访接收", "petition_id", keys="petition_id")
    example = {"petition_id": "XF-2023-06", "class": "申诉求决"}

    petition_id: Id | None = None
    class_: Text | None = None


class PetitionResolved(Data, frozen=True, kw_only=True):
    """A petition is resolved."""

    about = row("petition.resolved", "信访化解", "petition_id", keys="petition_id")
    example = {"petition_id": "XF-2023-06", "path": "调解"}

    petition_id: Id | None = None
    path: Text | None = None


class PetitionPublished(Data, frozen=True, kw_only=True):
    """The result of a petition is published."""

    about = row("petition.published", "信访结果公示", "petition_id")
    example = {"petition_id": "XF-2023-06", "platform": "信用中国"}

    petition_id: Id | None = None
    platform: Text | None = None


TYPES = (
    SafetyReportReceived,
    SafetyReportNumbered,
    SafetyReportAssigned,
    SafetyReportVerified,
    SafetyReportClosed,
    SafetyReportRewarded,
    PetitionReceived,
    PetitionResolved,
    PetitionPublished,
)
