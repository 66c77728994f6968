"""kill -9 of the reading process at named places, under a running stream: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import pytest

from services.reporting.recount import recount
from services.reporting.statistics import definitions
from services.reporting.verify import verify
from services.runtime import bureau
from services.runtime.settings import Settings
from tests.records import publish
from tests.reporting.conftest import Reader
from tests.reporting.mixture import Mixture
from tests.reporting.truth import UNEXPLAINED, Record, expected, found

PLACES = ("loop.start", "loop.in_transaction", "loop.after_commit", "loop.in_transaction:3", "loop.after_commit:4",
          "loop.start:1", "loop.in_transaction:7", "loop.after_commit:2")  # fmt: skip


class Stream:
    """The real process, killed and started again while records come."""

    def __init__(self, reader: Reader, seed: int) -> None:
        self.reader, self.mixture = reader, Mixture(seed)
        self.records: list[Record] = []

    @contextlib.asynccontextmanager
    async def process(self, fault: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        """`python -m services.reporting.stream`, to be killed at a named place or here at the end."""
        settings = self.reader.settings
        environment = {
            **os.environ, "HUB_POSTGRES_DSN": settings.postgres_dsn, "HUB_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "HUB_TOPIC_PREFIX": settings.topic_prefix, "HUB_ENVIRONMENT": "test", "HUB_FAULT": fault,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.reporting.stream", env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def tell(self, size: int) -> None:
        """Publish more records."""
        fresh = self.mixture.records(size)
        self.records += fresh
        await publish(self.reader.settings, fresh)

    async def tell_until(self, process: asyncio.subprocess.Process, seconds: float = 60) -> None:
        """Publish until the process has ended, or the time is up; never in the middle of a batch."""
        end = time.monotonic() + seconds
        while process.returncode is None and time.monotonic() < end:
            await self.tell(8)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.05)

    async def caught_up(self, seconds: float = 60) -> None:
        """Until every record is explained."""
        async with asyncio.timeout(seconds):
            while await self._read() != len(self.records):
                await asyncio.sleep(0.05)

    async def _read(self) -> int:
        return int(await self.reader.connection.fetchval(f"SELECT read FROM ({UNEXPLAINED}) u") or 0)

    async def is_true(self) -> None:
        """Every record once in the ledger, the tally what the ledger adds up to, all seals whole."""
        dsn = self.reader.settings.postgres_dsn
        state, truth = await found(self.reader.connection, ()), expected(self.records, ())
        assert state == truth
        assert await self.reader.connection.fetchval(f"SELECT unexplained FROM ({UNEXPLAINED}) u") == 0
        assert [str(f) for f in (await verify(dsn)).findings] == []
        house = bureau.load(Settings().bureau)
        assert await recount(dsn, definitions(house), house.timezone) == []
        assert await self.reader.connection.fetchval("SELECT count(*) > 0 FROM tally_day") is True


async def test_killed_at_every_named_place(reader: Reader) -> None:
    stream = Stream(reader, 11)
    for place in PLACES:
        async with stream.process(place) as process:
            await stream.tell_until(process)
            assert process.returncode == -signal.SIGKILL, place
    async with stream.process():
        await stream.caught_up()
    await stream.is_true()


async def test_a_standby_takes_over_from_a_process_that_was_killed(reader: Reader) -> None:
    stream = Stream(reader, 12)
    async with stream.process() as first:
        await stream.tell(30)
        await stream.caught_up()
        async with stream.process():
            await asyncio.sleep(2)
            first.kill()
            await stream.tell(30)
            await stream.caught_up(10)
    await stream.is_true()


@pytest.mark.slow
async def test_killed_at_any_moment(reader: Reader) -> None:
    """Forty times, after a time that the dice say."""
    stream = Stream(reader, 13)
    for _ in range(40):
        async with stream.process() as process:
            await stream.tell_until(process, 0.8 + stream.mixture.dice.random() * 1.5)
    async with stream.process():
        await stream.caught_up()
    await stream.is_true()
