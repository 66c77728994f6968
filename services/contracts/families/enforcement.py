"""Enforcement cases, penalties, transfers and measures (执法办案)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Money, Number, Object, Personal, Text


class EnforcementCaseFiled(Data, frozen=True, kw_only=True):
    """A case is filed."""

    about = row("enforcement.case_filed", "立案", "case_id", keys="case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "subject_id": "91320111MA1XXXXX0X",
        "subject_type": "enterprise",
        "basis": "violation",
    }

    case_id: Id | None = None
    subject_id: Id | None = None
    subject_type: Annotated[str, codes.PARTY_TYPE] | None = None
    basis: Annotated[str, codes.CASE_BASIS] | None = None


class EnforcementCaseSubmitted(Data, frozen=True, kw_only=True):
    """A case is submitted for decision."""

    about = row("enforcement.case_submitted", "案件呈批", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "officer": "承办人甲", "form_no": "CP-21"}

    case_id: Id | None = None
    officer: Annotated[str, TEXT, Personal] | None = None
    form_no: Text | None = None


class EnforcementCaseReviewed(Data, frozen=True, kw_only=True):
    """The legal section has reviewed a case."""

    about = row("enforcement.case_reviewed", "法制审核", "case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "major": True,
        "opinion_count": 4,
        "checks": {"subject": True, "procedure": True, "basis": True, "amount": True},
        "result": "同意",
    }

    case_id: Id | None = None
    major: Flag | None = None
    opinion_count: Count | None = None
    checks: Object | None = None
    result: Text | None = None


class EnforcementCaseApproved(Data, frozen=True, kw_only=True):
    """A leader approves a case."""

    about = row("enforcement.case_approved", "领导审批", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "approver": "审批人甲"}

    case_id: Id | None = None
    approver: Annotated[str, TEXT, Personal] | None = None


class EnforcementCaseDiscussed(Data, frozen=True, kw_only=True):
    """A case is discussed by a body."""

    about = row("enforcement.case_discussed", "集体讨论/案审委", "case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "body": "collective",
        "chaired_by": "bureau_head",
        "record_no": "TL-2022-21",
        "recorded_by": "legal_section",
    }

    case_id: Id | None = None
    body: Annotated[str, codes.DISCUSSION_BODY] | None = None
    chaired_by: Text | None = None
    record_no: Text | None = None
    recorded_by: Text | None = None


class EnforcementRecordCaptured(Data, frozen=True, kw_only=True):
    """A step of a case is recorded in text, sound or picture."""

    about = row("enforcement.record_captured", "全过程记录", "case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "step": "现场检查",
        "medium": "video",
        "duration": 600,
        "explanation": "正常取证",
    }

    case_id: Id | None = None
    step: Text | None = None
    medium: Annotated[str, codes.RECORD_MEDIUM] | None = None
    duration: Number | None = None
    explanation: Text | None = None


class EnforcementConductComplaint(Data, frozen=True, kw_only=True):
    """Somebody complains about the conduct of enforcement."""

    about = row("enforcement.conduct_complaint", "执法问题投诉", "complaint_id", keys="complaint_id")
    example = {"complaint_id": "TS-2023-001", "officer_id": "ZF-021", "verified": False}

    complaint_id: Id | None = None
    officer_id: Id | None = None
    verified: Flag | None = None


class EnforcementConductIssueFound(Data, frozen=True, kw_only=True):
    """The bureau itself finds a fault in the conduct of enforcement."""

    about = row("enforcement.conduct_issue_found", "执法问题自查", "issue_id", keys="issue_id")
    example = {"issue_id": "ZC-2023-001", "kind": "程序瑕疵", "source": "internal_review"}

    issue_id: Id | None = None
    kind: Text | None = None
    source: Text | None = None


class PenaltyImposed(Data, frozen=True, kw_only=True):
    """A penalty is imposed."""

    about = row("penalty.imposed", "行政处罚决定", "case_id", keys="case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "subject_id": "91320111MA1XXXXX0X",
        "kind": "administrative",
        "subject_type": "enterprise",
        "procedure": "ordinary",
        "amount_cny": "20000.00",
        "base": 10000,
        "coefficient": 1.2,
        "measures": ["责令改正"],
    }

    case_id: Id | None = None
    subject_id: Id | None = None
    kind: Annotated[str, codes.PENALTY_KIND] | None = None
    subject_type: Annotated[str, codes.PARTY_TYPE] | None = None
    procedure: Annotated[str, codes.PENALTY_PROCEDURE] | None = None
    amount_cny: Money | None = None
    base: Number | None = None
    coefficient: Number | None = None
    measures: tuple[Text, ...] = ()


class PenaltyMitigated(Data, frozen=True, kw_only=True):
    """A penalty is lightened, reduced or waived."""

    about = row("penalty.mitigated", "从轻减轻免罚", "case_id", keys="case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "outcome": "lighter", "basis": "first_minor_list"}

    case_id: Id | None = None
    outcome: Annotated[str, codes.MITIGATION] | None = None
    basis: Annotated[str, codes.MITIGATION_BASIS] | None = None


class PenaltyPublished(Data, frozen=True, kw_only=True):
    """A penalty is published."""

    about = row("penalty.published", "处罚公示", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "platform": "信用中国", "due": "2023-07-30"}

    case_id: Id | None = None
    platform: Text | None = None
    due: Moment | None = None


class DocumentServed(Data, frozen=True, kw_only=True):
    """A document is served."""

    about = row("document.served", "文书送达", "document_id")
    example = {"document_id": "joint_inspection_guidance", "case_id": "浦应急罚〔2023〕21号", "method": "直接送达"}

    document_id: Id | None = None
    case_id: Id | None = None
    method: Text | None = None


class CaseTransferred(Data, frozen=True, kw_only=True):
    """A clue or case goes to the police or procuratorate."""

    about = row("case.transferred", "行刑衔接移送", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "kind": "clue", "to": "police", "matter": "伪造特种作业操作证"}

    case_id: Id | None = None
    kind: Annotated[str, codes.TRANSFER_KIND] | None = None
    to: Annotated[str, codes.TRANSFER_TO] | None = None
    matter: Text | None = None


class CaseReturned(Data, frozen=True, kw_only=True):
    """A transferred case comes back."""

    about = row("case.returned", "移送退回", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "from": "公安机关", "reason": "天气原因"}

    case_id: Id | None = None
    from_: Text | None = None
    reason: Text | None = None


class CaseExposed(Data, frozen=True, kw_only=True):
    """A typical case is published as a warning."""

    about = row("case.exposed", "典型案例曝光", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "batch_id": "PC-2023-07", "channel": ["wechat", "website"]}

    case_id: Id | None = None
    batch_id: Id | None = None
    channel: tuple[Text, ...] = ()


class CaseFileReviewed(Data, frozen=True, kw_only=True):
    """A case file is assessed."""

    about = row("case_file.reviewed", "案卷评查", "case_id")
    example = {
        "case_id": "浦应急罚〔2023〕21号",
        "scores": {"subject": 10, "facts": 28, "law": 18, "procedure": 19, "discretion": 10, "file": 9},
        "defects": ["文书日期缺失"],
    }

    case_id: Id | None = None
    scores: Object | None = None
    defects: tuple[Text, ...] = ()


class HearingHeld(Data, frozen=True, kw_only=True):
    """A hearing takes place."""

    about = row("hearing.held", "听证", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号"}

    case_id: Id | None = None


class CoercionApplied(Data, frozen=True, kw_only=True):
    """Premises or goods are sealed or seized, or power is cut."""

    about = row("coercion.applied", "行政强制", "case_id")
    example = {"case_id": "浦应急罚〔2023〕21号", "kind": "seal", "hours_notice": 24}

    case_id: Id | None = None
    kind: Annotated[str, codes.COERCION_KIND] | None = None
    hours_notice: Number | None = None


class SiteMeasureOrdered(Data, frozen=True, kw_only=True):
    """A measure is ordered on the spot."""

    about = row("site_measure.ordered", "现场处理措施", "order_id", keys="order_id")
    example = {"order_id": "ZL-2023-088", "hazard_ids": ["YH-2023-0117", "YH-2023-0118"], "measures": ["停止户外作业"]}

    order_id: Id | None = None
    hazard_ids: tuple[Id, ...] = ()
    measures: tuple[Text, ...] = ()


TYPES = (
    EnforcementCaseFiled,
    EnforcementCaseSubmitted,
    EnforcementCaseReviewed,
    EnforcementCaseApproved,
    EnforcementCaseDiscussed,
    EnforcementRecordCaptured,
    EnforcementConductComplaint,
    EnforcementConductIssueFound,
    PenaltyImposed,
    PenaltyMitigated,
    PenaltyPublished,
    DocumentServed,
    CaseTransferred,
    CaseReturned,
    CaseExposed,
    CaseFileReviewed,
    HearingHeld,
    CoercionApplied,
    SiteMeasureOrdered,
)
