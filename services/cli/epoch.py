"""`hub epoch`: after Kafka was emptied or restored, partitions that stopped are read again from the beginning."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass

import asyncpg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.running import CommandFailed, must_run
from services.runtime import postgres
from services.runtime.settings import Settings


@dataclass(frozen=True)
class Stopped:
    """One partition that a service reads, and why it stands still."""

    schema: str
    id: int
    name: str
    epoch: int
    next: int
    why: str


def epoch(partition: str = "", *, all_: bool = False, yes: bool = False) -> None:
    """停止读取的分区从头开始新的一轮：已入账的记录按标识认出，不会重复计数。

    Parameters
    ----------
    partition
        只处理这一主题或分区，如 hazards 或 hazards/3；不写则处理全部停止的分区
    all_
        没有停止的分区也一并开始新的一轮
    yes
        不再询问
    """
    asyncio.run(_epoch(partition, all_, yes))


async def _epoch(partition: str, everything: bool, yes: bool) -> None:
    settings = Settings()
    connection = await postgres.connect(settings.postgres_dsn or must_run(settings).dsn, role="epoch")
    try:
        found = await stopped(connection, partition, everything=everything)
        if not found:
            raise CommandFailed("没有停止的分区，不需要新的一轮" + (f"（{partition}）" if partition else ""))
        _show(found)
        if not yes and not _confirmed(len(found)):
            raise CommandFailed("没有改动任何东西")
        moved = await begin(connection, found)
    finally:
        await connection.close()
    print(f"{moved} 个分区开始新的一轮；正在运行的中枢几秒内自行从头读起，未运行的在启动后读起")


async def stopped(connection: asyncpg.Connection, partition: str = "", *, everything: bool = False) -> list[Stopped]:
    """The partitions that a new epoch would help: stopped because the log is not the one read; or all of them."""
    found = []
    for schema in await _schemas(connection):
        why = await _why(connection, schema)
        rows = await connection.fetch(
            f"SELECT id, topic || '/' || partition AS name, epoch, next FROM {schema}.position WHERE is_current"  # noqa: S608
            " AND (topic || '/' || partition = $1 OR topic = $1 OR $1 = '') ORDER BY topic, partition", partition,
        )  # fmt: skip
        found += [Stopped(schema, row["id"], row["name"], row["epoch"], row["next"], why.get(row["name"], ""))
                  for row in rows]  # fmt: skip
    return [s for s in found if everything or "hub epoch" in s.why]


async def _why(connection: asyncpg.Connection, schema: str) -> dict[str, str]:
    """Why partitions stand still, as all readers of a schema told it last."""
    rows = await connection.fetch(f"SELECT stopped FROM {schema}.reader")  # noqa: S608
    return {name: why for row in rows for name, why in json.loads(row["stopped"]).items()}


async def begin(connection: asyncpg.Connection, found: list[Stopped]) -> int:
    """End the epochs as they were shown; the reader begins the next ones where the logs begin. How many it were."""
    moved = 0
    async with connection.transaction():
        for s in found:
            done = await connection.execute(
                f"UPDATE {s.schema}.position SET is_current = false WHERE id = $1 AND is_current AND next = $2",  # noqa: S608
                s.id, s.next,
            )  # fmt: skip
            moved += done == "UPDATE 1"
    return moved


async def _schemas(connection: asyncpg.Connection) -> list[str]:
    """The services' schemas that read Kafka."""
    rows = await connection.fetch(
        "SELECT schemaname FROM pg_tables WHERE tablename = 'position' AND schemaname = ANY($1) ORDER BY 1",
        [schema for schema, _ in postgres.SCHEMAS],
    )
    return [row["schemaname"] for row in rows]


def _show(found: list[Stopped]) -> None:
    table = Table("服务", "分区", "轮次", "已读到", "停止的原因", title="将从头读起的分区")
    for s in found:
        table.add_row(s.schema, s.name, str(s.epoch), str(s.next), escape(s.why) or "（没有停止）")
    Console().print(table)


def _confirmed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise CommandFailed("请确认后加上 --yes 再执行")
    return input(f"{count} 个分区从头读起，确定吗？输入 yes：").strip() == "yes"
