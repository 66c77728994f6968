"""Credit: listings, repairs, exemptions (信用)."""

from __future__ import annotations

from services.contracts.event import Data, row
from services.contracts.fields import Count, Id, Moment, Money, Number, Text


class CreditListed(Data, frozen=True, kw_only=True):
    """A party is put on the list of the dishonest."""

    about = row("credit.listed", "列入失信名单", "subject_id")
    example = {
        "subject_id": "91320111MA1XXXXX0X",
        "reason": "重大违法行为",
        "measures": ["联合惩戒"],
        "valid_to": "2026-06-30",
    }

    subject_id: Id | None = None
    reason: Text | None = None
    measures: tuple[Text, ...] = ()
    valid_to: Moment | None = None


class CreditDelisted(Data, frozen=True, kw_only=True):
    """A party is taken off that list."""

    about = row("credit.delisted", "移出失信名单", "subject_id")
    example = {"subject_id": "91320111MA1XXXXX0X", "reason": "天气原因"}

    subject_id: Id | None = None
    reason: Text | None = None


class CreditRepairRequested(Data, frozen=True, kw_only=True):
    """A party asks for its credit to be repaired."""

    about = row("credit.repair_requested", "信用修复申请", "subject_id")
    example = {"subject_id": "91320111MA1XXXXX0X"}

    subject_id: Id | None = None


class CreditRepaired(Data, frozen=True, kw_only=True):
    """A party's credit is repaired."""

    about = row("credit.repaired", "信用修复完成", "subject_id")
    example = {"subject_id": "91320111MA1XXXXX0X", "days": 12}

    subject_id: Id | None = None
    days: Number | None = None


class CreditExempted(Data, frozen=True, kw_only=True):
    """A penalised party is exempted from a credit record."""

    about = row("credit.exempted", "失信豁免", "subject_id")
    example = {"subject_id": "91320111MA1XXXXX0X", "amount_cny": "20000.00", "list_item": "第3项"}

    subject_id: Id | None = None
    amount_cny: Money | None = None
    list_item: Text | None = None


class CreditReportSubmitted(Data, frozen=True, kw_only=True):
    """The monthly report of credit records is submitted."""

    about = row("credit.report_submitted", "信用信息月报", "period", keys="period")
    example = {"period": "2023-06", "records": 1520}

    period: Text | None = None
    records: Count | None = None


TYPES = (
    CreditListed,
    CreditDelisted,
    CreditRepairRequested,
    CreditRepaired,
    CreditExempted,
    CreditReportSubmitted,
)
