"""The one consume loop: each record's effect once, one reader at a time, and a sentence when a log does not fit."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.cli import epoch
from services.cli.epoch import Stopped
from services.runtime import consume
from services.runtime.consume import FLOOD, PROMPT, Pace
from services.runtime.kafka import ensure_topics
from services.runtime.settings import Settings
from tests.conftest import delete_topics
from tests.runtime.notebook import TOPIC, Notebook, prepare


@pytest.fixture
async def notebook(settings: Settings) -> AsyncIterator[Notebook]:
    await ensure_topics(settings, [TOPIC])
    connection = await prepare(settings)
    yield Notebook(settings, connection)
    await connection.close()
    await delete_topics(settings.kafka_bootstrap, [settings.topic_prefix + TOPIC.name])


# --- never ------------------------------------------------------------------------------------------------------------


async def test_what_cannot_be_read_is_set_aside_and_every_offset_is_explained(notebook: Notebook) -> None:
    await notebook.send("a", "no 1", "b", "no 2")
    async with notebook.reading():
        await notebook.read_to(4)
    assert await notebook.texts() == ["a", "b"]
    assert await notebook.asides() == [(1, "not_a_note"), (3, "not_a_note")]
    position = await notebook.position()
    assert (position["handled"], position["duplicate"], position["quarantine"]) == (2, 0, 2)


async def test_a_record_that_the_database_refuses_is_found_and_set_aside_alone(notebook: Notebook) -> None:
    await notebook.send("a", "b", "nul \0 in text", "c")
    await notebook.send("d", partition=1)
    async with notebook.reading():
        await notebook.read_to(4)
        await notebook.read_to(1, partition=1)
    assert await notebook.texts() == ["a", "b", "c", "d"]
    assert await notebook.asides() == [(2, "refused")]


@pytest.mark.parametrize("where", ["prepare", "apply"])
async def test_a_record_on_which_the_service_itself_fails_does_not_stop_the_others(
    notebook: Notebook, where: str
) -> None:
    def spoil(at: str, text: str) -> None:
        if at == where and text == "poison":
            raise KeyError(text)

    notebook.notes.spoil = spoil
    await notebook.send("a", "poison", "b")
    async with notebook.reading():
        await notebook.read_to(3)
    assert await notebook.texts() == ["a", "b"]
    assert await notebook.asides() == [(1, "refused")]


async def test_a_service_that_fails_on_everything_ends_and_sets_nothing_aside(notebook: Notebook) -> None:
    await notebook.send("a", "b")
    await notebook.connection.execute("ALTER TABLE quarantine RENAME TO elsewhere; ALTER TABLE note RENAME TO gone")
    with pytest.raises(Exception, match="does not exist"):
        async with notebook.reading() as task:
            await asyncio.wait({task}, timeout=10)
    assert (await notebook.position())["next"] == 0


async def test_a_flood_stops_across_batches_and_goes_on_when_started_again(notebook: Notebook) -> None:
    await notebook.send(*["no"] * (FLOOD - 1))
    async with notebook.reading():
        await notebook.read_to(FLOOD - 1)
        await notebook.send("no", "good", "no")
        await notebook.read_to(FLOOD)
        assert "could not be read" in await notebook.stopped()
        await notebook.send("elsewhere", partition=1)
        await notebook.read_to(1, partition=1)
    assert await notebook.texts() == ["elsewhere"]
    async with notebook.reading():
        await notebook.read_to(FLOOD + 2)
    assert await notebook.texts() == ["good", "elsewhere"]


async def test_a_flood_that_ends_with_its_batch_stops_before_the_next(notebook: Notebook) -> None:
    await notebook.send(*["no"] * FLOOD)
    async with notebook.reading():
        await notebook.read_to(FLOOD)
        await notebook.send("good")
        assert "could not be read" in await notebook.stopped()
        await asyncio.sleep(1)
    assert await notebook.texts() == []
    async with notebook.reading():
        await notebook.read_to(FLOOD + 1)
    assert await notebook.texts() == ["good"]


async def test_a_flood_stays_stopped_when_the_database_was_away_for_a_moment(notebook: Notebook) -> None:
    await notebook.send(*["no"] * (FLOOD + 1))
    async with notebook.reading():
        await notebook.read_to(FLOOD)
        await _cut(notebook)
        await notebook.send("elsewhere", partition=1)
        await notebook.read_to(1, partition=1)
        await notebook.stopped()
    assert (await notebook.position())["next"] == FLOOD


async def test_a_batch_that_is_read_again_counts_once_towards_a_flood(notebook: Notebook) -> None:
    times = iter(range(100))

    def spoil(at: str, _text: str) -> None:
        if at == "apply" and next(times) < 3:
            raise ConnectionError

    notebook.notes.spoil = spoil
    await notebook.send(*["no"] * 60, "a", *["no"] * 60, "b")
    async with notebook.reading():
        await notebook.read_to(122)
    assert await notebook.texts() == ["a", "b"]


async def test_a_flood_of_what_the_database_refuses_stops_too(notebook: Notebook) -> None:
    await notebook.send(*["nul \0"] * 130)
    async with notebook.reading():
        await notebook.read_to(FLOOD)
        await notebook.stopped()
    assert (await notebook.position())["next"] == FLOOD


# --- few at a time --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pace", [PROMPT, Pace(1_000, 0.4)])
async def test_what_trickles_in_shares_transactions(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch, pace: Pace
) -> None:
    transactions, apply = [], notebook.notes.apply

    async def counted(connection: asyncpg.Connection, slices: list[consume.Slice], prepared: object) -> None:
        transactions.append(sum(len(piece.records) for piece in slices))
        await apply(connection, slices, prepared)

    monkeypatch.setattr(notebook.notes, "apply", counted)
    producer = AIOKafkaProducer(bootstrap_servers=notebook.settings.kafka_bootstrap, acks="all")
    await producer.start()
    async with notebook.reading(notebook.loop(pace)):
        began = asyncio.get_running_loop().time()
        for n in range(300):
            await producer.send_and_wait(notebook.settings.topic_prefix + TOPIC.name, b"%d" % n, partition=n % 2)
        await producer.stop()
        await notebook.read_to(150)
        await notebook.read_to(150, 1)
        seconds = asyncio.get_running_loop().time() - began
    assert sum(transactions) == 300
    assert len(transactions) <= seconds / pace.seconds + 2


async def test_a_reader_that_gives_way_leaves_the_rest_of_the_time_to_others(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans, apply, now = [], notebook.notes.apply, asyncio.get_running_loop().time

    async def slow(connection: asyncpg.Connection, slices: list[consume.Slice], prepared: object) -> None:
        began = now()
        await asyncio.sleep(0.1)
        await apply(connection, slices, prepared)
        spans.append((began, now()))

    monkeypatch.setattr(notebook.notes, "apply", slow)
    async with notebook.reading(notebook.loop(Pace(1, 0.0, share=0.25))):
        for n in range(3):
            await notebook.send(str(n))
            await notebook.read_to(n + 1)
    assert all(later[0] - earlier[1] >= 0.3 for earlier, later in itertools.pairwise(spans))


# --- one reader -------------------------------------------------------------------------------------------------------


async def test_a_second_reader_stands_by_and_takes_over_when_the_first_has_gone(notebook: Notebook) -> None:
    first, second = notebook.loop(), notebook.loop()
    async with notebook.reading(second):
        async with notebook.reading(first):
            await notebook.send("a", "b")
            await notebook.read_to(2)
            holders = await notebook.connection.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            assert holders == 1
        await notebook.send("c")
        await notebook.read_to(3)
    assert await notebook.texts() == ["a", "b", "c"]


async def test_a_reader_whose_connection_was_cut_begins_again(notebook: Notebook) -> None:
    async with notebook.reading():
        await notebook.send("a")
        await notebook.read_to(1)
        await _cut(notebook)
        await notebook.send("b")
        await notebook.read_to(2)
    assert await notebook.texts() == ["a", "b"]


async def test_a_zombie_whose_position_was_moved_writes_nothing(notebook: Notebook) -> None:
    """Another reader took the records while this one had them prepared: its transaction must not commit."""
    moved = asyncio.Event()

    class Late(type(notebook.notes)):  # type: ignore[misc]
        async def apply(self, connection, slices, prepared) -> None:  # type: ignore[no-untyped-def]
            if not moved.is_set():
                other = await asyncpg.connect(notebook.settings.postgres_dsn)  # the test's own is being asked meanwhile
                await other.execute("UPDATE probe.position SET next = 2, handled = 2 WHERE partition = 0")
                await other.close()
                moved.set()
            await super().apply(connection, slices, prepared)

    notebook.notes = Late()
    await notebook.send("a", "b", "c")
    async with notebook.reading():
        await notebook.read_to(3)
    assert await notebook.texts() == ["c"]


async def test_the_fence_is_what_holds_the_zombie_back(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known bad: without compare-and-swap the same zombie writes what was written already."""
    monkeypatch.setattr(consume, "MOVE", consume.MOVE.replace("AND p.next = n.first", ""))
    with pytest.raises(AssertionError, match="'a', 'b', 'c'"):
        await test_a_zombie_whose_position_was_moved_writes_nothing(notebook)


