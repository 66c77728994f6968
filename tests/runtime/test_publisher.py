"""Publishing never hangs and never claims what is not so, whatever happens to the broker.

These tests also guard the private members of aiokafka that services/runtime/producer.py uses.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.producer.sender import SendProduceReqHandler

from deploy.local.kafka import KafkaPart
from services.contracts.topics import BY_NAME
from services.runtime.kafka import RECORD_BYTES, Publisher, Record, Rejected, Unknown, ensure_topics, named
from services.runtime.producer import Producer
from services.runtime.settings import Settings
from tests.parts import Run

TIMEOUT = 1.5
TOPIC = BY_NAME["hazards"]


@pytest.fixture(scope="module")
def broker(ports: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A broker of our own: it is killed here."""
    run = Run(KafkaPart(Settings(data_dir=tmp_path_factory.mktemp("broker"), kafka_port=ports())))
    yield run
    run.stop()


@pytest.fixture
async def own(broker: Run, topic_prefix: str, tmp_path: Path) -> Settings:
    """Settings on our own broker, running at the begin of each test, with one topic."""
    if broker.process is None or broker.process.poll() is not None:
        await broker.start()
    settings = Settings(data_dir=tmp_path, kafka_bootstrap=broker.part.address, topic_prefix=topic_prefix)
    await ensure_topics(settings, [TOPIC])
    return settings


