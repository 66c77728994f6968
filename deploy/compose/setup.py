"""What must be there before the hub's containers start: `python -m deploy.compose.setup`, at each `docker compose up`.

Topics, tables, the bureau folder in force, the first log-in, the keys of the command line and of Alertmanager. It may
run again at any time: what is there stays.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from deploy.compose import HTTP
from deploy.local import CannotStart, api, credentials, folder, in_force
from deploy.local.readiness import reaching
from deploy.local.terminal import overview
from services.runtime import access, kafka, log, postgres
from services.runtime.audit import Actor
from services.runtime.settings import ROOT, Settings

BUREAU = Path("/bureau")
"""Where the compose file mounts the bureau's folder; without one, the fictional bureau of the image."""
ALERTMANAGER = "alertmanager"
ALERTS = Path("/run/alertmanager/alertmanager_key")
T = TypeVar("T")
TRIES, PAUSE_SECONDS = 20, 1.5


async def make(settings: Settings) -> tuple[list[str], credentials.Credentials]:
    """Everything outside the data folder: topics and credentials. Raises CannotStart naming what leads nowhere."""
    bootstrap = settings.kafka_bootstrap
    cluster = await again("Kafka", bootstrap, "HUB_KAFKA_BOOTSTRAP", partial(kafka.ensure_topics, settings))
    where = folder.without_password(settings.postgres_dsn)
    await again("PostgreSQL", where, "HUB_POSTGRES_DSN", partial(postgres.migrate_all, settings.postgres_dsn))
    issued = await credentials.issue(settings.postgres_dsn, settings.data_dir / "admin.key")
    if ALERTS.parent.is_dir():
        await let_in(settings.postgres_dsn, ALERTS)
    return sorted(cluster.topics), issued


async def let_in(dsn: str, file: Path) -> None:
    """A key for Alertmanager, for alarms alone, in a volume that nobody else reads."""
    connection = await postgres.connect(dsn, role="up")
    try:
        if credentials.id_in(file) not in {key.id for key in await access.list_keys(connection) if not key.revoked}:
            scope = access.Scope((f"/hub/{ALERTMANAGER}",), types=("alarm.*",))
            _, token = await access.add_key(connection, ALERTMANAGER, scope, by=Actor("hub up"))
            credentials.write_secret(file, token, 0o444)  # Alertmanager's user is another one
    finally:
        await connection.close()


async def again(what: str, where: str, setting: str, work: Callable[[], Awaitable[T]]) -> T:
    """Do it; a part that is only just starting is asked again. Raises CannotStart."""
    for left in reversed(range(TRIES)):
        try:
            with reaching(what, where, setting):
                return await work()
        except CannotStart:
            if not left:
                raise
            await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")


def status_of(settings: Settings) -> folder.Status:
    """What `hub status` and the other verbs find: a hub whose processes are containers, not ours to signal."""
    now = in_force.current(settings.data_dir)
    return folder.Status(
        pid=0, started=time.time(), http=HTTP, environment=settings.environment, bureau=now.folder,
        bureau_hash=now.hash, bootstrap=settings.kafka_bootstrap, dsn=folder.without_password(settings.postgres_dsn),
        services=[prefix for prefix, _ in api.present()], containers=True,
    )  # fmt: skip


def adopted(settings: Settings) -> None:
    """Put the bureau's folder in force. Raises CannotStart when it has mistakes."""
    folder.open_folder(settings.data_dir)
    source = BUREAU if BUREAU.is_dir() else ROOT / "bureaus" / "example"
    if found := in_force.mistakes(source):
        raise CannotStart(f"单位目录有 {len(found)} 处错误（{found[0]}）：执行 hub bureau check 查看")
    in_force.adopt(settings.data_dir, source)


def main() -> int:
    """Make it; the exit code, and one sentence when it could not be."""
    settings = Settings()
    log.configure("setup", settings.log_level)
    try:
        adopted(settings)
        topics, issued = asyncio.run(make(settings))
    except CannotStart as error:
        sys.stderr.write(f"hub: {error}\n")
        return 1
    status = replace(status_of(settings), topics=topics)
    status.write(settings.data_dir)
    Console(width=120).print(overview(replace(status, http=settings.origin or HTTP), issued))
    return 0


if __name__ == "__main__":
    sys.exit(main())
