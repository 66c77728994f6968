"""What a statistic cannot measure: a new event is set aside, an old one adds nothing, and nobody is stopped."""

from __future__ import annotations

import random
import string

from services.reporting.recount import recount
from services.reporting.verify import verify
from tests.records import correction, publish, record, retraction
from tests.reporting.conftest import SHANGHAI, Reader, statistic
from tests.reporting.truth import as_json

WEIGHT = (statistic("weight", measure="sum:weight"), statistic("heaviest", measure="max:weight"))


async def test_a_new_event_that_cannot_be_measured_is_set_aside(reader: Reader) -> None:
    reader.definitions = (*reader.definitions, *WEIGHT)
    await reader.read([record(data={"weight": "heavy"}), record(subject="h2", data={"weight": "2.5"})])
    assert await reader.total("weight") == 1
    assert await reader.connection.fetchval("SELECT reason FROM quarantine") == "cannot_be_counted"
    assert (await verify(reader.settings.postgres_dsn)).wrong == 0


async def test_an_old_event_that_a_new_statistic_cannot_measure_adds_nothing_to_it(reader: Reader) -> None:
    heavy = record(data={"weight": "heavy", "level": "major"})
    mixed = record(subject="h2", data={"weight": ["1", "much", 2]})
    await reader.read([heavy, mixed, record(subject="h3", data={"weight": 4})])
    reader.definitions = (*reader.definitions, *WEIGHT)
    await reader.read()
    assert await reader.connection.fetchval("SELECT sum(value) FROM tally_month") == 7
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []
    await reader.read([correction(heavy, {"weight": 5}), retraction(mixed)])
    assert await reader.connection.fetchval("SELECT sum(value) FROM tally_month") == 9
    assert await reader.total("hazards_found") == 2
    assert await reader.total("hazards_found_major") == 0
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []


async def test_what_the_database_cannot_store_is_set_aside_alone(reader: Reader) -> None:
    """Labels too long for an index, text with U+0000, a list too long to number: each once made the reader end."""
    noise = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=9000))
    good = [record(subject=f"h{n}", data={"level": "general"}) for n in range(20)]
    bad = [
        record(subject="b1", data={"level": noise}),
        record(subject="b2", drill="nul \0"),
        record("drill.completed", "b3", {"participants": list(range(33_000))}),
        record(type_=f"hazard.{noise}"),
    ]
    await publish(reader.settings, [*good[:10], *bad[:3], *good[10:]])
    await publish(reader.settings, [as_json(bad[3])])
    await reader.read()
    assert await reader.total("hazards_found") == 20
    reasons = await reader.connection.fetch("SELECT reason FROM quarantine")
    assert {row["reason"] for row in reasons} == {"refused"}
    assert len(reasons) == len(bad)
    assert (await verify(reader.settings.postgres_dsn)).wrong == 0
    assert await recount(reader.settings.postgres_dsn, reader.definitions, SHANGHAI) == []
