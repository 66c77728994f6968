"""However large the ledger: no question reads it from end to end."""

from __future__ import annotations

import datetime

import asyncpg

from services.reporting import answer, catalogue, question, tally_store
from services.reporting.api import connections
from services.reporting.question import Unclear
from services.reporting.tally import tallied
from services.runtime import bureau
from services.runtime.postgres import migrate_all
from services.runtime.settings import Settings

NOW = datetime.datetime(2024, 1, 15, tzinfo=datetime.UTC)
FILL = """
INSERT INTO type VALUES (1, 'hazard.found'), (2, 'patrol.completed');
INSERT INTO ledger SELECT '2023-01-01Z'::timestamptz + n * interval '10 min', now(), n, gen_random_uuid(), NULL,
    1 + n % 2, 1, 0, false, '990111', sha256(n::text::bytea), repeat('x', 500)::bytea FROM generate_series(1, 20000) n;
"""


async def test_no_question_reads_the_ledger_from_end_to_end(settings: Settings) -> None:
    await migrate_all(settings.postgres_dsn)
    of = catalogue.of(bureau.load(settings.bureau))
    async with connections(settings.postgres_dsn) as pool, pool.acquire() as connection:
        await connection.execute(FILL)
        await tally_store.uncounted(connection, {d.hash: d.key for d in of.definitions if tallied(d)})
        await tally_store.counted(connection, [d.hash for d in of.definitions])
        await connection.execute("ANALYZE")
        asked = [key for key in of.rows if await _scans(connection, of, key)]
    assert asked == []


async def _scans(connection: asyncpg.Connection, of: catalogue.Catalogue, key: str) -> int:
    """How often answering this reads the whole ledger."""
    labels = [(f"label.{name}", value) for name, value in of.rows[key][0].labels]
    try:
        query = question.parse(key, [("from", "2023-01-01"), ("to", "2023-12-31"), *labels], of, NOW.date())
    except Unclear:
        return 0
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await answer.answer(connection, of, query, NOW)
        return int(await connection.fetchval(
            "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE schemaname = 'reporting' AND relname = 'ledger'"
        ))  # fmt: skip
