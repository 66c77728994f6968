"""Inboxes: a partner that speaks Kafka writes to a topic of its own; the same door judges each record.

The topic is the publisher, the newest key of that name its scope, the broker's append time the moment of acceptance.
What the door admits is on its canonical topic before the position in the inbox moves: killed in between, it is
published again, and its identity makes it one event.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import structlog
from aiokafka.errors import InvalidTopicError, KafkaTimeoutError

from services.contracts import frame
from services.contracts.fate import Fate
from services.contracts.topics import Topic, inbox_of, receipts_of
from services.ingest import binding
from services.ingest.door import TELEMETRY, Admitted, Door
from services.ingest.problem import Problem
from services.runtime import fault
from services.runtime.access import Key, Snapshot
from services.runtime.consume import Aside, Position, Slice
from services.runtime.kafka import OVERHEAD_BYTES, RECORD_BYTES, Publisher, Record, Rejected, Unknown
from services.runtime.outbox import Row

INBOX = "inbox."
HEADER = "inbox"
"""On a canonical record that came by an inbox: `<publisher>/<offset>`, so that its receipt finds its way back."""
FRAME_HEADERS = [("content-type", b"application/json")]
CHECK_SECONDS = 10.0
"""So often it is made sure that the topics of the inboxes exist."""
PUBLISH_RECORDS = 500
PUBLISH_BYTES = 4 << 20
"""Handed to Kafka at once: well within the publisher's time."""
_APPENDED = 1
"""Kafka's timestamp type: the broker's append time."""
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
log = structlog.get_logger(__name__)


class Receipt(msgspec.Struct, frozen=True):
    """What became of one record of an inbox, as the partner reads it."""

    id: str
    source: str
    offset: int
    outcome: str
    """accepted, duplicate, conflict or quarantined."""
    reason: str = ""


def receipt_row(publisher: str, receipt: Receipt) -> Row:
    """A receipt on its way to the partner's topic; the key is the event's id."""
    return Row(receipts_of(publisher).name, receipt.id.encode(), msgspec.json.encode(receipt), "application/json")


def publisher_of(position: Position) -> str:
    """Whose inbox it is."""
    return position.topic.removeprefix(INBOX)


class Named(msgspec.Struct, frozen=True):
    """What a record says it is, as far as that could be read."""

    id: str
    source: str
    type: str
    at: datetime.datetime


NOBODY = Named("", "", "", _EPOCH)


class Judged(msgspec.Struct):
    """The records of some inboxes, judged."""

    records: list[Record]
    """For the canonical topics, in order."""
    names: dict[tuple[int, int], Named]
    """Position and offset -> what the record says it is."""
    readings: list[tuple[bytes, bytes]] = msgspec.field(default_factory=list)
    """Site and JSON of each reading: several share a record."""
    received: list[tuple[str, Receipt]] = msgspec.field(default_factory=list)
    """Publisher and receipt of each reading: nobody reads it back from a canonical topic."""

    def published(self) -> list[Record]:
        """Everything that goes to Kafka."""
        framed = (Record(TELEMETRY, site, value, FRAME_HEADERS) for site, value in frame.frames(self.readings))
        return [*self.records, *framed]

    def said(self, aside: Aside, publisher: str) -> tuple[Receipt, Fate]:
        """What the partner is told of a record that was set aside."""
        name = self.names.get((aside.position.id, aside.offset), NOBODY)
        cause = f"{aside.position.name}/{aside.position.epoch}/{aside.offset}"
        detail = {"reason": aside.reason, "detail": aside.detail, "offset": aside.offset}
        at = name.at if name is not NOBODY else datetime.datetime.now(datetime.UTC)
        return (
            Receipt(name.id, name.source, aside.offset, "quarantined", f"{aside.reason}: {aside.detail}"),
            Fate(name.source, name.id, "quarantined", publisher, at, cause, name.type, detail),
        )


