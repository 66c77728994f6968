"""The whole account as plain files: every record as stored, and what is needed to verify it without the hub.

One gzipped NDJSON file per table, in order of position and offset, and a manifest with the SHA-256 of each. Memory
stays flat: rows come through a cursor and go straight into the file. `docs/verify_export.py` reads the result.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from services.reporting import catalogue
from services.reporting.definition import Definition
from services.runtime import postgres

FORMAT = 1
LEVEL = 3
"""Of gzip: the records are alike, more costs much and saves little."""
SEPARATORS = (b"\n", b"\r")
Progress = Callable[[int, int], None]
"""Told (ledger rows written, ledger rows in all)."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


class NotEmpty(ValueError):
    """The folder exists already."""


async def export(
    dsn: str, folder: Path, definitions: Iterable[Definition], progress: Progress = lambda _done, _all: None
) -> dict[str, Any]:
    """Write everything into a new folder, in one snapshot; the manifest. Raises NotEmpty.

    Until it is complete the folder has the ending `.partial`.
    """
    unfinished = _begun(folder)
    connection = await postgres.connect(dsn, role="export", command_timeout=None)
    try:
        await connection.execute("SET search_path TO reporting; SET work_mem = '64MB'")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            manifest = await _write(connection, unfinished, definitions, progress)
    finally:
        connection.terminate()
    (unfinished / "manifest.json").write_bytes(msgspec.json.format(_encode(manifest), indent=1))
    unfinished.rename(folder)
    return manifest


def _begun(folder: Path) -> Path:
    """An empty folder beside it, to be renamed when all is there."""
    if folder.exists():
        raise NotEmpty(f"{folder} exists already")
    unfinished = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished


async def _write(
    connection: asyncpg.Connection, folder: Path, definitions: Iterable[Definition], progress: Progress
) -> dict[str, Any]:
    total = await connection.fetchval("SELECT count(*) FROM ledger")
    made = await connection.fetchval("SELECT now()")
    files = [await _file(folder, name, _lines(connection, statement)) for name, statement in TABLES.items()]
    files.append(await _file(folder, "definitions", _described(definitions)))
    files.append(await _file(folder, "editions", _editions(connection)))
    files.append(await _file(folder, "ledger", _records(connection, total, progress)))
    return {
        "format": FORMAT,
        "made": made.astimezone(datetime.UTC).isoformat(),
        "events": total,
        "files": files,
        "heads": await heads(connection),
    }


async def heads(connection: asyncpg.Connection) -> list[dict[str, Any]]:
    """The last seal of every partition: who keeps these can tell later whether anything before was changed."""
    return [{**row, "seal": row["seal"].hex()} for row in await connection.fetch(HEADS)]


async def _file(folder: Path, name: str, lines: AsyncIterator[bytes]) -> dict[str, Any]:
    """Write one file; its row in the manifest. The digest is that of the compressed file."""
    path, count = folder / f"{name}.ndjson.gz", 0
    with path.open("wb") as raw, gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed:
        async for line in lines:
            packed.write(line + b"\n")
            count += 1
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return {"name": path.name, "lines": count, "bytes": path.stat().st_size, "sha256": digest}


async def _lines(connection: asyncpg.Connection, statement: str) -> AsyncIterator[bytes]:
    async for row in connection.cursor(statement, prefetch=5000):
        yield _encode({name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()})


async def _described(definitions: Iterable[Definition]) -> AsyncIterator[bytes]:
    for definition in definitions:
        yield _encode({**catalogue.described(definition), "hidden": definition.hidden})


async def _editions(connection: asyncpg.Connection) -> AsyncIterator[bytes]:
    """What was frozen of each edition and answer, as it is kept."""
    async for row in connection.cursor(EDITIONS, prefetch=10):
        yield b'{"digest":"%s","frozen":%s}' % (row["digest"].encode(), row["content"])


async def _records(connection: asyncpg.Connection, total: int, progress: Progress) -> AsyncIterator[bytes]:
    n = 0
    async for row in connection.cursor(LEDGER, prefetch=2000):
        n += 1
        if n % 2000 == 0 or n == total:
            progress(n, total)
        yield _record(row)


def _record(row: asyncpg.Record) -> bytes:
    """A line: the record's own bytes stand in it as they are; one that would break the line goes as text."""
    body = row["body"]
    whole = _encode(body.decode()) if any(mark in body for mark in SEPARATORS) else body
    name = b"text" if whole is not body else b"record"
    return b'{"position":%d,"offset":%d,"digest":"%s","%s":%s}' % (
        row["position"], row["offset"], row["digest"].hex().encode(), name, whole,
    )  # fmt: skip


TABLES = {
    "positions": "SELECT id, topic, partition, epoch, first, next, handled, duplicate, quarantine FROM position"
    " ORDER BY id",
    "seals": "SELECT position, first, next, seal FROM seal ORDER BY position, first",
    "duplicates": 'SELECT position, "offset", digest, conflict FROM duplicate ORDER BY 1, 2',
    "quarantine": 'SELECT position, "offset", digest, reason, late FROM quarantine ORDER BY 1, 2',
}
EDITIONS = """
SELECT c.digest, c.content FROM edition e JOIN LATERAL (
    SELECT digest, content FROM edition_cut WHERE edition = e.id ORDER BY attempt DESC LIMIT 1) c ON true
 WHERE e.body->>'frozen' IS NOT NULL
 UNION ALL SELECT digest, content FROM answer"""
LEDGER = 'SELECT position, "offset", digest, body FROM ledger ORDER BY 1, 2'
HEADS = """
SELECT p.topic, p.partition, p.epoch, p.next, s.seal
  FROM position p, LATERAL (SELECT seal FROM seal WHERE position = p.id ORDER BY first DESC LIMIT 1) s
 ORDER BY 1, 2, 3
"""
