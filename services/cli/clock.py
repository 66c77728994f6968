"""`hub clock`: the clock of a hub under test, moved forward for every service at once."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter

from services.cli.running import CommandFailed, running
from services.runtime import bureau, postgres
from services.runtime import clock as clocks
from services.runtime.settings import Settings

clock = App(name="clock", help="测试环境的时钟：整个中枢一起向前拨。")

Json = Annotated[bool, Parameter("--json", negative="", help="按 JSON 输出，供程序读取。")]


@clock.command
def advance(length: str, *, json_: Json = False) -> None:
    """把时钟向前拨一段时间。

    Parameters
    ----------
    length
        如 90s、30m、2h、12d。
    """
    _show(asyncio.run(_move(lambda _now: _length(length))), json_)


@clock.command(name="set")
def set_(time: str, *, json_: Json = False) -> None:
    """把时钟拨到某一时刻，只能向前。

    Parameters
    ----------
    time
        如 2023-06-30T08:00:00+08:00；不写时区则按本单位时区。
    """
    _show(asyncio.run(_move(lambda now: _moment(time) - now)), json_)


@clock.command
def now(*, json_: Json = False) -> None:
    """现在几点。"""
    _show(asyncio.run(_move(lambda _now: datetime.timedelta())), json_)


def _length(text: str) -> datetime.timedelta:
    try:
        return bureau.span(text)
    except ValueError as error:
        raise CommandFailed(f"不是时长：{text}（写成 90s、30m、2h 或 12d）") from error


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandFailed(f"不是时刻：{text}（写成 2023-06-30T08:00:00+08:00）") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=bureau.load(Settings().bureau).timezone)


async def _move(by: Callable[[datetime.datetime], datetime.timedelta]) -> datetime.datetime:
    """Move the clock as far as `by` says of the time it shows; returns the time then."""
    connection = await postgres.connect(_dsn_under_test(), role="cli")
    try:
        now = _world() + await clocks.ahead(connection)
        return _world() + await clocks.advance(connection, by(now))
    except clocks.Backwards as error:
        raise CommandFailed("时钟只能向前拨") from error
    finally:
        await connection.close()


def _world() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _dsn_under_test() -> str:
    settings = Settings()
    status = running(settings)
    if (status.environment if status else settings.environment) != "test":
        raise CommandFailed("只有测试环境的时钟能拨动：以 HUB_ENVIRONMENT=test 启动中枢")
    dsn = settings.postgres_dsn or (status.dsn if status else "")
    if not dsn:
        raise CommandFailed("中枢未运行：先执行 make up")
    return dsn


def _show(now: datetime.datetime, as_json: bool) -> None:
    zone = bureau.load(Settings().bureau).timezone
    local = now.astimezone(zone).isoformat(timespec="seconds")
    print(json.dumps({"now": local}) if as_json else f"现在是 {local}")
