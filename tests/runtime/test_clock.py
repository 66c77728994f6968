"""The clock of a hub under test moves in every process; that of a real hub never does."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.cli import clock as command
from services.cli.running import CommandFailed
from services.runtime import clock, postgres
from services.runtime.clock import Clock
from services.runtime.settings import Settings

DAY = datetime.timedelta(days=1)


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    await postgres.migrate_all(database)
    connection = await postgres.connect(database, role="test")
    yield connection
    await connection.close()


@contextlib.asynccontextmanager
async def running(dsn: str, environment: str = "test", poll_seconds: float = 0.5) -> AsyncIterator[Clock]:
    settings = Settings.model_validate({"postgres_dsn": dsn, "environment": environment})
    one = Clock(settings, poll_seconds=poll_seconds)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


async def reaches(one: Clock, ahead: datetime.timedelta) -> None:
    async with asyncio.timeout(1):
        while one.ahead < ahead:
            await asyncio.sleep(0.005)


def shown(one: Clock) -> datetime.timedelta:
    return one.now() - datetime.datetime.now(datetime.UTC)


async def test_every_clock_moves_within_a_second(database: str, connection: asyncpg.Connection) -> None:
    async with running(database, poll_seconds=60) as told, running(database) as other:
        assert abs(shown(told)) < DAY / 1000
        await clock.advance(connection, 12 * DAY)
        await asyncio.gather(reaches(told, 12 * DAY), reaches(other, 12 * DAY))
        assert abs(shown(other) - 12 * DAY) < DAY / 1000
        async with running(database) as late:
            assert late.ahead == 12 * DAY
        await clock.advance(connection, DAY)
        await reaches(told, 13 * DAY)


async def test_a_clock_goes_on_when_its_connection_breaks(database: str, connection: asyncpg.Connection) -> None:
    async with running(database, poll_seconds=0.05) as one:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hub-clock'"
        )
        await clock.advance(connection, DAY)
        await reaches(one, DAY)


async def test_in_production_nobody_is_asked_and_nothing_moves(database: str, connection: asyncpg.Connection) -> None:
    await clock.advance(connection, DAY)
    async with running("postgresql://nowhere.invalid/none", "production") as one:
        assert abs(shown(one)) < DAY / 1000


async def test_only_forward(connection: asyncpg.Connection) -> None:
    with pytest.raises(clock.Backwards):
        await clock.advance(connection, -DAY)
    await clock.advance(connection, DAY)
    with pytest.raises(asyncpg.RaiseError, match="forward"):
        await connection.execute("UPDATE access.clock SET ahead = '0'")


async def test_the_command(
    database: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_POSTGRES_DSN", database)
    with pytest.raises(CommandFailed, match="HUB_ENVIRONMENT=test"):
        await command._move(lambda _now: DAY)
    monkeypatch.setenv("HUB_ENVIRONMENT", "test")
    now = datetime.datetime.now(datetime.UTC)
    assert abs(await command._move(lambda _now: command._length("12d")) - now - 12 * DAY) < DAY / 1000
    command._show(now + 12 * DAY, True)
    assert (now + 12 * DAY).astimezone().date().isoformat()[:7] in capsys.readouterr().out
    to = now + 20 * DAY
    assert abs(await command._move(lambda at: command._moment(to.isoformat()) - at) - to) < DAY / 1000
    with pytest.raises(CommandFailed, match="向前"):
        await command._move(lambda at: command._moment("2020-01-01T08:00:00+08:00") - at)
    for wrong in ("12", "12w", ""):
        with pytest.raises(CommandFailed, match="不是时长"):
            command._length(wrong)
    with pytest.raises(CommandFailed, match="不是时刻"):
        command._moment("tomorrow")
    assert command._moment("2030-01-01").utcoffset() == datetime.timedelta(hours=8)