async def _cut(notebook: Notebook) -> None:
    """End the reader's connections, as a database that restarts does."""
    await notebook.connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name LIKE 'hub-probe-%'"
    )


# --- epochs -----------------------------------------------------------------------------------------------------------


async def test_a_log_that_was_made_anew_stops_in_red_until_a_new_epoch(notebook: Notebook) -> None:
    await notebook.send("a", "b", "c")
    async with notebook.reading():
        await notebook.read_to(3)
    await delete_topics(notebook.settings.kafka_bootstrap, [notebook.settings.topic_prefix + TOPIC.name])
    await _made_again(notebook)
    await notebook.send("a", "x")
    async with notebook.reading():
        why = await notebook.stopped()
        assert "another log" in why
        assert "hub epoch" in why
        assert (await notebook.position())["next"] == 3


async def test_in_a_new_epoch_the_reader_goes_on_by_itself_from_where_the_log_begins(notebook: Notebook) -> None:
    notebook.notes.spoil = lambda at, text: [][0] if text == "b" else None
    await notebook.send("a", "b", "c")
    async with notebook.reading():
        await notebook.read_to(3)
        await delete_topics(notebook.settings.kafka_bootstrap, [notebook.settings.topic_prefix + TOPIC.name])
        await _made_again(notebook)
        await _cut(notebook)
        await notebook.send("x", "y", "z")
        await notebook.stopped()
        old = await notebook.position()
        found = Stopped("probe", old["id"], "notes/0", 1, 2, "")
        assert await epoch.begin(notebook.connection, [found]) == 0, "it had moved since it was shown"
        assert await epoch.begin(notebook.connection, [replace(found, next=3)]) == 1
        await notebook.until("SELECT next = 3 FROM position WHERE partition = 0 AND epoch = 2")
    assert await notebook.texts() == ["a", "c", "x", "y", "z"], "offset 1 was refused in the epoch before, not in this"
    assert (await notebook.position())["first"] == 0


