"""How far everything must have been read before a cut-off is known: to where Kafka's logs ended after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.contracts.topics import CANONICAL
from services.runtime import kafka
from services.runtime.settings import Settings

SETTLE_SECONDS = 1.0
"""After a cut-off the logs are asked for so much later: what was stamped before it is on its way for a moment."""
Ends = Mapping[str, int]
"""`topic/partition` → where its log ended."""


async def ask(settings: Settings) -> Ends:
    """Where the logs of all facts end now. Raises KafkaError and TimeoutError while the broker is away."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap(settings), request_timeout_ms=5_000)
    try:
        await asyncio.wait_for(consumer.start(), 10)
        names = {
            TopicPartition(kafka.named(settings, topic.name), n): f"{topic.name}/{n}"
            for topic in CANONICAL for n in range(topic.partitions)
        }  # fmt: skip
        found = await asyncio.wait_for(consumer.end_offsets(list(names)), 10)
        return {names[tp]: end for tp, end in found.items()}
    finally:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(consumer.stop(), 3)


async def unread(connection: asyncpg.Connection, ends: Ends) -> int:
    """How many records are still to be read up to these ends; 0: everything said before is known."""
    rows = await connection.fetch("SELECT topic, partition, next FROM position WHERE is_current")
    read = {f"{row['topic']}/{row['partition']}": row["next"] for row in rows}
    return sum(max(0, end - read.get(name, 0)) for name, end in ends.items())
