"""Connections: what may wait, and what may not."""

from __future__ import annotations

from services.runtime import postgres

IDLE = "SHOW idle_in_transaction_session_timeout"


async def test_a_long_job_may_hold_its_snapshot_while_its_workers_read(database: str) -> None:
    usual = await postgres.connect(database, role="test")
    long = await postgres.connect(database, role="test", command_timeout=None)
    try:
        assert await usual.fetchval(IDLE) == "1min"
        assert await long.fetchval(IDLE) == "0"
    finally:
        usual.terminate()
        long.terminate()