async def test_a_log_that_was_made_anew_while_it_is_read_is_noticed(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "LOG_SECONDS", 1)
    await notebook.send("a", "b", "c")
    async with notebook.reading():
        await notebook.read_to(3)
        await delete_topics(notebook.settings.kafka_bootstrap, [notebook.settings.topic_prefix + TOPIC.name])
        await _made_again(notebook)
        assert "another log" in await notebook.stopped()


async def test_a_topic_that_is_missing_is_waited_for(notebook: Notebook) -> None:
    name = notebook.settings.topic_prefix + TOPIC.name
    await delete_topics(notebook.settings.kafka_bootstrap, [name])
    async with notebook.reading() as task:
        await asyncio.sleep(1)
        assert not task.done()
        await _made_again(notebook)
        await notebook.send("a")
        await notebook.read_to(1)


async def test_a_log_that_is_shorter_than_what_was_read_stops_in_red(notebook: Notebook) -> None:
    await notebook.send("a")
    async with notebook.reading():
        await notebook.read_to(1)
    await notebook.connection.execute("UPDATE position SET next = 5, handled = 5 WHERE partition = 0")
    async with notebook.reading():
        assert "the log ends at 1, but it was read up to 5" in await notebook.stopped()


async def test_a_record_before_next_that_was_replaced_stops_in_red(notebook: Notebook) -> None:
    await notebook.send("a", "b")
    async with notebook.reading():
        await notebook.read_to(2)
    await notebook.send("c")
    await notebook.connection.execute("UPDATE position SET record_digest = sha256('z') WHERE partition = 0")
    async with notebook.reading():
        assert "the log was replaced" in await notebook.stopped()
    assert await notebook.texts() == ["a", "b"]


async def test_records_that_retention_took_unread_stop_in_red(notebook: Notebook) -> None:
    await notebook.send("a", "b")
    async with notebook.reading():
        await notebook.read_to(2)
    await notebook.send("c", "d", "e")
    await _delete_before(notebook, 4)
    async with notebook.reading():
        assert "the log begins at 4, but 2 was not read yet" in await notebook.stopped()
        await notebook.send("elsewhere", partition=1)
        await notebook.read_to(1, partition=1)


async def test_records_that_retention_took_after_they_were_read_change_nothing(notebook: Notebook) -> None:
    await notebook.send("a", "b")
    async with notebook.reading():
        await notebook.read_to(2)
    await _delete_before(notebook, 2)
    await notebook.send("c")
    async with notebook.reading():
        await notebook.read_to(3)
    assert await notebook.texts() == ["a", "b", "c"]


async def _made_again(notebook: Notebook) -> None:
    """Make the topic again; deleting takes the broker a moment."""
    async with asyncio.timeout(10):
        while True:
            try:
                await ensure_topics(notebook.settings, [TOPIC])
            except Exception:  # noqa: BLE001  whatever it is, it is tried again until the time is up
                await asyncio.sleep(0.1)
            else:
                return


async def _delete_before(notebook: Notebook, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=notebook.settings.kafka_bootstrap)
    await admin.start()
    try:
        at = TopicPartition(notebook.settings.topic_prefix + TOPIC.name, 0)
        await admin.delete_records({at: RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


async def test_what_goes_wrong_between_client_and_database_is_not_blamed_on_the_record(notebook: Notebook) -> None:
    ended = asyncio.Event()

    class Cut(type(notebook.notes)):  # type: ignore[misc]
        async def apply(self, connection, slices, prepared) -> None:  # type: ignore[no-untyped-def]
            if not ended.is_set():
                ended.set()
                raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
            await super().apply(connection, slices, prepared)

    notebook.notes = Cut()
    await notebook.send("a")
    async with notebook.reading():
        await notebook.read_to(1)
    assert await notebook.texts() == ["a"]
    assert await notebook.asides() == []