@pytest.fixture(autouse=True)
async def no_complaints() -> AsyncIterator[None]:
    """asyncio has nothing to say of errors that nobody took note of."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0.1)
    assert complaints == []


@pytest.fixture
async def publisher(own: Settings) -> AsyncIterator[Publisher]:
    publisher = Publisher(own, timeout=TIMEOUT)
    yield publisher
    await asyncio.wait_for(publisher.close(), TIMEOUT + 3)


def record(text: str, **changes: object) -> Record:
    return Record(TOPIC.name, b"s1", text.encode())._replace(**changes)


async def stored(settings: Settings) -> Counter[str]:
    """Every value on the topic, and how often."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(named(settings, TOPIC), n) for n in range(TOPIC.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: Counter[str] = Counter()
        while any([await consumer.position(p) < end for p, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.update(r.value.decode() for r in records)
        return found
    finally:
        await consumer.stop()


async def test_several_topics_in_one_call_are_all_there(settings: Settings, topics: list[str]) -> None:
    publisher = Publisher(settings)
    await publisher.publish([record(str(n)) for n in range(50)] + [Record("urgent", b"k", b"v", partition=3)])
    await publisher.close()
    assert await stored(settings) == Counter(str(n) for n in range(50))


async def test_headers_key_and_partition_arrive(own: Settings, publisher: Publisher) -> None:
    await publisher.publish([record("x", headers=(("content-type", b"a/b"),), partition=2)])
    consumer = AIOKafkaConsumer(bootstrap_servers=own.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(named(own, TOPIC), 2)])
    found = await asyncio.wait_for(consumer.getone(), 5)
    await consumer.stop()
    assert (found.key, found.value, found.headers) == (b"s1", b"x", (("content-type", b"a/b"),))


async def test_the_largest_record_passes_and_a_larger_one_harms_nobody(own: Settings, publisher: Publisher) -> None:
    largest = "x" * (RECORD_BYTES - 256 - 2)
    await publisher.publish([record(largest)])
    with pytest.raises(Rejected):
        await publisher.publish([record("before"), record(largest + "x")])
    await publisher.publish([record("after")])
    assert (await stored(own))["before"] == 0
    assert publisher.rebuilt == 0


async def test_a_missing_topic_is_unknown_and_harms_nobody(publisher: Publisher) -> None:
    missing = asyncio.create_task(publisher.publish([record("x", topic="missing")]))
    await publisher.publish([record("meanwhile")])
    with pytest.raises(Unknown):
        await missing
    assert publisher.rebuilt == 0


async def test_a_refused_batch_does_not_poison_what_follows(own: Settings, publisher: Publisher) -> None:
    """aiokafka alone answers every later send with OutOfOrderSequenceNumber."""
    small = BY_NAME["telemetry"]
    with small_records():
        await ensure_topics(own, [small])
    await publisher.publish([record("first", topic=small.name)])
    with pytest.raises(Rejected):
        await publisher.publish([record("x" * 2000, topic=small.name)])
    await publisher.publish([record("second", topic=small.name)])
    assert publisher.rebuilt == 1


async def test_away_means_unknown_in_time_and_back_means_published(
    broker: Run, own: Settings, publisher: Publisher
) -> None:
    tasks = asyncio.all_tasks()
    await publisher.publish([record("before")])
    broker.kill()
    begin = time.monotonic()
    outcomes = await asyncio.gather(*(publisher.publish([record("x")]) for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unknown}
    assert time.monotonic() - begin < TIMEOUT + 1
    assert asyncio.all_tasks() == tasks, "the producer in doubt is gone"
    assert publisher.rebuilt == 1
    with pytest.raises(Unknown):  # at once: the first try to connect failed
        await asyncio.wait_for(publisher.publish([record("x")]), TIMEOUT)
    await broker.start()
    await until_published(publisher, record("after"))
    assert (await stored(own)).keys() >= {"before", "after"}


async def test_the_first_in_doubt_wakes_the_others(broker: Run, publisher: Publisher) -> None:
    await publisher.publish([record("before")])
    broker.send(signal.SIGSTOP)
    try:
        first = asyncio.create_task(publisher.publish([record("first")]))
        await asyncio.sleep(TIMEOUT - 0.5)
        begin = time.monotonic()
        with pytest.raises(Unknown):
            await publisher.publish([record("later")])
        assert time.monotonic() - begin < 1
        with pytest.raises(Unknown):
            await first
    finally:
        broker.send(signal.SIGCONT)


async def test_abandon_ends_the_requests_to_every_node(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_handler: object, _node: int) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(SendProduceReqHandler, "do", never)
    producer = Producer(own.kafka_bootstrap, 1000)
    await producer.start()
    requests = [asyncio.create_task(producer._sender._send_produce_req(node, {})) for node in (1, 2)]
    await asyncio.sleep(0)
    await producer.abandon(Unknown("in doubt"))
    assert all(request.cancelled() for request in requests)


async def test_frozen_means_unknown_in_time_and_thawed_means_published(
    broker: Run, own: Settings, publisher: Publisher
) -> None:
    await publisher.publish([record("before")])
    broker.send(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        with pytest.raises(Unknown):
            await publisher.publish([record("frozen")])
        with pytest.raises(Unknown):  # now the connection itself is frozen
            await publisher.publish([record("frozen")])
        assert time.monotonic() - begin < 2 * (TIMEOUT + 2.5)
    finally:
        broker.send(signal.SIGCONT)
    await until_published(publisher, record("after"))
    assert (await stored(own)).keys() >= {"before", "after"}


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_close_returns_whatever_is_in_flight_and_leaves_nothing(
    broker: Run, own: Settings, fault: signal.Signals
) -> None:
    tasks = asyncio.all_tasks()
    publisher = Publisher(own, timeout=TIMEOUT)
    await publisher.publish([record("before")])
    broker.send(fault)
    waiting = [asyncio.create_task(publisher.publish([record("x")])) for _ in range(10)]
    await asyncio.sleep(0.2)
    begin = time.monotonic()
    await publisher.close()
    assert time.monotonic() - begin < TIMEOUT + 3
    assert asyncio.all_tasks() - set(waiting) == tasks
    assert {type(outcome) for outcome in await asyncio.gather(*waiting, return_exceptions=True)} == {Unknown}
    broker.send(signal.SIGCONT)


async def test_nothing_acknowledged_is_lost_by_kill_9(broker: Run, own: Settings) -> None:
    publisher = Publisher(own, timeout=TIMEOUT)
    acknowledged: list[str] = []
    stop = asyncio.Event()

    async def write(writer: int) -> None:
        n = 0
        while not stop.is_set():
            text = f"{writer}-{n}"
            try:
                await publisher.publish([record(text, key=text.encode())])
            except Unknown:
                await asyncio.sleep(0.05)
            else:
                acknowledged.append(text)
                n += 1

    writers = [asyncio.create_task(write(writer)) for writer in range(8)]
    await asyncio.sleep(0.7)
    broker.kill()
    await broker.start()
    await asyncio.sleep(0.7)
    stop.set()
    await asyncio.gather(*writers)
    await publisher.close()
    found = await stored(own)
    assert len(acknowledged) > 100
    assert [text for text in acknowledged if not found[text]] == []


async def until_published(publisher: Publisher, record: Record) -> None:
    """Retry as a caller does."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Unknown):
                return await publisher.publish([record])
            await asyncio.sleep(0.05)


@contextlib.contextmanager
def small_records() -> Iterator[None]:
    """Topics made within take 1000 bytes a record: another hand than ours configured them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.runtime.kafka.RECORD_BYTES", 1000)
        yield
