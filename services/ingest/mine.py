"""What became of a publisher's events: folded from Kafka into the schema `ingest`, and answered from there."""

from __future__ import annotations

import datetime
import json
import struct
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence, Set
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.contracts import identity
from services.contracts.event import Event
from services.contracts.fate import Fate

LATE = datetime.timedelta(days=1)
"""An event accepted later than this after it happened is late; imports never are."""
PROBLEMS = 50
"""So many of the last problems are shown."""
KEPT = datetime.timedelta(days=400)
"""So long it is known what came of a retry, a conflict or a refusal at the door."""
PRUNE = 1_000
"""Fates taken away at once at most."""
STANDING = frozenset(["accepted", "corrected", "retracted", "quarantined", "refused"])
"""Fates of an event that is on disk which say whether it counts; the latest holds."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A record of a canonical topic, as far as its publisher's view needs it."""

    key: bytes
    digest: int
    publisher: str
    type: str
    source: str
    id: str
    recorded: datetime.datetime
    late: bool
    inbox: str = ""
    """`<publisher>/<offset>` when it came by an inbox."""


def taken(event: Event, inbox: str = "") -> Taken:
    """What the view keeps of an event."""
    late = event.lane != "history" and event.recordedtime - event.time > LATE
    digest = int(event.digest[:16], 16)
    signed = digest - (1 << 64) if digest >> 63 else digest
    key = identity.key(event.source, event.id)
    return Taken(key, signed, event.publisher, event.type, event.source, event.id, event.recordedtime, late, inbox)


class Counts:
    """What one transaction adds to the counts."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._events: Counter[tuple[str, datetime.date, str, str]] = Counter()
        self._late: Counter[tuple[str, datetime.date, str, str]] = Counter()

    def accepted(self, records: Collection[Taken]) -> None:
        """Count events that are on disk."""
        if not records:
            return
        day, last = (self._day(end(records, key=_recorded).recorded) for end in (min, max))
        only = day if day == last else None
        same = Counter((r.publisher, only or self._day(r.recorded), r.type, r.late) for r in records)
        for (publisher, day, type_, late), number in same.items():
            self._events[publisher, day, type_, "accepted"] += number
            self._late[publisher, day, type_, "accepted"] += number * late

    def add(self, publisher: str, at: datetime.datetime, type_: str, fate: str) -> None:
        """Count one other outcome."""
        self._events[publisher, self._day(at), type_, fate] += 1

    def _day(self, at: datetime.datetime) -> datetime.date:
        return at.astimezone(self._zone).date()

    async def write(self, connection: asyncpg.Connection) -> None:
        """Add them up in the database."""
        rows = [(*key, events, self._late[key]) for key, events in sorted(self._events.items())]
        await connection.executemany(
            "INSERT INTO outcome AS o VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (publisher, day, type, fate)"
            " DO UPDATE SET events = o.events + excluded.events, late = o.late + excluded.late",
            rows,
        )


_recorded = attrgetter("recorded")


async def accept(connection: asyncpg.Connection, records: Sequence[Taken], counts: Counts) -> dict[int, str]:
    """Write down which events are on disk; the outcome of each record that came by an inbox, by its place here."""
    if not records:
        return {}
    first = {record.key: record for record in reversed(records)}
    known = await _write(connection, first.values())
    counts.accepted([record for key, record in first.items() if key not in known] if known else first.values())
    by_inbox = {n: record for n, record in enumerate(records) if record.inbox}
    digests = await _digests(connection, {record.key for record in by_inbox.values()} & known)
    outcomes = {}
    for n, record in by_inbox.items():
        if record is first[record.key] and record.key not in known:
            outcomes[n] = "accepted"
        else:
            of = digests[record.key] if record.key in known else first[record.key].digest
            outcomes[n] = "duplicate" if record.digest == of else "conflict"
    return outcomes


async def _write(connection: asyncpg.Connection, records: Collection[Taken]) -> Set[bytes]:
    """Write rows with different keys; returns the keys that were there already."""
    try:
        async with connection.transaction():
            await connection.copy_to_table("accepted", source=_image(records), format="binary")
    except asyncpg.UniqueViolationError:  # seldom: an INSERT that looks each one up costs three times as much
        columns = [r.key.hex() for r in records], [r.digest for r in records], [r.publisher for r in records]
        return {row["key"].bytes for row in await connection.fetch(WRITE, *columns)}
    return frozenset()


WRITE = """
WITH came AS (SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS c(key, digest, publisher)),
     fresh AS (INSERT INTO accepted SELECT * FROM came ON CONFLICT DO NOTHING RETURNING key)
SELECT key FROM came WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.key = came.key)"""
_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TAIL = struct.pack(">h", -1)
_row = struct.Struct(">hi16siqi").pack  # 3 columns: key, digest, length of publisher


async def _image(records: Iterable[Taken]) -> AsyncIterator[bytes]:
    """The rows in PostgreSQL's binary COPY format."""
    parts = [_HEAD]
    for record in records:
        publisher = record.publisher.encode()
        parts += (_row(3, 16, record.key, 8, record.digest, len(publisher)), publisher)
    yield b"".join(parts) + _TAIL


