"""Reads Kafka for ingest: inboxes through the door, canonical topics and fates into each publisher's own view.

`python -m services.ingest.stream`
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import signal
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from zoneinfo import ZoneInfo

import asyncpg
import uvloop

from services.contracts import event as events
from services.contracts import fate
from services.contracts.event import InvalidEvent
from services.contracts.fate import Fate
from services.contracts.topics import BY_NAME, CANONICAL
from services.ingest import mine
from services.ingest.door import Door
from services.ingest.inbox import HEADER, Inboxes, Judged, Receipt, Topics, publisher_of, receipt_row
from services.ingest.mine import Counts, Taken, taken
from services.runtime import bureau, log, memory, outbox, priority
from services.runtime.access import Access
from services.runtime.clock import Clock
from services.runtime.consume import LEISURELY, Loop, Pace, Position, Slice
from services.runtime.kafka import Publisher, ensure_topics
from services.runtime.outbox import Outbox, Row
from services.runtime.settings import Settings

FATES = BY_NAME["fates"]
NICE = 8
"""The door goes first: what this reads and tells may lag for a second."""
BREATH = 64
"""Records between two pauses of a preparation."""
PRUNE_SECONDS = 3600.0


class Intake:
    """Inboxes go through the door: implements `runtime.consume.Fold`."""

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes

    async def reset(self, _connection: asyncpg.Connection, _positions: Sequence[Position]) -> None:
        """Nothing is kept but the last moment of each inbox."""
        self._inboxes.forget()

    async def stale(self, _connection: asyncpg.Connection) -> str | None:
        """Nothing here outlives the database."""
        return None

    async def prepare(self, slices: list[Slice]) -> Judged:
        """Judge and publish."""
        judged = Judged([], {})
        for piece in slices:
            await _breathing(self._inboxes.judge(piece, judged))
        await self._inboxes.publish(judged.published())
        return judged

    async def apply(self, connection: asyncpg.Connection, slices: list[Slice], prepared: Judged) -> None:
        """Put receipts and fates of what was set aside into the outbox."""
        rows = [receipt_row(publisher, receipt) for publisher, receipt in prepared.received]
        fates: list[Fate] = []
        for piece in slices:
            publisher = publisher_of(piece.position)
            for receipt, one in (prepared.said(aside, publisher) for aside in piece.asides):
                rows.append(receipt_row(publisher, receipt))
                fates.append(one)
        rows += [Row(FATES.name, None, frame) for frame in fate.frames("ingest", fates)]
        await outbox.put(connection, rows)


@dataclass
class Batch:
    """What one transaction adds to the view."""

    taken: list[Taken] = field(default_factory=list)
    told: list[tuple[str, list[Fate]]] = field(default_factory=list)


class View:
    """Each publisher's own view is folded from canonical topics and fates: implements `runtime.consume.Fold`."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._prune_at = 0.0

    async def reset(self, _connection: asyncpg.Connection, _positions: Sequence[Position]) -> None:
        """Nothing is kept."""

    async def stale(self, _connection: asyncpg.Connection) -> str | None:
        """Nothing here outlives the database."""
        return None

    async def prepare(self, slices: list[Slice]) -> Batch:
        """Read what is on disk and what became of it."""
        batch = Batch()
        for piece in slices:
            await _breathing(_tell(piece, batch) if piece.position.topic == FATES.name else _take(piece, batch))
        batch.taken.sort(key=lambda t: t.recorded)  # of two records with one identity, the first accepted counts
        return batch

    async def apply(self, connection: asyncpg.Connection, _slices: list[Slice], prepared: Batch) -> None:
        """Write it down; put the receipts of what came by an inbox into the outbox."""
        counts = Counts(self._zone)
        outcomes = await mine.accept(connection, prepared.taken, counts)
        await outbox.put(connection, [_receipt(prepared.taken[n], outcome) for n, outcome in outcomes.items()])
        for service, told in prepared.told:
            await mine.tell(connection, service, told, counts)
        await counts.write(connection)
        if time.monotonic() >= self._prune_at:
            more = await mine.prune(connection, datetime.datetime.now(datetime.UTC))
            self._prune_at = time.monotonic() + (0 if more else PRUNE_SECONDS)


async def _breathing(steps: Iterable[None]) -> None:
    """Take all steps; others have their turn now and then."""
    for n, _ in enumerate(steps):
        if n % BREATH == 0:
            await asyncio.sleep(0)


def _take(piece: Slice, batch: Batch) -> Iterator[None]:
    for record in piece:
        yield
        try:
            event = events.decode(record.value or b"")
        except InvalidEvent as error:
            piece.never(record, "not_an_event", str(error))
        else:
            headers = record.headers  # type: ignore[attr-defined]
            inbox = dict(headers).get(HEADER, b"") if len(headers) > 1 else b""
            batch.taken.append(taken(event, inbox.decode(errors="replace")))


def _tell(piece: Slice, batch: Batch) -> Iterator[None]:
    for record in piece:
        yield
        try:
            batch.told.append(fate.read(record.value or b""))
        except InvalidEvent as error:
            piece.never(record, "not_fates", str(error))


def _receipt(record: Taken, outcome: str) -> Row:
    publisher, _, offset = record.inbox.rpartition("/")
    return receipt_row(publisher, Receipt(record.id, record.source, int(offset), outcome))


class Readers:
    """The two loops of ingest: what a partner sends goes on at once, the view follows within a second or two."""

    def __init__(self, *loops: Loop) -> None:
        self._loops = loops

    async def run(self) -> None:
        """Read until `stop()`; what one raises ends both."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run())

    def stop(self) -> None:
        """End; see `Loop.stop`."""
        for loop in self._loops:
            loop.stop()


@contextlib.asynccontextmanager
async def build(settings: Settings, pace: Pace = LEISURELY) -> AsyncIterator[tuple[Readers, Outbox]]:
    """The readers (that of the view at this pace) and the outbox of ingest, with what they need beside them."""
    house = bureau.load(settings.bureau)
    who = Access(settings.postgres_dsn)
    clock = Clock(settings)
    publisher = Publisher(settings)
    inboxes = Inboxes(Door(house.regions, house.extra_codes), publisher, lambda: who.snapshot, lambda: clock.ahead)
    partners = Topics(lambda: who.snapshot, partial(ensure_topics, settings))
    loop = partial(Loop, settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="ingest")
    readers = Readers(
        loop(topics=partners, fold=Intake(inboxes)),
        loop(topics=(*CANONICAL, FATES), fold=View(house.timezone), role="view", pace=pace),
    )
    await who.start()
    await clock.start()
    try:
        yield readers, Outbox(settings, "ingest")
    finally:
        await clock.stop()
        await who.stop()
        await publisher.close()


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings()
    log.configure("ingest-stream", settings.log_level)
    priority.give_way(NICE)
    async with build(settings) as (readers, box):
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, readers.stop)
        memory.settle()
        await outbox.beside(box, readers.run())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
