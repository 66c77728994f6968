"""When each feed was last heard: read from every record, cheaply, and remembered with the positions."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
import msgspec

Feed = tuple[str, str]
"""Publisher and type."""


class Heard(NamedTuple):
    """What came of one feed."""

    first: datetime.datetime
    last: datetime.datetime
    events: int


class _Head(msgspec.Struct):
    type: str
    publisher: str = ""
    lane: str = ""
    recordedtime: datetime.datetime | None = None


_head = msgspec.json.Decoder(_Head).decode


@dataclass
class Ear:
    """Listens to the records of one batch."""

    feeds: Collection[Feed]
    heard: dict[Feed, Heard] = field(default_factory=dict)

    def hear(self, record: bytes) -> None:
        """Note whom a record comes from; imports are no sign of life. What is no event says nothing here."""
        try:
            head = _head(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        feed, at = (head.publisher, head.type), head.recordedtime
        if feed in self.feeds and at is not None and head.lane != "history":
            before = self.heard.get(feed, Heard(at, at, 0))
            self.heard[feed] = Heard(min(before.first, at), max(before.last, at), before.events + 1)


async def note(connection: asyncpg.Connection, heard: Mapping[Feed, Heard]) -> None:
    """Remember it, in the transaction that moves the positions."""
    if heard:
        rows = [(*feed, *one) for feed, one in sorted(heard.items())]
        await connection.execute(NOTE, *map(list, zip(*rows, strict=True)))


async def read(connection: asyncpg.Connection) -> dict[Feed, Heard]:
    """All that is remembered; a handful of rows."""
    rows = await connection.fetch("SELECT publisher, type, first, last, events FROM warning.heard")
    return {(row["publisher"], row["type"]): Heard(row["first"], row["last"], row["events"]) for row in rows}


NOTE = """
INSERT INTO warning.heard AS h (publisher, type, first, last, events)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[])
ON CONFLICT (publisher, type) DO UPDATE
   SET first = least(h.first, excluded.first), last = greatest(h.last, excluded.last),
       events = h.events + excluded.events"""
