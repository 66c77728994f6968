"""The watch killed at every named place: nobody is missed, and nobody gets a message twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from services.runtime import postgres
from services.runtime.settings import Settings
from tests.warning.watching import MovedClock, Watching

PLACES = ("loop.start", "loop.in_transaction", "loop.after_commit", "sender.handed", "outbox.sent")


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> Watching:
    """What a test asks; nothing runs yet."""
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await postgres.connect(settings.postgres_dsn, role="test")
    await connection.execute("SET search_path TO warning")
    return Watching(settings, connection, MovedClock(settings))


async def started(settings: Settings, log: Path, place: str = "") -> asyncio.subprocess.Process:
    """`warning-stream` as a process, to be killed at a place."""
    environment = {
        **os.environ,
        **{f"HUB_{name.upper()}": str(getattr(settings, name)) for name in (
            "data_dir", "environment", "http_port", "kafka_bootstrap", "postgres_dsn", "topic_prefix")},
        "HUB_FAULT": place,
    }  # fmt: skip
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.warning.stream", env=environment, stdout=out, stderr=out
        )


async def test_killed_anywhere_everybody_is_called_once(watch: Watching, tmp_path: Path) -> None:
    await watch.consumer.start()
    for place in PLACES:
        process = await started(watch.settings, tmp_path / "log", place)
        await watch.publish(watch.alert(identifier=f"99011141600000_{PLACES.index(place)}"))
        async with asyncio.timeout(30):
            assert await process.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()[-2000:]
    process = await started(watch.settings, tmp_path / "log")
    try:
        await watch.until(
            lambda: watch.connection.fetchval("SELECT count(*) >= 5 FROM matter WHERE kind = 'alert'"), 30
        )
        await watch.settled()
        given = await watch.outbox()
        each = Counter((row["chain"], row["address"], row["channel"]) for row in given)
        assert set(each.values()) == {1}
        assert len(set(Counter(chain for chain, _, _ in each).values())) == 1, "each warning called as many"
        callouts = await watch.matters("callout")
        assert {callout for row in given if (callout := row["callout"])} == set(callouts)
    finally:
        process.terminate()
        await process.wait()
        await watch.consumer.stop()
        watch.connection.terminate()
