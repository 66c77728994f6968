"""Editions in the database: where each stands, and what was frozen and printed of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.reporting.report import frozen
from services.reporting.report.edition import Edition, Scope
from services.reporting.report.frozen import Frozen

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Edition).decode


async def one(connection: asyncpg.Connection, id_: str, *, lock: bool = False) -> Edition | None:
    """An edition by its id; with `lock` nobody else moves it before this transaction ends."""
    text = await connection.fetchval(LOCKED if lock else ONE, id_)
    return _decode(text) if text else None


async def of_scope(connection: asyncpg.Connection, scope: Scope) -> list[Edition]:
    """All revisions of a scope, the newest first."""
    rows = await connection.fetch(OF_SCOPE, scope.template, scope.region, scope.first, scope.last)
    return [_decode(row["body"]) for row in rows]


async def at_work(connection: asyncpg.Connection) -> list[Edition]:
    """Those for which something is to be done: asked for, or issued and not printed yet."""
    return [_decode(row["body"]) for row in await connection.fetch(AT_WORK)]


async def page(
    connection: asyncpg.Connection, *, template: str = "", state: str = "", regions: Sequence[str] | None = None,
    after: tuple[str, str] | None = None, size: int = 100,
) -> list[tuple[str, Edition]]:  # fmt: skip
    """Editions with when they were asked for, the newest first; `after`: that of the last one of the page before."""
    rows = await connection.fetch(PAGE, template, state, regions, *(after or (None, None)), size)
    return [(row["at"], _decode(row["body"])) for row in rows]


async def put(connection: asyncpg.Connection, edition: Edition) -> None:
    """Keep an edition as it stands now."""
    s = edition.scope
    await connection.execute(
        PUT, edition.id, s.template, s.region, s.first, s.last, edition.revision, edition.state,
        _encode(edition).decode(),
    )  # fmt: skip
    await connection.execute("SELECT pg_notify('reporting.edition', $1)", edition.id)


async def progress(connection: asyncpg.Connection, id_: str, share: float, waits_for: str) -> None:
    """How far the cut of an edition is, 0 to 1, and what it waits for."""
    await connection.execute("UPDATE edition SET progress = $2, waits_for = $3 WHERE id = $1", id_, share, waits_for)


async def told(connection: asyncpg.Connection, id_: str) -> tuple[float, str]:
    """As `progress` left it."""
    row = await connection.fetchrow("SELECT progress, waits_for FROM edition WHERE id = $1", id_)
    return (row["progress"], row["waits_for"]) if row else (0.0, "")


async def keep_cut(connection: asyncpg.Connection, edition: Edition, digest: str, content: bytes) -> None:
    """Keep what was found at a cut; it is never changed."""
    await connection.execute(
        "INSERT INTO edition_cut (edition, attempt, digest, content) VALUES ($1, $2, $3, $4)",
        edition.id, edition.attempt, digest, content,
    )  # fmt: skip


async def the_cut(connection: asyncpg.Connection, edition: Edition) -> bytes | None:
    """What was found at the last cut."""
    found: bytes | None = await connection.fetchval(
        "SELECT content FROM edition_cut WHERE edition = $1 ORDER BY attempt DESC LIMIT 1", edition.id
    )
    return found


async def rendering(connection: asyncpg.Connection, id_: str, format_: str) -> tuple[str, bytes] | None:
    """Media type and bytes as issued."""
    row = await connection.fetchrow(
        "SELECT media, content FROM rendering WHERE edition = $1 AND format = $2", id_, format_
    )
    return (row["media"], row["content"]) if row else None


async def keep_renderings(
    connection: asyncpg.Connection, id_: str, rows: Sequence[tuple[str, str, str, bytes]]
) -> None:
    """Keep what was issued: format, media type, digest, bytes; what is there already stays."""
    await connection.executemany(
        "INSERT INTO rendering (edition, format, media, digest, content) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING", [(id_, *row) for row in rows],
    )  # fmt: skip


async def keep_answer(connection: asyncpg.Connection, content: bytes) -> None:
    """Keep an answer to a citizen as it was frozen."""
    found = frozen.decode(content)
    await connection.execute(
        "INSERT INTO answer (id, at, region, digest, content) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        found.id, found.at, found.region, frozen.digest(content), content,
    )  # fmt: skip


async def answer(connection: asyncpg.Connection, id_: str) -> Frozen | None:
    """An answer as it was frozen."""
    content = await connection.fetchval("SELECT content FROM answer WHERE id = $1", id_)
    return frozen.decode(content) if content else None


async def number(connection: asyncpg.Connection, series: str, refers_to: str) -> int:
    """The number of a document in its series: the one it has, or the next."""
    given: Any = await connection.fetchval(
        "SELECT number FROM document_number WHERE refers_to = $1", refers_to
    ) or await connection.fetchval(NUMBER, series, refers_to)
    return int(given)


ONE = "SELECT body::text FROM edition WHERE id = $1"
LOCKED = f"{ONE} FOR UPDATE"
OF_SCOPE = """
SELECT body::text FROM edition WHERE (template, region, first, last) = ($1, $2, $3, $4) ORDER BY revision DESC"""
AT_WORK = """
SELECT body::text FROM edition e
 WHERE state = 'requested'
    OR state = 'issued' AND NOT EXISTS (SELECT FROM rendering WHERE edition = e.id)
 ORDER BY body->>'requested', id"""
PAGE = """
SELECT body->>'requested' AS at, body::text FROM edition
 WHERE ($1 = '' OR template = $1) AND ($3::text[] IS NULL OR region = ANY($3))
   AND ($2 = '' OR $2 = CASE WHEN body->>'superseded_by' = '' THEN state ELSE 'superseded' END)
   AND ($4::text IS NULL OR (body->>'requested', id) < ($4, $5))
 ORDER BY body->>'requested' DESC, id DESC LIMIT $6"""
PUT = """
INSERT INTO edition (id, template, region, first, last, revision, state, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body, version = edition.version + 1"""
NUMBER = """
INSERT INTO document_number (series, number, refers_to)
SELECT $1, 1 + coalesce(max(number), 0), $2 FROM document_number WHERE series = $1 RETURNING number"""
