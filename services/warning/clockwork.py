"""The clockwork: folds the matters that time has reached, once everything said before is known.

A clock fires only when every topic of its kind (of a case: of its loop) has been read up to the end that Kafka
reported after the due time: an answer that came in time must not be missed because it was not read yet.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.contracts.families import TYPES
from services.contracts.topics import BY_NAME, topic_of
from services.runtime import kafka, postgres
from services.runtime.settings import Settings
from services.warning import before, seeds
from services.warning.feed import Feed
from services.warning.loops.kind import LoopKind
from services.warning.matter import Kind
from services.warning.store import Id, Store
from services.warning.surroundings import Surroundings
from services.warning.watch import turn
from services.warning.world import World

log = structlog.get_logger(__name__)
TICK_SECONDS = 0.1
AT_ONCE = 500
"""Matters of one kind in one turn."""
RETRY_SECONDS = 0.5
FAULT = datetime.timedelta(minutes=1)
"""After a fault of ours a matter is tried again so much later."""
LATER = "UPDATE matter SET wake = $4 WHERE kind = $1 AND scope = $2 AND key = $3"
Offsets = Mapping[TopicPartition, int]


def topics_of(kind: Kind, key: str, world: World) -> frozenset[str]:
    """The topics that must have been read: those of the matter's types; imports where they are not urgent alone."""
    types = kind.types_of(key, world) if isinstance(kind, LoopKind | Feed) else kind.types
    names = {topic_of(TYPES[t]).name for t in types if t in TYPES}
    return frozenset(names if names <= {"urgent"} else names | {"history"})


class Clockwork:
    """Runs beside the urgent lane until it is cancelled."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        self._settings, self._around = settings, around
        self._kinds = {kind.name: kind for kind in around.kinds}
        self._waiting: dict[Id, Offsets] = {}
        """Matters whose time has come, and how far must be read before they are folded."""
        self._sown: datetime.datetime | None = None

    async def run(self) -> None:
        """For ever; whatever may pass is tried again."""
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, KafkaError) as error:
                log.warning("clockwork.not_now", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._settings.postgres_dsn, role="warning-clockwork", command_timeout=60)
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap(self._settings), request_timeout_ms=5_000)
        try:
            await connection.execute("SET search_path TO warning")
            await asyncio.wait_for(consumer.start(), 10)
            while True:
                await self._sow(connection)
                if not await self._tick(connection, consumer):
                    await self._settle(connection)
                    await asyncio.sleep(TICK_SECONDS)
        finally:
            connection.terminate()
            await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=3)

    async def _sow(self, connection: asyncpg.Connection) -> None:
        """Fold what stands without any fact."""
        now = self._around.now()
        if self._sown is not None and now < self._sown + seeds.EVERY:
            return
        due = set(await Store(connection).awake(list(self._kinds), now, AT_ONCE))
        sown = seeds.seeds(self._around.kinds, await self._around.world(connection))
        async with connection.transaction(), turn(connection, self._around) as one:
            wanted = [id_ for id_ in sown if id_ not in due]
            await one.recall(wanted)
            await one.wake(wanted)
        self._sown = now

    async def _tick(self, connection: asyncpg.Connection, consumer: AIOKafkaConsumer) -> bool:
        """Fold what is due and known; whether there was anything."""
        awake = await Store(connection).awake(list(self._kinds), self._around.now(), AT_ONCE)
        self._waiting = {id_: ends for id_, ends in self._waiting.items() if id_ in set(awake)}
        if not awake:
            return False
        if fresh := [id_ for id_ in awake if id_ not in self._waiting]:
            world = await self._around.world(connection)
            await self._ask(consumer, {id_: topics_of(self._kinds[id_[0]], id_[2], world) for id_ in fresh})
        read = await self._read(connection)
        due = [id_ for id_ in awake if all(read.get(tp, 0) >= end for tp, end in self._waiting[id_].items())]
        if due:
            await self._fire(connection, due)
            for id_ in due:
                del self._waiting[id_]
        return bool(due)

    async def _fire(self, connection: asyncpg.Connection, due: list[Id]) -> None:
        """Fold these in one turn. One that cannot be folded is a fault of ours: it waits, and the others go on."""
        try:
            async with connection.transaction(), turn(connection, self._around) as one:
                if life := self._around.life:
                    await one.recall(await Store(connection).awake_by(due, life.until))
                await one.wake(due)
        except (*postgres.NOT_NOW, asyncio.CancelledError):
            raise
        except Exception as error:
            if len(due) > 1:
                for id_ in due:
                    await self._fire(connection, [id_])
                return
            log.exception("clockwork.fault", matter=due[0], error=repr(error))
            await connection.execute(LATER, *due[0], self._around.now() + FAULT)

    async def _settle(self, connection: asyncpg.Connection) -> None:
        """Nothing is due: perhaps all that the life before said is known by now."""
        if self._around.life and not self._around.life.settled and await before.settle(connection, self._around.now()):
            log.warning("the life before is settled")
            await self._around.follow(connection)

    async def _ask(self, consumer: AIOKafkaConsumer, wanted: Mapping[Id, frozenset[str]]) -> None:
        """Where the logs end now, for those whose time has just come."""
        partitions = [
            TopicPartition(kafka.named(self._settings, name), number)
            for name in sorted(set().union(*wanted.values())) for number in range(BY_NAME[name].partitions)
        ]  # fmt: skip
        if partitions:
            ends = await asyncio.wait_for(consumer.end_offsets(partitions), 10)
            for id_, names in wanted.items():
                full = {kafka.named(self._settings, name) for name in names}
                self._waiting[id_] = {tp: end for tp, end in ends.items() if tp.topic in full}

    async def _read(self, connection: asyncpg.Connection) -> dict[TopicPartition, int]:
        rows = await connection.fetch("SELECT topic, partition, next FROM position WHERE is_current")
        return {TopicPartition(kafka.named(self._settings, r["topic"]), r["partition"]): r["next"] for r in rows}
