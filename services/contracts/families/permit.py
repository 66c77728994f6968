"""Permits, safety reviews of projects, and the knowledge base (行政许可)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Flag, Id, Moment, Number, Text


class PermitAccepted(Data, frozen=True, kw_only=True):
    """An application is accepted."""

    about = row("permit.accepted", "受理（含容缺）", "permit_id", keys="permit_id")
    example = {
        "permit_id": "XK-2023-0102",
        "type": "hazchem_operating_and_filings",
        "channel": "online",
        "lane": "normal",
        "missing": ["安全评价报告"],
        "promise_due": "2023-07-20",
        "statutory_days": 20,
        "promised_days": 2,
    }

    permit_id: Id | None = None
    type: Text | None = None
    channel: Annotated[str, codes.PERMIT_CHANNEL] | None = None
    lane: Annotated[str, codes.PERMIT_LANE] | None = None
    missing: tuple[Text, ...] = ()
    promise_due: Moment | None = None
    statutory_days: Number | None = None
    promised_days: Number | None = None


class PermitSupplemented(Data, frozen=True, kw_only=True):
    """Missing papers are handed in."""

    about = row("permit.supplemented", "补正材料", "permit_id")
    example = {"permit_id": "XK-2023-0102"}

    permit_id: Id | None = None


class PermitPromised(Data, frozen=True, kw_only=True):
    """The applicant promises instead of proving."""

    about = row("permit.promised", "告知承诺", "permit_id")
    example = {"permit_id": "XK-2023-0102", "check_due": "2023-09-30"}

    permit_id: Id | None = None
    check_due: Moment | None = None


class PermitCompleted(Data, frozen=True, kw_only=True):
    """A permit or filing is done."""

    about = row("permit.completed", "办结", "permit_id", keys="permit_id")
    example = {
        "permit_id": "XK-2023-0102",
        "type": "hazchem_operating_and_filings",
        "working_days": 2,
        "visits": 1,
        "result": "准予许可",
    }

    permit_id: Id | None = None
    type: Text | None = None
    working_days: Number | None = None
    visits: Number | None = None
    result: Text | None = None


class PermitRejected(Data, frozen=True, kw_only=True):
    """A permit is refused."""

    about = row("permit.rejected", "不予许可", "permit_id", keys="permit_id")
    example = {"permit_id": "XK-2023-0102", "reason": "天气原因"}

    permit_id: Id | None = None
    reason: Text | None = None


class PermitBundleDefined(Data, frozen=True, kw_only=True):
    """Several matters are bundled into one."""

    about = row("permit.bundle_defined", "一件事目录", "bundle")
    example = {"bundle": "hazchem_operator", "matter_count": 3}

    bundle: Text | None = None
    matter_count: Count | None = None


class PermitBundleCompleted(Data, frozen=True, kw_only=True):
    """A bundle of matters is done in one go."""

    about = row("permit.bundle_completed", "多事一次办结", "bundle_id", keys="bundle_id")
    example = {"bundle_id": "YJS-2023-004", "permits": ["XK-2023-0102", "XK-2023-0103"], "visits": 1}

    bundle_id: Id | None = None
    permits: tuple[Id, ...] = ()
    visits: Number | None = None


class PermitSlaChanged(Data, frozen=True, kw_only=True):
    """The promised time for a type of permit has changed."""

    about = row("permit.sla_changed", "时限调整", "type")
    example = {"type": "hazchem_operating", "days_before": 7, "working_days": 2, "bound": "min", "reduction_pct": 50}

    type: Id | None = None
    days_before: Number | None = None
    working_days: Number | None = None
    bound: Annotated[str, codes.SLA_BOUND] | None = None
    reduction_pct: Number | None = None


class PermitCatalogueUpdated(Data, frozen=True, kw_only=True):
    """The catalogue of matters or proofs has changed."""

    about = row("permit.catalogue_updated", "事项/证明清单更新", "catalogue")
    example = {"catalogue": "政务服务事项清单", "matters": 120, "online_matters": 120, "proofs_removed": 5}

    catalogue: Text | None = None
    matters: Count | None = None
    online_matters: Count | None = None
    proofs_removed: Count | None = None


class PermitSatisfactionRated(Data, frozen=True, kw_only=True):
    """An enterprise rates the service."""

    about = row("permit.satisfaction_rated", "企业评价", "permit_id")
    example = {"permit_id": "XK-2023-0102", "satisfied": True}

    permit_id: Id | None = None
    satisfied: Flag | None = None


class ProjectSafetyReviewed(Data, frozen=True, kw_only=True):
    """The safety of a construction project is reviewed."""

    about = row("project.safety_reviewed", "建设项目安全审查", "project_id")
    example = {"project_id": "XM-2022-085", "stage": "安全条件审查", "result": "通过"}

    project_id: Id | None = None
    stage: Text | None = None
    result: Text | None = None


class KnowledgeUpdated(Data, frozen=True, kw_only=True):
    """An entry of the knowledge base has changed."""

    about = row("knowledge.updated", "政务知识库更新", "entry_id")
    example = {"entry_id": "ZSK-0042", "topic": "有限空间作业"}

    entry_id: Id | None = None
    topic: Text | None = None


TYPES = (
    PermitAccepted,
    PermitSupplemented,
    PermitPromised,
    PermitCompleted,
    PermitRejected,
    PermitBundleDefined,
    PermitBundleCompleted,
    PermitSlaChanged,
    PermitCatalogueUpdated,
    PermitSatisfactionRated,
    ProjectSafetyReviewed,
    KnowledgeUpdated,
)
