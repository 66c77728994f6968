"""`hub keys`: the keys of publishers and programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
from aiokafka.errors import KafkaError
from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local import credentials
from services.cli.running import CommandFailed, connected, home_of, running
from services.contracts.topics import Topic, inbox_of, receipts_of
from services.runtime import access, bureau, postgres
from services.runtime.access_api import key_row
from services.runtime.kafka import ensure_topics, named
from services.runtime.settings import Settings

T = TypeVar("T")
keys = App(name="keys", help="报送单位和程序的钥匙：新增、授权、列出、停用。")

Options = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]
Json = Annotated[bool, Parameter("--json", negative="", help="按 JSON 输出，供程序读取。")]


@keys.command
def add(
    name: str,
    *,
    source: Options = None,
    type: Options = None,  # noqa: A002  the option's name is a promise
    region: Options = None,
    status: Options = None,
    right: Options = None,
    rate: float | None = None,
    kafka: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """新增一把钥匙。钥匙只显示这一次。

    Parameters
    ----------
    name
        报送单位，记在它送来的每条事件上。
    source
        可用的 source 前缀（按路径段比对，可重复）。
    type
        可报的事件类型，如 hazard.*（可重复；默认全部）。
    region
        可报的区域代码及其下级（可重复；默认全部）。
    status
        actual、exercise、test（可重复；默认 actual）。
    right
        publish、correct、retract、history、read（可重复；默认 publish）。
    rate
        每秒至多多少条事件（默认不限）。
    kafka
        也可经 Kafka 报送：建立主题 inbox.NAME（送入）和 receipts.NAME（回执）。
    """
    scope = access.Scope(
        sources=tuple(source or ()),
        types=tuple(type or (access.ANY,)),
        regions=tuple(region or ()),
        statuses=tuple(status or ("actual",)),
        rights=tuple(right or ("publish",)),
        rate=rate,
    )
    try:
        if kafka:
            _make_topics(name, scope)
        key, token = on_database(lambda connection: access.add_key(connection, name, scope, kafka=kafka))
    except ValueError as error:
        raise CommandFailed(f"钥匙没有新增：{error}") from error
    topics = _topics_on_kafka(name) if kafka else {}
    if json_:
        print(json.dumps({"id": key.id, "key": token, "scope": asdict(scope), **topics}, ensure_ascii=False))
        return
    print(f"{name} 的钥匙（编号 {key.id}）只显示这一次，请立即交给对方：\n{token}")
    if kafka:
        print(f"Kafka（{connected().kafka_bootstrap}）：送入 {topics['inbox']}，回执 {topics['receipts']}")


def _topics(publisher: str) -> dict[str, Topic]:
    return {"inbox": inbox_of(publisher), "receipts": receipts_of(publisher)}


def _topics_on_kafka(publisher: str) -> dict[str, str]:
    settings = connected()
    return {role: named(settings, topic) for role, topic in _topics(publisher).items()}


def _make_topics(publisher: str, scope: access.Scope) -> None:
    """Before the key, so that whoever has it can write at once. Raises ValueError for what no key may be."""
    if problems := access.problems_of(publisher, scope, kafka=True):
        raise ValueError("; ".join(problems))
    try:
        asyncio.run(ensure_topics(connected(), _topics(publisher).values()))
    except (KafkaError, TimeoutError) as error:
        raise CommandFailed(f"没有建立 {publisher} 的主题（{error}）：用 hub status 查看 Kafka") from error


@keys.command(name="list")
def list_(*, json_: Json = False) -> None:
    """列出全部钥匙，包括已停用的。"""
    found = on_database(access.list_keys)
    if json_:
        print(json.dumps([key_row(key) for key in found], ensure_ascii=False))
        return
    table = Table("编号")
    for heading in ("单位", "范围", "时间"):
        table.add_column(heading, overflow="fold")  # a prefix cut short is another prefix
    for key in found:
        name = f"{key.name}（Kafka）" if key.kafka else key.name
        table.add_row(key.id, *map(escape, (name, "\n".join(_lines(key.scope)), "\n".join(_times(key)))))
    Console().print(table)


def _lines(scope: access.Scope) -> Iterator[str]:
    """What a key may do, in the words of the options."""
    parts = {"来源": scope.sources, "类型": scope.types, "区域": scope.regions or ("全部",), "状态": scope.statuses,
             "权利": scope.rights}  # fmt: skip
    for name, values in parts.items():
        yield f"{name} {' '.join(values) or '无'}"
    if scope.rate:
        yield f"每秒至多 {scope.rate:g} 条"


def _times(key: access.Key) -> Iterator[str]:
    for name, at in (("新增", key.created), ("可用至", key.until), ("停用", key.revoked)):
        if at:
            yield f"{name} {minute(at)}"
    if key.granted is None:
        yield "未授权"


@keys.command
def grant(id_: Annotated[str, Parameter(name="ID")], /, *, json_: Json = False) -> None:
    """授权一把在页面上新增、尚未授权的钥匙。

    Parameters
    ----------
    id_
        钥匙的编号（hub keys list）。
    """
    if not on_database(lambda connection: access.grant_key(connection, id_)):
        raise CommandFailed(f"没有待授权的钥匙 {id_}：用 hub keys list 查看编号")
    print(json.dumps({"id": id_, "granted": True}) if json_ else f"钥匙 {id_} 已授权")


@keys.command
def rotate(name: str, *, grace: str = "7d", json_: Json = False) -> None:
    """给一个单位换一把新钥匙，范围不变；旧的在宽限期内照样可用，到期自动失效。新钥匙只显示这一次。

    Parameters
    ----------
    name
        报送单位（hub keys list）。
    grace
        旧钥匙还可用多久，写成 30m、2h 或 12d（要立即停用旧的，再执行 hub keys revoke）。
    """
    try:
        length = bureau.span(grace)
    except ValueError as error:
        raise CommandFailed(f"不是时长：{grace}（写成 30m、2h 或 12d）") from error
    done = on_database(lambda connection: access.rotate(connection, name, length))
    if done is None:
        raise CommandFailed(f"{name} 没有使用中的钥匙：用 hub keys list 查看")
    key, token, old = done
    if name == credentials.KEY_NAME and (file := home_of(Settings()) / "admin.key").exists():
        credentials.write_secret(file, token)
    if json_:
        seconds = length.total_seconds()
        print(json.dumps({"id": key.id, "key": token, "old": old, "grace_seconds": seconds}, ensure_ascii=False))
        return
    print(f"{name} 的新钥匙（编号 {key.id}）只显示这一次，请立即交给对方：\n{token}")
    print(f"旧钥匙 {'、'.join(old)} 再可用 {grace}；要提前停用：hub keys revoke 编号")


@keys.command
def revoke(id_: Annotated[str, Parameter(name="ID")], /, *, json_: Json = False) -> None:
    """停用一把钥匙，一秒内处处生效。

    Parameters
    ----------
    id_
        钥匙的编号（hub keys list）。
    """
    if not on_database(lambda connection: access.revoke(connection, id_)):
        raise CommandFailed(f"没有使用中的钥匙 {id_}：用 hub keys list 查看编号")
    print(json.dumps({"id": id_, "revoked": True}) if json_ else f"钥匙 {id_} 已停用")


def minute(at: Any) -> str:
    """A moment of a list, in the bureau's time; empty for none."""
    return f"{at.astimezone(_zone()):%Y-%m-%d %H:%M}" if at else ""


@cache
def _zone() -> ZoneInfo:
    settings = Settings()
    status = running(settings)
    return bureau.load(Path(status.bureau) if status else settings.bureau).timezone


def on_database(act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do something on a connection of the running hub's database."""
    return asyncio.run(_connected(act))


async def _connected(act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    try:
        connection = await postgres.connect(connected().postgres_dsn, role="cli")
    except postgres.NOT_NOW as error:
        raise CommandFailed(f"连不上 PostgreSQL（{error}）：用 hub status 查看") from error
    try:
        return await act(connection)
    finally:
        await connection.close()
