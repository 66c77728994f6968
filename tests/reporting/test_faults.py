"""Whatever call fails, and however: ledger, tally, seals and positions hold the truth, each record once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from services.contracts.topics import BY_NAME
from services.reporting import count, tally_store
from services.reporting.recount import recount
from services.reporting.tally import Series
from services.reporting.verify import verify
from services.runtime import consume, postgres
from services.runtime.consume import Loop
from tests.records import publish, record
from tests.reporting.conftest import SHANGHAI, Reader
from tests.reporting.mixture import Mixture
from tests.reporting.truth import UNEXPLAINED, Record, expected, found

TOPICS = (BY_NAME["hazards"], BY_NAME["readiness"])
ERRORS = (ConnectionError, asyncio.CancelledError, TimeoutError, asyncpg.ConnectionDoesNotExistError)
CALLS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (asyncpg.Connection, ("execute", "fetch", "fetchrow", "fetchval", "executemany", "copy_records_to_table",
                          "copy_to_table")),
    (AIOKafkaConsumer, ("start", "getmany", "beginning_offsets", "end_offsets")),
    (postgres, ("connect",)),
    (consume, ("topic_ids",)),
)  # fmt: skip
"""Every call on Kafka or PostgreSQL that the loop awaits; a transaction's BEGIN, COMMIT and ROLLBACK are `execute`."""


class Saboteur:
    """Lets one call fail: before it is made, or after it took effect and the answer is lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, spared: asyncpg.Connection) -> None:
        self.spared = spared
        self.seen: dict[str, None] = {}
        self.place = ""
        self.error: type[BaseException] = ConnectionError
        self.late = False
        for owner, names in CALLS:
            for name in names:
                monkeypatch.setattr(owner, name, self._wrapped(getattr(owner, name), name))

    def arm(self, place: str, error: type[BaseException], *, late: bool) -> None:
        """The next call at this place fails, once; `place` is empty again when it did."""
        self.place, self.error, self.late = place, error, late

    async def has_struck(self, seconds: float = 30) -> bool:
        """Wait for the armed call to fail."""
        end = time.monotonic() + seconds
        while self.place and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return not self.place

    def _wrapped(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        async def wrapped(*arguments: Any, **named: Any) -> Any:
            if arguments and arguments[0] is self.spared:
                return await call(*arguments, **named)
            text = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], str) else ""
            place = f"{name} {' '.join(text.split())[:50]}"
            self.seen[place] = None
            struck = self.place != "" and place.startswith(self.place)
            if struck:
                self.place = ""
                error, late = self.error, self.late
            if not struck or late:
                answer = await call(*arguments, **named)
            if struck:
                raise error("sabotage")
            return answer

        return wrapped


class Story:
    """One reader with its records, checked against the truth after every trouble."""

    def __init__(self, reader: Reader, seed: int) -> None:
        self.reader, self.mixture = reader, Mixture(seed)
        self.records: list[Record] = []

    def loop(self) -> Loop:
        settings = self.reader.settings
        fold = count.Count(settings.postgres_dsn, self.reader.definitions, SHANGHAI)
        return Loop(settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="reporting", topics=TOPICS,
                    fold=fold)  # fmt: skip

    async def tell(self, fresh: list[Record]) -> None:
        """Publish more records."""
        self.records += fresh
        await publish(self.reader.settings, fresh)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """The loop at work; started again when it ends, as the supervisor does."""
        loops: list[Loop] = []
        stopped = asyncio.Event()

        async def supervise() -> None:
            while not stopped.is_set():
                loops[:] = [self.loop()]
                with contextlib.suppress(*ERRORS):
                    await asyncio.create_task(loops[0].run())

        task = asyncio.create_task(supervise())
        try:
            yield
        finally:
            stopped.set()
            for loop in loops:
                loop.stop()
            await asyncio.wait_for(task, 10)

    async def caught_up(self) -> None:
        """Until as many records are explained as were published."""
        async with asyncio.timeout(60):
            while await self._explained() != len(self.records):
                await asyncio.sleep(0.02)

    async def _explained(self) -> int:
        row = await self.reader.connection.fetchrow(UNEXPLAINED)
        assert row is not None
        assert not row["unexplained"]
        return int(row["read"] or 0)

    async def is_true(self) -> None:
        """Ledger, duplicates, quarantine and tally are what the records come to."""
        state = await found(self.reader.connection)
        truth = expected(self.records)
        assert state == truth
        assert set(state.ledger.values()) <= {1}

    async def is_whole(self) -> None:
        """And by the hub's own means: seals, accounting, recount."""
        dsn = self.reader.settings.postgres_dsn
        assert [str(f) for f in (await verify(dsn)).findings] == []
        assert await recount(dsn, self.reader.definitions, SHANGHAI) == []


@pytest.fixture
def story(reader: Reader) -> Story:
    return Story(reader, 7)


