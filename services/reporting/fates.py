"""What the ledger tells publishers of their events: every outcome but accepted.

The rows go into the outbox in the transaction of the effect. Two of a hundred events have a fate, so nothing here may
cost as much as counting.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import msgspec

from services.contracts.corrections import ACCEPTED, Standing
from services.contracts.fate import Fate, frames
from services.contracts.topics import BY_NAME
from services.reporting.ledger import Entry
from services.runtime import outbox
from services.runtime.consume import Aside, Position
from services.runtime.outbox import Row

TOPIC = BY_NAME["fates"].name
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def repeated(position: Position, entry: Entry, *, conflict: bool) -> Fate:
    """An event whose identity was known: a retry, or other content under the same identity."""
    return _fate("conflict" if conflict else "duplicate", entry, entry, _place(position, entry.offset))


def changed(
    before: Mapping[bytes, Standing],
    after: Mapping[bytes, Standing],
    entries: Mapping[bytes, Entry],
    position: Position,
    cause: Entry,
) -> Iterable[Fate]:
    """Events that stand otherwise than before: corrected, taken back, or in force again.

    What does not fit is told where it is set aside.
    """
    for key, standing in after.items():
        if standing == before.get(key, ACCEPTED) or standing.fate == "quarantined":
            continue
        by = entries.get(standing.by) if standing.by else None
        detail = {"by": {"source": by.event.source, "id": by.event.id}} if by else {"reason": "in force again"}
        yield _fate(standing.fate, entries[key], cause, _place(position, cause.offset), detail)


def _fate(fate: str, of: Entry, at: Entry, cause: str, detail: Mapping[str, Any] | None = None) -> Fate:
    e = of.event
    return Fate(e.source, e.id, fate, e.publisher, at.event.recordedtime, cause, e.type, detail or {})


class _Head(msgspec.Struct):
    """As much of a record as says whose it is."""

    id: str = ""
    source: str = ""
    publisher: str = ""
    type: str = ""
    recordedtime: datetime.datetime = _EPOCH


_head = msgspec.json.Decoder(_Head).decode


def set_aside(aside: Aside) -> Fate | None:
    """A record set aside; None when it does not say whose it is."""
    try:
        head = _head(aside.record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not head.publisher or head.recordedtime.tzinfo is None:
        return None
    detail = {"reason": aside.reason, "detail": aside.detail}
    cause = _place(aside.position, aside.offset) + ("/late" if aside.late else "")
    return Fate(head.source, head.id, "quarantined", head.publisher, head.recordedtime, cause, head.type, detail)


def _place(position: Position, offset: int) -> str:
    return f"{position.name}/{position.epoch}/{offset}"


async def put(connection: asyncpg.Connection, told: Iterable[Fate]) -> None:
    """Write them into the outbox."""
    await outbox.put(connection, [Row(TOPIC, None, frame) for frame in frames("reporting", told)])
