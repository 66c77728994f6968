"""Disaster information officers and what they report (灾害信息员)."""

from __future__ import annotations

from typing import Annotated

from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Id, Object, Personal, Text


class InfoofficerRegistered(Data, frozen=True, kw_only=True):
    """A disaster information officer is registered."""

    about = row("infoofficer.registered", "灾害信息员登记", "person_id", keys="person_id")
    example = {"person_id": "P-0101", "level": "社区级", "grid_id": "WG-320111-017"}

    person_id: Id | None = None
    level: Text | None = None
    grid_id: Id | None = None


class InfoofficerUpdated(Data, frozen=True, kw_only=True):
    """What is known of an officer has changed."""

    about = row("infoofficer.updated", "信息更新", "person_id")
    example = {"person_id": "P-0101", "level": "社区级", "grid_id": "WG-320111-017"}

    person_id: Id | None = None
    level: Text | None = None
    grid_id: Id | None = None


class InfoofficerTrained(Data, frozen=True, kw_only=True):
    """An officer has been trained."""

    about = row("infoofficer.trained", "灾害信息员培训", "person_id", keys="person_id class_id")
    example = {"person_id": "P-0101", "class_id": "PX-2023-09"}

    person_id: Id | None = None
    class_id: Id | None = None


class DisasterReported(Data, frozen=True, kw_only=True):
    """Losses of a disaster are reported."""

    about = row("disaster.reported", "灾情报送", "disaster_id")
    example = {
        "disaster_id": "ZQ-2022-0720",
        "stage": "初报",
        "losses": {"people": 12, "houses": 3, "crops": 4.5, "cny": 120000},
        "reporter": "报告人甲",
    }

    disaster_id: Id | None = None
    stage: Text | None = None
    losses: Object | None = None
    reporter: Annotated[str, TEXT, Personal] | None = None


class DisasterVerified(Data, frozen=True, kw_only=True):
    """Reported losses are verified."""

    about = row("disaster.verified", "灾情核定", "disaster_id")
    example = {"disaster_id": "ZQ-2022-0720", "by": "值班员甲"}

    disaster_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None


TYPES = (
    InfoofficerRegistered,
    InfoofficerUpdated,
    InfoofficerTrained,
    DisasterReported,
    DisasterVerified,
)
