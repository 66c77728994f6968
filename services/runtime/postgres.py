"""PostgreSQL: connections with bounded waits, and migrations that are plain SQL files."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from services.runtime.settings import ROOT

NOT_NOW = (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
           asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.TransactionRollbackError,
           asyncpg.ObjectInUseError, asyncpg.ObjectNotInPrerequisiteStateError)  # fmt: skip
"""What may pass when it is tried again: the database is away, restarting, full or busy."""

_SERVICES = ROOT / "services"
SCHEMAS: tuple[tuple[str, tuple[Path, ...]], ...] = (
    ("access", (_SERVICES / "runtime" / "schema" / "access",)),
    ("ingest", (_SERVICES / "runtime" / "schema" / "consume", _SERVICES / "ingest" / "schema")),
    ("warning", (_SERVICES / "runtime" / "schema" / "consume", _SERVICES / "warning" / "schema")),
    ("telemetry", (_SERVICES / "runtime" / "schema" / "consume", _SERVICES / "warning" / "schema" / "telemetry")),
    ("reporting", (_SERVICES / "runtime" / "schema" / "consume", _SERVICES / "reporting" / "schema")),
)
"""Each schema and the folders of migrations that make it; the consume loop's tables stand in every service's."""


async def connect(dsn: str, *, role: str, command_timeout: float | None = 60.0) -> asyncpg.Connection:
    """A connection that cannot wait for ever; `role` is shown in pg_stat_activity. Times in seconds.

    Without a `command_timeout` it is a long job's: it may hold a snapshot for as long as its workers read.
    """
    long = {"idle_in_transaction_session_timeout": "0"} if command_timeout is None else {}
    connection: asyncpg.Connection = await asyncpg.connect(
        dsn,
        timeout=5,
        command_timeout=command_timeout,
        server_settings={"application_name": f"hub-{role}", "jit": "off", **long},
    )
    return connection


class Newer(Exception):
    """The database was written by a newer release; the text names a migration that this one does not know."""


def known() -> set[str]:
    """Every migration of this release, `schema:folder/name`."""
    return {f"{schema}:{name}" for schema, folders in SCHEMAS for name in _migrations(folders)}


def _migrations(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Their names and files, in order."""
    return {f"{file.parent.name}/{file.stem}": file for folder in folders for file in sorted(folder.glob("*.sql"))}


async def migrate_all(dsn: str) -> list[str]:
    """Bring every schema to this release; returns the names of the migrations that ran. Raises Newer."""
    connection = await connect(dsn, role="migrate", command_timeout=None)
    try:
        return [name for schema, folders in SCHEMAS for name in await migrate(connection, schema, folders)]
    finally:
        await connection.close()


async def migrate(connection: asyncpg.Connection, schema: str, folders: tuple[Path, ...]) -> list[str]:
    """Run the migrations of one schema that have not run yet, in one transaction, under an advisory lock."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"hub.migrate.{schema}")
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}; SET LOCAL search_path TO {schema}")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"] for row in await connection.fetch("SELECT name FROM migration")}
        files = _migrations(folders)
        if newer := sorted(done - files.keys()):
            raise Newer(f"{schema}:{newer[0]}")
        ran = []
        for name, file in files.items():
            if name not in done:
                await connection.execute(file.read_text("utf-8"))
                await connection.execute("INSERT INTO migration (name) VALUES ($1)", name)
                ran.append(f"{schema}:{name}")
        return ran
