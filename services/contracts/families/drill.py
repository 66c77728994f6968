"""Drills (演练)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Flag, Id, Moment, Number, Text


class DrillPlanned(Data, frozen=True, kw_only=True):
    """A drill is planned."""

    about = row("drill.planned", "演练计划", "drill_id", ahead=True, keys="drill_id")
    example = {"drill_id": "YL-2023-031", "plan_id": "YA-QX-07", "mode": "table_top", "date": "2023-06-16"}

    drill_id: Id | None = None
    plan_id: Id | None = None
    mode: Annotated[str, codes.DRILL_MODE] | None = None
    date: Moment | None = None


class DrillStarted(Data, frozen=True, kw_only=True):
    """A drill begins."""

    about = row("drill.started", "演练开始", "drill_id", keys="drill_id")
    example = {"drill_id": "YL-2023-031", "participants": ["区应急局"]}

    drill_id: Id | None = None
    participants: tuple[Text, ...] = ()


class DrillSuspended(Data, frozen=True, kw_only=True):
    """A drill is broken off, for instance by a real incident."""

    about = row("drill.suspended", "演练中止", "drill_id")
    example = {"drill_id": "YL-2023-031", "reason": "天气原因"}

    drill_id: Id | None = None
    reason: Text | None = None


class DrillEnded(Data, frozen=True, kw_only=True):
    """A drill ends; exercise events of it are over."""

    about = row("drill.ended", "演练结束", "drill_id", keys="drill_id")
    example = {"drill_id": "YL-2023-031", "reason": "天气原因"}

    drill_id: Id | None = None
    reason: Text | None = None


class DrillCompleted(Data, frozen=True, kw_only=True):
    """A drill has been held."""

    about = row("drill.completed", "演练完成", "drill_id", keys="drill_id")
    example = {
        "drill_id": "YL-2023-031",
        "plan_id": "YA-QX-07",
        "scenario": "盐酸泄漏处置",
        "mode": "live",
        "participants": 120,
        "units": ["区应急局", "区消防救援大队"],
        "cross_region": False,
    }

    drill_id: Id | None = None
    plan_id: Id | None = None
    scenario: Text | None = None
    mode: Annotated[str, codes.DRILL_MODE] | None = None
    participants: Count | None = None
    units: tuple[Text, ...] = ()
    cross_region: Flag | None = None


class DrillEvaluated(Data, frozen=True, kw_only=True):
    """A drill is evaluated."""

    about = row("drill.evaluated", "演练评估", "drill_id")
    example = {"drill_id": "YL-2023-031", "score": 92, "defects": ["文书日期缺失"]}

    drill_id: Id | None = None
    score: Number | None = None
    defects: tuple[Text, ...] = ()


class DrillPlanAdjusted(Data, frozen=True, kw_only=True):
    """A planned drill changes because of an incident."""

    about = row("drill.plan_adjusted", "演练计划调整", "drill_id")
    example = {"drill_id": "YL-2023-031", "incident_id": "TF-2023-0716-01"}

    drill_id: Id | None = None
    incident_id: Id | None = None


TYPES = (
    DrillPlanned,
    DrillStarted,
    DrillSuspended,
    DrillEnded,
    DrillCompleted,
    DrillEvaluated,
    DrillPlanAdjusted,
)
