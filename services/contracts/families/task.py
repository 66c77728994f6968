"""Tasks, recurring obligations, supervision, proposals, meetings and rules (任务)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Id, Moment, Number, Object, Text


class TaskCreated(Data, frozen=True, kw_only=True):
    """A task is created."""

    about = row("task.created", "任务建立", "task_id", keys="task_id")
    example = {
        "task_id": "RW-2023-031",
        "list": "年度重点任务",
        "owner": "危化科",
        "due": "2023-12-31",
        "measure_no": "3-2",
    }

    task_id: Id | None = None
    list: Text | None = None
    owner: Text | None = None
    due: Moment | None = None
    measure_no: Text | None = None


class TaskAssigned(Data, frozen=True, kw_only=True):
    """A task is given to an owner."""

    about = row("task.assigned", "任务分解", "task_id")
    example = {"task_id": "RW-2023-031", "owner": "危化科"}

    task_id: Id | None = None
    owner: Text | None = None


class TaskProgressed(Data, frozen=True, kw_only=True):
    """A task has moved on."""

    about = row("task.progressed", "任务进展", "task_id")
    example = {"task_id": "RW-2023-031", "percent": 60}

    task_id: Id | None = None
    percent: Number | None = None


class TaskCompleted(Data, frozen=True, kw_only=True):
    """A task is done."""

    about = row("task.completed", "任务完成", "task_id", keys="task_id")
    example = {"task_id": "RW-2023-031"}

    task_id: Id | None = None


class ObligationDue(Data, frozen=True, kw_only=True):
    """A recurring obligation is due."""

    about = row("obligation.due", "周期义务到期", "rule_id", origin="partner hub")
    example = {"rule_id": "joint_inspection_departments", "period": "2023-06", "owner": "危化科"}

    rule_id: Id | None = None
    period: Text | None = None
    owner: Text | None = None


class ObligationFulfilled(Data, frozen=True, kw_only=True):
    """A recurring obligation is fulfilled."""

    about = row("obligation.fulfilled", "周期义务完成", "rule_id", keys="rule_id period")
    example = {
        "rule_id": "joint_inspection_departments",
        "period": "2023-06",
        "evidence_event": "0191d5a4-7c00-7abc-8def-0123456789ab",
    }

    rule_id: Id | None = None
    period: Text | None = None
    evidence_event: Id | None = None


class SupervisionNoticeIssued(Data, frozen=True, kw_only=True):
    """A matter is put under supervision."""

    about = row("supervision.notice_issued", "督查督办", "notice_id", keys="notice_id")
    example = {"notice_id": "DB-2023-03", "target": "某街道", "problem": "燃气用户安全检查不到位", "due": "2023-07-30"}

    notice_id: Id | None = None
    target: Text | None = None
    problem: Text | None = None
    due: Moment | None = None


class SupervisionClosed(Data, frozen=True, kw_only=True):
    """Supervision of a matter ends."""

    about = row("supervision.closed", "督办销号", "notice_id", keys="notice_id")
    example = {"notice_id": "DB-2023-03"}

    notice_id: Id | None = None


class ProposalAssigned(Data, frozen=True, kw_only=True):
    """A proposal of deputies is given to the bureau."""

    about = row("proposal.assigned", "建议提案交办", "proposal_id", keys="proposal_id")
    example = {"proposal_id": "TA-2022-108", "body": "peoples_congress", "role": "lead", "due": "2023-07-30"}

    proposal_id: Id | None = None
    body: Annotated[str, codes.PROPOSAL_BODY] | None = None
    role: Annotated[str, codes.PROPOSAL_ROLE] | None = None
    due: Moment | None = None


class ProposalReplied(Data, frozen=True, kw_only=True):
    """A proposal is answered."""

    about = row("proposal.replied", "建议提案答复", "proposal_id", keys="proposal_id")
    example = {"proposal_id": "TA-2022-108", "body": "peoples_congress", "role": "lead", "grade": "A"}

    proposal_id: Id | None = None
    body: Annotated[str, codes.PROPOSAL_BODY] | None = None
    role: Annotated[str, codes.PROPOSAL_ROLE] | None = None
    grade: Annotated[str, codes.REPLY_GRADE] | None = None


class MeetingHeld(Data, frozen=True, kw_only=True):
    """A meeting has been held."""

    about = row("meeting.held", "会议", "meeting_id", keys="meeting_id")
    example = {"meeting_id": "HY-2023-14", "kind": "joint", "topic": "有限空间作业", "decisions": ["开展夏季百日攻坚"]}

    meeting_id: Id | None = None
    kind: Annotated[str, codes.MEETING_KIND] | None = None
    topic: Text | None = None
    decisions: tuple[Text, ...] = ()


class RuleConfigured(Data, frozen=True, kw_only=True):
    """A rule, threshold or structural number is set."""

    about = row("rule.configured", "规则/阈值/结构参数配置", "rule_id", origin="person")
    example = {
        "rule_id": "joint_inspection_departments",
        "parameter": "lead_departments",
        "labels": {"formula": "1+N"},
        "value": 1,
        "unit": "个",
        "bound": "exact",
        "valid_from": "2023-01-01",
    }

    rule_id: Id | None = None
    parameter: Text | None = None
    labels: Object | None = None
    value: Number | None = None
    unit: Text | None = None
    bound: Annotated[str, codes.RULE_BOUND] | None = None
    valid_from: Moment | None = None


class LeaderDutyPerformed(Data, frozen=True, kw_only=True):
    """A leader performs a duty of the first person responsible."""

    about = row("leader.duty_performed", "第一责任人履职", "leader_post")
    example = {"leader_post": "局主要负责人", "kind": "deploy", "topic": "有限空间作业"}

    leader_post: Text | None = None
    kind: Annotated[str, codes.LEADER_DUTY] | None = None
    topic: Text | None = None


TYPES = (
    TaskCreated,
    TaskAssigned,
    TaskProgressed,
    TaskCompleted,
    ObligationDue,
    ObligationFulfilled,
    SupervisionNoticeIssued,
    SupervisionClosed,
    ProposalAssigned,
    ProposalReplied,
    MeetingHeld,
    RuleConfigured,
    LeaderDutyPerformed,
)
