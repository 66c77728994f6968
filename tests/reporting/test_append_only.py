"""No service can change or remove what was counted: the account only grows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime import postgres


async def test_rows_of_the_account_stay_as_they_are(schema: asyncpg.Connection) -> None:
    for table in ("ledger", "duplicate", "seal"):
        for statement in (f"UPDATE {table} SET position = 1", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.RaiseError, match="stay as they are"):
                await schema.execute(statement)


@pytest.fixture
async def schema(database: str) -> AsyncIterator[asyncpg.Connection]:
    """As a service is connected."""
    name, folders = next(one for one in postgres.SCHEMAS if one[0] == "reporting")
    connection = await postgres.connect(database, role="reporting-stream")
    await postgres.migrate(connection, name, folders)
    await connection.execute("SET search_path TO reporting")
    yield connection
    await connection.close()