class Inboxes:
    """Judges the records of every inbox and publishes what may come in."""

    def __init__(
        self, door: Door, publisher: Publisher, keys: Callable[[], Snapshot | None],
        ahead: Callable[[], datetime.timedelta] = datetime.timedelta,
    ) -> None:  # fmt: skip
        """`ahead`: how far the hub's clock is ahead of the broker's, which nobody moves."""
        self._door, self._publisher, self._keys, self._ahead = door, publisher, keys, ahead
        self._last: dict[int, datetime.datetime] = {}

    def judge(self, piece: Slice, into: Judged) -> Iterator[None]:
        """Judge a slice, record by record; others may have their turn at each yield."""
        publisher = publisher_of(piece.position)
        snapshot = self._keys()
        key = snapshot.inboxes.get(publisher) if snapshot else None
        for record in piece:
            yield
            at = self._moment(piece.position, record)
            sent = binding.read_kafka(record.headers, record.value)  # type: ignore[attr-defined]
            into.names[piece.position.id, record.offset] = _named(sent.value, at)
            if key is None or key.revoked is not None:
                piece.never(record, "key_revoked", f"the key of {publisher} was revoked")
                continue
            judged = self._judge(sent, key, at, record.offset)
            if isinstance(judged, Record):
                into.records.append(judged)
            elif isinstance(judged, Admitted):
                into.readings.append((judged.key, judged.record))
                into.received.append((publisher, Receipt(judged.id, judged.source, record.offset, "accepted")))
            else:
                piece.never(record, judged[0].code, words(judged))

    def _judge(
        self, sent: binding.Sent, key: Key, at: datetime.datetime, offset: int
    ) -> Record | Admitted | list[Problem]:
        """The record of an event; a reading as it was admitted; or what is wrong."""
        admitted = self._door.admit(sent, key, at)
        if not isinstance(admitted, Admitted) or admitted.topic == TELEMETRY:
            return admitted
        headers = [("content-type", binding.STRUCTURED.encode()), (HEADER, f"{key.name}/{offset}".encode())]
        record = Record(admitted.topic, admitted.key, admitted.record, headers, admitted.partition)
        if record.size > RECORD_BYTES - OVERHEAD_BYTES:
            return [Problem(0, admitted.id, "", f"{record.size} bytes on Kafka", "event_too_large")]
        return record

    def _moment(self, position: Position, record: Any) -> datetime.datetime:
        """When the broker took it; each later than the one before, so that corrections have an order."""
        appended = record.timestamp_type == _APPENDED
        at = (
            _EPOCH + datetime.timedelta(milliseconds=record.timestamp)
            if appended
            else datetime.datetime.now(datetime.UTC)
        ) + self._ahead()
        last = self._last.get(position.id)
        at = self._last[position.id] = max(at, last + _MICROSECOND) if last else at
        return at

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when all are on disk. Raises KafkaError when that is not sure: they are read and published again."""
        for chunk in _chunks(records):
            try:
                await self._publisher.publish(chunk)
            except (Unknown, Rejected) as error:  # sizes were looked at: what Kafka rejects is our fault, and may pass
                raise KafkaTimeoutError(f"what came by an inbox is not confirmed: {error}") from error
        if records:
            fault.at("inbox.published")

    def forget(self) -> None:
        """Reading begins again from the database."""
        self._last.clear()


def words(problems: Iterable[Problem]) -> str:
    """Everything that is wrong, in one line."""
    return "; ".join(f"{p.field}: {p.reason}" if p.field else p.reason for p in problems)


def _named(value: Any, at: datetime.datetime) -> Named:
    event = value if isinstance(value, dict) else {}
    id_, source, type_ = (str(event.get(name) or "")[:512].replace("\0", "") for name in ("id", "source", "type"))
    return Named(id_, source, type_, at)


def _chunks(records: Sequence[Record]) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    size = 0
    for record in records:
        if chunk and (len(chunk) == PUBLISH_RECORDS or size + record.size > PUBLISH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += record.size
    if chunk:
        yield chunk


class Topics:
    """Answers the loop which topics it reads: every inbox."""

    def __init__(self, keys: Callable[[], Snapshot | None], make: Callable[[Sequence[Topic]], Any]) -> None:
        self._keys, self._make = keys, make
        self._made: dict[str, tuple[Topic, ...]] = {}
        self._until = 0.0

    async def __call__(self) -> Sequence[Topic]:
        """The topics now; an inbox whose topics cannot be as they must is left out. Raises TimeoutError, KafkaError."""
        snapshot = self._keys()
        if snapshot is None:
            raise TimeoutError("the keys have not been read yet")
        if time.monotonic() > self._until:
            self._made.clear()
            self._until = time.monotonic() + CHECK_SECONDS
        for publisher in sorted(snapshot.inboxes.keys() - self._made.keys()):
            self._made[publisher] = await self._of(publisher)
        return tuple(topic for name in sorted(self._made) for topic in self._made[name])

    async def _of(self, publisher: str) -> tuple[Topic, ...]:
        inbox = inbox_of(publisher)
        try:
            await self._make((inbox, receipts_of(publisher)))
        except (ValueError, InvalidTopicError) as error:
            log.warning("inbox.left_out", publisher=publisher, error=str(error))
            return ()
        return (inbox,)
