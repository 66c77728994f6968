"""The account of what was read, with the rows of the ledger counted themselves."""

from __future__ import annotations

from typing import Any

import asyncpg

from services.runtime import accounting
from services.runtime.accounting import Reader, reader

__all__ = ["Reader", "reader", "rows"]


async def rows(connection: asyncpg.Connection, *, recount: bool = False) -> dict[str, Any]:
    """See `runtime.accounting.rows`. With `recount` ledger, duplicates and quarantine are counted, which takes time."""
    return await accounting.rows(connection, COUNTED if recount else "")


COUNTED = """
SELECT p.topic, p.partition, p.epoch, p.first, p.next, p.is_current,
       coalesce(l.n, 0) AS handled, coalesce(d.n, 0) AS duplicate, coalesce(q.n, 0) AS quarantine
  FROM position p
  LEFT JOIN (SELECT position, count(*) AS n FROM ledger GROUP BY 1) l ON l.position = p.id
  LEFT JOIN (SELECT position, count(*) AS n FROM duplicate GROUP BY 1) d ON d.position = p.id
  LEFT JOIN (SELECT position, count(*) AS n FROM quarantine WHERE NOT late GROUP BY 1) q ON q.position = p.id
 ORDER BY 1, 2, 3
"""
