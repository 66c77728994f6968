"""Training, examinations, certificates, study, competitions and awards (教育培训)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Number, Personal, Text


class TrainingPlanned(Data, frozen=True, kw_only=True):
    """Training is planned."""

    about = row("training.planned", "培训计划", "plan_id", ahead=True, keys="plan_id")
    example = {"plan_id": "JH-2023-01", "audience": "enforcement_officers", "sessions": 4}

    plan_id: Id | None = None
    audience: Text | None = None
    sessions: Count | None = None


class TrainingHeld(Data, frozen=True, kw_only=True):
    """A class has been held."""

    about = row("training.held", "培训举办", "class_id")
    example = {
        "class_id": "PX-2023-09",
        "audience": "enforcement_officers",
        "topic": "有限空间作业",
        "sessions": 4,
        "attendances": 50,
        "due_roster": 60,
        "duration_days": 2,
        "online": False,
        "programme": "weekly_lesson",
    }

    class_id: Id | None = None
    audience: Text | None = None
    topic: Text | None = None
    sessions: Count | None = None
    attendances: Count | None = None
    due_roster: Count | None = None
    duration_days: Number | None = None
    online: Flag | None = None


class ExamRecorded(Data, frozen=True, kw_only=True):
    """A person has sat an examination."""

    about = row("exam.recorded", "考试", "person_id/exam")
    example = {"person_id": "P-0101", "exam": "执法资格考试", "bank": "2023版", "score": 92, "passed": True}

    person_id: Id | None = None
    exam: Text | None = None
    bank: Text | None = None
    score: Number | None = None
    passed: Flag | None = None


class CertificateIssued(Data, frozen=True, kw_only=True):
    """A person gets a certificate."""

    about = row("certificate.issued", "证书", "person_id")
    example = {"person_id": "P-0101", "kind": "特种作业操作证", "valid_to": "2026-06-30"}

    person_id: Id | None = None
    kind: Text | None = None
    valid_to: Moment | None = None


class StudyHeld(Data, frozen=True, kw_only=True):
    """A study session has been held."""

    about = row("study.held", "学习", "type")
    example = {"type": "theory_center_group", "attendances": 50, "roll": ["学员甲"]}

    type: Annotated[str, codes.STUDY_TYPE] | None = None
    attendances: Count | None = None
    roll: tuple[Annotated[str, TEXT, Personal], ...] = ()


class CompetitionHeld(Data, frozen=True, kw_only=True):
    """A competition has been held."""

    about = row("competition.held", "技能竞赛", "competition")
    example = {"competition": "puan_cup", "edition": 1, "parts": 3, "participants": 120}

    competition: Text | None = None
    edition: Count | None = None
    parts: Count | None = None
    participants: Count | None = None


class AwardReceived(Data, frozen=True, kw_only=True):
    """The bureau or one of its people wins a prize."""

    about = row("award.received", "获奖", "competition")
    example = {"competition": "puan_cup", "kind": "individual", "rank": 1, "field_size": 40}

    competition: Text | None = None
    kind: Annotated[str, codes.AWARD_KIND] | None = None
    rank: Count | None = None
    field_size: Count | None = None


TYPES = (
    TrainingPlanned,
    TrainingHeld,
    ExamRecorded,
    CertificateIssued,
    StudyHeld,
    CompetitionHeld,
    AwardReceived,
)
