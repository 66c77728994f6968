"""An alert: one message of a warning, with all that CAP 1.2 and 国突 (GB/T 35965.1-2018) can say, and nothing lost.

Times are RFC 3339 texts as told (the offset is meaning); an empty text or tuple is an element that is not there. The
JSON form has the element names of CAP 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
MESSAGE_TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPES = ("Public", "Restricted", "Private")
CATEGORIES = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
COLOURS = {"red": "Extreme", "orange": "Severe", "yellow": "Moderate", "blue": "Minor"}
"""Colour of a Chinese warning, highest first → the severity that CAP has for it."""


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong with a message: where (a path of element names), and what."""

    path: str
    reason: str
    code: str = "alert"


class Malformed(ValueError):
    """The text is no alert of its format: every flaw that was found."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__("; ".join(f"{flaw.path}: {flaw.reason}" for flaw in self.flaws[:20]))


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What all parts of an alert have in common."""


class Value(_Part, frozen=True, kw_only=True):
    """A named value: CAP's eventCode, parameter and geocode. 国突 geocodes have no name."""

    value_name: str = ""
    value: str = ""


class Reference(_Part, frozen=True, kw_only=True):
    """An earlier message: CAP names sender, identifier and time, 国突 only the identifier."""

    sender: str = ""
    identifier: str
    sent: str = ""


class Method(_Part, frozen=True, kw_only=True):
    """国突: a way of telling (SMS, LED, SPEAKER, TV, …), its text and its audience."""

    name: str
    message: str = ""
    audience_group: str = ""
    audience: str = ""
    """The element is really spelt `audenceprt`."""


class Resource(_Part, frozen=True, kw_only=True):
    """A file that belongs to an information."""

    resource_desc: str = ""
    mime_type: str = ""
    size: str = ""
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


class Area(_Part, frozen=True, kw_only=True):
    """Where it holds. Polygons are `lat,lon` pairs; a circle is `lat,lon radius`, in km (CAP) or metres (国突)."""

    area_desc: str = ""
    polygon: tuple[str, ...] = ()
    circle: tuple[str, ...] = ()
    geocode: tuple[Value, ...] = ()
    altitude: str = ""
    ceiling: str = ""
    extension: tuple[str, ...] = ()
    """Elements that no standard names, as XML."""


class Info(_Part, frozen=True, kw_only=True):
    """One information of an alert: of one event, in one language."""

    language: str = ""
    category: tuple[str, ...] = ()
    event: str = ""
    event_type: str = ""
    """国突: the code of the event, `11B03`."""
    response_type: tuple[str, ...] = ()
    urgency: str = "Unknown"
    severity: str = "Unknown"
    colour: str = ""
    """The level as told: red, orange, yellow or blue. Never computed."""
    certainty: str = "Unknown"
    audience: str = ""
    event_code: tuple[Value, ...] = ()
    effective: str = ""
    onset: str = ""
    expires: str = ""
    sender_name: str = ""
    """国突: the officer who signed, a person."""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameter: tuple[Value, ...] = ()
    resource: tuple[Resource, ...] = ()
    area: tuple[Area, ...] = ()
    extension: tuple[str, ...] = ()


class Alert(_Part, frozen=True, kw_only=True):
    """One message."""

    format: str = "cap"
    """What it came as: cap, guotu, or weather (the JSON of a weather service)."""
    identifier: str
    sender: str
    sender_code: str = ""
    """国突: 14 characters, region, trade and unit."""
    sent: str
    status: str = "Actual"
    msg_type: str = "Alert"
    source: str = ""
    scope: str = "Public"
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    method: tuple[Method, ...] = ()
    sec_classification: str = ""
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    info: tuple[Info, ...] = ()
    extension: tuple[str, ...] = ()
    """Signatures, and elements that no standard names, as XML."""


_decoder = msgspec.json.Decoder(Alert)


def from_json(text: bytes | str) -> Alert:
    """The alert that `to_json` wrote. Raises msgspec.DecodeError."""
    return _decoder.decode(text)


def to_json(alert: Alert) -> bytes:
    """The JSON form."""
    return msgspec.json.encode(alert)


def from_object(value: object) -> Alert:
    """The alert in a decoded JSON object. Raises msgspec.ValidationError."""
    return msgspec.convert(value, Alert)


def to_object(alert: Alert) -> dict[str, object]:
    """The JSON form as an object."""
    found: dict[str, object] = msgspec.to_builtins(alert)
    return found
