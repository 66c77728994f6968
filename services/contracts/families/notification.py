"""Messages sent to many (信息推送)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import Count, Id, Text


class NotificationSmsSent(Data, frozen=True, kw_only=True):
    """A batch of text messages has been sent."""

    about = row("notification.sms_sent", "短信/信息推送", "batch_id", origin="partner hub", keys="batch_id")
    example = {
        "batch_id": "PC-2023-07",
        "purpose": "weather",
        "audience": "enforcement_officers",
        "recipients": 10000,
        "messages": 10000,
        "delivered": 9800,
        "basis_id": "32011141600000_20230716080000",
    }

    batch_id: Id | None = None
    purpose: Annotated[str, codes.SMS_PURPOSE] | None = None
    audience: Text | None = None
    recipients: Count | None = None
    messages: Count | None = None
    delivered: Count | None = None
    basis_id: Id | None = None


TYPES = (NotificationSmsSent,)
