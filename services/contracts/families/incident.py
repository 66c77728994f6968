"""Accidents and incidents, their investigation and who answers for them (突发事件)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Money, Number, Personal, Text


class AccidentReported(Data, frozen=True, kw_only=True):
    """A production-safety accident is reported (State Council Decree 493)."""

    about = row("accident.reported", "事故报告", "accident_id", keys="accident_id")
    example = {
        "accident_id": "SG-2023-003",
        "severity": "general",
        "deaths": 1,
        "injured": 1,
        "seriously_injured": 0,
        "missing": 0,
        "loss_cny": "350000.00",
        "learned_at": "2023-07-16T08:20:00+08:00",
        "accident_type": "高处坠落",
        "incident_id": "TF-2023-0716-01",
    }

    accident_id: Id | None = None
    severity: Annotated[str, codes.ACCIDENT_SEVERITY] | None = None
    deaths: Count | None = None
    injured: Count | None = None
    seriously_injured: Count | None = None
    missing: Count | None = None
    loss_cny: Money | None = None
    learned_at: Moment | None = None
    accident_type: Text | None = None
    incident_id: Id | None = None


class AccidentReclassified(Data, frozen=True, kw_only=True):
    """An accident is classified anew: whether it counts."""

    about = row("accident.reclassified", "事故重新认定", "accident_id")
    example = {"accident_id": "SG-2023-003", "counts": False, "severity": "general", "reason": "经调查为非生产安全事故"}

    accident_id: Id | None = None
    counts: Flag | None = None
    severity: Annotated[str, codes.ACCIDENT_SEVERITY] | None = None
    reason: Text | None = None


class IncidentReported(Data, frozen=True, kw_only=True):
    """News of an incident; `time` is that of the report."""

    about = row("incident.reported", "突发事件信息报送", "incident_id")
    example = {
        "incident_id": "TF-2023-0716-01",
        "kind": "洪涝",
        "stage": "first",
        "place": "浦口经济开发区",
        "occurred_at": "2023-07-16T07:50:00+08:00",
        "reporter": "报告人甲",
    }

    incident_id: Id | None = None
    kind: Text | None = None
    stage: Annotated[str, codes.REPORT_STAGE] | None = None
    place: Text | None = None
    occurred_at: Moment | None = None
    reporter: Annotated[str, TEXT, Personal] | None = None


class IncidentReportedUp(Data, frozen=True, kw_only=True):
    """An incident is reported to a higher authority."""

    about = row("incident.reported_up", "突发事件上报", "incident_id")
    example = {
        "incident_id": "TF-2023-0716-01",
        "seq": 1,
        "method": "phone",
        "to": "市应急局",
        "learned_at": "2023-07-16T08:20:00+08:00",
    }

    incident_id: Id | None = None
    seq: Count | None = None
    method: Annotated[str, codes.REPORT_METHOD] | None = None
    to: Text | None = None
    learned_at: Moment | None = None


class IncidentTransferred(Data, frozen=True, kw_only=True):
    """An incident is handed to another authority."""

    about = row("incident.transferred", "突发事件移交", "incident_id")
    example = {"incident_id": "TF-2023-0716-01", "to": "区交通局", "reason": "天气原因"}

    incident_id: Id | None = None
    to: Text | None = None
    reason: Text | None = None


class IncidentLinked(Data, frozen=True, kw_only=True):
    """An organisation joins the response."""

    about = row("incident.linked", "联动单位接入", "incident_id")
    example = {"incident_id": "TF-2023-0716-01", "org": "区应急局"}

    incident_id: Id | None = None
    org: Text | None = None


class IncidentStepCompleted(Data, frozen=True, kw_only=True):
    """A step of the response is done."""

    about = row("incident.step_completed", "处置步骤完成", "incident_id", keys="incident_id step_no")
    example = {"incident_id": "TF-2023-0716-01", "step_no": 2, "by": "值班员甲"}

    incident_id: Id | None = None
    step_no: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class IncidentSiteAction(Data, frozen=True, kw_only=True):
    """Something is done on the scene."""

    about = row("incident.site_action", "现场处置", "incident_id")
    example = {"incident_id": "TF-2023-0716-01", "action": "转移群众", "resources": ["排涝泵2台"]}

    incident_id: Id | None = None
    action: Text | None = None
    resources: tuple[Text, ...] = ()


class IncidentSecondaryReported(Data, frozen=True, kw_only=True):
    """A secondary disaster follows."""

    about = row("incident.secondary_reported", "次生灾害", "incident_id")
    example = {"incident_id": "TF-2023-0716-01", "kind": "滑坡"}

    incident_id: Id | None = None
    kind: Text | None = None


class IncidentClosed(Data, frozen=True, kw_only=True):
    """The response to an incident is over."""

    about = row("incident.closed", "处置结束", "incident_id", keys="incident_id")
    example = {"incident_id": "TF-2023-0716-01", "kind": "disaster", "minutes_to_first_response": 12, "method": "666"}

    incident_id: Id | None = None
    kind: Annotated[str, codes.INCIDENT_KIND] | None = None
    minutes_to_first_response: Number | None = None
    method: Text | None = None


class InvestigationOpened(Data, frozen=True, kw_only=True):
    """The investigation of an accident begins."""

    about = row("investigation.opened", "调查启动", "accident_id", keys="accident_id")
    example = {"accident_id": "SG-2023-003", "level": "区级", "due": "2023-07-30"}

    accident_id: Id | None = None
    level: Text | None = None
    due: Moment | None = None


class InvestigationExtended(Data, frozen=True, kw_only=True):
    """An investigation gets more time."""

    about = row("investigation.extended", "调查延期", "accident_id")
    example = {"accident_id": "SG-2023-003", "new_due": "2023-08-30"}

    accident_id: Id | None = None
    new_due: Moment | None = None


class InvestigationSubmitted(Data, frozen=True, kw_only=True):
    """The report of an investigation is submitted."""

    about = row("investigation.submitted", "调查报告提交", "accident_id")
    example = {"accident_id": "SG-2023-003", "by": "值班员甲"}

    accident_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class InvestigationApproved(Data, frozen=True, kw_only=True):
    """The report of an investigation is approved."""

    about = row("investigation.approved", "调查报告批复", "accident_id")
    example = {"accident_id": "SG-2023-003", "by": "值班员甲"}

    accident_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class InvestigationConcluded(Data, frozen=True, kw_only=True):
    """An investigation ends with its findings."""

    about = row("investigation.concluded", "调查结论", "accident_id", keys="accident_id")
    example = {
        "accident_id": "SG-2023-003",
        "causes": "违章动火",
        "responsible": ["责任人甲"],
        "suggestions": ["完善动火审批"],
    }

    accident_id: Id | None = None
    causes: Text | None = None
    responsible: tuple[Annotated[str, TEXT, Personal], ...] = ()
    suggestions: tuple[Text, ...] = ()


class InvestigationFollowedUp(Data, frozen=True, kw_only=True):
    """What was learned from an accident is followed up."""

    about = row("investigation.followed_up", "整改落实评估", "accident_id")
    example = {"accident_id": "SG-2023-003", "measures_done": 4}

    accident_id: Id | None = None
    measures_done: Count | None = None


class AccountabilityOpened(Data, frozen=True, kw_only=True):
    """Somebody is to be held to account."""

    about = row("accountability.opened", "问责启动", "subject")
    example = {"subject": "某企业安全管理岗", "basis": "violation"}

    subject: Id | None = None
    basis: Text | None = None


class AccountabilityClosed(Data, frozen=True, kw_only=True):
    """A procedure of accountability ends."""

    about = row("accountability.closed", "问责结果", "subject")
    example = {"subject": "某企业安全管理岗", "result": "属实"}

    subject: Id | None = None
    result: Text | None = None


class EvacuationReported(Data, frozen=True, kw_only=True):
    """How many have been brought to safety."""

    about = row("evacuation.reported", "转移避险", "response_id")
    example = {
        "response_id": "XY-2023-0716",
        "persons": 230,
        "sites": 3,
        "basis": "current",
        "as_of": "2023-07-16T18:00:00+08:00",
    }

    response_id: Id | None = None
    persons: Count | None = None
    sites: Count | None = None
    basis: Annotated[str, codes.EVACUATION_BASIS] | None = None
    as_of: Moment | None = None


TYPES = (
    AccidentReported,
    AccidentReclassified,
    IncidentReported,
    IncidentReportedUp,
    IncidentTransferred,
    IncidentLinked,
    IncidentStepCompleted,
    IncidentSiteAction,
    IncidentSecondaryReported,
    IncidentClosed,
    InvestigationOpened,
    InvestigationExtended,
    InvestigationSubmitted,
    InvestigationApproved,
    InvestigationConcluded,
    InvestigationFollowedUp,
    AccountabilityOpened,
    AccountabilityClosed,
    EvacuationReported,
)
