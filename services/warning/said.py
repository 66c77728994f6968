"""What the watch says: a conclusion as an event of the hub, with an id that follows from matter and slot."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import msgspec

from services.contracts import identity
from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.runtime.outbox import Row
from services.warning.facts import RETRACTED, status_of
from services.warning.matter import Say

SOURCE = "/hub/warning"
PUBLISHER = "hub"
_encode = msgspec.json.Encoder(decimal_format="string").encode


def digest_of(say: Say, region: str) -> str:
    """What tells one content of a slot from another."""
    return hashlib.sha256(_encode([say.type, say.data, say.time, say.region or region])).hexdigest()[:32]


def id_of(matter: tuple[str, str, str], slot: str, turn: int, time: datetime.datetime) -> str:
    """The id of what a slot says for the n-th time: a UUIDv7 whose random part follows from the slot."""
    digest = hashlib.sha256("\x1f".join([*matter, slot, str(turn)]).encode()).hexdigest()
    milliseconds = max(0, int(time.timestamp() * 1000)) & (1 << 48) - 1
    prefix = f"{milliseconds:012x}"
    return f"{prefix[:8]}-{prefix[8:]}-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"


def record(
    say: Say, *, id_: str, scope: str, region: str, now: datetime.datetime, corrects: str = "", cause: str = ""
) -> bytes:
    """The record on a canonical topic."""
    content = {name: value for name, value in say.data.items() if value is not None}
    sent: dict[str, Any] = {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": say.type,
        "subject": subject_of(TYPES[say.type], content) or "", "time": _moment(say.time),
        "region": say.region or region, **_scoped(scope), **({"lane": say.lane} if say.lane else {}),
        **({"corrects": corrects, "correctssource": SOURCE} if corrects else {}),
        "datacontenttype": "application/json", "data": msgspec.json.decode(_encode(content)),
    }  # fmt: skip
    return _stamped(sent, now, cause)


def retraction(
    type_: str,
    subject: str,
    *,
    id_: str,
    corrects: str,
    scope: str,
    region: str,
    now: datetime.datetime,
    lane: str = "",
) -> bytes:
    """The record that takes back what was said."""
    sent = {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": RETRACTED, "subject": subject, "time": _moment(now),
        "region": region, **_scoped(scope), **({"lane": lane} if lane else {}), "corrects": corrects,
        "correctssource": SOURCE, "datacontenttype": "application/json", "data": {"type": type_, "reason": "error"},
    }  # fmt: skip
    return _stamped(sent, now, "")


def row(record: bytes, type_: str, subject: str, lane: str = "") -> Row:
    """The record on its way to its topic."""
    topic = topic_of(TYPES[type_], lane)
    return Row(topic.name, subject.encode(), record, partition=partition_of(TYPES[type_], topic))


def _scoped(scope: str) -> dict[str, str]:
    status, drill = status_of(scope)
    return {"status": status, **({"drill": drill} if drill else {})}


def _stamped(sent: dict[str, Any], now: datetime.datetime, cause: str) -> bytes:
    hub = {"recordedtime": _moment(now), "publisher": PUBLISHER, "digest": identity.digest(sent)}
    return _encode({**sent, **hub, **({"cause": cause} if cause else {})})


def _moment(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
