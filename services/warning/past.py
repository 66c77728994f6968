"""How many cases were open and overdue at an earlier moment, as far as is known now: what the wall compares with."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

import asyncpg


async def standing(
    connection: asyncpg.Connection, at: datetime.datetime, regions: Collection[str] | None
) -> dict[str, dict[str, int]]:
    """`{loop: {open, overdue, major}}` and `{responses: {open}}` at a moment; None: the whole bureau."""
    within = None if regions is None else sorted(regions)
    rows = await connection.fetch(CASES, at, within)
    found = {row["loop"]: {name: row[name] for name in ("open", "overdue", "major")} for row in rows}
    return {**found, "responses": {"open": await connection.fetchval(RESPONSES, at, within)}}


def shown(at: datetime.datetime, found: dict[str, Any]) -> dict[str, Any]:
    """The answer: `{at, loops: {…}, responses}`."""
    responses = found.pop("responses")["open"]
    return {"at": at, "loops": found, "responses": responses}


CASES = """
SELECT split_part(key, '/', 1) AS loop, count(*) AS open, count(*) FILTER (WHERE shown->>'level' = 'major') AS major,
       count(*) FILTER (WHERE EXISTS (
         SELECT FROM jsonb_array_elements(shown->'clocks') AS clock
          WHERE (clock->>'due')::timestamptz <= $1
            AND (clock->>'done' IS NULL OR (clock->>'done')::timestamptz > $1))) AS overdue
  FROM matter
 WHERE kind = 'loop' AND scope = 'actual' AND (NOT closed OR changed > $1) AND (shown->>'opened')::timestamptz <= $1
   AND (shown->>'closed' IS NULL OR (shown->>'closed')::timestamptz > $1)
   AND ($2::text[] IS NULL OR region = ANY($2))
 GROUP BY 1"""
RESPONSES = """
SELECT count(*) FROM matter m
 WHERE kind = 'response' AND scope = 'actual' AND ($2::text[] IS NULL OR region = ANY($2))
   AND (SELECT step->>'step' FROM jsonb_array_elements(shown->'steps') AS step
         WHERE (step->>'signed')::timestamptz <= $1 ORDER BY (step->>'signed')::timestamptz DESC LIMIT 1) <> 'end'"""
