"""Hotline tickets (热线)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Flag, Id, Moment, Text


class HotlineTicketReceived(Data, frozen=True, kw_only=True):
    """A citizen calls, writes or comes."""

    about = row("hotline.ticket_received", "热线工单接收", "ticket_id", keys="ticket_id")
    example = {
        "ticket_id": "GD-2023-060",
        "channel": "12345",
        "type": "consultation",
        "topic": "有限空间作业",
        "due": "2023-07-30",
    }

    ticket_id: Id | None = None
    channel: Annotated[str, codes.HOTLINE_CHANNEL] | None = None
    type: Annotated[str, codes.TICKET_TYPE] | None = None
    topic: Text | None = None
    due: Moment | None = None


class HotlineTicketAssigned(Data, frozen=True, kw_only=True):
    """A ticket is given to an organisation."""

    about = row("hotline.ticket_assigned", "工单派发", "ticket_id")
    example = {"ticket_id": "GD-2023-060", "org": "区应急局", "due": "2023-07-30"}

    ticket_id: Id | None = None
    org: Text | None = None
    due: Moment | None = None


class HotlineTicketClosed(Data, frozen=True, kw_only=True):
    """A ticket is closed."""

    about = row("hotline.ticket_closed", "工单办结", "ticket_id", keys="ticket_id")
    example = {"ticket_id": "GD-2023-060", "channel": "12345", "on_time": True, "replied": True}

    ticket_id: Id | None = None
    channel: Annotated[str, codes.HOTLINE_CHANNEL] | None = None
    on_time: Flag | None = None
    replied: Flag | None = None


class HotlineSatisfactionRated(Data, frozen=True, kw_only=True):
    """The citizen rates the answer."""

    about = row("hotline.satisfaction_rated", "工单满意度", "ticket_id", keys="ticket_id")
    example = {"ticket_id": "GD-2023-060", "channel": "12345", "satisfied": True}

    ticket_id: Id | None = None
    channel: Annotated[str, codes.HOTLINE_CHANNEL] | None = None
    satisfied: Flag | None = None


TYPES = (
    HotlineTicketReceived,
    HotlineTicketAssigned,
    HotlineTicketClosed,
    HotlineSatisfactionRated,
)
