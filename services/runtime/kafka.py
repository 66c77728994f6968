"""Kafka for a service: the topics it needs, and a publisher that never hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from services.contracts.topics import TOPICS, Topic
from services.runtime.producer import Producer
from services.runtime.settings import Settings
from services.runtime.topic_identity import Cluster, describe

DAY_MS = 86_400_000
RECORD_BYTES = 1 << 20
"""The largest record a topic takes."""
OVERHEAD_BYTES = 256
"""Kept free of it for the lengths and the frame that Kafka puts around a record."""
_VISIBLE_SECONDS = 30.0
_BATCH_BYTES = 1 << 18
_PAUSE_SECONDS = 0.5
_NEVER = (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)


class Unknown(Exception):
    """Not confirmed in time: it may be on Kafka or not. Publish the same again later; a duplicate changes nothing."""


class Rejected(Exception):
    """Kafka will never take it as it is: set it aside."""


class Record(NamedTuple):
    """What is to be published."""

    topic: str
    """The hub's name for it; the prefix of the settings is added."""
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    """None: by the key, so that the records of one key stay in order."""

    @property
    def size(self) -> int:
        """Bytes, without Kafka's frame."""
        return len(self.key or b"") + len(self.value) + sum(len(n.encode()) + len(v) + 10 for n, v in self.headers)


class Publisher:
    """Publishes within a time, or says that it could not; one per event loop.

    After any doubt its producer is thrown away, and whoever was waiting on it gets `Unknown` at once. Memory is bounded
    by the callers: each partition queues one batch of 256 KB, and `publish` waits while it is full.
    """

    def __init__(self, settings: Settings, timeout: float = 5.0) -> None:
        self.timeout = timeout
        self.rebuilt = 0
        """How often a producer was thrown away."""
        self._settings = settings
        self._current: Producer | None = None
        self._starting = asyncio.Lock()
        self._pause_until = 0.0

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when all are on Kafka, in the order given per partition.

        Raises Rejected before anything is sent when a record is too large, or when Kafka refuses one for good; Unknown
        after `timeout` seconds, and at once while Kafka is known to be away. Of a call that raises, some may be there.
        """
        for record in records:
            if record.size > RECORD_BYTES - OVERHEAD_BYTES:
                raise Rejected(f"a record of {record.size} bytes for {record.topic}, at most {RECORD_BYTES}")
        sent: list[asyncio.Future[Any]] = []
        producer: Producer | None = None
        try:
            async with asyncio.timeout(self.timeout):
                producer = await self._producer()
                for topic in {record.topic for record in records}:
                    await producer.known(named(self._settings, topic))
                for record in records:
                    sent.append(await self._send(producer, record))  # noqa: PERF401 what was sent counts on errors too
                await asyncio.gather(*sent)
        except (TimeoutError, KafkaError, Unknown) as error:
            outcome = Rejected(repr(error)) if isinstance(error, _NEVER) else Unknown(repr(error))
            if producer is not None and sent:
                await self._abandon(producer, outcome)
            raise outcome from error

    async def close(self) -> None:
        """Wait up to `timeout` for what is under way, then end; never hangs."""
        producer, self._current = self._current, None
        if producer is not None:
            await asyncio.wait({asyncio.ensure_future(producer.flush())}, timeout=self.timeout)
            await producer.abandon(Unknown("closed"))

    async def _send(self, producer: Producer, record: Record) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = await producer.send(
            named(self._settings, record.topic),
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),  # aiokafka takes nothing else
        )
        future.add_done_callback(_seen)
        return future

    async def _producer(self) -> Producer:
        async with self._starting:
            if self._current is None:
                if time.monotonic() < self._pause_until:
                    raise Unknown("Kafka is away")
                self._current = await self._started()
            return self._current

    async def _started(self) -> Producer:
        producer = Producer(
            bootstrap(self._settings),
            int(self.timeout * 1000),
            max_batch_size=_BATCH_BYTES,
            max_request_size=RECORD_BYTES,
        )
        try:
            await producer.start()
        except BaseException:
            self._pause_until = time.monotonic() + _PAUSE_SECONDS
            await producer.abandon(Unknown("not started"))
            raise
        return producer

    async def _abandon(self, producer: Producer, reason: Exception) -> None:
        """Only the first to notice throws it away."""
        if self._current is producer:
            self._current = None
            self.rebuilt += 1
            await producer.abandon(Unknown(f"another record in doubt: {reason}"))


def _seen(future: asyncio.Future[Any]) -> None:
    """Take note of an error that nobody waits for any more, or asyncio logs it."""
    if not future.cancelled():
        future.exception()


def bootstrap(settings: Settings) -> str:
    """Where Kafka is: the outside one of the settings, else the embedded one."""
    return settings.kafka_bootstrap or f"127.0.0.1:{settings.kafka_port}"


def named(settings: Settings, topic: Topic | str) -> str:
    """A topic's name on Kafka."""
    return settings.topic_prefix + (topic if isinstance(topic, str) else topic.name)


def configuration(topic: Topic, replication: int) -> dict[str, str]:
    """What makes a topic keep its promise.

    With one copy each record is flushed before it is acknowledged (measured over 6 power cuts: 0 of 32,631
    acknowledged records lost, without it 82,501 of 95,463); with three, two must have it.
    """
    durable = {"flush.messages": "1"} if topic.durable and replication == 1 else {}
    times = {"message.timestamp.type": "LogAppendTime"} if topic.foreign else {}
    return {
        "retention.ms": str(topic.retention_days * DAY_MS),
        "max.message.bytes": str(RECORD_BYTES),
        "min.insync.replicas": "2" if replication >= 3 else "1",
        **durable,
        **times,
    }


async def ensure_topics(settings: Settings, topics: Iterable[Topic] = TOPICS) -> Cluster:
    """Create the topics that are missing and wait until all can be written.

    Raises KafkaError when Kafka does not answer or refuses, ValueError when a topic has another number of partitions
    than its row: that number is for life, because the order of one subject hangs on it.
    """
    wanted = {named(settings, topic): topic for topic in topics}
    cluster = await describe(bootstrap(settings), list(wanted))
    missing = wanted.keys() - cluster.topics.keys()
    if missing:
        await _create(settings, {name: wanted[name] for name in missing})
    async with asyncio.timeout(_VISIBLE_SECONDS):
        while not all(name in cluster.topics and cluster.topics[name].led for name in wanted):
            await asyncio.sleep(0.05)
            cluster = await describe(bootstrap(settings), list(wanted))
    for name, topic in wanted.items():
        if (found := cluster.topics[name].partitions) != topic.partitions:
            raise ValueError(f"topic {name} has {found} partitions, its row in topics.py says {topic.partitions}")
    return cluster


async def _create(settings: Settings, topics: dict[str, Topic]) -> None:
    """Of two hubs that create the same topic at once, the second is content too."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(settings))
    await admin.start()
    try:
        answer = await admin.create_topics(
            [
                NewTopic(
                    name,
                    topic.partitions,
                    settings.replication,
                    topic_configs=configuration(topic, settings.replication),
                )
                for name, topic in topics.items()
            ]
        )
    finally:
        await admin.close()
    for name, code, message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)(f"{name}: {message}")
