"""Reads Kafka for ingest: inboxes through the door, canonical topics and fates into each publisher's own view.

`python -m services.ingest.stream`
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
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
from services.runtime import bureau, log, outbox
from services.runtime.access import Access
from services.runtime.consume import Loop, Position, Slice
from services.runtime.kafka import Publisher, ensure_topics
from services.runtime.outbox import Outbox, Row
from services.runtime.settings import Settings

FATES = BY_NAME["fates"]
BREATH = 64
"""Records between two pauses of a preparation."""


@dataclass
class Batch:
    """What one transaction takes."""

    judged: Judged = field(default_factory=lambda: Judged([], {}))
    taken: list[Taken] = field(default_factory=list)
    told: list[tuple[str, list[Fate]]] = field(default_factory=list)


class Intake:
    """Ingest takes in: implements `runtime.consume.Fold`."""

    def __init__(self, inboxes: Inboxes, zone: ZoneInfo) -> None:
        self._inboxes, self._zone = inboxes, zone

    async def reset(self, _connection: asyncpg.Connection, _positions: Sequence[Position]) -> None:
        """Nothing is kept but the last moment of each inbox."""
        self._inboxes.forget()

    async def stale(self, _connection: asyncpg.Connection) -> str | None:
        """Nothing here outlives the database."""
        return None

    async def prepare(self, slices: list[Slice]) -> Batch:
        """Judge and publish what came by inboxes, read the rest."""
        batch = Batch()
        for piece in slices:
            if piece.position.foreign:
                steps = self._inboxes.judge(piece, batch.judged)
            else:
                steps = _tell(piece, batch) if piece.position.topic == FATES.name else _take(piece, batch)
            for n, _ in enumerate(steps):
                if n % BREATH == 0:
                    await asyncio.sleep(0)
        batch.taken.sort(key=lambda t: t.recorded)  # of two records with one identity, the first accepted counts
        await self._inboxes.publish(batch.judged.records)
        return batch

    async def apply(self, connection: asyncpg.Connection, slices: list[Slice], prepared: Batch) -> None:
        """Write down what is on disk and what became of it; put receipts and fates into the outbox."""
        counts = Counts(self._zone)
        outcomes = await mine.accept(connection, prepared.taken, counts)
        rows = [_receipt(prepared.taken[n], outcome) for n, outcome in outcomes.items()]
        fates: list[Fate] = []
        for piece in (p for p in slices if p.position.foreign):
            publisher = publisher_of(piece.position)
            for receipt, one in (prepared.judged.said(aside, publisher) for aside in piece.asides):
                rows.append(receipt_row(publisher, receipt))
                fates.append(one)
        rows += [Row(FATES.name, None, frame) for frame in fate.frames("ingest", fates)]
        await outbox.put(connection, rows)
        for service, told in prepared.told:
            await mine.tell(connection, service, told, counts)
        await counts.write(connection)


def _take(piece: Slice, batch: Batch) -> Any:
    for record in piece:
        yield
        try:
            event = events.decode(record.value or b"")
        except InvalidEvent as error:
            piece.never(record, "not_an_event", str(error))
        else:
            inbox = dict(record.headers).get(HEADER, b"")  # type: ignore[attr-defined]
            batch.taken.append(taken(event, inbox.decode(errors="replace")))


def _tell(piece: Slice, batch: Batch) -> Any:
    for record in piece:
        yield
        try:
            batch.told.append(fate.read(record.value or b""))
        except InvalidEvent as error:
            piece.never(record, "not_fates", str(error))


def _receipt(record: Taken, outcome: str) -> Row:
    publisher, _, offset = record.inbox.rpartition("/")
    return receipt_row(publisher, Receipt(record.id, record.source, int(offset), outcome))


@contextlib.asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[tuple[Loop, Outbox]]:
    """The loop and the outbox of ingest, with what they need beside them."""
    house = bureau.load(settings.bureau)
    who = Access(settings.postgres_dsn)
    publisher = Publisher(settings)
    inboxes = Inboxes(Door(house.regions, house.extra_codes), publisher, lambda: who.snapshot)
    topics = Topics((*CANONICAL, FATES), lambda: who.snapshot, partial(ensure_topics, settings))
    loop = Loop(
        settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="ingest", topics=topics,
        fold=Intake(inboxes, house.timezone),
    )  # fmt: skip
    await who.start()
    try:
        yield loop, Outbox(settings, "ingest")
    finally:
        await who.stop()
        await publisher.close()


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings()
    log.configure("ingest-stream", settings.log_level)
    async with build(settings) as (loop, box):
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, loop.stop)
        await outbox.beside(box, loop.run())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
