"""Counting again from the ledger gives the same; what differs is found, and mended when the reader starts."""

from __future__ import annotations

import asyncio
import random

from services.reporting.recount import mend, recount
from tests.records import correction, record, retraction
from tests.reporting.conftest import SHANGHAI, Reader, statistic


def year(seed: int, size: int) -> list[dict[str, object]]:
    """Facts of several types with corrections and retractions among them."""
    rng = random.Random(seed)
    made: list[dict[str, object]] = []
    for n in range(size):
        made.append(
            rng.choice(
                [
                    lambda n=n: record(
                        subject=f"h{n}", data={"level": rng.choice(["major", "general"]), "enterprise_id": f"e{n % 7}"}
                    ),
                    lambda n=n: record("drill.completed", f"d{n % 5}", {"participants": rng.randrange(90)}),
                    lambda n=n: record("penalty.imposed", f"c{n}", {"amount_cny": rng.randrange(10**6) / 100}),
                ]
            )()
        )
        if n % 10 == 3:
            made.append(correction(made[-1], dict(made[-1]["data"])))  # type: ignore[arg-type]
        if n % 17 == 5:
            made.append(retraction(made[-1]))
    return made


async def test_the_tally_is_what_the_ledger_adds_up_to(reader: Reader) -> None:
    await reader.read(year(1, 400))
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_a_wrong_tally_is_found_and_counted_anew(reader: Reader) -> None:
    await reader.read(year(2, 200))
    before = await reader.connection.fetch("SELECT * FROM tally_day ORDER BY 1, 2")
    await reader.connection.execute(
        "UPDATE tally_day SET events = events + 3 WHERE series = 2;"
        "DELETE FROM member WHERE series = 3; DELETE FROM observation WHERE n = 0"
    )
    found = await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI)
    assert -3 in {difference.events for difference in found}
    await reader.connection.execute("UPDATE definition SET counted = NULL")
    await reader.read()
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []
    assert await reader.connection.fetch("SELECT * FROM tally_day ORDER BY 1, 2") == before


async def test_a_new_statistic_is_counted_from_the_ledger(reader: Reader) -> None:
    await reader.read(year(3, 200))
    hazards = await reader.total("hazards_found")
    reader.definitions = (
        *reader.definitions,
        statistic("hazards_by_region", by=("@region",)),
        statistic("people_max", "drill.completed", "max:participants"),
    )
    await reader.read([record(subject="one more")])
    assert await reader.total("hazards_by_region") == hazards + 1
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_a_repair_is_done_by_the_reader_at_work(reader: Reader) -> None:
    await reader.read(year(4, 100))
    await reader.connection.execute("UPDATE tally_day SET events = events + 3 WHERE series = 1")
    found = await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI)
    async with reader.running():
        await mend(reader.settings.postgres_dsn, {difference.definition for difference in found})
        async with asyncio.timeout(10):
            while await reader.connection.fetchval("SELECT EXISTS (SELECT FROM definition WHERE counted IS NULL)"):
                await asyncio.sleep(0.1)
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_a_statistic_that_was_away_for_a_while_is_counted_anew_when_it_is_back(reader: Reader) -> None:
    everything = reader.definitions
    await reader.read([record(subject="a")])
    reader.definitions = everything[1:]
    await reader.read([record(subject="b")])
    reader.definitions = everything
    await reader.read([record(subject="c")])
    assert await reader.total("hazards_found") == 3
