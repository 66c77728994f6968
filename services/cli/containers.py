"""What runs where each process of the hub is a container: the database is asked which of them are connected to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from deploy.local.folder import Running, Status
from deploy.local.processes import STREAMS
from services.runtime import postgres
from services.runtime.settings import Settings

CONNECTED = """
SELECT application_name, min(extract(epoch FROM backend_start))::float8 FROM pg_stat_activity
WHERE datname = current_database() GROUP BY 1"""
LOG = "docker compose logs {}"


def looked_up(status: Status, settings: Settings) -> Status:
    """The status with a row for each stream; one that is not connected to the database is `away`."""
    since = asyncio.run(_connected(settings.postgres_dsn))
    return replace(status, processes=[row(name, since.get(f"hub-{name}")) for name, _ in STREAMS])


def row(name: str, since: float | None) -> Running:
    """A stream as `hub status` shows it: no process of this machine, so no number."""
    return Running(name, 0, since or 0.0, LOG.format(name), "away" if since is None else "ready", 0)


async def _connected(dsn: str) -> dict[str, float]:
    """Name of each client → since when; nothing while the database is away."""
    try:
        connection = await postgres.connect(dsn, role="cli", command_timeout=5)
    except postgres.NOT_NOW:
        return {}
    try:
        return {str(name): float(since) for name, since in await connection.fetch(CONNECTED)}
    finally:
        await connection.close()