async def raise_at_every_call(story: Story, saboteur: Saboteur, errors: int) -> set[str]:
    """Let every call that is ever made fail; returns those that never did.

    `errors`: before and after its effect, with the first so many kinds each; 1: each call once, before or after its
    effect and with one kind, in turn.
    """
    tries: dict[tuple[str, bool, int], int] = {(FIRST, True, 0): 0}
    struck: set[str] = set()
    while open_ := [case for case, tried in tries.items() if tried < TRIES]:
        place, late, n = min(open_, key=tries.__getitem__)
        await story.tell(story.mixture.one_of_each())
        saboteur.arm(place, ERRORS[n if errors > 1 else len(struck) % len(ERRORS)], late=late)
        async with story.reading():
            await story.caught_up()
            if await saboteur.has_struck(1.5):
                struck.add(place)
                tries[place, late, n] = TRIES
        tries[place, late, n] += 1
        saboteur.arm("", ConnectionError, late=False)
        await story.is_true()
        for nth, seen in enumerate(saboteur.seen):
            moments = (False, True) if errors > 1 else (nth % 2 == 0,)
            for case in itertools.product([seen], moments, range(errors)):
                tries.setdefault(case, TRIES - 1 if seen.startswith(RARE) else 0)
    return {place for place, _, _ in tries if place not in struck and not place.startswith(RARE)}


TRIES = 8
"""Not every batch comes to every place."""
FIRST = "fetchrow INSERT INTO position (topic, partition, epoch, clu"
RARE = (FIRST, "executemany INSERT INTO type", "fetchval SELECT EXISTS (SELECT FROM ledger)", "execute ROLLBACK",
        "fetchval SELECT pg_relation_size(")  # fmt: skip
"""Places that a reader comes to only at the first start, while there are new types or definitions, or in trouble."""


async def test_raise_at_every_call(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    saboteur = Saboteur(monkeypatch, story.reader.connection)
    assert await raise_at_every_call(story, saboteur, 1) == set()
    await story.is_whole()
    assert len(saboteur.seen) > 30


@pytest.mark.slow
async def test_raise_every_error_at_every_call(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    saboteur = Saboteur(monkeypatch, story.reader.connection)
    assert await raise_at_every_call(story, saboteur, len(ERRORS)) == set()
    await story.is_whole()


async def test_a_commit_whose_answer_is_lost_counts_once(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    saboteur = Saboteur(monkeypatch, story.reader.connection)
    for n, error in enumerate(ERRORS * 2):
        await story.tell(story.mixture.records(9))
        saboteur.arm("execute COMMIT", error, late=n >= len(ERRORS))
        async with story.reading():
            await story.caught_up()
        assert not saboteur.place
        await story.is_true()
    await story.is_whole()


# --- what the checks are worth: the same stories with something taken away must fail ----------------------------------


async def test_an_offset_that_is_saved_before_its_effect_is_found_out(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known bad: positions move in a transaction of their own, before the effect; a crash in between loses records."""
    apply, advance = count.Count.apply, Loop._advance

    async def early(self: Any, connection: Any, slices: Any, prepared: Any) -> None:
        other = await asyncpg.connect(story.reader.settings.postgres_dsn, server_settings={"search_path": "reporting"})
        await advance(Loop.__new__(Loop), other, slices)
        await other.close()
        await apply(self, connection, slices, prepared)

    async def never(self: Any, connection: Any, slices: Any) -> None:
        return None

    monkeypatch.setattr(count.Count, "apply", early)
    monkeypatch.setattr(Loop, "_advance", never)
    saboteur = Saboteur(monkeypatch, story.reader.connection)
    await story.tell(story.mixture.records(20))
    saboteur.arm("execute COMMIT", ConnectionError, late=False)
    async with story.reading():
        await story.caught_up()
        assert await saboteur.has_struck()
        await asyncio.sleep(1)  # it has started again meanwhile, and read nothing
    with pytest.raises(AssertionError):
        await story.is_true()
    assert (await verify(story.reader.settings.postgres_dsn)).wrong > 0


async def test_an_offset_that_is_saved_after_its_effect_is_found_out(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known bad: the effect commits first; without the ledger's key the records would count again."""
    advance = Loop._advance

    async def late(self: Any, connection: Any, slices: Any) -> None:
        await connection.execute("COMMIT")
        await connection.execute("BEGIN")
        await advance(self, connection, slices)

    async def nothing_known(_connection: Any, _keys: Any) -> dict[bytes, str]:
        return {}

    await story.reader.connection.execute(
        "ALTER TABLE ledger DROP CONSTRAINT ledger_pkey; ALTER TABLE seal DROP CONSTRAINT seal_pkey;"
        "ALTER TABLE duplicate DROP CONSTRAINT duplicate_pkey; ALTER TABLE observation DROP CONSTRAINT observation_pkey"
    )
    monkeypatch.setattr(Loop, "_advance", late)
    monkeypatch.setattr(count.ledger, "known", nothing_known)
    saboteur = Saboteur(monkeypatch, story.reader.connection)
    await story.tell([record(data={"level": "major"})])
    saboteur.arm("fetch UPDATE position", ConnectionError, late=False)
    async with story.reading():
        await story.caught_up()
    with pytest.raises(AssertionError):
        await story.is_true()
    assert (await verify(story.reader.settings.postgres_dsn)).wrong > 0


# --- names ------------------------------------------------------------------------------------------------------------


async def test_a_series_found_while_others_are_being_saved_is_saved_next() -> None:
    """The next batch is prepared while this one is written: what it numbers meanwhile must not be forgotten."""
    series, saved = Series(), []

    class Slow:
        async def copy_records_to_table(self, _table: str, *, records: list[Any]) -> None:
            if not saved:
                series.id(("d", 0, "", "2", ()))
            saved.extend(records)

    series.id(("d", 0, "", "1", ()))
    await tally_store.save_series(Slow(), series)  # type: ignore[arg-type]
    await tally_store.save_series(Slow(), series)  # type: ignore[arg-type]
    assert [row[0] for row in saved] == [1, 2]
