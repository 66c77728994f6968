"""Hazards: found, rectified, listed, closed (隐患)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Id, Moment


class HazardFound(Data, frozen=True, kw_only=True):
    """A hazard is found at an enterprise or site."""

    about = row("hazard.found", "发现隐患", "hazard_id", keys="hazard_id")
    example = {"hazard_id": "YH-2023-0117", "level": "general", "mode": "joint", "enterprise_id": "91320111MA1"}

    hazard_id: Id | None = None
    level: Annotated[str, codes.HAZARD_LEVEL] | None = None
    mode: Annotated[str, codes.HAZARD_MODE] | None = None
    due: Moment | None = None


TYPES = (HazardFound,)
