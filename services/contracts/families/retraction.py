"""The taking back of any event (撤回)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Id


class EventRetracted(Data, frozen=True, kw_only=True):
    """An event is taken back and nothing takes its place; subject and topic are those of the type taken back."""

    about = row("event.retracted", "事件撤回", "")
    example = {"type": "hazard.found", "reason": "error", "duplicate_of": "0191d5a4-7c00-7abc-8def-0123456789aa"}

    type: Id | None = None
    reason: Annotated[str, codes.RETRACTION_REASON] | None = None
    duplicate_of: Id | None = None


TYPES = (EventRetracted,)
