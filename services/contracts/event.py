"""The event: a CloudEvents 1.0 envelope around the data of one registered type.

Every fact in the hub is one of these. A type is one class in `families/`; the envelope below is what canonical
topics carry (structured JSON). Source: CloudEvents 1.0.2, RFC 3339; the hub attributes are in DESIGN 3.1.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from services.contracts.fields import Id, Text, compile_fields


class InvalidEvent(ValueError):
    """A record that can never become an event: it is set aside with this reason."""


class Origin(StrEnum):
    """Who may publish a type: the door refuses person and hub."""

    PARTNER = "partner"
    PERSON = "person"
    HUB = "hub"


class Status(StrEnum):
    """CAP 1.2 `status`, reduced to what the hub keeps apart. The order is the one stored in the ledger."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


STATUSES = tuple(Status)


@dataclass(frozen=True)
class Type:
    """What the register says about one event type."""

    name: str
    zh: str
    subject: tuple[str, ...]
    """The data fields that, joined by `/`, are the subject; one field for nearly all types, none for a retraction."""
    origins: frozenset[Origin] = frozenset({Origin.PARTNER})
    ahead: bool = False
    """A plan: `time` may lie in the future."""
    clock: bool = True
    """False: never refused for its `time` (weather alerts are kept and flagged instead)."""
    keys: tuple[str, ...] = ()
    """Columns that identify a row of a table of this type; empty: the content does."""

    @cached_property
    def family(self) -> str:
        """The part before the dot: `hazard` of `hazard.found`."""
        return self.name.partition(".")[0]


def row(
    name: str,
    zh: str,
    subject: str,
    *,
    origin: str = "partner",
    ahead: bool = False,
    clock: bool = True,
    keys: str = "",
) -> Type:
    """One row of the register: `row("hazard.found", "发现隐患", "hazard_id")`; names are separated by spaces."""
    origins = frozenset(Origin(o) for o in origin.split())
    fields = tuple(subject.split("/")) if subject else ()
    return Type(name, zh, fields, origins, ahead, clock, tuple(keys.split()))


def _sent_name(attribute: str) -> str:
    return attribute.rstrip("_")


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_sent_name):
    """What all event data may carry; the optional common fields let any figure be split by them.

    A field whose name is a Python word ends in an underscore: `from_` is sent as `from`.
    """

    about: ClassVar[Type]
    """The type's row in the register."""
    example: ClassVar[Mapping[str, Any]]
    """Data of one plausible event, shown in the documentation and kept as a golden test."""

    campaign: Text | None = None
    programme: Text | None = None
    sector: Text | None = None
    enterprise_id: Id | None = None
    site_id: Id | None = None
    document_no: Text | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The envelope as it stands on a canonical topic. Unknown extension attributes stay in the record's bytes."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime.datetime
    region: str
    recordedtime: datetime.datetime
    publisher: str
    digest: str
    """SHA-256 (hex) over the RFC 8785 form of what the publisher sent."""
    status: str = "actual"
    drill: str = ""
    lane: str = ""
    corrects: str = ""
    correctssource: str = ""
    cause: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


_decoder = msgspec.json.Decoder(Event)
_EARLIEST = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
_LATEST = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
_SHA256 = re.compile("[0-9a-f]{64}").fullmatch


def decode(record: bytes) -> Event:
    """The event in a record of a canonical topic.

    Lenient on purpose: what passed the door decodes for ever. Raises `InvalidEvent` with the reason.
    """
    try:
        event = _decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not an event: {error}") from error
    if event.time.tzinfo is None or event.recordedtime.tzinfo is None:
        raise InvalidEvent("not an event: a time without offset")
    if not ((1 < event.time.year < 9999 and 1 < event.recordedtime.year < 9999) or _told_everywhere(event)):
        raise InvalidEvent("not an event: a time at the very edge of the calendar")
    if event.status not in STATUSES or not _SHA256(event.digest):
        raise InvalidEvent("not an event: status or digest is not one")
    return event


def _told_everywhere(event: Event) -> bool:
    """Whether its times can be told in every time zone; a type whose clock is never refused may be off by ages."""
    return all(_EARLIEST <= time <= _LATEST for time in (event.time, event.recordedtime))


def subject_of(type_: Type, data: Mapping[str, Any]) -> str | None:
    """The subject that the data name, or None when a field of it is missing or the type has none."""
    if len(type_.subject) == 1:  # as nearly all: the door asks for each event
        only = data.get(type_.subject[0])
        return None if only is None or only == "" else str(only)
    parts = [data.get(name) for name in type_.subject]
    if not parts or any(part is None or part == "" for part in parts):
        return None
    return "/".join(str(part) for part in parts)


PUBLISHER_ATTRIBUTES = frozenset(
    [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "region",
        "status",
        "drill",
        "lane",
        "corrects",
        "correctssource",
        "datacontenttype",
        "dataschema",
        "data",
    ]
)
HUB_ATTRIBUTES = frozenset(["recordedtime", "publisher", "digest", "cause", "regiongiven", "filled", "flags"])
"""Set by the hub alone: sent from outside they are silently replaced."""


def as_sent(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the publisher sent: the record without what the hub set, so that anybody can compute its digest again.

    `filled` names what the hub filled in, separated by blanks: `status data.hazard_id`; `data.hazard_id=null` was sent
    as that.
    """
    sent = {name: value for name, value in record.items() if name not in HUB_ATTRIBUTES}
    if "regiongiven" in record:
        sent["region"] = record["regiongiven"]
    for item in record.get("filled", "").split():
        name, was_sent, value = item.partition("=")
        outer, inner, field = name.partition(".")
        place = sent
        if inner:
            place = sent[outer] = dict(sent[outer])
            name = field
        if was_sent:
            place[name] = msgspec.json.decode(value)
        else:
            del place[name]
    return sent


__all__ = [
    "HUB_ATTRIBUTES", "PUBLISHER_ATTRIBUTES", "STATUSES", "Data", "Event", "InvalidEvent", "Origin", "Status",
    "Type", "as_sent", "compile_fields", "decode", "row", "subject_of",
]  # fmt: skip
