"""The account of what was read: per partition, every record from first to next is handled, a duplicate or set aside."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg

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
            return f"reporting-stream was not seen for {self.age_seconds:.0f} s"
        if self.stopped:
            return "stopped: " + "; ".join(f"{name}: {why}" for name, why in sorted(self.stopped.items()))
        return f"ok, {self.state}"


async def reader(connection: asyncpg.Connection) -> Reader | None:
    """The stream's last word; None: it never ran."""
    row = await connection.fetchrow(
        "SELECT state, extract(epoch FROM now() - seen)::float AS age, stopped, ends FROM reader WHERE role = 'stream'"
    )
    if row is None:
        return None
    return Reader(row["state"], row["age"], json.loads(row["stopped"]), json.loads(row["ends"]))


async def rows(connection: asyncpg.Connection, *, recount: bool = False) -> dict[str, Any]:
    """`{rows, unexplained, as_of}`, all epochs; `end` is null for those that are over.

    The counters move in the transaction of the effect. With `recount` the rows of ledger, duplicates and quarantine
    are counted themselves, which takes time on a large ledger.
    """
    told = await reader(connection)
    found = await connection.fetch(COUNTED if recount else KEPT)
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
COUNTED = """
SELECT p.topic, p.partition, p.epoch, p.first, p.next, p.is_current,
       coalesce(l.n, 0) AS handled, coalesce(d.n, 0) AS duplicate, coalesce(q.n, 0) AS quarantine
  FROM position p
  LEFT JOIN (SELECT position, count(*) AS n FROM ledger GROUP BY 1) l ON l.position = p.id
  LEFT JOIN (SELECT position, count(*) AS n FROM duplicate GROUP BY 1) d ON d.position = p.id
  LEFT JOIN (SELECT position, count(*) AS n FROM quarantine WHERE NOT late GROUP BY 1) q ON q.position = p.id
 ORDER BY 1, 2, 3
"""
