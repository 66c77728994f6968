"""Who did what, when, from where: rows that are written with each act and never changed."""

from __future__ import annotations

import datetime
import json
from typing import Any, NamedTuple

import asyncpg

PAGE, MOST = 100, 1000


class Actor(NamedTuple):
    """Who acts, and from where: an address, or `local` for a command on the hub's own machine."""

    name: str
    origin: str = "local"


CLI = Actor("cli")
"""Whoever may run `hub` on the machine: not a person of the hub's own, and no account may be called so."""


class Asked(NamedTuple):
    """What of the audit is wanted; empty: anything."""

    who: str = ""
    did: str = ""
    """How the act begins: `key` finds `key.added` and `key.revoked`."""
    from_: datetime.datetime | None = None
    to: datetime.datetime | None = None
    before: int | None = None
    size: int = PAGE


async def write(connection: asyncpg.Connection, by: Actor, did: str, **detail: Any) -> None:
    """Write an act down, in the transaction that does it. No secrets in `detail`."""
    await connection.execute(
        "INSERT INTO access.audit (who, origin, did, detail) VALUES ($1, $2, $3, $4)",
        by.name, by.origin, did, json.dumps(detail),
    )  # fmt: skip


async def page(connection: asyncpg.Connection, asked: Asked) -> dict[str, Any]:
    """`{items: [{id, at, who, origin, did, detail}], next}`, the newest first."""
    rows = await connection.fetch(
        PAGED, asked.who, asked.did, asked.from_, asked.to, asked.before, asked.size + 1
    )  # fmt: skip
    items = [{**row, "detail": json.loads(row["detail"])} for row in rows[: asked.size]]
    return {"items": items, "next": str(items[-1]["id"]) if len(rows) > asked.size else None}


PAGED = """
SELECT id, at, who, origin, did, detail FROM access.audit
 WHERE ($1 = '' OR who = $1) AND starts_with(did, $2) AND ($3::timestamptz IS NULL OR at >= $3)
   AND ($4::timestamptz IS NULL OR at < $4) AND ($5::bigint IS NULL OR id < $5)
 ORDER BY id DESC LIMIT $6"""
