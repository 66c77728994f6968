"""Telemetry's own process on real parts: readings sent as the door frames them, and what it has to say of them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.contracts.frame import frames
from services.contracts.topics import BY_NAME
from services.runtime.kafka import named
from services.runtime.settings import Settings
from tests.records import publish, record

ALARMS = 6
"""The partition of `urgent` on which alarms and devices lie."""
_encode = msgspec.json.Encoder().encode


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def reading(point: str, value: float, at: datetime.datetime | None = None, **more: Any) -> dict[str, Any]:
    """A reading as the door would write it."""
    kind = {"kind": more.pop("kind")} if "kind" in more else {}
    return record("sensor.reading", point, {"point_id": point, "value": value, **kind}, at=at or now(), **more)


class Gauge:
    """A hub's telemetry, started and killed at will."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings, self.connection = settings, connection

    @contextlib.asynccontextmanager
    async def process(self, fault: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        """`python -m services.warning.telemetry`, killed at a named place or here at the end."""
        settings = self.settings
        environment = {
            **os.environ, "HUB_POSTGRES_DSN": settings.postgres_dsn, "HUB_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "HUB_TOPIC_PREFIX": settings.topic_prefix, "HUB_ENVIRONMENT": "test", "HUB_FAULT": fault,
            "HUB_DATA_DIR": str(settings.data_dir), "HUB_LOG_LEVEL": "warning",
        }  # fmt: skip
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        out = os.open(settings.data_dir / "telemetry.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.warning.telemetry", env=environment, stdout=out, stderr=out
        )
        os.close(out)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def register(self, point: str, *thresholds: dict[str, Any], **more: Any) -> None:
        """A monitoring point, known to telemetry's schema or soon to be."""
        data = {"point_id": point, "thresholds": list(thresholds), **more}
        await publish(self.settings, [record("monitor.point_registered", point, data, region="990111001")])

    async def known(self, points: int, seconds: float = 30) -> None:
        """Until so many registrations have been taken in."""
        await self.until("SELECT count(*) FROM point_fact", points, seconds)

    async def until(self, query: str, wanted: Any, seconds: float = 30) -> None:
        """Until a query gives this."""
        async with asyncio.timeout(seconds):
            while await self.connection.fetchval(query) != wanted:
                await asyncio.sleep(0.05)

    async def send(self, readings: Iterable[dict[str, Any]], key: str = "") -> None:
        """Readings in frames, in order, acknowledged."""
        made = [((key or r["data"]["point_id"]).encode(), _encode(r)) for r in readings]
        await self.put(frames(made))

    async def put(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Records of the topic of frames."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap, acks="all")
        await producer.start()
        try:
            for key, value in records:
                await producer.send(named(self.settings, BY_NAME["telemetry"]), value, key=key)
            await producer.flush()
        finally:
            await producer.stop()

    async def said(self, least: int = 0, seconds: float = 30) -> list[dict[str, Any]]:
        """Everything that telemetry has said until now, once it is at least so much."""
        at = TopicPartition(named(self.settings, BY_NAME["urgent"]), ALARMS)
        consumer: Any = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        consumer.assign([at])
        found: list[dict[str, Any]] = []
        async with consumer, asyncio.timeout(seconds):
            while len(found) < max(least, (await consumer.end_offsets([at]))[at]):
                records = (await consumer.getmany(timeout_ms=100)).get(at, [])
                found += [msgspec.json.decode(r.value) for r in records]
        return found

    async def said_of(self, point: str, seconds: float = 60) -> list[dict[str, Any]]:
        """Everything said, once there is something about this point."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.said()
                if any(one["data"].get("point_id") == point for one in found):
                    return found
                await asyncio.sleep(0.2)


def distinct(said: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each event once: the outbox may send one twice."""
    return list({one["id"]: one for one in said}.values())


def fresh() -> str:
    """A new point's id."""
    return f"JCD-{uuid.uuid4().hex[:8]}"
