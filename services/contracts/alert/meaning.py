"""What an alert means to the hub: its chain, level, hazard, time and place, as the event that carries it.

A level is only ever the one that was told; where none was, the severity may be converted by the issuer's row, and that
is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.contracts.alert import model
from services.contracts.alert.events import BY_CODE, named_in
from services.contracts.alert.guotu import SENDER, event_type_of, sender_code_of
from services.contracts.alert.instant import compact, instant
from services.contracts.alert.model import COLOURS, Alert, Info, Reference
from services.contracts.alert.place import Ground, common, regions_in, rows_of
from services.contracts.alert.rules import main_info, noted
from services.contracts.alert.wording import before_in, disagrees, structured, written
from services.contracts.fields import MAX_TEXT

TYPE = "weather.alert_received"
STATUS = {"Actual": "actual", "Exercise": "exercise", "Test": "test", "System": "test", "Draft": "test"}
MESSAGE_TYPE = {"Alert": "issue", "Update": "update", "Cancel": "cancel", "Ack": "ack", "Error": "error"}
CHAINED = ("Alert", "Update", "Cancel")
RANK = {colour: rank for rank, colour in enumerate(reversed(COLOURS))}
"""Blue lowest."""


@dataclass(frozen=True)
class Meaning:
    """The parts of the event."""

    id: str
    sender: str
    subject: str
    chain: str | None
    """None: an Ack or Error, which is kept and belongs to no chain."""
    time: str
    status: str
    drill: str
    region: str
    data: dict[str, Any]


def meaning(alert: Alert, ground: Ground, severity: Mapping[str, str] | None = None) -> Meaning:
    """The event of an alert; `severity`: the issuer's conversion of CAP severities into colours."""
    rows = rows_of(alert, ground)
    inside = regions_in(rows)
    chained = alert.msg_type in CHAINED
    subject = chain_of(alert) if chained else f"{issuer_of(alert)}/{alert.identifier}"
    content = {**_content(alert, severity or {}), "areas": rows, "alert": model.to_object(alert)}
    if not inside:
        content["outside"] = True
    return Meaning(
        id=alert.identifier,
        sender=alert.sender,
        subject=subject,
        chain=subject if chained else None,
        time=alert.sent,
        status=STATUS[alert.status],
        drill=alert.incidents[0] if alert.status == "Exercise" and alert.incidents else "",
        region=common(inside, ground.regions),
        data={"chain_id": subject} | content if chained else content,
    )


def issuer_of(alert: Alert) -> str:
    """The sender's code; of a sender without one, its name."""
    return sender_code_of(alert) or alert.sender


def chain_of(alert: Alert) -> str:
    """The issuer and identifier of the earliest message it refers to, else of its own."""
    others = [r for r in alert.references if r.identifier != alert.identifier]
    if not others:
        return f"{issuer_of(alert)}/{alert.identifier}"
    first = min(others, key=lambda r: instant(_sent(r)))
    head = first.identifier.partition("_")[0]
    own = first.sender in ("", alert.sender)
    return f"{head if SENDER.fullmatch(head) else issuer_of(alert) if own else first.sender}/{first.identifier}"


def level_of(alert: Alert, severity: Mapping[str, str]) -> tuple[str, str]:
    """The highest level told, and how: field, text or converted; both empty when there is none."""
    for how, told in (
        ("field", [structured(info) for info in alert.info]),
        ("text", [written(info) for info in alert.info]),
        ("converted", [severity.get(info.severity, "") for info in alert.info]),
    ):
        if colours := [colour for colour in told if colour in RANK]:
            return max(colours, key=RANK.__getitem__), how
    return "", ""


def hazard_of(info: Info) -> str:
    """The hazard by the event code, else by what is named."""
    event = BY_CODE.get(event_type_of(info))
    if event and event.hazard != "other":
        return event.hazard
    named = named_in(info.headline) or named_in(info.event) or named_in(info.description)
    return named.hazard if named else "other"


def _sent(reference: Reference) -> str:
    return reference.sent or compact(reference.identifier.partition("_")[2][:14]) or ""


def _content(alert: Alert, severity: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the event but those of place."""
    info = main_info(alert)
    level, how = level_of(alert, severity)
    before = next((colour for one in alert.info if (colour := before_in(one.headline))), "")
    content = {
        "identifier": alert.identifier,
        "msg_type": MESSAGE_TYPE[alert.msg_type],
        "references": [reference.identifier for reference in alert.references],
        "event_code": event_type_of(info),
        "hazard": hazard_of(info) if alert.info else "",
        "level": level,
        "level_source": how,
        "prev_level": before,
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
        "effective": info.effective or info.onset or alert.sent,
        "expires": max((one.expires for one in alert.info if one.expires), key=instant, default=""),
        "sender": alert.sender,
        "sender_code": sender_code_of(alert),
        "message_format": alert.format,
        "flaws": _flaws(alert),
    }
    return {name: value[:MAX_TEXT] if isinstance(value, str) else value for name, value in content.items() if value}


def _flaws(alert: Alert) -> list[str]:
    disagree = ["level: the words tell another level than the field for it"] if disagrees(alert) else []
    return [*noted(alert), *disagree][:50]
