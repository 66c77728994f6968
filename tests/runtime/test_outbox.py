"""The outbox on real parts: in order, at least once, one sender; what Kafka will never take stays with its reason."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contracts.topics import Topic
from services.runtime import outbox
from services.runtime.kafka import RECORD_BYTES, ensure_topics, named
from services.runtime.outbox import Outbox, Row
from services.runtime.settings import Settings
from tests.conftest import delete_topics
from tests.runtime.notebook import prepare

TOPIC = Topic("said", "aside", (), 1, 30, "what a test says")


class Box:
    """An outbox in the schema `probe`, and what it sent."""

    def __init__(self, settings: Settings, connection: asyncpg.Connection) -> None:
        self.settings, self.connection = settings, connection

    async def say(self, *texts: bytes) -> None:
        async with self.connection.transaction():
            await outbox.put(self.connection, [Row(TOPIC.name, None, text) for text in texts])

    @contextlib.asynccontextmanager
    async def sending(self, settings: Settings | None = None, **more: Any) -> AsyncIterator[None]:
        task = asyncio.create_task(Outbox(settings or self.settings, "probe", **more).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=10)
            assert task.cancelled()

    async def empty(self, left: int = 0, seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            while await self.connection.fetchval("SELECT count(*) FROM outbox") != left:
                await asyncio.sleep(0.02)

    async def said(self) -> list[bytes]:
        at = TopicPartition(named(self.settings, TOPIC), 0)
        consumer: Any = AIOKafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest")
        consumer.assign([at])
        async with consumer, asyncio.timeout(15):
            end = (await consumer.end_offsets([at]))[at]
            found: list[bytes] = []
            while len(found) < end:
                found += [r.value for r in (await consumer.getmany(timeout_ms=100)).get(at, [])]
        return found


@pytest.fixture
async def box(settings: Settings) -> AsyncIterator[Box]:
    await ensure_topics(settings, [TOPIC])
    connection = await prepare(settings)
    yield Box(settings, connection)
    await connection.close()
    await delete_topics(settings.kafka_bootstrap, [named(settings, TOPIC)])


async def test_rows_are_sent_in_order_and_removed_also_those_that_come_while_it_runs(box: Box) -> None:
    texts = [b"%d" % n for n in range(1200)]
    await box.say(*texts[:1000])
    async with box.sending():
        await box.empty()
        await box.say(*texts[1000:])
        await box.empty(seconds=3)
    assert await box.said() == texts


async def test_what_was_rolled_back_is_never_said(box: Box) -> None:
    async with box.sending():
        with contextlib.suppress(ZeroDivisionError):
            async with box.connection.transaction():
                await outbox.put(box.connection, [Row(TOPIC.name, None, b"no")])
                raise ZeroDivisionError
        await box.say(b"yes")
        await box.empty()
    assert await box.said() == [b"yes"]


async def test_a_row_that_kafka_will_never_take_stays_with_its_reason_and_stops_nothing(box: Box) -> None:
    await box.say(b"a", b"x" * (RECORD_BYTES + 1), b"b")
    async with box.sending():
        await box.empty(left=1)
        await box.say(b"c")
        await box.empty(left=1)
    assert await box.said() == [b"a", b"b", b"c"]
    assert "bytes" in await box.connection.fetchval("SELECT refused FROM outbox")


async def test_while_kafka_is_away_everything_waits(box: Box) -> None:
    await box.say(b"a")
    async with box.sending(box.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})):
        await asyncio.sleep(1)
        assert await box.connection.fetchval("SELECT count(*) FROM outbox WHERE refused IS NULL") == 1
    async with box.sending():
        await box.empty()
    assert await box.said() == [b"a"]


async def test_there_is_one_sender_and_the_second_takes_over(box: Box) -> None:
    async with box.sending():
        await box.say(b"a")
        await box.empty()
        async with box.sending():
            await box.say(b"b")
            await box.empty()
            locks = await box.connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            assert locks == 1
            await box.connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hub-probe-outbox'"
                " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
            )
            await box.say(b"c")
            await box.empty()
    assert await box.said() == [b"a", b"b", b"c"]


async def test_nothing_is_sent_while_something_else_goes_first(box: Box) -> None:
    held, asked = True, asyncio.Event()

    async def first(_connection: asyncpg.Connection) -> bool:
        asked.set()
        return held

    await box.say(b"one", b"two")
    async with box.sending(held=first):
        await asked.wait()
        await asyncio.sleep(2 * outbox.HELD_SECONDS)
        assert await box.said() == []
        held = False
        await box.empty()
    assert await box.said() == [b"one", b"two"]
