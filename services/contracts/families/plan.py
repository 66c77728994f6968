"""Emergency plans and the townships' capability (预案)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Flag, Id, Moment, Number, Text


class PlanIssued(Data, frozen=True, kw_only=True):
    """An emergency plan is issued."""

    about = row("plan.issued", "预案发布/编制", "plan_id", keys="plan_id")
    example = {
        "plan_id": "YA-QX-07",
        "type": "special",
        "level": "district",
        "region_code": "320111",
        "parent_id": "YA-CITY-01",
        "valid_to": "2026-06-30",
    }

    plan_id: Id | None = None
    type: Annotated[str, codes.PLAN_TYPE] | None = None
    level: Text | None = None
    region_code: Text | None = None
    parent_id: Id | None = None
    valid_to: Moment | None = None


class PlanRevised(Data, frozen=True, kw_only=True):
    """An emergency plan is revised."""

    about = row("plan.revised", "预案修订", "plan_id", keys="plan_id version")
    example = {
        "plan_id": "YA-QX-07",
        "version": "2023",
        "parent_version": "2022",
        "type": "special",
        "level": "district",
    }

    plan_id: Id | None = None
    version: Text | None = None
    parent_version: Text | None = None
    type: Annotated[str, codes.PLAN_TYPE] | None = None
    level: Text | None = None


class PlanRevisionDue(Data, frozen=True, kw_only=True):
    """An emergency plan must be revised."""

    about = row("plan.revision_due", "预案到期/需修订", "plan_id", origin="partner hub")
    example = {"plan_id": "YA-QX-07", "reason": "cycle", "due": "2023-07-30"}

    plan_id: Id | None = None
    reason: Annotated[str, codes.REVISION_REASON] | None = None
    due: Moment | None = None


class TownshipCapabilityAssessed(Data, frozen=True, kw_only=True):
    """A township's plan, lists and capabilities are assessed."""

    about = row("township.capability_assessed", "基层1+3+5评估", "township_id")
    example = {"township_id": "320111001", "plan_ok": True, "lists_ok": 3, "capabilities_ok": 5, "score": 92}

    township_id: Id | None = None
    plan_ok: Flag | None = None
    lists_ok: Count | None = None
    capabilities_ok: Count | None = None
    score: Number | None = None


TYPES = (
    PlanIssued,
    PlanRevised,
    PlanRevisionDue,
    TownshipCapabilityAssessed,
)
