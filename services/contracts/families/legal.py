"""Rules and policies, major decisions, legal advice, reconsideration and litigation (法制)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Flag, Id, Text


class PolicyPlanned(Data, frozen=True, kw_only=True):
    """A document is planned."""

    about = row("policy.planned", "文件制定计划", "document_id", ahead=True, keys="document_id")
    example = {"document_id": "joint_inspection_guidance", "kind": "指引"}

    document_id: Id | None = None
    kind: Text | None = None


class PolicyStepCompleted(Data, frozen=True, kw_only=True):
    """A document has passed a step."""

    about = row("policy.step_completed", "文件流程步骤", "document_id")
    example = {"document_id": "joint_inspection_guidance", "step": "review"}

    document_id: Id | None = None
    step: Annotated[str, codes.POLICY_STEP] | None = None


class PolicyIssued(Data, frozen=True, kw_only=True):
    """A document is issued."""

    about = row("policy.issued", "制度/清单/指引印发", "document_id", keys="document_id")
    example = {
        "document_id": "joint_inspection_guidance",
        "kind": "指引",
        "title": "联合检查工作指引",
        "aspect_count": 5,
        "item_count": 15,
        "version": "2023",
        "normative": True,
    }

    document_id: Id | None = None
    kind: Text | None = None
    title: Text | None = None
    aspect_count: Count | None = None
    item_count: Count | None = None
    version: Text | None = None
    normative: Flag | None = None


class PolicyPublished(Data, frozen=True, kw_only=True):
    """A document is made public."""

    about = row("policy.published", "制度公开", "document_id")
    example = {"document_id": "joint_inspection_guidance", "platform": "信用中国"}

    document_id: Id | None = None
    platform: Text | None = None


class PolicyReviewed(Data, frozen=True, kw_only=True):
    """A document is reviewed: keep, amend or repeal."""

    about = row("policy.reviewed", "规范性文件清理", "document_id")
    example = {"document_id": "joint_inspection_guidance", "outcome": "retained", "normative": True}

    document_id: Id | None = None
    outcome: Annotated[str, codes.POLICY_OUTCOME] | None = None
    normative: Flag | None = None


class PolicyRepealed(Data, frozen=True, kw_only=True):
    """A document is repealed."""

    about = row("policy.repealed", "废止", "document_id")
    example = {"document_id": "joint_inspection_guidance"}

    document_id: Id | None = None


class PolicyFairCompetitionReviewed(Data, frozen=True, kw_only=True):
    """A document is reviewed for fair competition."""

    about = row("policy.fair_competition_reviewed", "公平竞争审查", "document_id")
    example = {"document_id": "joint_inspection_guidance", "outcome": "retained"}

    document_id: Id | None = None
    outcome: Annotated[str, codes.POLICY_OUTCOME] | None = None


class PolicyPowerListUpdated(Data, frozen=True, kw_only=True):
    """The list of powers and duties has changed."""

    about = row("policy.power_list_updated", "权责清单", "category")
    example = {"category": "penalty", "item_count": 15}

    category: Annotated[str, codes.POWER_CATEGORY] | None = None
    item_count: Count | None = None


class DecisionCatalogued(Data, frozen=True, kw_only=True):
    """A decision enters the catalogue of major decisions."""

    about = row("decision.catalogued", "重大决策目录", "decision_id", keys="decision_id")
    example = {"decision_id": "JC-2023-01", "year": 2023}

    decision_id: Id | None = None
    year: Count | None = None


class DecisionStepCompleted(Data, frozen=True, kw_only=True):
    """A decision has passed a step."""

    about = row("decision.step_completed", "决策程序", "decision_id")
    example = {"decision_id": "JC-2023-01", "step": "participation"}

    decision_id: Id | None = None
    step: Annotated[str, codes.DECISION_STEP] | None = None


class DecisionDecided(Data, frozen=True, kw_only=True):
    """A decision is taken."""

    about = row("decision.decided", "决策作出", "decision_id", keys="decision_id")
    example = {"decision_id": "JC-2023-01", "body": "局党委会"}

    decision_id: Id | None = None
    body: Text | None = None


class DecisionOverturned(Data, frozen=True, kw_only=True):
    """A decision is annulled or changed by another body."""

    about = row("decision.overturned", "行政决定被撤销变更", "decision_id")
    example = {"decision_id": "JC-2023-01", "by": "市人民政府"}

    decision_id: Id | None = None
    by: Text | None = None


class LegalAdviserRegistered(Data, frozen=True, kw_only=True):
    """A lawyer is applied for or hired."""

    about = row("legal.adviser_registered", "法律顾问", "person_id")
    example = {"person_id": "P-0101", "kind": "government_lawyer", "stage": "已聘任"}

    person_id: Id | None = None
    kind: Annotated[str, codes.ADVISER_KIND] | None = None
    stage: Text | None = None


class LegalAdviceGiven(Data, frozen=True, kw_only=True):
    """A lawyer has given advice on a document."""

    about = row("legal.advice_given", "法律意见", "document_id")
    example = {"document_id": "joint_inspection_guidance", "item_count": 15}

    document_id: Id | None = None
    item_count: Count | None = None


class ReconsiderationFiled(Data, frozen=True, kw_only=True):
    """An administrative reconsideration is filed against the bureau."""

    about = row("reconsideration.filed", "行政复议收案", "case_id", keys="case_id")
    example = {"case_id": "浦应急罚〔2023〕21号"}

    case_id: Id | None = None


class ReconsiderationDecided(Data, frozen=True, kw_only=True):
    """An administrative reconsideration is decided."""

    about = row("reconsideration.decided", "行政复议结果", "case_id", keys="case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "outcome": "upheld"}

    case_id: Id | None = None
    outcome: Text | None = None


class LitigationFiled(Data, frozen=True, kw_only=True):
    """A lawsuit is filed against the bureau."""

    about = row("litigation.filed", "行政诉讼收案", "case_id", keys="case_id")
    example = {"case_id": "浦应急罚〔2023〕21号"}

    case_id: Id | None = None


class LitigationDecided(Data, frozen=True, kw_only=True):
    """A lawsuit is decided."""

    about = row("litigation.decided", "行政诉讼结果", "case_id", keys="case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "outcome": "驳回诉讼请求"}

    case_id: Id | None = None
    outcome: Text | None = None


class LitigationAttended(Data, frozen=True, kw_only=True):
    """Whether the head of the bureau came to court."""

    about = row("litigation.attended", "首长出庭", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "head_attended": True}

    case_id: Id | None = None
    head_attended: Flag | None = None


TYPES = (
    PolicyPlanned,
    PolicyStepCompleted,
    PolicyIssued,
    PolicyPublished,
    PolicyReviewed,
    PolicyRepealed,
    PolicyFairCompetitionReviewed,
    PolicyPowerListUpdated,
    DecisionCatalogued,
    DecisionStepCompleted,
    DecisionDecided,
    DecisionOverturned,
    LegalAdviserRegistered,
    LegalAdviceGiven,
    ReconsiderationFiled,
    ReconsiderationDecided,
    LitigationFiled,
    LitigationDecided,
    LitigationAttended,
)
