"""Writes a database to files and reads it back, by PostgreSQL's own programs; it may be at work all the while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from deploy.local import CannotStart
from deploy.local.postgres import binaries
from services.runtime import postgres

Progress = Callable[[int, int], None]
"""Told (rows done, rows in all); the rows in all are an estimate."""
JOBS = 2
COMPRESSION = "gzip:1"
LOOK_SECONDS = 0.3
SIZES = """
SELECT c.oid::regclass::text AS name, greatest(c.reltuples, 0)::bigint AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname = ANY($1)"""
COPYING = "SELECT relid::regclass::text AS name, tuples_processed AS rows FROM pg_stat_progress_copy WHERE datname = $1"


async def sizes(connection: asyncpg.Connection) -> dict[str, int]:
    """About how many rows each table of ours has."""
    rows = await connection.fetch(SIZES, [schema for schema, _ in postgres.SCHEMAS])
    return {row["name"]: row["rows"] for row in rows}


async def write(dsn: str, folder: Path, snapshot: str, expected: Mapping[str, int], progress: Progress) -> None:
    """Our schemas as one moment sees them. Raises CannotStart with what PostgreSQL's program said."""
    ours = [f"--schema={schema}" for schema, _ in postgres.SCHEMAS]
    await _run(
        dsn, expected, progress, "pg_dump", f"--snapshot={snapshot}", "--format=directory", f"--jobs={JOBS}",
        f"--compress={COMPRESSION}", "--no-owner", "--no-privileges", "--statistics", f"--file={folder}", *ours,
    )  # fmt: skip


async def read(dsn: str, folder: Path, expected: Mapping[str, int], progress: Progress) -> None:
    """What `write` wrote, into a database that has none of our schemas. Raises CannotStart."""
    await _run(
        dsn, expected, progress, "pg_restore", f"--jobs={JOBS}", "--exit-on-error", "--no-owner", "--no-privileges",
        "--statistics", str(folder),
    )  # fmt: skip


async def _run(dsn: str, expected: Mapping[str, int], progress: Progress, program: str, *arguments: str) -> None:
    where, environment = _address(dsn)
    doing = await asyncio.create_subprocess_exec(
        binaries() / program, f"--dbname={where}", *arguments, env=environment, stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with _watched(dsn, expected, progress):
            _, said = await doing.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            doing.terminate()
    if doing.returncode:
        words = said.decode("utf-8", "replace").strip()
        full = "磁盘已满，清理后再试；" if "No space left" in words else ""
        raise CannotStart(f"{program} 没有完成（退出码 {doing.returncode}）：{full}{words[-400:]}")


def _address(dsn: str) -> tuple[str, dict[str, str]]:
    """The DSN for a command line, where everybody can read it; the password goes by the environment."""
    parts = urlsplit(dsn)
    query = parse_qsl(parts.query)
    password = parts.password or next((value for name, value in query if name == "password"), "")
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    netloc = f"{user}@{parts.netloc.rpartition('@')[2]}" if user else parts.netloc
    kept = urlencode([(name, value) for name, value in query if name != "password"], safe="/")
    secret = {"PGPASSWORD": password} if password else {}
    return urlunsplit(parts._replace(netloc=netloc, query=kept)), {**os.environ, "PGAPPNAME": "hub-dump", **secret}


@contextlib.asynccontextmanager
async def _watched(dsn: str, expected: Mapping[str, int], progress: Progress) -> AsyncIterator[None]:
    """Tell how far the copying is while the body runs."""
    connection = await postgres.connect(dsn, role="dump-progress")
    watching = asyncio.create_task(_watch(connection, expected, progress))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        connection.terminate()


async def _watch(connection: asyncpg.Connection, expected: Mapping[str, int], progress: Progress) -> None:
    total, done = sum(expected.values()), dict.fromkeys(expected, 0)
    name = await connection.fetchval("SELECT current_database()")
    while True:
        for row in await connection.fetch(COPYING, name):
            done[row["name"]] = row["rows"]
        progress(min(sum(done.values()), total), total)
        await asyncio.sleep(LOOK_SECONDS)


def free_bytes(folder: Path) -> int:
    """Room on the disk of a folder that may not exist yet."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
