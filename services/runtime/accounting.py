"""The account of what was read: per partition, every record from first to next is handled, a duplicate or set aside."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg

from services.runtime import postgres

FRESH_SECONDS = 5.0
"""The reader tells of itself once a second; after this it is missing."""


@dataclass(frozen=True)
class Reader:
    """The stream as it last told of itself."""

    state: str
    age_seconds: float
    stopped: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """`ok`, or what is wrong: for the health page."""
        if self.age_seconds > FRESH_SECONDS:
            return f"the stream was not seen for {self.age_seconds:.0f} s"
        if self.stopped:
            return "stopped: " + "; ".join(f"{name}: {why}" for name, why in sorted(self.stopped.items()))
        return f"ok, {self.state}"


async def reader(connection: asyncpg.Connection) -> Reader | None:
    """The last word of the readers of the connection's schema, taken together; None: one of them never ran."""
    told = await connection.fetch(
        "SELECT role, state, extract(epoch FROM now() - seen)::float AS age, stopped, ends FROM reader ORDER BY role"
    )
    if not told:
        return None
    return Reader(
        state=", ".join(dict.fromkeys(row["state"] for row in told)),
        age_seconds=max(row["age"] for row in told),
        stopped={name: why for row in told for name, why in json.loads(row["stopped"]).items()},
        ends={name: end for row in told for name, end in json.loads(row["ends"]).items()},
    )


async def ready(pool: asyncpg.Pool) -> dict[str, str]:
    """For the health page: whether the database answers, and the readers of the pool's schema are still moving."""
    try:
        async with pool.acquire(timeout=2) as connection:
            told = await reader(cast(asyncpg.Connection, connection))
    except postgres.NOT_NOW as error:
        return {"postgres": f"away: {error!r}"}
    return {"postgres": "ok", "stream": told.words if told else "has never run"}


async def rows(connection: asyncpg.Connection, statement: str = "") -> dict[str, Any]:
    """`{rows, unexplained, as_of}`, all epochs; `end` is null for those that are over.

    The counters move in the transaction of the effect; another statement may count the rows themselves.
    """
    told = await reader(connection)
    found = await connection.fetch(statement or KEPT)
    items = [_row(row, told.ends if told else {}) for row in found]
    return {
        "rows": items,
        "unexplained": sum(abs(item["unexplained"]) for item in items),
        "as_of": datetime.datetime.now(datetime.UTC),
    }


def _row(row: asyncpg.Record, ends: Mapping[str, int]) -> dict[str, Any]:
    explained = row["handled"] + row["duplicate"] + row["quarantine"]
    return {
        "topic": row["topic"],
        "partition": row["partition"],
        "epoch": row["epoch"],
        "first": row["first"],
        "next": row["next"],
        "end": ends.get(f"{row['topic']}/{row['partition']}") if row["is_current"] else None,
        "handled": row["handled"],
        "duplicate": row["duplicate"],
        "quarantine": row["quarantine"],
        "unexplained": row["next"] - row["first"] - explained,
    }


KEPT = """
SELECT topic, partition, epoch, first, next, is_current, handled, duplicate, quarantine
  FROM position ORDER BY topic, partition, epoch
"""
