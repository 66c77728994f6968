"""The watch on real parts, in the process of the test, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime import postgres
from services.runtime.clock import Clock
from services.runtime.settings import Settings
from services.warning import backlog, stream
from tests.records import publish, record

OWN = "99011141600000"
"""The sender code of the example bureau's own weather station."""
PATIENCE_SECONDS = 20.0


class MovedClock(Clock):
    """Moves when the test says so."""

    async def start(self) -> None:
        """Nothing to follow."""

    def advance(self, **by: float) -> None:
        """Forward by `minutes=5`."""
        self.ahead += datetime.timedelta(**by)


class Watching:
    """A running watch, and what a test asks of it."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection, clock: MovedClock) -> None:
        self.settings, self.connection, self.clock = settings, connection, clock
        self.tasks: list[asyncio.Task[None]] = []
        self.consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)

    async def publish(self, *records: dict[str, Any] | bytes) -> None:
        """Put events on their topics."""
        await publish(self.settings, list(records))

    def alert(self, level: str = "red", **more: Any) -> dict[str, Any]:
        """A weather alert of the own station, accepted now."""
        now = self.clock.now()
        identifier = more.pop("identifier", f"{OWN}_{uuid.uuid4().hex[:14]}")
        data = {
            "identifier": identifier, "chain_id": f"{OWN}/{identifier}", "msg_type": "issue", "event_code": "11B03",
            "hazard": "rainstorm", "level": level, "headline": f"江滨区气象台发布暴雨{level}预警", "sender_code": OWN,
            "areas": [{"code": "990111000000", "name": "江滨区"}], "effective": now.isoformat(), **more.pop("data", {}),
        }  # fmt: skip
        at = more.pop("at", now)
        recorded = more.pop("recorded", now)
        return record("weather.alert_received", data["chain_id"], data, at=at, recorded=recorded, **more)

    def fact(self, type_: str, subject: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Any event, accepted now."""
        now = self.clock.now()
        return record(type_, subject, data, at=more.pop("at", now), recorded=more.pop("recorded", now), **more)

    async def matters(self, kind: str, scope: str = "actual") -> dict[str, dict[str, Any]]:
        """Key -> as its GET gives it, with state and closed."""
        rows = await self.connection.fetch("SELECT * FROM matter WHERE kind = $1 AND scope = $2", kind, scope)
        return {r["key"]: {**msgspec.json.decode(r["shown"]), "state": r["state"], "closed": r["closed"]} for r in rows}

    async def outbox(self) -> list[dict[str, Any]]:
        """What the gateways were given."""
        return [dict(row) for row in await self.connection.fetch("SELECT * FROM testing_outbox ORDER BY n")]

    async def until(self, what: Callable[[], Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait until it is true, and give it back."""
        async with asyncio.timeout(seconds):
            while not (found := await what()):
                for task in self.tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.03)
        return found

    async def settled(self) -> None:
        """Until everything published so far, by the watch too, has been read, and nothing waits for the clock."""
        await self.until(self._is_settled)

    async def _is_settled(self) -> bool:
        """Read up, nothing to do, and still read up: what happens between two questions must not be missed."""
        return await self._read_up() and await self._has_nothing_to_do() and await self._read_up()

    async def _has_nothing_to_do(self) -> bool:
        now = self.clock.now()
        waiting = await self.connection.fetchval(
            "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM matter WHERE wake <= $1)"
            " + (SELECT count(*) FROM delivery WHERE state = 'waiting' AND next <= $1)"
            " + (SELECT count(*) FROM delivery WHERE NOT told AND state IN ('handed', 'failed', 'delivered'))", now,
        )  # fmt: skip
        return bool(waiting == 0)

    async def _read_up(self) -> bool:
        rows = await self.connection.fetch("SELECT topic, partition, next FROM position WHERE is_current")
        read = {TopicPartition(self.settings.topic_prefix + r["topic"], r["partition"]): r["next"] for r in rows}
        ends = await self.consumer.end_offsets(list(read))
        return bool(read) and all(read[tp] >= end for tp, end in ends.items())


@contextlib.asynccontextmanager
async def watching(settings: Settings, *, patient: bool = False) -> AsyncIterator[Watching]:
    """A watch at work; `patient`: the lanes that can wait, too."""
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await postgres.connect(settings.postgres_dsn, role="test")
    await connection.execute("SET search_path TO warning")
    clock = MovedClock(settings)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(stream.run(settings, clock, stop))]
    if patient:
        lane = backlog.build(settings, stream.surroundings(settings, clock))
        tasks.append(asyncio.create_task(lane.run()))
    watch = Watching(settings, connection, clock)
    watch.tasks = tasks
    await watch.consumer.start()
    try:
        yield watch
    finally:
        stop.set()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await watch.consumer.stop()
        connection.terminate()