async def _digests(connection: asyncpg.Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    ask = [key.hex() for key in keys]
    rows = await connection.fetch("SELECT key, digest FROM accepted WHERE key = ANY($1::uuid[])", ask) if ask else []
    return {row["key"].bytes: row["digest"] for row in rows}


async def tell(connection: asyncpg.Connection, service: str, fates: Iterable[Fate], counts: Counts) -> None:
    """Write down fates; one that was told before changes nothing."""
    rows = [
        (identity.key(f.source, f.id).hex(), f.fate, f.cause, service, f.source, f.id, f.type, f.publisher,
         _json(f.detail), f.at)
        for f in fates
    ]  # fmt: skip
    new = await connection.fetch(
        "INSERT INTO fate (key, fate, cause, service, source, id, type, publisher, detail, at)"
        " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
        " $7::text[], $8::text[], $9::jsonb[], $10::timestamptz[]) ON CONFLICT DO NOTHING"
        " RETURNING publisher, at, type, fate",
        *(list(column) for column in zip(*rows, strict=True)),
    )
    for row in new:
        if row["fate"] != "accepted":  # in force again: it was counted when it came
            counts.add(row["publisher"], row["at"], row["type"], row["fate"])


async def prune(connection: asyncpg.Connection, now: datetime.datetime) -> bool:
    """Take old fates away, a small step at a time; True: there may be more. Whether an event counts stays known."""
    done = await connection.execute(
        "DELETE FROM fate WHERE ctid = ANY(ARRAY(SELECT ctid FROM fate WHERE at < $1"
        " AND (service = 'ingest' OR fate IN ('duplicate', 'conflict')) LIMIT $2))", now - KEPT, PRUNE,
    )  # fmt: skip
    return bool(done == f"DELETE {PRUNE}")


def _json(detail: Mapping[str, Any]) -> str:
    return msgspec.json.encode(detail).decode().replace("\\u0000", "")


# --- asked ------------------------------------------------------------------------------------------------------------


def verdict(fates: Sequence[Mapping[str, Any]], *, is_accepted: bool) -> Mapping[str, Any] | None:
    """The one fate of an event; `fates` in the order in which they became known. None: nothing is known of it.

    What says whether it counts goes before a retry, a retry before its acceptance, and a refusal at the door tells
    nothing of an event that is on disk.
    """
    later = [f for f in fates if f["service"] != "ingest"]
    standing = [f for f in later if f["fate"] in STANDING]
    if standing and standing[-1]["fate"] != "accepted":
        return standing[-1]
    for name in ("conflict", "duplicate"):
        if found := [f for f in later if f["fate"] == name]:
            return found[-1]
    if is_accepted or standing:
        return standing[-1] if standing else {"fate": "accepted", "detail": {}}
    return fates[-1] if fates else None


async def one(connection: asyncpg.Connection, publisher: str, source: str, id_: str) -> dict[str, Any] | None:
    """`{id, source, fate, detail, history}` of an event of this publisher, or None."""
    key = identity.key(source, id_).hex()
    accepted = await connection.fetchval("SELECT true FROM accepted WHERE key = $1 AND publisher = $2", key, publisher)
    rows = await connection.fetch(
        "SELECT fate, service, detail, at FROM fate WHERE key = $1 AND publisher = $2 ORDER BY n",
        key, publisher,
    )  # fmt: skip
    fates = [{**row, "detail": json.loads(row["detail"])} for row in rows]
    found = verdict(fates, is_accepted=bool(accepted))
    if found is None:
        return None
    history = [{name: f[name] for name in ("fate", "detail", "at")} for f in fates]
    return {"id": id_, "source": source, "fate": found["fate"], "detail": found["detail"], "history": history}


async def overview(connection: asyncpg.Connection, publisher: str, today: datetime.date) -> dict[str, Any]:
    """Counts per outcome today and in all, per type, late ones, and the last problems."""
    rows = await connection.fetch(
        "SELECT type, fate, sum(events)::bigint AS events, sum(late)::bigint AS late,"
        " coalesce(sum(events) FILTER (WHERE day = $2), 0)::bigint AS today FROM outcome WHERE publisher = $1"
        " GROUP BY type, fate ORDER BY type, fate", publisher, today,
    )  # fmt: skip
    problems = await connection.fetch(
        "SELECT id, source, type, fate, detail, at FROM fate WHERE publisher = $1"
        " AND fate IN ('conflict', 'rejected', 'quarantined', 'refused') ORDER BY n DESC LIMIT $2",
        publisher, PROBLEMS,
    )  # fmt: skip
    types: dict[str, dict[str, Any]] = {}
    total: Counter[str] = Counter()
    now: Counter[str] = Counter()
    for row in rows:
        entry = types.setdefault(row["type"], {"type": row["type"], "late": 0, "outcomes": {}})
        entry["outcomes"][row["fate"]] = row["events"]
        entry["late"] += row["late"]
        total[row["fate"]] += row["events"]
        now[row["fate"]] += row["today"]
    return {
        "publisher": publisher,
        "today": {fate: number for fate, number in now.items() if number},
        "total": dict(total),
        "late": sum(entry["late"] for entry in types.values()),
        "types": list(types.values()),
        "problems": [{**row, "detail": json.loads(row["detail"])} for row in problems],
    }
