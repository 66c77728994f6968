"""`hub bureau apply`: a changed folder into the running hub, and how far its services have taken it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import httpx

from deploy.local import in_force
from deploy.local.folder import Status, read_status
from services.cli.running import CommandFailed, connected, home_of, must_run
from services.reporting import catalogue
from services.runtime import bureau, postgres
from services.runtime.settings import Settings

SECONDS = 60.0
"""What the services together get to take a folder."""


@dataclass(frozen=True)
class Applied:
    """What is in force now."""

    hash: str
    changed: bool
    counting: int
    """Statistics that are being counted from the ledger; their figures answer 503 until then."""
    seconds: float


def apply_to_running(folder: Path) -> Applied:
    """Put a folder without mistakes in force and wait until every service has it. Raises CommandFailed."""
    status = must_run()
    home = home_of(Settings())
    _same_bureau(home, folder)
    began = time.monotonic()
    before = in_force.current(home).hash
    started = {row.name: row.started for row in status.processes}
    now = in_force.adopt(home, folder)
    if now.hash == before:
        return Applied(now.hash, changed=False, counting=0, seconds=0.0)
    if status.containers:  # each looks for itself, within a second
        replace(status, bureau=now.folder, bureau_hash=now.hash).write(home)
    else:
        os.kill(status.pid, signal.SIGUSR1)
    _until_taken(home, now.hash, started)
    counting = asyncio.run(_counting(now.hash, home))
    return Applied(now.hash, changed=True, counting=counting, seconds=time.monotonic() - began)


def _same_bureau(home: Path, folder: Path) -> None:
    """Figures of one bureau must not go on under the name of another."""
    running, given = bureau.load(home / in_force.LINK), bureau.load(folder)
    if running.region != given.region:
        raise CommandFailed(
            f"{folder} 是另一个单位（{given.region}，正在运行的是 {running.region}）："
            "用 HUB_DATA_DIR 另指一个数据目录启动它"
        )


def _until_taken(home: Path, hash_: str, started: dict[str, float]) -> None:
    """Until the APIs answer with it and every stream has started anew."""
    end = time.monotonic() + SECONDS
    while not _taken(read_status(home), hash_, started):
        if time.monotonic() > end:
            raise CommandFailed(f"配置 {hash_[:16]} 没有在 {SECONDS:.0f} 秒内生效：用 hub status 查看哪个进程没有就绪")
        time.sleep(0.1)


def _taken(status: Status | None, hash_: str, started: dict[str, float]) -> bool:
    if status is None or status.bureau_hash != hash_:
        return False
    streams = [row for row in status.processes if row.name.endswith("-stream")]
    renewed = all(row.state == "ready" and row.started != started.get(row.name) for row in streams)
    return renewed and _answers_with(status.http, hash_)


def _answers_with(url: str, hash_: str) -> bool:
    with contextlib.suppress(httpx.TransportError, ValueError):
        answer = httpx.get(f"{url}/reporting/health/ready", timeout=5, trust_env=False)
        return str(answer.json()["parts"].get("configuration", "")).endswith(hash_[:16])
    return False


async def _counting(hash_: str, home: Path) -> int:
    """How many statistics the reader is counting, once it has this folder."""
    hashes = [d.hash for d in catalogue.of(bureau.load(home / in_force.LINK)).definitions]
    connection = await postgres.connect(connected().postgres_dsn, role="cli")
    try:
        async with asyncio.timeout(SECONDS):
            while await connection.fetchval(LAST) != hash_:  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.1)
        return int(await connection.fetchval(COUNTING, hashes))
    except TimeoutError as error:
        raise CommandFailed("reporting-stream 没有按新的配置读取：用 hub status 查看") from error
    except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
        raise CommandFailed(f"连不上 PostgreSQL（{error}）：用 hub status 查看") from error
    finally:
        await connection.close()


LAST = "SELECT hash FROM reporting.configuration ORDER BY id DESC LIMIT 1"
COUNTING = "SELECT count(*) FROM reporting.definition WHERE counted IS NULL AND hash = ANY($1)"
