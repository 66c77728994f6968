"""The door over real HTTP, on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
import uvicorn
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import FastAPI

from services.contracts.topics import CANONICAL
from services.ingest import app as ingest
from services.runtime import access, postgres
from services.runtime.access import Key, Scope
from services.runtime.kafka import named
from services.runtime.settings import Settings

ALL = Scope(("*",), statuses=("actual", "exercise", "test"), rights=tuple(access.RIGHTS))


@dataclass
class Hub:
    """A door that listens, and what a test wants of it."""

    settings: Settings
    app: FastAPI
    url: str
    connection: asyncpg.Connection
    client: httpx.AsyncClient

    async def key(self, scope: Scope = ALL, name: str = "tester") -> tuple[Key, str]:
        """A new key, once the door knows it: itself and its Authorization header."""
        key, token = await access.add_key(self.connection, name, scope)
        header = f"Bearer {token}"
        await until(lambda: self.app.state.access.authenticate(header) is not None, 2)
        return key, header

    async def post(
        self, body: Any, header: str = "", kind: str = "application/cloudevents+json", **extra: Any
    ) -> httpx.Response:
        """POST /ingest/events."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"content-type": kind, **({"authorization": header} if header else {})}
        headers |= extra.pop("headers", {})
        return await self.client.post("/ingest/events", content=content, headers=headers, **extra)

    async def records(self) -> list[dict[str, Any]]:
        """Everything on the canonical topics, by topic and offset."""
        parts = {TopicPartition(named(self.settings, t), p): t.name for t in CANONICAL for p in range(t.partitions)}
        found: dict[TopicPartition, list[dict[str, Any]]] = {part: [] for part in parts}
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        consumer.assign(list(parts))
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(parts))
            async with asyncio.timeout(20):
                while any(len(found[part]) < end for part, end in ends.items()):
                    for part, records in (await consumer.getmany(timeout_ms=200)).items():
                        found[part] += [{"topic": parts[part], **_value(record)} for record in records]
        finally:
            await consumer.stop()
        return [record for part in found for record in found[part]]


def _value(record: Any) -> dict[str, Any]:
    assert record.headers == (("content-type", b"application/cloudevents+json"),)
    value: dict[str, Any] = msgspec.json.decode(record.value)
    assert record.key == value["subject"].encode()
    return value


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until a condition holds (or the awaitable it gives does); TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)


def mounted(app: Any) -> Callable[..., Awaitable[None]]:
    """The door under /ingest, as the process that carries all services mounts it."""

    async def front(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/ingest"}, receive, send)

    return front


@contextlib.asynccontextmanager
async def listening(app: Any, port: int) -> AsyncIterator[str]:
    """A uvicorn in this loop."""
    config = uvicorn.Config(
        app, port=port, lifespan="off", log_level="warning", http="httptools", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def hub(settings: Settings, topics: list[str]) -> AsyncIterator[Hub]:
    """A door with its keys, topics and bureau."""
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await postgres.connect(settings.postgres_dsn, role="test")
    async with (
        ingest.running(settings) as app,
        listening(mounted(app), settings.http_port) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        yield Hub(settings, app, url, connection, client)
    await connection.close()
