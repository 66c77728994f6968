"""New statistics are counted from the ledger while reading goes on, and both together are the whole."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.reporting import recount as recounting
from services.reporting import tally_store
from services.reporting.background import Background
from services.reporting.recount import mend, recount
from tests.records import correction, publish, record, retraction
from tests.reporting.conftest import DEFINITIONS, SHANGHAI, Reader, statistic
from tests.reporting.test_recount import year


class Gate:
    """Holds a count between its snapshot and its end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counted, self.open = asyncio.Event(), asyncio.Event()
        self._spread: Callable[..., Awaitable[None]] = recounting._spread
        monkeypatch.setattr(recounting, "_spread", self)

    async def __call__(self, *arguments: Any, beside: bool) -> None:
        await self._spread(*arguments, beside=False)
        if beside:
            self.counted.set()
            await self.open.wait()


async def all_counted(reader: Reader) -> None:
    async with asyncio.timeout(20):
        while await reader.connection.fetchval("SELECT EXISTS (SELECT FROM definition WHERE counted IS NULL AND hash"
                                               " = ANY($1))", [d.hash for d in reader.definitions]):  # fmt: skip
            await asyncio.sleep(0.05)


async def test_what_comes_while_a_new_statistic_is_counted_is_in_it_once(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)
    before = [one for one in year(7, 300) if not one.get("corrects")]
    reader.definitions = (statistic("other", "patrol.completed"),)
    await reader.read(before)
    reader.definitions, reader.at_once = DEFINITIONS, 0
    gate = Gate(monkeypatch)
    async with reader.running():
        await asyncio.wait_for(gate.counted.wait(), 20)
        changed = rng.sample(before, 60)
        corrected = [correction(one, {**dict(one["data"]), "participants": 7}) for one in changed[:40]]
        await publish(reader.settings, [*year(8, 100), *corrected, *map(retraction, changed[40:])])
        await publish(reader.settings, [retraction(one) for one in corrected[:10]])
        await reader.caught_up()
        assert await reader.total("hazards_found") > 0
        gate.open.set()
        await all_counted(reader)
        await reader.caught_up()
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_a_reader_that_is_ended_in_the_middle_begins_the_count_again(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.definitions = DEFINITIONS[:1]
    await reader.read(year(9, 100))
    reader.definitions, reader.at_once = DEFINITIONS, 0
    gate = Gate(monkeypatch)
    async with reader.running():
        await asyncio.wait_for(gate.counted.wait(), 20)
        await publish(reader.settings, year(10, 50))
        await reader.caught_up()
    gate.open.set()
    async with reader.running():
        await all_counted(reader)
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_a_repair_that_is_asked_for_during_a_count_is_done_too(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.definitions = DEFINITIONS[:1]
    await reader.read(year(11, 100))
    await reader.connection.execute("UPDATE tally_day SET events = events + 3")
    reader.definitions, reader.at_once = DEFINITIONS, 0
    gate = Gate(monkeypatch)
    async with reader.running():
        await asyncio.wait_for(gate.counted.wait(), 20)
        gate.open.set()
        await mend(reader.settings.postgres_dsn, {DEFINITIONS[0].hash})
        await all_counted(reader)
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_workers_of_their_own_count_and_tell_how_far_they_are(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "BLOCKS", 4)
    reader.definitions = (statistic("other", "patrol.completed"),)
    await reader.read([record(subject=f"h{n}", data={"level": "major"}) for n in range(400)])
    new = {d.hash: d for d in DEFINITIONS}
    await tally_store.uncounted(reader.connection, {d.hash: d.key for d in DEFINITIONS})
    shares = []
    monkeypatch.setattr(Background, "_told", lambda self, done, pages: shares.append(done / pages))
    counting = Background(reader.settings.postgres_dsn, new, SHANGHAI)
    async with asyncio.timeout(30):
        while not counting.ready:
            await asyncio.sleep(0.05)
    await counting.settle(reader.connection, await tally_store.load_series(reader.connection))
    assert len(shares) > 1
    assert shares[-1] == 1
    reader.definitions = DEFINITIONS
    assert await reader.total("hazards_found") == 400
