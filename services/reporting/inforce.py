"""The events in force at a moment, read from the ledger: what every fold but the tally starts from."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

import asyncpg

from services.contracts import corrections
from services.contracts import event as events
from services.contracts.event import STATUSES, Event, Status
from services.reporting import ledger
from services.reporting.period import Period

BREATH = 128
"""Events between two pauses, in which others may answer."""
ALWAYS = Period(datetime.date.min, datetime.date.max)


class Standing(NamedTuple):
    """An event in force."""

    key: bytes
    event: Event
    body: bytes


async def read(
    connection: asyncpg.Connection,
    type_: str,
    status: str,
    known_at: datetime.datetime | None = None,
    over: Period = ALWAYS,
    zone: ZoneInfo = ZoneInfo("UTC"),  # noqa: B008  a constant
    before: Mapping[int, int] | None = None,
) -> AsyncIterator[Standing]:
    """The events of a type in force as known at a moment (None: now), with `time` on these local days.

    Offsets by position (`before`) leave out what was read from there on. Retractions and what they take back are left
    out. Call it in a transaction: it reads through a cursor.
    """
    linked, counting = await _chains(connection, type_, known_at, before)
    rows = connection.cursor(
        ROWS, type_, STATUSES.index(Status(status)), known_at, over.first, over.last, zone.key, prefetch=1000
    )
    n = 0
    async for row in rows:
        n += 1
        if n % BREATH == 0:
            await ledger.breathe()
        key = row["key"].bytes
        if had(before, row["position"], row["offset"]) and (key not in linked or key in counting):
            yield Standing(key, events.decode(row["body"]), row["body"])


def had(before: Mapping[int, int] | None, position: int, offset: int) -> bool:
    """Whether a ledger row had been read before these offsets (None: all had)."""
    return before is None or offset < before.get(position, 0)


async def version(connection: asyncpg.Connection, types: tuple[str, ...]) -> int:
    """A number that grows with every row of these types: the ledger only ever gets more."""
    found: int = await connection.fetchval(VERSION, list(types))
    return found


async def _chains(
    connection: asyncpg.Connection, type_: str, known_at: datetime.datetime | None, before: Mapping[int, int] | None
) -> tuple[set[bytes], frozenset[bytes]]:
    """The events of a type that stood in chains at that moment, and those of them that counted."""
    rows = await connection.fetch(LINKED, type_, known_at)
    entries = [ledger.entry(row["position"], row["offset"], row["body"]) for row in rows]
    kin = await ledger.kin(connection, entries)
    then = (e for e in kin.values() if had(before, e.position, e.offset))
    members = [e.member() for e in then if known_at is None or e.event.recordedtime <= known_at]
    return {m.key for m in members}, corrections.judge(members).counting


ROWS = """
SELECT key, position, "offset", body FROM ledger
 WHERE type = (SELECT id FROM type WHERE name = $1) AND status = $2 AND NOT retracts
   AND ($3::timestamptz IS NULL OR recorded <= $3)
   AND time >= $4::date::timestamp AT TIME ZONE $6 AND time < ($5::date + 1)::timestamp AT TIME ZONE $6
"""
LINKED = """
SELECT position, "offset", body FROM ledger l
 WHERE type = (SELECT id FROM type WHERE name = $1) AND ($2::timestamptz IS NULL OR recorded <= $2)
   AND (corrects IS NOT NULL
        OR EXISTS (SELECT FROM ledger c WHERE c.corrects = l.key AND ($2::timestamptz IS NULL OR c.recorded <= $2)))
"""
VERSION = "SELECT count(*) FROM ledger WHERE type IN (SELECT id FROM type WHERE name = ANY($1))"
