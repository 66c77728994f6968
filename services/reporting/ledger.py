"""The ledger: every event once, written by binary COPY; and what is asked of it while counting."""

from __future__ import annotations

import asyncio
import datetime
import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
import msgspec

from services.contracts import event as events
from services.contracts import identity
from services.contracts.corrections import Member
from services.contracts.event import STATUSES, Event, InvalidEvent

COLUMNS = [
    "time", "recorded", "offset", "key", "corrects", "type", "position", "status", "retracts", "region", "digest",
    "body",
]  # fmt: skip
_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TAIL = struct.pack(">h", -1)
_PREFIX = struct.Struct(">hiqiqiqi16s").pack  # 12 columns; time, recorded, offset, key
_CORRECTS = struct.Struct(">i16s").pack
_NULL = struct.pack(">i", -1)
_MIDDLE = struct.Struct(">ihihihi?i").pack  # type, position, status, retracts, length of region
_SUFFIX = struct.Struct(">i32si").pack  # digest, length of body
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
CHUNK = 256 * 1024
BY_INDEX = {"enable_seqscan": "off"}
"""Set where questions are answered. The planner takes a type that is looked up for an average one: for a type of which
there is nothing it would read the ledger from end to end."""


class Entry(msgspec.Struct, gc=False):
    """An event on its way into the ledger."""

    event: Event
    key: bytes
    type: str
    """The type it counts as."""
    retracts: bool
    target: bytes | None
    position: int
    offset: int
    body: bytes

    def member(self) -> Member:
        """This event, as far as its chain is concerned."""
        e = self.event
        return Member(
            self.key, self.target, self.type, e.subject, e.status, self.retracts, e.recordedtime, e.source, e.id
        )


def entry(position: int, offset: int, body: bytes) -> Entry:
    """Read a record. Raises `InvalidEvent`."""
    event = events.decode(body)
    key = identity.key(event.source, event.id)
    type_, retracts = (event.type, False) if event.type != RETRACTED else (taken_back(event), True)
    return Entry(event, key, type_, retracts, target(event) if event.corrects else None, position, offset, body)


RETRACTED = "event.retracted"


def taken_back(event: Event) -> str:
    """The type that a retraction takes back: it counts as that."""
    try:
        type_ = _retracted.decode(event.data).type
    except msgspec.DecodeError as error:
        raise InvalidEvent(f"event.retracted: {error}") from error
    if not type_:
        raise InvalidEvent("event.retracted without data.type: it says nothing about what is taken back")
    return type_


class _Retracted(msgspec.Struct):
    type: str = ""


_retracted = msgspec.json.Decoder(_Retracted)


def target(event: Event) -> bytes:
    """The key of the event that this one corrects or takes back."""
    return identity.key(event.correctssource or event.source, event.corrects)


@dataclass
class Rows:
    """Ledger rows in PostgreSQL's binary COPY format, ready to be sent."""

    parts: list[bytes] = field(default_factory=lambda: [_HEAD])
    count: int = 0
    _middles: dict[tuple[int, int, str, bool, str], bytes] = field(default_factory=dict)

    def add(self, entry: Entry, type_id: int) -> None:
        """Append one row."""
        e = entry.event
        shape = (type_id, entry.position, e.status, entry.retracts, e.region)
        middle = self._middles.get(shape) or self._middle(shape)
        time, recorded = (e.time - _EPOCH) // _MICROSECOND, (e.recordedtime - _EPOCH) // _MICROSECOND
        self.parts += (
            _PREFIX(12, 8, time, 8, recorded, 8, entry.offset, 16, entry.key),
            _CORRECTS(16, entry.target) if entry.target else _NULL,
            middle,
            _SUFFIX(32, bytes.fromhex(e.digest), len(entry.body)),
            entry.body,
        )
        self.count += 1

    def _middle(self, shape: tuple[int, int, str, bool, str]) -> bytes:
        type_id, position, status, retracts, region = shape
        code = region.replace("\0", "").encode()
        packed = _MIDDLE(2, type_id, 2, position, 2, STATUSES.index(status), 1, retracts, len(code)) + code
        self._middles[shape] = packed
        return packed

    async def chunks(self) -> AsyncIterator[bytes]:
        """The COPY image in pieces that a socket takes without waiting for the rest."""
        size, piece = 0, []
        for part in self.parts:
            piece.append(part)
            size += len(part)
            if size >= CHUNK:
                yield b"".join(piece)
                size, piece = 0, []
        yield b"".join(piece) + _TAIL


async def write(connection: asyncpg.Connection, rows: Rows) -> None:
    """Send the rows. Raises asyncpg.UniqueViolationError when an identity is known already."""
    if rows.count:
        result = await connection.copy_to_table("ledger", source=rows.chunks(), columns=COLUMNS, format="binary")
        if result != f"COPY {rows.count}":
            raise AssertionError(f"{result} instead of {rows.count} rows")


class Seen(NamedTuple):
    """What is kept of an event to tell what comes again under its identity."""

    digest: str
    """Hex; another one is a conflict."""
    recorded: datetime.datetime
    """The same one too: it is the very record, read or written again by the hub itself."""


async def known(connection: asyncpg.Connection, keys: Sequence[bytes]) -> dict[bytes, Seen]:
    """Of these identities, those the ledger has."""
    rows = await connection.fetch(
        "SELECT key, digest, recorded FROM ledger WHERE key = ANY($1::uuid[])", [k.hex() for k in keys]
    )
    return {row["key"].bytes: Seen(row["digest"].hex(), row["recorded"]) for row in rows}


async def kin(connection: asyncpg.Connection, fresh: Iterable[Entry]) -> dict[bytes, Entry]:
    """All members in the ledger of the chains that these entries touch, also by a target that has not come."""
    ask = {key for e in fresh for key in (e.key, e.target) if key}
    rows = await connection.fetch(KIN, [key.hex() for key in ask])
    found = (entry(row["position"], row["offset"], row["body"]) for row in rows)
    return {e.key: e for e in found}


KIN = """
WITH RECURSIVE link AS (
    SELECT key, corrects FROM ledger WHERE key = ANY($1::uuid[])
    UNION SELECT key, corrects FROM ledger WHERE corrects = ANY($1::uuid[])
    UNION SELECT next.key, next.corrects FROM link, LATERAL (
        SELECT key, corrects FROM ledger WHERE key = link.corrects
        UNION ALL SELECT key, corrects FROM ledger WHERE corrects = link.key
        UNION ALL SELECT key, corrects FROM ledger WHERE corrects = link.corrects) next
) SELECT position, "offset", body FROM ledger WHERE key IN (SELECT key FROM link)"""


async def awaited(connection: asyncpg.Connection) -> set[bytes]:
    """Targets of corrections that have not come yet."""
    rows = await connection.fetch(
        "SELECT DISTINCT c.corrects FROM ledger c WHERE c.corrects IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM ledger t WHERE t.key = c.corrects)"
    )
    return {row["corrects"].bytes for row in rows}


async def breathe() -> None:
    """Let the loop feed the sockets; called every few hundred records of a long preparation."""
    await asyncio.sleep(0)
