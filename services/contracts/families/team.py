"""Rescue teams (救援队伍)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Id, Number, Text


class TeamRegistered(Data, frozen=True, kw_only=True):
    """A rescue team is registered."""

    about = row("team.registered", "队伍登记", "team_id", keys="team_id")
    example = {
        "team_id": "DW-053",
        "level": "district",
        "category": "森林火灾",
        "kind": "specialised",
        "members": 38,
        "full_time": 12,
    }

    team_id: Id | None = None
    level: Annotated[str, codes.TEAM_LEVEL] | None = None
    category: Text | None = None
    kind: Annotated[str, codes.TEAM_KIND] | None = None
    members: Count | None = None
    full_time: Count | None = None


class TeamUpdated(Data, frozen=True, kw_only=True):
    """What is known of a team has changed."""

    about = row("team.updated", "队伍更新", "team_id")
    example = {"team_id": "DW-053", "members": 38, "equipment": ["冲锋舟"]}

    team_id: Id | None = None
    members: Count | None = None
    equipment: tuple[Text, ...] = ()


class TeamVerified(Data, frozen=True, kw_only=True):
    """A team's strength is verified."""

    about = row("team.verified", "队伍核报", "team_id")
    example = {"team_id": "DW-053", "members": 38}

    team_id: Id | None = None
    members: Count | None = None


class TeamTrainingLogged(Data, frozen=True, kw_only=True):
    """A team has trained."""

    about = row("team.training_logged", "队伍训练", "team_id")
    example = {"team_id": "DW-053", "topic": "有限空间作业", "hours": 4}

    team_id: Id | None = None
    topic: Text | None = None
    hours: Number | None = None


class TeamDispatched(Data, frozen=True, kw_only=True):
    """A team is sent out."""

    about = row("team.dispatched", "队伍调派", "team_id")
    example = {"team_id": "DW-053", "incident_id": "TF-2023-0716-01"}

    team_id: Id | None = None
    incident_id: Id | None = None


class TeamCheckedIn(Data, frozen=True, kw_only=True):
    """A team reports on the scene."""

    about = row("team.checked_in", "社会力量现场报到", "team_id")
    example = {"team_id": "DW-053", "incident_id": "TF-2023-0716-01", "members": 38}

    team_id: Id | None = None
    incident_id: Id | None = None
    members: Count | None = None


class TeamTasked(Data, frozen=True, kw_only=True):
    """A team gets a task on the scene."""

    about = row("team.tasked", "现场派任务", "team_id")
    example = {"team_id": "DW-053", "incident_id": "TF-2023-0716-01", "task": "排涝"}

    team_id: Id | None = None
    incident_id: Id | None = None
    task: Text | None = None


class TeamReleased(Data, frozen=True, kw_only=True):
    """A team leaves the scene."""

    about = row("team.released", "撤离", "team_id")
    example = {"team_id": "DW-053", "incident_id": "TF-2023-0716-01"}

    team_id: Id | None = None
    incident_id: Id | None = None


TYPES = (
    TeamRegistered,
    TeamUpdated,
    TeamVerified,
    TeamTrainingLogged,
    TeamDispatched,
    TeamCheckedIn,
    TeamTasked,
    TeamReleased,
)
