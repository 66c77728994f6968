"""What is kept for a time, and what follows from a database that was put back to an earlier moment."""

from __future__ import annotations

import datetime
import json

import asyncpg


async def restored(connection: asyncpg.Connection, to: datetime.datetime) -> int:
    """The database is as it was at an earlier moment: nobody is logged in any more. Returns how many were."""
    async with connection.transaction():
        ended = await connection.execute("DELETE FROM access.session")
        await connection.execute(AUDITED, "hub.restored", json.dumps({"to": to.isoformat()}))
    return int(ended.rpartition(" ")[2])


AUDITED = "INSERT INTO access.audit (who, did, detail) VALUES ('cli', $1, $2)"
