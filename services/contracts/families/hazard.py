"""Hazards, patrols and problems: found, handled, closed (隐患)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Money, Number, Object, Personal, Text


class HazardReported(Data, frozen=True, kw_only=True):
    """Somebody reports what may be a hazard."""

    about = row("hazard.reported", "隐患线索上报", "report_id", keys="report_id")
    example = {
        "report_id": "XS-2023-104",
        "reporter_role": "grid_worker",
        "grid_id": "WG-320111-017",
        "category": "消防通道",
        "geo": {"type": "Point", "coordinates": [118.62, 32.06]},
    }

    report_id: Id | None = None
    reporter_role: Annotated[str, codes.REPORTER_ROLE] | None = None
    grid_id: Id | None = None
    category: Text | None = None
    geo: Object | None = None


class HazardFound(Data, frozen=True, kw_only=True):
    """A hazard is found at an enterprise or site."""

    about = row("hazard.found", "发现隐患", "hazard_id", keys="hazard_id")
    example = {
        "hazard_id": "YH-2023-0117",
        "level": "general",
        "category": "电气安全",
        "risk_type": "火灾",
        "mode": "joint",
        "inspection_id": "JC-2023-0391",
        "checklist_item": "3.2",
        "due": "2023-07-30",
    }

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    category: Text | None = None
    risk_type: Text | None = None
    mode: Annotated[str, codes.HAZARD_MODE] | None = None
    inspection_id: Id | None = None
    checklist_item: Text | None = None
    due: Moment | None = None


class HazardRectified(Data, frozen=True, kw_only=True):
    """A hazard has been put right."""

    about = row("hazard.rectified", "隐患整改完成", "hazard_id", keys="hazard_id")
    example = {
        "hazard_id": "YH-2023-0117",
        "level": "general",
        "evidence": "现场照片2张",
        "verified_by": "核验人甲",
        "on_time": True,
    }

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    evidence: Text | None = None
    verified_by: Annotated[str, TEXT, Personal] | None = None
    on_time: Flag | None = None


class HazardListed(Data, frozen=True, kw_only=True):
    """A hazard is listed for supervision by a higher level."""

    about = row("hazard.listed", "挂牌督办", "hazard_id", keys="hazard_id")
    example = {
        "hazard_id": "YH-2023-0117",
        "level": "major",
        "listing_level": "district",
        "supervisor": "区安委办",
        "due": "2023-07-30",
    }

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    listing_level: Text | None = None
    supervisor: Text | None = None
    due: Moment | None = None


class HazardControlPlanSubmitted(Data, frozen=True, kw_only=True):
    """The plan to treat a major hazard is submitted (measures, funds, owner, term)."""

    about = row("hazard.control_plan_submitted", "治理方案报送", "hazard_id")
    example = {
        "hazard_id": "YH-2023-0117",
        "measures": "更换储罐并停产检修",
        "funds_cny": "50000.00",
        "owner": "危化科",
        "due": "2023-07-30",
    }

    hazard_id: Id | None = None
    measures: Text | None = None
    funds_cny: Money | None = None
    owner: Text | None = None
    due: Moment | None = None


class HazardDelisted(Data, frozen=True, kw_only=True):
    """A listed hazard is taken off the list."""

    about = row("hazard.delisted", "摘牌", "hazard_id", keys="hazard_id")
    example = {"hazard_id": "YH-2023-0117", "level": "general", "verified_by": "核验人甲"}

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    verified_by: Annotated[str, TEXT, Personal] | None = None


class HazardExtended(Data, frozen=True, kw_only=True):
    """The term of a rectification is extended."""

    about = row("hazard.extended", "整改延期", "hazard_id")
    example = {"hazard_id": "YH-2023-0117", "new_due": "2023-08-30", "approver": "审批人甲", "reason": "天气原因"}

    hazard_id: Id | None = None
    new_due: Moment | None = None
    approver: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None


class HazardClosed(Data, frozen=True, kw_only=True):
    """A hazard is closed."""

    about = row("hazard.closed", "隐患销号", "hazard_id", keys="hazard_id")
    example = {"hazard_id": "YH-2023-0117", "level": "general", "approver": "审批人甲", "reason": "整改验收合格"}

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    approver: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None


class PatrolTaskAssigned(Data, frozen=True, kw_only=True):
    """A patrol is assigned."""

    about = row("patrol.task_assigned", "巡检派单", "task_id", keys="task_id")
    example = {"task_id": "RW-2023-031", "post": "值班岗", "route": ["罐区", "泵房"], "window": "08:00-10:00"}

    task_id: Id | None = None
    post: Text | None = None
    route: tuple[Text, ...] = ()
    window: Text | None = None


class PatrolCompleted(Data, frozen=True, kw_only=True):
    """A risk source has been patrolled."""

    about = row("patrol.completed", "巡查/巡检完成", "patrol_id", keys="patrol_id")
    example = {
        "patrol_id": "XC-2023-9108",
        "risk_source_id": "FXY-0204",
        "post": "值班岗",
        "patroller": "巡查人甲",
        "abnormal_count": 0,
    }

    patrol_id: Id | None = None
    risk_source_id: Id | None = None
    post: Text | None = None
    patroller: Annotated[str, TEXT, Personal] | None = None
    abnormal_count: Count | None = None


class PatrolMissed(Data, frozen=True, kw_only=True):
    """A patrol was not done in its window."""

    about = row("patrol.missed", "漏检", "task_id", origin="partner hub")
    example = {"task_id": "RW-2023-031", "overdue_minutes": 45}

    task_id: Id | None = None
    overdue_minutes: Number | None = None


class PatrolOnlineCompleted(Data, frozen=True, kw_only=True):
    """A site has been checked over its online monitoring."""

    about = row("patrol.online_completed", "在线巡查", "site_id")
    example = {"site_id": "CS-0056", "checked_points": 12, "findings": 0}

    checked_points: Count | None = None
    findings: Count | None = None


class ProblemOpened(Data, frozen=True, kw_only=True):
    """A problem is registered."""

    about = row("problem.opened", "问题登记", "problem_id", keys="problem_id")
    example = {"problem_id": "WT-2023-019", "source": "上级督查", "loop": "hazard", "description": "厂房应急照明损坏"}

    problem_id: Id | None = None
    source: Text | None = None
    loop: Annotated[str, codes.PROBLEM_LOOP] | None = None
    description: Text | None = None


class ProblemAssigned(Data, frozen=True, kw_only=True):
    """A problem is given to the one who must solve it."""

    about = row("problem.assigned", "问题交办", "problem_id")
    example = {"problem_id": "WT-2023-019", "owner_org": "区应急局", "owner": "责任人甲", "due": "2023-07-30"}

    problem_id: Id | None = None
    owner_org: Text | None = None
    owner: Annotated[str, TEXT, Personal] | None = None
    due: Moment | None = None


class ProblemHandled(Data, frozen=True, kw_only=True):
    """A problem has been dealt with."""

    about = row("problem.handled", "问题处置", "problem_id")
    example = {"problem_id": "WT-2023-019", "result": "属实"}

    problem_id: Id | None = None
    result: Text | None = None


class ProblemVerified(Data, frozen=True, kw_only=True):
    """Somebody checks that a problem is solved."""

    about = row("problem.verified", "问题核查", "problem_id")
    example = {"problem_id": "WT-2023-019", "by": "值班员甲", "passed": True}

    problem_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    passed: Flag | None = None


class ProblemClosed(Data, frozen=True, kw_only=True):
    """A problem is closed."""

    about = row("problem.closed", "问题销号", "problem_id", keys="problem_id")
    example = {"problem_id": "WT-2023-019", "days": 12}

    problem_id: Id | None = None
    days: Number | None = None


TYPES = (
    HazardReported,
    HazardFound,
    HazardRectified,
    HazardListed,
    HazardControlPlanSubmitted,
    HazardDelisted,
    HazardExtended,
    HazardClosed,
    PatrolTaskAssigned,
    PatrolCompleted,
    PatrolMissed,
    PatrolOnlineCompleted,
    ProblemOpened,
    ProblemAssigned,
    ProblemHandled,
    ProblemVerified,
    ProblemClosed,
)
