"""Loops: cases with steps and clocks, as the hub sees them (闭环)."""

from __future__ import annotations

from services.contracts.event import Data, row
from services.contracts.fields import Flag, Id, Moment, Number, Text


class Case(Data, frozen=True, kw_only=True):
    """The labels of the event that opened a case: every event about it carries them, so that figures split by them."""

    level: Text | None = None
    severity: Text | None = None
    category: Text | None = None
    mode: Text | None = None
    channel: Text | None = None
    kind: Text | None = None


class LoopOpened(Case, frozen=True, kw_only=True):
    """A case is opened."""

    about = row("loop.opened", "闭环开启", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "review", "due": "2023-07-30"}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    due: Moment | None = None


class LoopMoved(Case, frozen=True, kw_only=True):
    """A case has taken a step."""

    about = row("loop.moved", "闭环推进", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "review", "due": "2023-07-30"}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    due: Moment | None = None


class LoopDueSoon(Case, frozen=True, kw_only=True):
    """A step is due soon."""

    about = row("loop.due_soon", "闭环临期", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "review", "due": "2023-07-30"}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    due: Moment | None = None


class LoopDue(Case, frozen=True, kw_only=True):
    """A step was due: done in time or not."""

    about = row("loop.due", "闭环到期", "loop/case_id", origin="hub")
    example = {
        "loop": "hazard",
        "case_id": "浦应急罚〔2023〕21号",
        "step": "review",
        "due": "2023-07-30",
        "on_time": True,
        "days": 12,
    }

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    due: Moment | None = None
    on_time: Flag | None = None
    days: Number | None = None


class LoopOverdue(Case, frozen=True, kw_only=True):
    """A step is overdue."""

    about = row("loop.overdue", "闭环逾期", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "review", "due": "2023-07-30", "days": 12}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    due: Moment | None = None
    days: Number | None = None


class LoopClosed(Case, frozen=True, kw_only=True):
    """A case is closed."""

    about = row("loop.closed", "闭环办结", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "review", "on_time": True, "days": 12}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    on_time: Flag | None = None
    days: Number | None = None


class LoopRefused(Case, frozen=True, kw_only=True):
    """A step that the loop does not allow is refused."""

    about = row("loop.refused", "闭环步骤拒绝", "loop/case_id", origin="hub")
    example = {"loop": "hazard", "case_id": "浦应急罚〔2023〕21号", "step": "closed", "reason": "尚未整改"}

    loop: Text | None = None
    case_id: Id | None = None
    step: Text | None = None
    reason: Text | None = None


TYPES = (
    LoopOpened,
    LoopMoved,
    LoopDueSoon,
    LoopDue,
    LoopOverdue,
    LoopClosed,
    LoopRefused,
)
