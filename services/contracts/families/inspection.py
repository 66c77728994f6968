"""Inspections, random draws, rectification orders and campaigns (执法检查)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Number, Object, Personal, Text


class InspectionPlanSubmitted(Data, frozen=True, kw_only=True):
    """A department submits its plan of inspections."""

    about = row("inspection.plan_submitted", "检查计划报送", "plan_id", keys="plan_id")
    example = {
        "plan_id": "JH-2023-01",
        "department": "区水务局",
        "year": 2023,
        "items": [{"enterprise_id": "91320111MA1XXXXX0X", "window": "2023-05"}],
    }

    plan_id: Id | None = None
    department: Text | None = None
    year: Count | None = None
    items: tuple[Object, ...] = ()


class InspectionApproved(Data, frozen=True, kw_only=True):
    """A plan of inspections is approved."""

    about = row("inspection.approved", "计划批复", "plan_id")
    example = {"plan_id": "JH-2023-01", "approver": "审批人甲"}

    plan_id: Id | None = None
    approver: Annotated[str, TEXT, Personal] | None = None


class InspectionPlanPublished(Data, frozen=True, kw_only=True):
    """A plan of inspections is published."""

    about = row("inspection.plan_published", "检查计划公布", "plan_id", keys="plan_id")
    example = {
        "plan_id": "JH-2023-01",
        "kind": "joint",
        "lead_department": "区应急局",
        "participants": ["区消防救援大队"],
        "window": "2023-05上旬",
    }

    plan_id: Id | None = None
    kind: Annotated[str, codes.INSPECTION_PLAN_KIND] | None = None
    lead_department: Text | None = None
    participants: tuple[Text, ...] = ()
    window: Text | None = None


class InspectionListGenerated(Data, frozen=True, kw_only=True):
    """The list of enterprises for joint inspection is generated."""

    about = row("inspection.list_generated", "联检名单生成", "list_id", origin="partner hub", keys="list_id")
    example = {
        "list_id": "MD-2023-02",
        "kind": "joint",
        "enterprise_ids": ["91320111MA1XXXXX0X", "91320111MA1YYYYY1Y"],
        "rule": "同一企业三个月内合并",
    }

    list_id: Id | None = None
    kind: Annotated[str, codes.LIST_KIND] | None = None
    enterprise_ids: tuple[Id, ...] = ()
    rule: Text | None = None


class InspectionMerged(Data, frozen=True, kw_only=True):
    """Inspections of several departments at one enterprise become one."""

    about = row("inspection.merged", "检查合并", "enterprise_id", origin="partner hub")
    example = {
        "enterprise_id": "91320111MA1XXXXX0X",
        "departments": ["区应急局", "区消防救援大队"],
        "inspections_avoided": 2,
    }

    departments: tuple[Text, ...] = ()
    inspections_avoided: Count | None = None


class InspectionScheduled(Data, frozen=True, kw_only=True):
    """An enterprise is to be inspected more often."""

    about = row("inspection.scheduled", "增加检查频次", "enterprise_id")
    example = {"enterprise_id": "91320111MA1XXXXX0X", "reason": "天气原因", "due": "2023-07-30"}

    reason: Text | None = None
    due: Moment | None = None


class DrawExecuted(Data, frozen=True, kw_only=True):
    """Subjects and officers are drawn at random."""

    about = row("draw.executed", "双随机抽取", "draw_id", origin="partner hub", keys="draw_id")
    example = {
        "draw_id": "SSJ-2023-04",
        "list_version": "2023-04",
        "subjects": ["91320111MA1XXXXX0X"],
        "officers": ["ZF-021", "ZF-022"],
        "seed": "20230410",
    }

    draw_id: Id | None = None
    list_version: Text | None = None
    subjects: tuple[Id, ...] = ()
    officers: tuple[Id, ...] = ()
    seed: Text | None = None


class InspectionChecklistPublished(Data, frozen=True, kw_only=True):
    """A checklist for inspections is published."""

    about = row("inspection.checklist_published", "检查清单", "checklist_id")
    example = {"checklist_id": "QD-2022-03", "item_count": 15, "version": "2023"}

    checklist_id: Id | None = None
    item_count: Count | None = None
    version: Text | None = None


class InspectionCompleted(Data, frozen=True, kw_only=True):
    """An enterprise or site has been inspected."""

    about = row("inspection.completed", "执法检查完成", "inspection_id", keys="inspection_id")
    example = {
        "inspection_id": "JC-2023-0391",
        "hazard_source_id": "WXY-151",
        "mode": "joint",
        "departments": ["区应急局", "区消防救援大队"],
        "officers": ["ZF-021", "ZF-022"],
        "technical_inspectors": ["JS-03"],
        "experts": ["ZJ-011"],
        "law_publicity": True,
    }

    inspection_id: Id | None = None
    hazard_source_id: Id | None = None
    mode: Annotated[str, codes.INSPECTION_MODE] | None = None
    departments: tuple[Text, ...] = ()
    officers: tuple[Id, ...] = ()
    technical_inspectors: tuple[Id, ...] = ()
    experts: tuple[Id, ...] = ()
    law_publicity: Flag | None = None


class InspectionObserved(Data, frozen=True, kw_only=True):
    """Somebody from outside observes an inspection."""

    about = row("inspection.observed", "执法监督", "inspection_id")
    example = {"inspection_id": "JC-2023-0391", "observer_role": "media"}

    inspection_id: Id | None = None
    observer_role: Annotated[str, codes.OBSERVER_ROLE] | None = None


class InspectionFeedbackSent(Data, frozen=True, kw_only=True):
    """The joint opinion on rectification goes back to the enterprise."""

    about = row("inspection.feedback_sent", "整改方案反馈", "inspection_id")
    example = {
        "inspection_id": "JC-2023-0391",
        "plan": "三个月内完成改造",
        "opinions": ["增设防爆电气"],
        "conflicts_resolved": 1,
    }

    inspection_id: Id | None = None
    plan: Text | None = None
    opinions: tuple[Text, ...] = ()
    conflicts_resolved: Count | None = None


class InspectionPublished(Data, frozen=True, kw_only=True):
    """The result of an inspection is published."""

    about = row("inspection.published", "检查结果公示", "inspection_id")
    example = {"inspection_id": "JC-2023-0391", "platform": "信用中国"}

    inspection_id: Id | None = None
    platform: Text | None = None


class RectificationOrderIssued(Data, frozen=True, kw_only=True):
    """An order to put hazards right within a term."""

    about = row("rectification.order_issued", "责令限期整改指令", "order_id", keys="order_id")
    example = {
        "order_id": "ZL-2023-088",
        "inspection_id": "JC-2023-0391",
        "items": 3,
        "due": "2023-07-30",
        "hazard_ids": ["YH-2023-0117", "YH-2023-0118"],
    }

    order_id: Id | None = None
    inspection_id: Id | None = None
    items: Count | None = None
    due: Moment | None = None
    hazard_ids: tuple[Id, ...] = ()


class RecheckCompleted(Data, frozen=True, kw_only=True):
    """An order has been rechecked."""

    about = row("recheck.completed", "复查", "order_id")
    example = {"order_id": "ZL-2023-088", "passed": True, "results": [{"hazard_id": "YH-2023-0117", "passed": True}]}

    order_id: Id | None = None
    passed: Flag | None = None
    results: tuple[Object, ...] = ()


class RevisitCompleted(Data, frozen=True, kw_only=True):
    """A punished enterprise is visited again."""

    about = row("revisit.completed", "处罚企业回头看", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "experts": ["ZJ-011"], "findings": 0}

    case_id: Id | None = None
    experts: tuple[Id, ...] = ()
    findings: Count | None = None


class CampaignStarted(Data, frozen=True, kw_only=True):
    """A campaign starts, announced ahead."""

    about = row("campaign.started", "专项行动启动", "campaign_id", ahead=True, keys="campaign_id")
    example = {
        "campaign_id": "ZX-2023-05",
        "name": "浦口某化工有限公司",
        "from": "2023-06-01",
        "to": "2023-06-30",
        "targets": {"sites": 56},
    }

    campaign_id: Id | None = None
    name: Text | None = None
    from_: Moment | None = None
    to: Moment | None = None
    targets: Object | None = None


class CampaignEnded(Data, frozen=True, kw_only=True):
    """A campaign ends."""

    about = row("campaign.ended", "专项行动结束", "campaign_id", keys="campaign_id")
    example = {"campaign_id": "ZX-2023-05", "results": {"hazards_found": 1131}}

    campaign_id: Id | None = None
    results: Object | None = None


class CampaignEvaluated(Data, frozen=True, kw_only=True):
    """A campaign is evaluated."""

    about = row("campaign.evaluated", "专项行动评估", "campaign_id")
    example = {"campaign_id": "ZX-2023-05", "score": 92, "conclusions": "达到预期"}

    campaign_id: Id | None = None
    score: Number | None = None
    conclusions: Text | None = None


TYPES = (
    InspectionPlanSubmitted,
    InspectionApproved,
    InspectionPlanPublished,
    InspectionListGenerated,
    InspectionMerged,
    InspectionScheduled,
    DrawExecuted,
    InspectionChecklistPublished,
    InspectionCompleted,
    InspectionObserved,
    InspectionFeedbackSent,
    InspectionPublished,
    RectificationOrderIssued,
    RecheckCompleted,
    RevisitCompleted,
    CampaignStarted,
    CampaignEnded,
    CampaignEvaluated,
)
