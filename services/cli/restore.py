"""`hub restore`: a backup becomes the database again; what came after it is read from Kafka, and nobody is called."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import asyncpg
from cyclopts import Parameter

from deploy.local import CannotStart, dump, folder, saved
from deploy.local.part import stop
from deploy.local.postgres import PostgresPart
from services.cli.backup import Bar, bars, need_room
from services.cli.running import CommandFailed, home_of
from services.runtime import postgres, retention
from services.runtime.settings import Settings

ASIDE = "postgres.replaced"
"""Where the database that is replaced lies until the other one stands."""
CONNECTED = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name LIKE 'hub-%' AND pid <> pg_backend_pid()"""


def restore(
    folder_: Annotated[Path, Parameter(name="DIR")],
    /,
    *,
    replace: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter("--json", negative="", help="按 JSON 输出，供程序读取。")] = False,
) -> None:
    """把备份恢复到空的或已停止的数据目录（HUB_DATA_DIR），或空的外部数据库（HUB_POSTGRES_DSN）。先核对校验和。

    之后启动中枢：备份之后的记录从 Kafka 自动补齐，已经过去的不再通知任何人。

    Parameters
    ----------
    folder_
        一份备份；或放备份的目录，取其中最新的一份。
    replace
        已有数据时覆盖它。
    """
    settings = Settings()
    began = time.monotonic()
    backup = saved.newest(folder_.resolve())
    manifest = saved.open_(backup)
    if newer := sorted(set(manifest.migrations) - postgres.known()):
        raise CommandFailed(
            f"{backup} 由更新的版本（{manifest.version}）写成，本程序不认识 {newer[0]}：换用那个版本恢复"
        )
    with bars() as bar:
        saved.check(backup, manifest, bar("核对校验和"))
        asyncio.run(_restore(settings, backup, manifest, replace, bar))
    seconds = round(time.monotonic() - began, 1)
    if json_:
        print(json.dumps({"folder": str(backup), "made": manifest.made, "events": manifest.events, "seconds": seconds}))
        return
    print(f"已恢复到 {manifest.made} 的状态（{manifest.events} 条事件，用时 {seconds} 秒）")
    for line in _next_steps(settings, backup, manifest):
        print(line)


def _next_steps(settings: Settings, backup: Path, manifest: saved.Manifest) -> Iterator[str]:
    yield "所有人需重新登录；备份之后停用的钥匙和账户又成了有效的：用 hub keys list、hub users list 核对"
    if missing := [name for name in manifest.settings if name not in ("HUB_DATA_DIR", "HUB_POSTGRES_DSN")]:
        yield f"备份时设置过 {'、'.join(missing)}：启动前照样设置（值不在备份里）"
    yield f"备份时的单位目录在 {backup / saved.BUREAU}"
    if not settings.kafka_bootstrap and not (home_of(settings) / "kafka" / "log").exists():
        yield "这里没有 Kafka 的数据：启动后各分区会停下，执行 hub epoch --yes 从头开始新的一轮"
    else:
        yield "启动：hub up。备份之后的记录从 Kafka 自动补齐，已经过去的不再通知任何人"


async def _restore(settings: Settings, backup: Path, manifest: saved.Manifest, replace: bool, bar: Bar) -> None:
    if settings.postgres_dsn:
        await _into_theirs(settings.postgres_dsn, backup, manifest, replace, bar)
        _home_files(home_of(settings), backup)
        return
    home = home_of(settings)
    need_room(home, manifest.database_bytes)
    folder.open_folder(home)
    with folder.taken(home), _emptied(home, replace):
        folder.end_leftovers(home)
        async with _server(settings) as dsn:
            await _fill(dsn, backup, manifest, bar)
        _home_files(home, backup)


async def _fill(dsn: str, backup: Path, manifest: saved.Manifest, bar: Bar) -> None:
    """The dump, brought to this release; whoever was logged in then is not now."""
    await dump.read(dsn, backup / saved.DATABASE, manifest.rows, bar("数据库"))
    await postgres.migrate_all(dsn)
    connection = await postgres.connect(dsn, role="restore", command_timeout=None)
    try:
        await retention.restored(connection, manifest.moment)
    finally:
        await connection.close()


async def _into_theirs(dsn: str, backup: Path, manifest: saved.Manifest, replace: bool, bar: Bar) -> None:
    """An outside database: nobody may be at work in it."""
    try:
        connection = await postgres.connect(dsn, role="restore", command_timeout=None)
    except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
        raise CommandFailed(f"连不上 PostgreSQL（{error}）：检查 HUB_POSTGRES_DSN") from error
    try:
        if await connection.fetchval(CONNECTED):
            raise CommandFailed("还有中枢在用这个数据库：先停止它，再恢复")
        ours = [schema for schema, _ in postgres.SCHEMAS]
        there = await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)", ours)
        if there and not replace:
            raise CommandFailed("数据库里已有中枢的数据：确定要覆盖时加上 --replace，或换一个空的数据库")
        await connection.execute("".join(f"DROP SCHEMA IF EXISTS {schema} CASCADE;" for schema in ours))
    finally:
        await connection.close()
    await _fill(dsn, backup, manifest, bar)


@contextlib.contextmanager
def _emptied(home: Path, replace: bool) -> Iterator[None]:
    """The data folder without a database; the old one is back in its place when the body fails."""
    files, aside = home / "postgres", home / ASIDE
    if (files / "data").exists() and not replace:
        raise CommandFailed(f"{home} 里已有数据库：确定要覆盖时加上 --replace，或用 HUB_DATA_DIR 换一个空目录")
    if aside.exists():  # a restore that was killed: what it had put aside is the last whole database
        shutil.rmtree(files, ignore_errors=True)
        aside.rename(files)
    if files.exists():
        files.rename(aside)
    try:
        yield
    except BaseException:
        shutil.rmtree(files, ignore_errors=True)
        if aside.exists():
            aside.rename(files)
        raise
    shutil.rmtree(aside, ignore_errors=True)


@contextlib.asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[str]:
    """The embedded PostgreSQL alone, for as long as the body runs; its DSN."""
    part = PostgresPart(settings)
    process: subprocess.Popen[bytes] | None = None
    try:
        part.prepare()
        process = part.spawn()
        await part.ready(process)
        yield part.address
    finally:
        if process is not None:
            await asyncio.to_thread(stop, process, signal.SIGINT, 60.0)
        part.release()


def _home_files(home: Path, backup: Path) -> None:
    """The key of the command line belongs to the database; anything else is added where there is none."""
    kept = backup / saved.HOME
    for source in (p for p in kept.rglob("*") if p.is_file()):
        target = home / source.relative_to(kept)
        if not target.exists() or target.name == "admin.key":
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(source, target)
            except OSError as error:
                raise CannotStart(f"{target} 无法写入（{error.strerror}）：检查磁盘空间和权限") from error
