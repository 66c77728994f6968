"""Fates: what became of an event, told to its publisher.

On the topic `fates` a record holds up to 100 of them: two of a hundred events have one, and a record for each would
cost the ledger more than the events themselves.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from services.contracts.event import InvalidEvent

FATES: Mapping[str, str] = {
    "accepted": "it is on disk; as a fate of its own only when it is in force again",
    "duplicate": "it was known already and changed nothing",
    "conflict": "its identity was known with other content; it changed nothing",
    "rejected": "the door refused it",
    "quarantined": "it was set aside, with its reason",
    "corrected": "another event is in force instead",
    "retracted": "it was taken back",
    "refused": "a legal step that the watch refused",
}
"""Every fate and what it means to the publisher."""

FRAME_FATES = 100
FRAME_BYTES = 256 * 1024


class Fate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one event."""

    source: str
    """With `id` the event's identity; each is empty when it was not readable."""
    id: str
    fate: str
    publisher: str
    at: datetime.datetime
    cause: str
    """What brought it about (a record's place): the same cause told twice is one fate."""
    type: str = ""
    detail: Mapping[str, Any] = {}


class _Items(msgspec.Struct):
    items: list[Fate]


class _Frame(msgspec.Struct):
    id: str
    source: str
    data: _Items


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Frame).decode
SOURCE = "/hub/"


def frames(service: str, fates: Iterable[Fate]) -> Iterator[bytes]:
    """The records for the topic `fates`, in order: CloudEvents in structured JSON, their ids follow from content."""
    items: list[bytes] = []
    size = 0
    for fate in fates:
        item = _encode(fate)
        if items and (len(items) == FRAME_FATES or size + len(item) > FRAME_BYTES):
            yield _frame(service, items)
            items, size = [], 0
        items.append(item)
        size += len(item)
    if items:
        yield _frame(service, items)


def _frame(service: str, items: list[bytes]) -> bytes:
    joined = b",".join(items)
    head = {
        "specversion": "1.0",
        "id": hashlib.sha256(joined).hexdigest()[:32],
        "source": SOURCE + service,
        "type": "hub.fates",
        "datacontenttype": "application/json",
    }
    return _encode(head)[:-1] + b',"data":{"items":[' + joined + b"]}}"


def read(record: bytes) -> tuple[str, list[Fate]]:
    """The service that told these fates, and the fates. Raises InvalidEvent."""
    try:
        frame = _decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"no fates: {error}") from error
    if any(
        fate.at.tzinfo is None or not 1 < fate.at.year < 9999 or fate.fate not in FATES for fate in frame.data.items
    ):
        raise InvalidEvent("no fates: a time without offset, or a fate that does not exist")
    return frame.source.removeprefix(SOURCE), frame.data.items
