"""One event as it lies in the ledger, and the chain of what caused it: `GET /reporting/events?source=&id=`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import asyncpg

from services.contracts import identity
from services.reporting import behind, body

MOST = 20
"""Causes followed: more would be a circle."""


async def traced(
    connection: asyncpg.Connection, source: str, id_: str, may_see: Callable[[str], bool]
) -> list[dict[str, Any]] | None:
    """The event, then its cause, and the cause of that …, personal fields masked; None: there is none to be seen."""
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        row = await connection.fetchval(BODY, uuid.UUID(bytes=identity.key(source, id_)))
        if row is None or not may_see(str(body.read(row).get("region", ""))):
            break
        event = behind.masked(body.read(row))
        found.append(event)
        source, _, id_ = str(event.get("cause") or "").partition(" ")
        if not id_:
            break
    return found or None


BODY = "SELECT body FROM ledger WHERE key = $1"
