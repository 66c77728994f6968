"""The lists of the watch: each shows the matters of one kind, as their folds left them; deliveries have a table."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import asyncpg
import msgspec

LISTS: Mapping[str, str] = {
    "alerts": "alert",
    "notices": "notice",
    "callouts": "callout",
    "loops": "loop",
    "silences": "silence",
    "duty": "shift",
    "contacts": "contact",
    "feeds": "feed",
    "channels": "channel",
    "alarms": "loop",
    "incidents": "loop",
    "responses": "response",
    "releases": "release",
    "drills": "drill",
}
"""Path -> kind."""
ALSO: Mapping[str, tuple[str, ...]] = {"loop": ("roster_gap",)}
"""Kinds whose matters stand in the list of another: a gap in the roster is a case, too."""
OF_LOOP: Mapping[str, str] = {"alarms": "alarm/", "incidents": "incident/"}
"""Path -> how the keys of its cases begin: a list of the cases of one loop, by their own ids."""
PAGE, MOST = 100, 1000


class Asked(NamedTuple):
    """What a list is asked for."""

    kind: str
    regions: Collection[str] | None = None
    """None: the whole bureau."""
    above: Collection[str] = ()
    """Regions that hold these: what has one of them among its areas concerns these, too."""
    scope: str = "actual"
    state: str = ""
    prefix: str = ""
    """`loops?kind=hazard`: keys that begin with `hazard/`."""
    chain: str = ""
    due_before: datetime.datetime | None = None
    is_open: bool | None = None
    cursor: str = ""
    size: int = PAGE


class BadCursor(ValueError):
    """The cursor is none that a list gave."""


async def page(connection: asyncpg.Connection, asked: Asked) -> dict[str, Any]:
    """`{items, next}`: open ones first, then by key."""
    closed, key = _after(asked.cursor)
    kinds = [asked.kind, *ALSO.get(asked.kind, ())]
    rows = await connection.fetch(
        PAGED, kinds, asked.scope, asked.regions and sorted(asked.regions), asked.state, _like(asked.prefix),
        asked.chain, asked.due_before, asked.is_open, closed, key, asked.size + 1, sorted(asked.above),
    )  # fmt: skip
    more = len(rows) > asked.size
    rows = rows[: asked.size]
    next_ = _cursor(rows[-1]["closed"], rows[-1]["key"]) if more else None
    return {"items": [_shown(row) for row in rows], "next": next_}


async def one(connection: asyncpg.Connection, path: str, key: str, scope: str = "actual") -> dict[str, Any] | None:
    """The matter of a key in the list of a path, under any of its names."""
    kind, prefix = LISTS[path], OF_LOOP.get(path, "")
    key = key if key.startswith(prefix) else prefix + key
    own = next((other for other in ALSO.get(kind, ()) if key.startswith(f"{other}/")), kind)
    row = await connection.fetchrow(ONE, own, scope, key)
    return _shown(row) if row else None


async def deliveries(
    connection: asyncpg.Connection,
    *,
    scope: str,
    chain: str,
    callout: str,
    state: str,
    cursor: str,
    size: int,
    channel: str = "",
) -> dict[str, Any]:
    """`{items, next}`: who was sent what, the newest first; addresses are masked, texts those for the desk alone."""
    after = int(cursor) if cursor.isdecimal() and len(cursor) < 19 else 0
    rows = await connection.fetch(DELIVERIES, scope, chain, callout, state, after, size + 1, channel)
    items = [{**row, "address": masked(row["address"])} for row in rows[:size]]
    return {"items": items, "next": str(after + size) if len(rows) > size else None}


def _like(prefix: str) -> str:
    """The pattern of what begins so: `_` and `%` in a publisher's name stand for themselves."""
    return re.sub(r"([\\%_])", r"\\\1", prefix) + "%"


def masked(address: str) -> str:
    """`138****5678`."""
    return f"{address[:3]}****{address[-4:]}" if len(address) > 7 else "****" if address else ""


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(row["told"])
    return told


def _cursor(closed: bool, key: str) -> str:
    return base64.urlsafe_b64encode(f"{int(closed)}{key}".encode()).decode()


def _after(cursor: str) -> tuple[bool, str]:
    if not cursor:
        return False, ""
    try:
        text = base64.urlsafe_b64decode(cursor).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadCursor("cursor: not one that a list gave as `next`") from error
    return text[:1] == "1", text[1:]


PAGED = """
SELECT key, closed, told FROM told
 WHERE kind = ANY($1) AND scope = $2 AND ($4 = '' OR state = $4)
   AND ($3::text[] IS NULL OR region = ANY($3)
        OR jsonb_path_query_array(told, '$.areas[*].code') ?| ($3::text[] || $12::text[]) AND $12::text[] <> '{}')
   AND key LIKE $5 AND ($6 = '' OR told->>'chain' = $6) AND ($7::timestamptz IS NULL OR due < $7)
   AND ($8::boolean IS NULL OR closed <> $8) AND (closed, key) > ($9, $10)
 ORDER BY closed, key LIMIT $11"""
ONE = """
SELECT m.told FROM told m
 WHERE m.kind = $1 AND m.scope = $2
   AND m.key = coalesce((SELECT n.matter FROM name n WHERE n.kind = $1 AND n.scope = $2 AND n.name = $3), $3)"""
DELIVERIES = """
SELECT id, chain, callout, organisation, post, person, channel, address, state, tries, result, made, handed, fresh,
       CASE WHEN channel = 'console' THEN text END AS text
  FROM delivery WHERE scope = $1 AND ($2 = '' OR chain = $2) AND ($3 = '' OR callout = $3) AND ($4 = '' OR state = $4)
   AND ($7 = '' OR channel = $7)
 ORDER BY made DESC, id OFFSET $5 LIMIT $6"""
