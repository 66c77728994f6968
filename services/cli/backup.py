"""`hub backup`: everything that a new machine needs, as of one moment, while the hub goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import asyncpg
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.local import CannotStart, dump, saved
from services.cli.running import CommandFailed, bureau_folder, home_of, must_run
from services.runtime import postgres
from services.runtime.settings import Settings

ROOM_BYTES = 64 << 20
SHARE = 2
"""A dump has no indexes and is compressed: half of the database is more than it ever took."""
POSITIONS = "SELECT topic || '/' || partition AS name, next FROM {schema}.position WHERE is_current"
MIGRATIONS = "SELECT name FROM {schema}.migration ORDER BY name"


def backup(
    folder: Path | None = None,
    *,
    keep: int | None = None,
    json_: Annotated[bool, Parameter("--json", negative="", help="按 JSON 输出，供程序读取。")] = False,
) -> None:
    """备份数据库、单位目录和重新启动所需的钥匙；中枢照常运行，备份是同一时刻的全貌。

    Parameters
    ----------
    folder
        备份放在哪个目录，每次在其中新建一个子目录；默认在数据目录旁边。最好是另一块盘。
    keep
        只留最近几份，更早的删除（默认全部保留）。
    """
    if keep is not None and keep < 1:
        raise CommandFailed("--keep 至少是 1")
    settings = Settings()
    into = (folder or default_folder(settings)).resolve()
    began = time.monotonic()
    with bars() as bar:
        path, manifest = asyncio.run(_backup(settings, into, bar))
    gone = saved.forget(into, keep) if keep else []
    size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    seconds = time.monotonic() - began
    if json_:
        print(json.dumps({
            "folder": str(path), "made": manifest.made, "events": manifest.events, "bytes": size,
            "seconds": round(seconds, 1), "removed": [str(one) for one in gone],
        }, ensure_ascii=False))  # fmt: skip
        return
    print(f"已备份到 {path}（{manifest.events} 条事件，{size / 1e6:.1f} MB，用时 {seconds:.1f} 秒）")
    print("备份里有个人信息和钥匙：像保管原件一样保管它。恢复：hub restore " + str(path))
    for one in gone:
        print(f"已删除旧备份 {one}")


def default_folder(settings: Settings) -> Path:
    """`.hub` has its backups in `.hub-backups`."""
    home = home_of(settings)
    return home.with_name(f"{home.name}-backups")


async def _backup(settings: Settings, into: Path, bar: Bar) -> tuple[Path, saved.Manifest]:
    dsn = settings.postgres_dsn or must_run(settings).dsn
    try:
        connection = await postgres.connect(dsn, role="backup", command_timeout=None)
    except postgres.NOT_NOW as error:
        raise CommandFailed(f"连不上 PostgreSQL（{error}）：用 hub status 查看") from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            manifest = await _described(connection, settings)
            need_room(into, manifest.database_bytes // SHARE)
            with _growing(into, saved.name_of(manifest.moment)) as (partial, path):
                await _fill(connection, settings, dsn, partial, manifest, bar)
                saved.seal(partial, manifest, bar("校验和"))
    finally:
        connection.terminate()
    return path, manifest


async def _fill(
    connection: asyncpg.Connection, settings: Settings, dsn: str, folder: Path, manifest: saved.Manifest, bar: Bar
) -> None:
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    await dump.write(dsn, folder / saved.DATABASE, snapshot, manifest.rows, bar("数据库"))
    shutil.copytree(bureau_folder(settings), folder / saved.BUREAU)
    saved.copy_home(home_of(settings), folder / saved.HOME)


async def _described(connection: asyncpg.Connection, settings: Settings) -> saved.Manifest:
    """The manifest, without the checksums of what is still to be written."""
    made = await connection.fetchval("SELECT now()")
    readers = [schema for schema, folders in postgres.SCHEMAS if len(folders) > 1]
    positions = {schema: {row["name"]: row["next"] for row in await connection.fetch(POSITIONS.format(schema=schema))}
                 for schema in readers}  # fmt: skip
    return saved.Manifest(
        made=made.isoformat(), version=version("emergency-hub"),
        postgres=await connection.fetchval("SHOW server_version"),
        events=int(await connection.fetchval("SELECT coalesce(sum(handled), 0) FROM reporting.position")),
        migrations=[f"{schema}:{row['name']}" for schema, _ in postgres.SCHEMAS
                    for row in await connection.fetch(MIGRATIONS.format(schema=schema))],
        rows=await dump.sizes(connection), positions=positions,
        settings=sorted(name for name in os.environ if name.startswith("HUB_")), bureau=str(settings.bureau),
        database_bytes=await connection.fetchval("SELECT pg_database_size(current_database())"),
    )  # fmt: skip


def need_room(folder: Path, needed: int) -> None:
    """Raises CannotStart when the disk has not so many bytes, and some more."""
    free = dump.free_bytes(folder)
    if free < needed + ROOM_BYTES:
        raise CannotStart(
            f"磁盘空间不足：{folder} 所在磁盘只剩 {free >> 20} MB，约需 {(needed + ROOM_BYTES) >> 20} MB："
            "先清理，或换一个目录"
        )


@contextlib.contextmanager
def _growing(into: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """A folder only its owner may read; it has its name only when it is whole, and is gone when it failed."""
    path, partial = into / name, into / f"{name}.partial"
    try:
        into.mkdir(parents=True, exist_ok=True)
        partial.mkdir(mode=0o700)
        yield partial, path
        partial.rename(path)
    except FileExistsError as error:
        raise CommandFailed(f"{error.filename} 已存在：稍后再试") from error
    except OSError as error:
        raise CommandFailed(f"没有备份成：{into} 无法写入（{error.strerror}）：检查磁盘空间和权限") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


Bar = Callable[[str], Callable[[int, int], None]]
"""A new line of progress by its name; what it gives is told (done, all)."""


@contextlib.contextmanager
def bars() -> Iterator[Bar]:
    """Progress on the terminal, one line a step."""
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
                  TimeElapsedColumn(), console=Console(stderr=True), transient=True) as shown:  # fmt: skip

        def line(name: str) -> Callable[[int, int], None]:
            task: TaskID = shown.add_task(name, total=None)
            return lambda done, total: shown.update(task, completed=done, total=total)

        yield line
