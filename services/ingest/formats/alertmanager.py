"""Alerts of Prometheus' Alertmanager (webhook version 4) as alarms: raised when one fires, closed when it is over.

An alert is known by its fingerprint and the moment it began, so that a notification that is repeated is the same event.
Only labels and the fixed texts of the rule go into it, nothing that a repetition could change.
"""

from __future__ import annotations

from typing import Any

import msgspec

RAISED, CLOSED = "alarm.raised", "alarm.closed"
RULE = "alertmanager"
"""The `rule_id` of these alarms: about the hub, no fact of the bureau; official figures leave them out."""
LONGEST = 500


class Unreadable(ValueError):
    """Not what Alertmanager sends; the text says where."""


class Alert(msgspec.Struct):
    """What is used of an alert."""

    status: str
    labels: dict[str, str]
    fingerprint: str
    startsAt: str  # noqa: N815  Alertmanager's own names
    endsAt: str = ""  # noqa: N815
    annotations: dict[str, str] = {}


class Notification(msgspec.Struct):
    """What is used of a body."""

    alerts: list[Alert]


def read(body: bytes, source: str) -> list[dict[str, Any]]:
    """The events of a notification, as any publisher would send them. Raises Unreadable."""
    try:
        alerts = msgspec.json.decode(body, type=Notification).alerts
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from error
    return [_event(one, source) for one in alerts]


def _event(alert: Alert, source: str) -> dict[str, Any]:
    fires = alert.status == "firing"
    case = f"{alert.fingerprint}-{alert.startsAt}"[:200]
    name, summary = alert.labels.get("alertname", ""), alert.annotations.get("summary", "")
    told: dict[str, Any] = {"alarm_id": case, "rule_id": RULE}
    if fires:
        told |= {"level": alert.labels.get("severity", "warning"), "name": name, "labels": alert.labels}
        told |= {"summary": summary[:LONGEST]} if summary else {}
    else:
        told |= {"cause": f"{name}: resolved"}
    return {
        "specversion": "1.0", "id": f"{case}-{alert.status}", "source": source, "type": RAISED if fires else CLOSED,
        "subject": case, "time": alert.startsAt if fires else alert.endsAt, "data": told,
    }  # fmt: skip
