"""Folds facts into matters: implements `runtime.consume.Fold` for each lane of the watch."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from services.contracts.event import InvalidEvent
from services.runtime.consume import Position, Slice
from services.warning import facts, heard
from services.warning.before import Before
from services.warning.facts import Taken
from services.warning.heard import Ear
from services.warning.store import Store
from services.warning.surroundings import Surroundings
from services.warning.turn import Turn

LOCK = "SELECT pg_advisory_xact_lock(hashtext('hub.warning.turn'))"
"""One turn at a time over all lanes and the clock: none folds a matter that another has in hand. First come, first
served; the batches of the lanes that can wait are small."""
BREATH = 64


@contextlib.asynccontextmanager
async def turn(connection: asyncpg.Connection, around: Surroundings) -> AsyncIterator[Turn]:
    """A turn inside the transaction of the caller; written down at its end."""
    await connection.execute(LOCK)
    one = Turn(Store(connection), await around.world(connection), around.kinds)
    yield one
    await one.finish()
    around.touched(one.kinds_touched)


@dataclass
class Batch:
    """The facts of one transaction, and which feeds were heard."""

    taken: list[Taken]
    ear: Ear


class Watch:
    """The watch takes facts in."""

    def __init__(self, around: Surroundings, before: Before) -> None:
        self._around, self._before = around, before

    async def reset(self, connection: asyncpg.Connection, _positions: Sequence[Position]) -> None:
        """Matters are read as they are needed; who is on duty is read anew, and what an earlier life has said."""
        await self._before.look(connection, self._around.now())
        await self._around.refresh(connection)

    async def stale(self, connection: asyncpg.Connection) -> str | None:
        """Nothing; but others may have changed who is on duty."""
        await self._around.follow(connection)
        return None

    async def prepare(self, slices: list[Slice]) -> Batch:
        """Read what concerns a kind; the order is that of acceptance, over all partitions."""
        now = self._around.now()
        taken: list[Taken] = []
        ear = Ear(self._around.feeds)
        for piece in slices:
            for n, record in enumerate(piece):
                if n % BREATH == 0:
                    await asyncio.sleep(0)
                ear.hear(record.value or b"")
                try:
                    if facts.type_in(record.value or b"") in self._around.reads:
                        taken.append(self._in_time(facts.read(record.value or b"", now)))
                except InvalidEvent as error:
                    piece.never(record, "not_an_event", str(error))
        taken.sort(key=lambda one: one.fact.recorded)
        return Batch(taken, ear)

    def _in_time(self, one: Taken) -> Taken:
        """What a life before took in it took in when it was accepted."""
        life = self._around.life
        if life is None or life.settled or one.fact.recorded > life.until:
            return one
        return one._replace(fact=dataclasses.replace(one.fact, handled=one.fact.recorded))

    async def apply(self, connection: asyncpg.Connection, _slices: list[Slice], prepared: Batch) -> None:
        """Fold, inside the transaction that moves the positions."""
        await heard.note(connection, prepared.ear.heard)
        if prepared.taken:
            async with turn(connection, self._around) as one:
                await one.take(prepared.taken)
