"""The one consume loop: Kafka in, one PostgreSQL transaction out, each record's effect exactly once.

    getmany -> slices -> fold.prepare -> one transaction { fold.apply; quarantine; positions } -> next

* Offsets live in PostgreSQL and move in the transaction of the effect, fenced by compare-and-swap. Kafka's own
  committed offsets are not used.
* One reader per schema: an advisory lock; a second process stands by until the first one's connection ends.
* An offset belongs to an epoch (cluster id + topic id). Before a partition is read, the record before `next` is
  read once more and compared; what does not fit stops that partition, in red, until a person decides.
* *Never* (a record that cannot be read) is set aside in the same transaction; 100 in a row stop the partition.
  *Not now* (database or broker away) starts again from what the database says: there is one way to begin, and
  every recovery is that way.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, Protocol

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.contracts.topics import Topic
from services.runtime import fault, postgres
from services.runtime.in_step import InStep
from services.runtime.settings import Settings
from services.runtime.topic_identity import topic_ids

log = structlog.get_logger(__name__)

FLOOD = 100
"""So many *never* in a row on one partition, and the fault is ours: it stops."""
BATCH = 20_000
"""Records in one transaction at most; what comes alone has a transaction of its own, at once."""
FETCH_WAIT_MS = 50
"""So long the broker may wait for a record before it answers that there is none. aiokafka has one request under way to
a broker: while it waits on the quiet partitions, nothing more comes of those that a reader is behind on."""
LOG_SECONDS = 10
"""So often the reader asks whether Kafka still holds the logs that it reads."""
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class Pace(NamedTuple):
    """After so `few` records nothing is read for so many `seconds`: what trickles in shares a transaction."""

    few: int
    seconds: float
    share: float = 1.0
    """Of the time, so much goes into transactions at most: the rest is left to those who must not wait."""


PROMPT = Pace(1_000, 0.05)
"""Twenty transactions a second."""
LEISURELY = Pace(10_000, 1.0)
"""One or two: for a reader whose answers nobody waits for, so that it does not take the cores from those that do."""


class StartAgain(Exception):
    """What is in memory is not to be trusted: begin again from the database, at once."""


class Fenced(Exception):
    """Another reader moved a position that was ours."""


class Record(Protocol):
    """What the loop uses of a Kafka record."""

    offset: int
    value: bytes | None


@dataclass
class Position:
    """How far one partition has been read, as the database has it."""

    id: int
    topic: str
    partition: int
    epoch: int
    first: int
    next: int
    record_digest: bytes | None
    foreign: bool = False
    """A partner writes it: it is read on however much is set aside, and its offsets may have gaps."""

    @property
    def name(self) -> str:
        """`hazards/3`."""
        return f"{self.topic}/{self.partition}"


@dataclass
class Aside:
    """A record set aside."""

    position: Position
    offset: int
    reason: str
    detail: str
    record: bytes
    late: bool = False


@dataclass
class Slice:
    """Consecutive records of one partition: what one transaction takes from it."""

    position: Position
    first: int
    next: int
    records: list[Record]
    digests: list[str] = field(default_factory=list)
    """One per record, in order; the fold fills it."""
    asides: list[Aside] = field(default_factory=list)
    duplicates: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)
    """Offsets that the database would not take, and why."""
    run: int = 0
    """So many *never* in a row, up to here."""
    flooded: bool = False

    def __iter__(self) -> Iterator[Record]:
        """The records to fold; ends early when too many in a row were set aside."""
        for record in self.records:
            if self.run >= FLOOD and not self.position.foreign:
                self.next, self.flooded = record.offset, True
                return
            if record.offset in self.refused:
                self.never(record, "refused", self.refused[record.offset])
                self.run += 1
                continue
            asides = len(self.asides)
            yield record
            self.run = self.run + 1 if len(self.asides) > asides else 0

    def never(self, record: Record, reason: str, detail: str) -> None:
        """Set a record aside for good, with its reason."""
        value = record.value or b""
        self.asides.append(Aside(self.position, record.offset, reason, detail[:2000].replace("\0", ""), value))
        at = record.offset - self.first
        self.digests[at : at + 1] = [hashlib.sha256(value).hexdigest()]

    @property
    def last(self) -> Record:
        """The record before `next`."""
        return next(record for record in reversed(self.records) if record.offset < self.next)

    @property
    def handled(self) -> int:
        """Records that took effect."""
        return self.next - self.first - self.duplicates - sum(not a.late for a in self.asides)


class Fold(Protocol):
    """What a service makes of the records. Both calls see the slices of one transaction."""

    async def reset(self, connection: asyncpg.Connection, positions: Sequence[Position]) -> None:
        """Forget what is in memory and read it from the database."""

    async def stale(self, connection: asyncpg.Connection) -> str | None:
        """Why what is in memory no longer holds (asked once a second); None when it does."""

    async def prepare(self, slices: list[Slice]) -> Any:
        """Everything that needs no transaction; runs while the transaction before it is being written."""

    async def apply(self, connection: asyncpg.Connection, slices: list[Slice], prepared: Any) -> None:
        """Write the effect, inside the transaction that moves the positions; may still set records aside."""


AskTopics = Callable[[], Awaitable[Sequence[Topic]]]
"""Answers which topics to read, all of which exist. Raises KafkaError when it cannot."""


class Loop:
    """Reads topics into one schema until it is told to stop.

    `topics` may be a question that is asked again every second: another answer, and reading starts again with it.
    `role` tells readers of one schema apart that share its topics out among themselves; a transaction takes about
    `batch` records at most, and waits at its `pace` for more to come. Not `in_step`: no partition waits for another; of
    two facts with one identity on different partitions the first read counts, not the first accepted.
    """

    def __init__(
        self, settings: Settings, dsn: str, bootstrap: str, *, schema: str, topics: Sequence[Topic] | AskTopics,
        fold: Fold, role: str = "stream", batch: int = BATCH, pace: Pace = PROMPT, in_step: bool = True,
    ) -> None:  # fmt: skip
        self._settings, self._dsn, self._bootstrap = settings, dsn, bootstrap
        self._schema, self._ask_topics, self._fold = schema, topics, fold
        self._role, self._batch, self._pace, self._in_step = role, batch, pace, in_step
        self._topics: Sequence[Topic] = ()
        self._stop = asyncio.Event()
        self._since = datetime.datetime.now(datetime.UTC)
        self._state = "starting"
        self._stopped: dict[str, str] = {}
        self._one_by_one = 0
        self._refused: dict[int, dict[int, str]] = {}
        self._ends: dict[TopicPartition, int] = {}
        """Where each log ended when reading began."""
        self._reach: dict[TopicPartition, int] = {}
        """How far each log has been fetched."""
        self._runs: dict[int, int] = {}

    def stop(self) -> None:
        """End; a transaction under way is rolled back, and its records come again at the next start."""
        self._stop.set()

    async def run(self) -> None:
        """Read until `stop()`; whatever may pass is waited for."""
        tries = 0
        while not self._stop.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await self._follow()
            except StartAgain as again:
                log.info("start again", reason=str(again))
            except (*postgres.NOT_NOW, KafkaError, Fenced) as error:
                tries = 1 if asyncio.get_running_loop().time() - began > 10 else tries + 1
                self._state = "waiting"
                log.warning("not now", error=repr(error), tries=tries)
                await self._pause(RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1])

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _follow(self) -> None:
        """Lead, check, read: from the first connection to the first trouble."""
        async with self._connection() as connection:
            if not await self._lead(connection):
                return
            self._topics = await self._wanted()
            async with self._consumer() as consumer:
                positions = await self._positions(connection, consumer)
                await self._fold.reset(connection, list(positions.values()))
                fault.at("loop.start")
                self._state = "reading"
                queue: asyncio.Queue[Any] = asyncio.Queue(1)
                await self._race(
                    self._read(consumer, positions, queue),
                    self._write(connection, queue),
                    self._tell(consumer, positions),
                    self._stop.wait(),
                )

    @staticmethod
    async def _race(*coroutines: Any) -> None:
        """Run together; when one ends, end the others, and raise what it raised."""
        tasks = [asyncio.ensure_future(c) for c in coroutines]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            left = set(tasks)
            while left:  # wait_for may swallow a cancellation (Python 3.11)
                for task in left:
                    task.cancel()
                _, left = await asyncio.wait(left, timeout=0.5)
            await asyncio.gather(*tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await postgres.connect(self._dsn, role=f"{self._schema}-{self._role}", command_timeout=120)
        try:
            await connection.execute(f"SET search_path TO {self._schema}")
            yield connection
        finally:
            connection.terminate()

    @property
    def _lock(self) -> str:
        return f"hub.reader.{self._schema}" + ("" if self._role == "stream" else f".{self._role}")

    async def _lead(self, connection: asyncpg.Connection) -> bool:
        """Wait until this process is the one reader of its role in the schema; False when told to stop instead."""
        while not self._stop.is_set():
            if await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", self._lock):
                return True
            self._state = "standby"
            await self._pause(0.25)
        return False

    async def _wanted(self) -> Sequence[Topic]:
        return await self._ask_topics() if callable(self._ask_topics) else self._ask_topics

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="none",
            fetch_max_bytes=16 << 20, max_partition_fetch_bytes=2 << 20, fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=10_000,
            isolation_level="read_committed" if any(t.foreign for t in self._topics) else "read_uncommitted",
        )  # fmt: skip
        try:
            await asyncio.wait_for(consumer.start(), 10)
            yield consumer
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(consumer.stop(), 3)

    # --- where to begin -------------------------------------------------------------------------------------------

    async def _positions(
        self, connection: asyncpg.Connection, consumer: AIOKafkaConsumer
    ) -> dict[TopicPartition, Position]:
        """The position of every partition, new ones included; those that do not fit their log are stopped."""
        prefix = self._settings.topic_prefix
        cluster, ids = self._log = await self._identify()
        rows = {TopicPartition(prefix + t.name, p): t for t in self._topics for p in range(t.partitions)}
        partitions = list(rows)
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        self._stopped.clear()
        self._ends, self._reach = ends, {}
        positions = {}
        for tp in partitions:
            name = tp.topic.removeprefix(prefix)
            row: Any = await connection.fetchrow(
                "SELECT * FROM position WHERE topic = $1 AND partition = $2 AND is_current", name, tp.partition
            ) or await connection.fetchrow(BEGIN, name, tp.partition, cluster, ids[tp.topic], begins[tp])
            position = Position(row["id"], name, tp.partition, row["epoch"], row["first"], row["next"],
                                row["record_digest"], rows[tp].foreign)  # fmt: skip
            why = misfit(row, cluster, ids[tp.topic], begins[tp], ends[tp])
            if why:
                self._halt(consumer, tp, position, why)
            else:
                consumer.seek(tp, position.next - (position.record_digest is not None and position.next > begins[tp]))
            positions[tp] = position
        return positions

    async def _identify(self) -> tuple[str, dict[str, str]]:
        """Which Kafka, and which topics, this reader reads: cluster id, topic name -> topic id."""
        names = [self._settings.topic_prefix + t.name for t in self._topics]
        cluster, ids = await asyncio.wait_for(topic_ids(self._bootstrap, names), 10)
        if missing := sorted(set(names) - ids.keys()):
            raise UnknownTopicOrPartitionError(f"no topic {', '.join(missing)}: `hub up` makes it")
        return cluster, ids

    def _halt(self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Position, why: str) -> None:
        """Stop one partition, in red; the others go on."""
        self._stopped[position.name] = why
        consumer.seek(tp, position.next)
        consumer.pause(tp)
        log.error("partition stopped", partition=position.name, reason=why)

    # --- reading --------------------------------------------------------------------------------------------------

    async def _read(
        self, consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, Position], queue: asyncio.Queue[Any]
    ) -> None:
        cursors = {tp: position.next for tp, position in positions.items()}
        runs = dict(self._runs)
        step: InStep[TopicPartition, Any] = InStep(asyncio.get_running_loop().time)
        while True:
            slices = []
            for tp, records in (await self._fetch(consumer, positions, step)).items():
                piece = self._slice(consumer, tp, positions[tp], cursors[tp], runs.get(positions[tp].id, 0), records)
                if piece is not None:
                    slices.append(piece)
            if not slices:
                if self._at_leisure:
                    await self._rest(consumer)
                continue
            if self._one_by_one:
                await queue.join()  # so that what fails is the record at hand
            try:
                prepared = await self._fold.prepare(slices)
            except Exception as error:  # noqa: BLE001  raised again unless a record is to blame
                self._refuse(slices, error)
            for piece in slices:
                tp = TopicPartition(self._settings.topic_prefix + piece.position.topic, piece.position.partition)
                cursors[tp], runs[piece.position.id] = piece.next, piece.run
                if piece.flooded:
                    self._halt(consumer, tp, piece.position, FLOOD_HINT)
            await queue.put((slices, prepared))
            if sum(len(piece.records) for piece in slices) < self._pace.few:
                await self._rest(consumer)

    @property
    def _at_leisure(self) -> bool:
        return self._pace.seconds * 1000 > FETCH_WAIT_MS

    async def _rest(self, consumer: AIOKafkaConsumer) -> None:
        """Let records gather; in a long rest the broker is not asked for them either."""
        if self._one_by_one:
            return
        asked = consumer.assignment() - consumer.paused() if self._at_leisure else ()
        consumer.pause(*asked)
        await asyncio.sleep(self._pace.seconds)
        consumer.resume(*asked)

    async def _fetch(
        self,
        consumer: AIOKafkaConsumer,
        positions: Mapping[TopicPartition, Position],
        step: InStep[TopicPartition, Any],
    ) -> dict[TopicPartition, list[Any]]:
        """What to take next: all partitions in step; one record when that one is to be found which fails."""
        if self._one_by_one and not step.holding:
            one: dict[TopicPartition, list[Any]] = await consumer.getmany(timeout_ms=500, max_records=1)
            self._reach.update((tp, records[-1].offset + 1) for tp, records in one.items())
            return one
        left: Collection[TopicPartition] = ()
        if self._at_leisure:  # what was fetched before the rest; and then what came in it
            left = self._hold(await consumer.getmany(timeout_ms=0, max_records=self._batch), step)
        wait_ms = 100 if step.holding or self._at_leisure else 500
        fetched = self._hold(await consumer.getmany(timeout_ms=wait_ms, max_records=self._batch), step)
        waits = positions if self._in_step else ()
        due = step.due([tp for tp in waits if self._has_more(consumer, tp, positions[tp])])
        for tp in {*left, *fetched, *due}:
            if tp in step.holding:
                consumer.pause(tp)
            elif positions[tp].name not in self._stopped:
                consumer.resume(tp)
        return due

    def _hold(
        self, fetched: Mapping[TopicPartition, list[Any]], step: InStep[TopicPartition, Any]
    ) -> Collection[TopicPartition]:
        """Put what was fetched behind what is held; returns the partitions that gave something."""
        for tp, records in fetched.items():
            step.add(tp, records)
            self._reach[tp] = records[-1].offset + 1
        return fetched.keys()

    def _has_more(self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Position) -> bool:
        """Whether a log goes on after what was fetched; stopped partitions and inboxes keep nobody waiting."""
        if position.foreign or position.name in self._stopped:
            return False
        end = max(consumer.highwater(tp) or 0, self._ends[tp])
        return bool(self._reach.get(tp, position.next) < end)

    def _slice(
        self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Position, cursor: int, run: int,
        records: list[Record],
    ) -> Slice | None:  # fmt: skip
        """The records from the cursor on; the record before it, read once more at the start, must be the same."""
        if position.name in self._stopped:
            return None
        if records[0].offset == cursor - 1 == position.next - 1:
            if hashlib.sha256(records[0].value or b"").digest() != position.record_digest:
                self._halt(consumer, tp, position, "the record before the next one is another than the one read: "
                           "the log was replaced. " + EPOCH_HINT)  # fmt: skip
                return None
            records = records[1:]
        missing = next((offset for offset, r in enumerate(records, cursor) if r.offset != offset), None)
        if missing is not None and not position.foreign:  # a partner's transactions leave marks that nobody is given
            self._halt(consumer, tp, position, f"offset {missing} is missing from the log. {EPOCH_HINT}")
        elif records and run >= FLOOD and not position.foreign:
            self._halt(consumer, tp, position, FLOOD_HINT)
        elif records:
            refused = self._refused.get(position.id, {})
            return Slice(position, cursor, records[-1].offset + 1, records, refused=refused, run=run)
        return None

    # --- writing --------------------------------------------------------------------------------------------------

    async def _write(self, connection: asyncpg.Connection, queue: asyncio.Queue[Any]) -> None:
        while True:
            slices, prepared = await queue.get()
            began = asyncio.get_running_loop().time()
            try:
                async with connection.transaction():
                    await self._fold.apply(connection, slices, prepared)
                    await self._advance(connection, slices)
                    fault.at("loop.in_transaction")
            except Exception as error:  # noqa: BLE001  raised again unless a record is to blame
                self._refuse(slices, error)
            fault.at("loop.after_commit")
            self._runs.update((s.position.id, s.run) for s in slices)
            self._one_by_one = max(0, self._one_by_one - 1)
            queue.task_done()
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(took * (1 / self._pace.share - 1))

    def _refuse(self, slices: list[Slice], error: Exception) -> NoReturn:
        """What is not about the parts is about a record: find the one that it means, and have that set aside.

        Raises StartAgain; or the error, when no record is to blame.
        """
        if isinstance(error, (StartAgain, Fenced, KafkaError, *postgres.NOT_NOW)):
            raise error
        piece = slices[0]
        offset = piece.records[0].offset
        refused = self._refused.setdefault(piece.position.id, {})
        if len(slices) > 1 or len(piece.records) > 1:
            self._one_by_one = sum(len(s.records) for s in slices)
        elif offset in refused:  # set aside, it fails all the same
            raise error
        else:
            refused[offset] = repr(error)
        raise StartAgain(f"refused: {error!r}") from error

    async def _advance(self, connection: asyncpg.Connection, slices: list[Slice]) -> None:
        """Move the positions, fenced, and write down what was set aside."""
        asides = [a for s in slices for a in s.asides]
        if asides:
            await connection.executemany(
                'INSERT INTO quarantine (position, "offset", reason, detail, late, record, digest)'
                " VALUES ($1, $2, $3, $4, $5, $6, sha256($6)) ON CONFLICT DO NOTHING",
                [(a.position.id, a.offset, a.reason, a.detail, a.late, a.record) for a in asides],
            )
        moved = await connection.fetch(
            MOVE,
            [s.position.id for s in slices], [s.first for s in slices], [s.next for s in slices],
            [s.handled for s in slices], [s.duplicates for s in slices],
            [sum(not a.late for a in s.asides) for s in slices],
            [hashlib.sha256(s.last.value or b"").digest() for s in slices],
        )  # fmt: skip
        if len(moved) != len(slices):
            raise Fenced(f"{len(moved)} of {len(slices)} positions were still ours")

    # --- telling --------------------------------------------------------------------------------------------------

    async def _tell(self, consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, Position]) -> None:
        """Once a second: that this reader lives, where the logs end, and what stands still."""
        prefix = self._settings.topic_prefix
        connection = await postgres.connect(self._dsn, role=f"{self._schema}-{self._role}-tell", command_timeout=10)
        try:
            for tick in itertools.count(1):
                await self._still_ours(connection, positions, ask_kafka=tick % LOG_SECONDS == 0)
                if await self._wanted() != self._topics:
                    raise StartAgain("other topics than at the start")
                ends = await asyncio.wait_for(consumer.end_offsets(list(positions)), 10)
                await connection.execute(
                    f"INSERT INTO {self._schema}.reader (role, pid, since, seen, state, stopped, ends)"  # noqa: S608
                    " VALUES ($6, $1, $2, now(), $3, $4, $5) ON CONFLICT (role) DO UPDATE SET pid = excluded.pid,"
                    " since = excluded.since, seen = excluded.seen, state = excluded.state,"
                    " stopped = excluded.stopped, ends = excluded.ends",
                    os.getpid(), self._since, "stopped" if self._stopped else self._state, json.dumps(self._stopped),
                    json.dumps({f"{tp.topic.removeprefix(prefix)}/{tp.partition}": end for tp, end in ends.items()}),
                    self._role,
                )  # fmt: skip
                await asyncio.sleep(1)
        finally:
            connection.terminate()

    async def _still_ours(
        self, connection: asyncpg.Connection, positions: Mapping[TopicPartition, Position], *, ask_kafka: bool
    ) -> None:
        """Raises StartAgain when a new epoch was started, or when Kafka holds other logs than at the start."""
        rows = await connection.fetch(f"SELECT id FROM {self._schema}.position WHERE is_current")  # noqa: S608
        if not {p.id for p in positions.values()} <= {row["id"] for row in rows}:
            raise StartAgain("a new epoch was started")
        if why := await self._fold.stale(connection):
            raise StartAgain(why)
        if ask_kafka and await self._identify() != self._log:
            raise StartAgain("Kafka holds other logs than at the start")


FLOOD_HINT = (
    f"{FLOOD} records in a row could not be read: the fault is probably ours. See `hub quarantine`; reading goes on "
    "when the service is started again"
)
EPOCH_HINT = (
    "If Kafka was emptied or restored on purpose, run `hub epoch`: reading starts again at the beginning, and what is "
    "known already changes nothing"
)


BEGIN = """
INSERT INTO position (topic, partition, epoch, cluster, topic_id, first, next)
SELECT $1, $2, 1 + coalesce(max(epoch), 0), $3, $4, $5, $5 FROM position WHERE topic = $1 AND partition = $2
RETURNING *"""
"""A partition that has no current position begins its next epoch where the log begins."""
MOVE = """
UPDATE position p
   SET next = n.next, handled = p.handled + n.handled, duplicate = p.duplicate + n.duplicate,
       quarantine = p.quarantine + n.quarantine, record_digest = n.digest
  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[])
       AS n(id, first, next, handled, duplicate, quarantine, digest)
 WHERE p.id = n.id AND p.next = n.first AND p.is_current
RETURNING p.id"""


def misfit(row: Mapping[str, Any], cluster: str, topic_id: str, begin: int, end: int) -> str | None:
    """Why a stored position does not belong to the log as it is now; None when it does."""
    if (row["cluster"], row["topic_id"]) != (cluster, topic_id):
        return f"this is another log than the one read (cluster or topic was made anew). {EPOCH_HINT}"
    if row["next"] > end:
        return f"the log ends at {end}, but it was read up to {row['next']}: Kafka lost records. {EPOCH_HINT}"
    if row["next"] < begin:
        return f"the log begins at {begin}, but {row['next']} was not read yet: retention was too short. {EPOCH_HINT}"
    return None
