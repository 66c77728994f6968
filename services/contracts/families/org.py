"""The organisation: units, posts, officers, supervisors, experts (机构)."""

from __future__ import annotations

from typing import Annotated

from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Id, Integer, Moment, Number, Personal, Text


class OrgUnitUpdated(Data, frozen=True, kw_only=True):
    """A unit is set up, merged or changed."""

    about = row("org.unit_updated", "机构变动", "unit_id")
    example = {"unit_id": "district_enforcement_brigade", "kind": "执法大队", "unit_count": 2, "squadron_count": 3}

    unit_id: Id | None = None
    kind: Text | None = None
    unit_count: Count | None = None
    squadron_count: Count | None = None


class OrgStaffingChanged(Data, frozen=True, kw_only=True):
    """The number of posts of a unit has changed."""

    about = row("org.staffing_changed", "编制变动", "unit_id")
    example = {"unit_id": "district_enforcement_brigade", "posts_before": 11, "posts_after": 16, "posts_delta": 5}

    unit_id: Id | None = None
    posts_before: Count | None = None
    posts_after: Count | None = None
    posts_delta: Integer | None = None


class OrgDutyAssigned(Data, frozen=True, kw_only=True):
    """A duty is given to a person or post."""

    about = row("org.duty_assigned", "职责分工", "duty_id")
    example = {"duty_id": "ZZ-2023-08", "person_or_post": "危化科科长", "area": "江浦街道"}

    duty_id: Id | None = None
    person_or_post: Annotated[str, TEXT, Personal] | None = None
    area: Text | None = None


class OrgMemberAdded(Data, frozen=True, kw_only=True):
    """A unit becomes a member of a body."""

    about = row("org.member_added", "成员单位调整", "body/member_unit", keys="body member_unit")
    example = {"body": "disaster_reduction", "member_unit": "区气象局"}

    body: Text | None = None
    member_unit: Text | None = None


class OfficerCertified(Data, frozen=True, kw_only=True):
    """An officer gets an enforcement certificate."""

    about = row("officer.certified", "执法证取得", "officer_id", keys="officer_id certificate_no")
    example = {"officer_id": "ZF-021", "certificate_no": "苏A0100001", "valid_to": "2026-06-30"}

    officer_id: Id | None = None
    certificate_no: Text | None = None
    valid_to: Moment | None = None


class OfficerCertificationPending(Data, frozen=True, kw_only=True):
    """An officer waits for a certificate."""

    about = row("officer.certification_pending", "待取证", "officer_id")
    example = {"officer_id": "ZF-021", "expected": "2023-12-31"}

    officer_id: Id | None = None
    expected: Moment | None = None


class SupervisorAppointed(Data, frozen=True, kw_only=True):
    """A citizen is appointed as supervisor."""

    about = row("supervisor.appointed", "社会监督员聘任", "person_id")
    example = {"person_id": "P-0101", "term_years": 3, "from": "2023-03-01"}

    person_id: Id | None = None
    term_years: Number | None = None
    from_: Moment | None = None


class SupervisorClueSubmitted(Data, frozen=True, kw_only=True):
    """A supervisor hands in a clue."""

    about = row("supervisor.clue_submitted", "监督线索", "person_id")
    example = {"person_id": "P-0101", "clue": "某企业占用消防通道"}

    person_id: Id | None = None
    clue: Text | None = None


class InspectorAppointed(Data, frozen=True, kw_only=True):
    """A technical inspector is hired."""

    about = row("inspector.appointed", "技术检查员聘用", "person_id")
    example = {"person_id": "P-0101", "specialty": "电气"}

    person_id: Id | None = None
    specialty: Text | None = None


class ExpertRegistered(Data, frozen=True, kw_only=True):
    """An expert is registered."""

    about = row("expert.registered", "专家入库", "person_id", keys="person_id")
    example = {"person_id": "P-0101", "field": "危险化学品"}

    person_id: Id | None = None
    field: Text | None = None


class ExpertAssigned(Data, frozen=True, kw_only=True):
    """An expert is assigned to a task."""

    about = row("expert.assigned", "专家派用", "person_id")
    example = {"person_id": "P-0101", "task_id": "RW-2023-031"}

    person_id: Id | None = None
    task_id: Id | None = None


TYPES = (
    OrgUnitUpdated,
    OrgStaffingChanged,
    OrgDutyAssigned,
    OrgMemberAdded,
    OfficerCertified,
    OfficerCertificationPending,
    SupervisorAppointed,
    SupervisorClueSubmitted,
    InspectorAppointed,
    ExpertRegistered,
    ExpertAssigned,
)
