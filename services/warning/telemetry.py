"""Watches sensors: `python -m services.warning.telemetry`.

    telemetry (frames) -> Faust agent -> sensors -> one transaction { episodes, outbox } -> ack
    hazards, services, urgent, history -> runtime's loop -> points, surges
    schema telemetry's outbox -> alarm.raised, device.offline

Faust 0.15.3 acknowledges behind an agent's back when that raises or is cancelled: so one agent, concurrency 1,
`noack()`, `ack()` after the effect, and nothing escapes. Offsets are at least once; an episode remembers the reading
that changed it last, and ids follow from cause and rule: what is read again changes nothing. At every start, and after
every rebalance, the readings of the last minutes are read again to fill the windows of the rates of change.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import asyncpg
import faust
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.contrib.asgi import bind_to_running_loop
from faust.transport.drivers.aiokafka import Consumer, Transport

from services.contracts import frame
from services.contracts.event import InvalidEvent
from services.contracts.topics import BY_NAME
from services.runtime import bureau, fault, log, memory, outbox, postgres
from services.runtime.clock import Clock
from services.runtime.consume import LEISURELY, Loop
from services.runtime.kafka import bootstrap, named
from services.runtime.outbox import Outbox
from services.runtime.settings import Settings
from services.warning import telemetry_store
from services.warning.monitored import TOPICS, Monitored
from services.warning.sensors import Changed, Sensors
from services.warning.telemetry_store import SCHEMA

TOPIC = BY_NAME["telemetry"]
ROLE = "warning-telemetry"
"""By this name the database knows the connection that all effects go through."""
TICK_SECONDS = 5.0
"""So often signs of life are written, and silence is looked for."""
READ_AGAIN = datetime.timedelta(minutes=1)
"""At least so much is read again at a start: signs of life are older in the database than in memory."""
STUCK_SECONDS = 60.0
"""When nothing moves for so long although there is more, the process ends and is started again (Faust issue 175)."""
CAUGHT_UP_SECONDS = 2.0
UNWRITTEN = 256
"""Frames judged and not written yet, at most."""
STOP_SECONDS = 4.0
STANDBY_SECONDS = 0.5
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)
T = TypeVar("T")
_log = log.get("telemetry")


class Beginning(Exception):
    """Somebody else watches now, or nothing moves: this process ends, and begins again from the database."""


class Line:
    """The one connection through which telemetry changes anything; it holds the lock that makes this process the one.

    When the connection is lost the lock is asked for again: what another process did meanwhile would not be in memory.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._led = False
        self._turn = asyncio.Lock()
        self.waiting = False
        """The database is away."""

    async def lead(self) -> None:
        """Wait until this process is the one."""
        while not await self._try(self._connected):  # noqa: ASYNC110 another process holds it
            await asyncio.sleep(STANDBY_SECONDS)
        self._led = True

    async def do(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Do it, again and again until it is done. Raises Beginning when another process has taken over."""

        async def once() -> T:
            if not await self._connected() or self._connection is None:
                raise Beginning("another process watches the sensors")
            return await work(self._connection)

        async with self._turn:
            return await self._try(once)

    async def _try(self, work: Callable[[], Awaitable[T]]) -> T:
        tries = 0
        while True:
            try:
                done = await work()
            except postgres.NOT_NOW as error:
                self.waiting = True
                self._drop()
                _log.warning("telemetry.not_now", error=repr(error), tries=tries)
                await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                tries += 1
            else:
                self.waiting = False
                return done

    async def _connected(self) -> bool:
        """Whether there is a connection that holds the lock."""
        if self._connection is not None and not self._connection.is_closed() and self._led:
            return True
        if self._connection is None or self._connection.is_closed():
            self._connection = await postgres.connect(self._dsn, role=ROLE, command_timeout=30)
            await self._connection.execute(f"SET search_path TO {SCHEMA}")
        lock = "hub.reader.telemetry.sensors"
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", lock))

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None

    def close(self) -> None:
        """Let the next one in."""
        self._drop()


class Handled(NamedTuple):
    """What one frame, or one look at the clock, has come to; its effect is not in the database yet."""

    changed: Changed
    partition: int = -1
    offset: int = -1
    aside: tuple[str, bytes] | None = None
    """Why the frame could not be read, and the frame."""
    ack: Callable[[], Any] = bool


class Telemetry:
    """Takes frames in, and looks at the clock."""

    def __init__(self, settings: Settings, line: Line, sensors: Sensors, clock: Clock) -> None:
        self._settings, self._line, self._sensors, self._clock = settings, line, sensors, clock
        self._handled: asyncio.Queue[Handled] = asyncio.Queue(UNWRITTEN)
        self._meters: Counter[str] = Counter()
        self._watching = clock.now()
        self._failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.next: dict[int, int] = {}
        """Partition -> offset of the frame to be handled next."""

    async def load(self, connection: asyncpg.Connection) -> None:
        """What was known when the last process ended."""
        self._sensors.episodes.update(await telemetry_store.episodes(connection))
        self._sensors.seen.update(await telemetry_store.signs_of_life(connection))

    # --- frames ---------------------------------------------------------------------------------------------------

    async def take(self, partition: int, offset: int, received: datetime.datetime, record: bytes,
                   ack: Callable[[], Any]) -> None:  # fmt: skip
        """Judge a frame; it is acknowledged when its effect is in the database. `received`: when the broker got it.

        An error never gets back into Faust, which would go on without the frame: it ends the process.
        """
        try:
            handled = self._judged(partition, offset, received + self._clock.ahead, record, ack)
        except Exception as error:  # noqa: BLE001  raised again by `run`
            self._failed.set_result(error)
            await asyncio.Event().wait()
        else:
            await self._handled.put(handled)

    def _judged(self, partition: int, offset: int, received: datetime.datetime, record: bytes,
                ack: Callable[[], Any]) -> Handled:  # fmt: skip
        try:
            read = frame.read(record)
        except InvalidEvent as error:
            return Handled(Changed(), partition, offset, (str(error), record), ack)
        return Handled(self._sensors.judge(read, received, self._clock.now()), partition, offset, None, ack)

    async def _write(self) -> None:
        """For ever: one transaction for what has been judged since the last."""
        while True:
            some = [await self._handled.get()]
            while not self._handled.empty():
                some.append(self._handled.get_nowait())
            if any(one.changed.rows or one.aside for one in some):
                await self._line.do(partial(_written, some))
                fault.at("telemetry.committed")
            for one in some:
                self._done(one)

    def _done(self, one: Handled) -> None:
        one.ack()
        if one.partition >= 0:
            self.next[one.partition] = one.offset + 1
            self._meters["frames.quarantined" if one.aside else "frames.handled"] += 1
        self._meters.update({f"readings.{outcome}": n for outcome, n in one.changed.outcomes.items()})
        self._meters.update({f"alarms.{type_}": n for type_, n in one.changed.told.items()})

    # --- the clock ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write, and look at the clock, for ever. Raises what a frame has failed with."""
        tasks: list[asyncio.Future[Any]] = [asyncio.create_task(self._write()), asyncio.create_task(self._tick())]
        try:
            await asyncio.wait([*tasks, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                raise self._failed.result()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        """Write signs of life, look for silence, see whether anything moves."""
        moved, at = dict(self.next), time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self.flush()
            behind = not await self._caught_up()
            if behind:
                self._watching = self._clock.now()
            elif due := self._sensors.due(self._watching, self._clock.now()):
                await self._handled.put(Handled(self._sensors.offline(due, self._clock.now())))
            if not behind or moved != self.next or self._line.waiting:
                moved, at = dict(self.next), time.monotonic()
            elif time.monotonic() - at > STUCK_SECONDS:
                raise Beginning("no frame was handled for a minute although there are more")

    async def flush(self) -> None:
        """Write signs of life, and what was counted."""
        meters, self._meters = self._meters, Counter()
        fresh, self._sensors.fresh = self._sensors.fresh, set()
        seen = {key: self._sensors.seen[key] for key in fresh}
        await self._line.do(lambda c: telemetry_store.flush(c, seen, meters))

    async def _caught_up(self) -> bool:
        """Whether everything that is on Kafka now has been handled."""
        try:
            async with logs(self._settings) as consumer:
                ends = await asyncio.wait_for(consumer.end_offsets(partitions(self._settings)), 10)
        except (KafkaError, TimeoutError, OSError):
            return False
        end = time.monotonic() + CAUGHT_UP_SECONDS
        while any(self.next.get(tp.partition, 0) < offset for tp, offset in ends.items()):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.02)
        return True

    async def rewound(self, committed: Mapping[int, int]) -> dict[int, int]:
        """Partition -> where to read from, so that every window is filled. Raises KafkaError, TimeoutError."""
        back = max(self._sensors.window, READ_AGAIN)
        async with logs(self._settings) as consumer, asyncio.timeout(20):
            starts = await start_of_windows(consumer, named(self._settings, TOPIC), committed, back)
        for partition, offset in starts.items():
            self.next.setdefault(partition, offset)
        return starts


async def _written(some: Sequence[Handled], connection: asyncpg.Connection) -> None:
    """The effect of some frames, in order, in one transaction."""
    async with connection.transaction():
        for one in some:
            if one.aside:
                await telemetry_store.quarantine(connection, one.partition, one.offset, *one.aside)
        episodes = {which: e for one in some for which, e in one.changed.episodes.items()}
        await telemetry_store.save(connection, episodes.values())
        await outbox.put(connection, [row for one in some for row in one.changed.rows])


def partitions(settings: Settings) -> list[TopicPartition]:
    """Those of the topic of frames."""
    return [TopicPartition(named(settings, TOPIC), p) for p in range(TOPIC.partitions)]


@contextlib.asynccontextmanager
async def logs(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that looks into the logs, without a group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap(settings), enable_auto_commit=False,
                                auto_offset_reset="earliest", request_timeout_ms=10_000)  # fmt: skip
    try:
        await asyncio.wait_for(consumer.start(), 10)
        yield consumer
    finally:
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(consumer.stop(), 3)


async def start_of_windows(
    consumer: AIOKafkaConsumer, topic: str, committed: Mapping[int, int], back: datetime.timedelta
) -> dict[int, int]:
    """For each partition the first offset of the time `back` before the last frame handled."""
    at = {TopicPartition(topic, partition): offset for partition, offset in committed.items()}
    consumer.assign(list(at))
    begins, ends = await consumer.beginning_offsets(list(at)), await consumer.end_offsets(list(at))
    starts = {}
    for tp, offset in at.items():
        starts[tp.partition] = max(offset, begins[tp])
        if begins[tp] < offset <= ends[tp]:
            consumer.seek(tp, offset - 1)
            last = await consumer.getone(tp)
            since = last.timestamp - int(back.total_seconds() * 1000)
            found = (await consumer.offsets_for_times({tp: since}))[tp]
            starts[tp.partition] = min(offset, found.offset if found else offset)
    return starts


# --- Faust --------------------------------------------------------------------------------------------------------


class Rewinding(Consumer):
    """Faust's consumer, which after every assignment goes back by the longest window.

    Uses what is private in the pinned 0.15.3: `perform_seek`, called after each rebalance just before streams resume.
    """

    async def perform_seek(self) -> None:
        """Seek to what was committed, then further back; what was committed stays committed."""
        await super().perform_seek()
        tps = {tp.partition: tp for tp in self.assignment()}
        committed = {p: offset for p, tp in tps.items() if (offset := self._committed_offset[tp]) is not None}
        starts = await self.app.rewound(committed)  # type: ignore[attr-defined]
        await self.seek_wait({tps[p]: offset for p, offset in starts.items()})
        self._read_offset.update({tps[p]: offset for p, offset in starts.items()})


class RewindingTransport(Transport):
    """Faust's transport with that consumer."""

    Consumer = Rewinding


class App(faust.App):
    """A Faust application that asks where to begin."""

    rewound: Callable[[Mapping[int, int]], Awaitable[dict[int, int]]]

    def _new_transport(self) -> RewindingTransport:
        return RewindingTransport(self.conf.broker_consumer, self)


def build(settings: Settings, telemetry: Telemetry) -> App:
    """The Faust application: one agent over the frames."""
    group = settings.topic_prefix + "hub-telemetry"
    app = App(
        group, broker=[f"kafka://{host}" for host in bootstrap(settings).split(",")],
        datadir=str(settings.data_dir / "faust"), value_serializer="raw", topic_allow_declare=False,
        topic_disable_leader=True, web_enabled=False, consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{group}-1", broker_session_timeout=10, broker_heartbeat_interval=3,
        broker_commit_interval=1.0, broker_max_poll_interval=900, broker_request_timeout=30,
        stream_buffer_maxsize=256, stream_wait_empty=False, stream_processing_timeout=900, producer_acks=-1,
        producer_request_timeout=10,
    )  # fmt: skip
    app.rewound = telemetry.rewound
    topic = app.topic(named(settings, TOPIC), key_type=bytes, key_serializer="raw", value_type=bytes,
                      value_serializer="raw")  # fmt: skip

    @app.agent(topic, concurrency=1, name="frames")
    async def frames(stream: Any) -> None:
        async for event in stream.noack().events():
            message = event.message
            received = datetime.datetime.fromtimestamp(message.timestamp, datetime.UTC)
            await telemetry.take(message.partition, message.offset, received, message.value or b"", event.ack)

    return app


async def watch(settings: Settings, stopping: asyncio.Event) -> None:
    """Watch until told to stop. Raises Beginning and whatever ends Faust: the process is started again."""
    house = bureau.load(settings.bureau)
    sensors, line = Sensors(), Line(settings.postgres_dsn)
    clock = Clock(settings)
    await clock.start()
    await line.lead()
    telemetry = Telemetry(settings, line, sensors, clock)
    await line.do(telemetry.load)
    monitored = Monitored(sensors, house.regions, clock.now)
    loop = Loop(settings, settings.postgres_dsn, settings.kafka_bootstrap, schema=SCHEMA, topics=TOPICS,
                fold=monitored, pace=LEISURELY)  # fmt: skip
    app = build(settings, telemetry)
    bind_to_running_loop(app)
    app.finalize()
    beside = [asyncio.create_task(Outbox(settings, SCHEMA).run()), asyncio.create_task(loop.run())]
    try:
        await _first(beside, monitored.ready.wait(), stopping.wait())
        beside.append(asyncio.create_task(telemetry.run()))
        await _first(beside, app.start(), stopping.wait())
        await _first(beside, _ended(app), stopping.wait())
    finally:
        for task in beside:
            task.cancel()
        await asyncio.wait(beside, timeout=1)
        with contextlib.suppress(TimeoutError):  # with the broker away Faust does not stop; being killed is safe
            await asyncio.wait_for(app.stop(), STOP_SECONDS)
        with contextlib.suppress(TimeoutError, Beginning):
            await asyncio.wait_for(telemetry.flush(), 1)
        await clock.stop()
        line.close()


async def _ended(app: App) -> None:
    await app.wait_until_stopped()
    raise Beginning(f"Faust has ended: {app.crash_reason!r}")


async def _first(running: list[asyncio.Task[None]], *until: Awaitable[Any]) -> None:
    """Wait until one of these is done; raises what ends one of those that run beside."""
    waits = [asyncio.ensure_future(one) for one in until]
    try:
        done, _ = await asyncio.wait([*running, *waits], return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in waits:
            one.cancel()


async def main() -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    settings = Settings()
    log.configure(ROLE, settings.log_level)
    for noisy in ("faust", "mode", "aiokafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    memory.settle()
    task = asyncio.create_task(watch(settings, stopping))
    await asyncio.wait([task, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([task], timeout=STOP_SECONDS + 2)
    if task.done() and (error := task.exception()) is not None:
        _log.error("telemetry.ended", error=repr(error), exc_info=error)
        return 1
    return 0


if __name__ == "__main__":
    code = uvloop.run(main())
    sys.stderr.flush()
    os._exit(code)  # Faust's threads may wait for a broker that is away
