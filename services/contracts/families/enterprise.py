"""Enterprises, parks and their insurance: what they are and how they are graded (企业)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Id, Moment, Money, Number, Object, Text


class EnterpriseUpserted(Data, frozen=True, kw_only=True):
    """What is known of an enterprise is new or has changed."""

    about = row("enterprise.upserted", "企业底数更新", "enterprise_id")
    example = {
        "enterprise_id": "91320111MA1XXXXX0X",
        "name": "浦口某化工有限公司",
        "street": "江浦街道",
        "source": "development_reform",
        "size": "规上",
    }

    name: Text | None = None
    street: Text | None = None
    source: Annotated[str, codes.ENTERPRISE_SOURCE] | None = None
    size: Text | None = None


class EnterpriseGraded(Data, frozen=True, kw_only=True):
    """An enterprise gets its grade and control level."""

    about = row("enterprise.graded", "企业分级分类/动态调整", "enterprise_id")
    example = {
        "enterprise_id": "91320111MA1XXXXX0X",
        "grade": "二类",
        "prev_grade": "三类",
        "risk_score": 61,
        "management_score": 82,
        "control_level": "district",
        "basis": "risk",
        "reason": "整改完成",
    }

    grade: Text | None = None
    prev_grade: Text | None = None
    risk_score: Number | None = None
    management_score: Number | None = None
    control_level: Annotated[str, codes.CONTROL_LEVEL] | None = None
    basis: Annotated[str, codes.GRADING_BASIS] | None = None
    reason: Text | None = None


class EnterpriseRiskReportSubmitted(Data, frozen=True, kw_only=True):
    """An enterprise reports its risks."""

    about = row("enterprise.risk_report_submitted", "风险报告", "enterprise_id", keys="enterprise_id period")
    example = {
        "enterprise_id": "91320111MA1XXXXX0X",
        "risks": [{"name": "粉尘爆炸", "level": "较大"}],
        "larger_risks": 2,
        "period": "2023-06",
    }

    risks: tuple[Object, ...] = ()
    larger_risks: Count | None = None
    period: Text | None = None


class EnterpriseStandardised(Data, frozen=True, kw_only=True):
    """An enterprise reaches a level of safety standardisation."""

    about = row("enterprise.standardised", "标准化达标", "enterprise_id")
    example = {"enterprise_id": "91320111MA1XXXXX0X", "level": "二级", "valid_to": "2026-06-30"}

    level: Text | None = None
    valid_to: Moment | None = None


class EnterpriseChecklistScored(Data, frozen=True, kw_only=True):
    """An enterprise is scored against a list of duties."""

    about = row("enterprise.checklist_scored", "企业责任清单评分", "enterprise_id")
    example = {"enterprise_id": "91320111MA1XXXXX0X", "checklist": "five_in_place", "scores": {"责任": 20, "管理": 18}}

    checklist: Annotated[str, codes.CHECKLIST] | None = None
    scores: Object | None = None


class EnterpriseTeamCertified(Data, frozen=True, kw_only=True):
    """A team of an enterprise is recognised as excellent."""

    about = row("enterprise.team_certified", "优秀班组认定", "enterprise_id/team")
    example = {"enterprise_id": "91320111MA1XXXXX0X", "team": "合成一班", "method": "现场评审"}

    team: Text | None = None
    method: Text | None = None


class ParkUpgradeProgressed(Data, frozen=True, kw_only=True):
    """The upgrade of an industrial park has moved on."""

    about = row("park.upgrade_progressed", "园区整治进展", "park_id")
    example = {"park_id": "YQ-02", "stage": "整治提升中", "tasks_done": 12, "tasks_total": 16}

    park_id: Id | None = None
    stage: Text | None = None
    tasks_done: Count | None = None
    tasks_total: Count | None = None


class InsuranceCovered(Data, frozen=True, kw_only=True):
    """An enterprise is covered by safety liability insurance."""

    about = row("insurance.covered", "安责险投保", "enterprise_id/kind")
    example = {
        "enterprise_id": "91320111MA1XXXXX0X",
        "kind": "safety_liability",
        "insured_cny": "2000000.00",
        "valid_to": "2026-06-30",
    }

    kind: Annotated[str, codes.INSURANCE_KIND] | None = None
    insured_cny: Money | None = None
    valid_to: Moment | None = None


TYPES = (
    EnterpriseUpserted,
    EnterpriseGraded,
    EnterpriseRiskReportSubmitted,
    EnterpriseStandardised,
    EnterpriseChecklistScored,
    EnterpriseTeamCertified,
    ParkUpgradeProgressed,
    InsuranceCovered,
)
