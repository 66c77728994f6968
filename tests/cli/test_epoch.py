"""`hub epoch`: an emptied Kafka is read again from its beginning, and nothing is counted twice."""

from __future__ import annotations

import asyncio

import pytest

from services.cli import epoch
from services.cli.running import CommandFailed
from services.reporting.verify import verify
from services.runtime.kafka import ensure_topics
from tests.conftest import delete_topics
from tests.records import publish, record
from tests.reporting.conftest import Reader, reader

__all__ = ["reader"]


async def test_after_kafka_was_emptied_everything_known_changes_nothing(
    reader: Reader, topics: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_POSTGRES_DSN", reader.settings.postgres_dsn)
    old = [record(subject=f"h{n}", data={"level": "major"}) for n in range(30)]
    await reader.read(list(old))
    await delete_topics(reader.settings.kafka_bootstrap, topics)
    await asyncio.sleep(1)
    await ensure_topics(reader.settings)
    await publish(reader.settings, [*old[10:], *(record(subject=f"n{n}") for n in range(5))])
    async with reader.running():
        async with asyncio.timeout(10):
            while not await reader.connection.fetchval("SELECT count(*) > 30 FROM reader, jsonb_each(stopped)"):
                await asyncio.sleep(0.1)
        with pytest.raises(CommandFailed, match="--yes"):
            await epoch._epoch("hazards", False, False)
        await epoch._epoch("hazards", False, True)
        await epoch._epoch("", False, True)
        await reader.caught_up()
        with pytest.raises(CommandFailed, match="不需要"):
            await epoch._epoch("", False, True)
    assert "hazards/0" in capsys.readouterr().out
    assert await reader.total("hazards_found") == 35
    assert await reader.connection.fetchval("SELECT sum(duplicate) FROM position WHERE epoch = 2") == 20
    assert await reader.connection.fetchval("SELECT bool_and(epoch = 2) FROM position WHERE is_current")
    assert (await verify(reader.settings.postgres_dsn)).wrong == 0


async def test_without_a_stopped_partition_there_is_nothing_to_do(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_POSTGRES_DSN", reader.settings.postgres_dsn)
    await reader.read([record()])
    with pytest.raises(CommandFailed, match="不需要"):
        await epoch._epoch("", False, True)
    await epoch._epoch("hazards", True, True)
    async with reader.running():
        await reader.caught_up()
    assert await reader.total("hazards_found") == 1
