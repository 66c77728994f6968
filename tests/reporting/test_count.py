"""What the reading loop makes of records: each once, whatever happens (real Kafka, real PostgreSQL)."""

from __future__ import annotations

import asyncio
import datetime
from decimal import Decimal

from tests.records import NOON, correction, publish, record, retraction
from tests.reporting.conftest import Reader


async def test_each_event_is_counted_once_and_a_retry_is_a_duplicate(reader: Reader) -> None:
    one, other = record(data={"level": "major"}), record(subject="h2", data={"level": "general"})
    await reader.read([one, other, one, one])
    assert await reader.total("hazards_found") == 2
    assert await reader.total("hazards_found_major") == 1
    assert await reader.connection.fetchval("SELECT count(*) FROM ledger") == 2
    assert await reader.connection.fetchval("SELECT count(*) FROM duplicate WHERE NOT conflict") == 2


async def test_a_correction_takes_the_old_increments_back(reader: Reader) -> None:
    wrong = record(data={"level": "major", "enterprise_id": "e1"})
    await reader.read([wrong, correction(wrong, data={"level": "general", "enterprise_id": "e2"})])
    assert await reader.total("hazards_found") == 1
    assert await reader.total("hazards_found_major") == 0
    members = await reader.connection.fetch("SELECT refs FROM member ORDER BY refs")
    assert [row["refs"] for row in members] == [0, 1]


async def test_a_retraction_adds_nothing_and_can_be_taken_back_itself(reader: Reader) -> None:
    found = record(data={"level": "major"})
    gone = retraction(found)
    await reader.read([found, gone])
    assert await reader.total("hazards_found") == 0
    await reader.read([correction(gone, type_="hazard.found", data={"level": "major"})])
    assert await reader.total("hazards_found") == 1


async def test_a_correction_before_its_target_counts_at_once(reader: Reader) -> None:
    first = record(data={"level": "major"})
    await reader.read([correction(first, data={"level": "general"})])
    assert await reader.total("hazards_found") == 1
    await reader.read([first])
    assert await reader.total("hazards_found") == 1
    assert await reader.total("hazards_found_major") == 0
    assert await reader.connection.fetchval("SELECT count(*) FROM ledger") == 2


async def test_a_correction_that_does_not_fit_is_set_aside_also_when_that_is_found_out_late(reader: Reader) -> None:
    one = record(data={"level": "major"})
    await reader.read([one, correction(one, subject="another", data={"level": "general"})])
    assert await reader.total("hazards_found") == 1
    late = record(subject="h7", data={"level": "major"})
    await reader.read([correction(late, subject="h8", data={"level": "general"})])
    assert await reader.total("hazards_found") == 2
    await reader.read([late])
    assert await reader.total("hazards_found") == 2
    assert await reader.total("hazards_found_major") == 2
    rows = await reader.connection.fetch("SELECT late, reason FROM quarantine ORDER BY id")
    assert [(r["late"], r["reason"]) for r in rows] == [(False, "correction_mismatch"), (True, "correction_mismatch")]


async def test_sums_last_stock_and_max_follow_corrections(reader: Reader) -> None:
    morning = record("drill.completed", "d1", {"participants": 40})
    evening = record("drill.completed", "d2", {"participants": 60}, at=NOON + datetime.timedelta(hours=6))
    wrong = record("penalty.imposed", "c1", {"amount_cny": "1000.10"})
    await reader.read([morning, evening, wrong, correction(wrong, {"amount_cny": 1000.2}),
                       correction(evening, {"participants": 50}, at=NOON - datetime.timedelta(days=40))])  # fmt: skip
    sums = await reader.connection.fetch(
        "SELECT s.definition, sum(t.value) AS value FROM tally_month t JOIN series s ON s.id = t.series GROUP BY 1"
    )
    found = {row["definition"]: row["value"] for row in sums}
    by_key = {d.key: found.get(d.hash) for d in reader.definitions}
    assert by_key["fines"] == Decimal("1000.2")
    assert by_key["people"] == 90
    observed = await reader.connection.fetch("SELECT DISTINCT value FROM observation ORDER BY value")
    assert [row["value"] for row in observed] == [40, 50]


async def test_what_is_no_event_is_set_aside_and_the_rest_goes_on(reader: Reader) -> None:
    await reader.read([b"\xff\xfe", b"{}", record(data={"level": "major"}), b"[1,2", record(subject="h9")])
    assert await reader.total("hazards_found") == 2
    assert await reader.connection.fetchval("SELECT count(*) FROM quarantine WHERE reason = 'not_an_event'") == 3
    row = await reader.connection.fetchrow(
        "SELECT sum(next - first) AS read, sum(handled + duplicate + quarantine) AS explained FROM position"
    )
    assert row is not None
    assert row["read"] == row["explained"] == 5


async def test_a_flood_of_what_is_no_event_stops_the_partition_at_a_hundred(reader: Reader) -> None:
    await publish(reader.settings, [*[b"no"] * 150, record()])
    async with reader.running():
        async with asyncio.timeout(10):  # it stops before what it has read is written down
            while not await reader.connection.fetchval(
                "SELECT stopped::text <> '{}' AND EXISTS (SELECT FROM position WHERE next > 0) FROM reader"
            ):
                await asyncio.sleep(0.05)
    row = await reader.connection.fetchrow("SELECT next, quarantine FROM position WHERE topic = 'hazards' AND next > 0")
    assert dict(row or {}) == {"next": 100, "quarantine": 100}


async def test_a_duplicate_from_long_ago_is_found_by_the_ledger(reader: Reader) -> None:
    old = [record(subject=f"h{n}") for n in range(700)]
    await reader.read(list(old))
    again = {**old[5], "data": {"level": "major"}, "digest": "0" * 64}
    await reader.read([*[record(subject=f"n{n}") for n in range(700)], *old[:3], again])
    assert await reader.total("hazards_found") == 1400
    rows = await reader.connection.fetch("SELECT conflict, count(*) AS n FROM duplicate GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(False, 3), (True, 1)]


async def test_of_two_facts_with_one_identity_the_first_accepted_counts_wherever_they_lie(reader: Reader) -> None:
    """Other content may mean another partition, and a reader that is behind must not run ahead on one of them."""
    filling = [record(subject=f"f{n % 40}", data={"description": "x" * 900}) for n in range(12_000)]
    pairs = [(record(subject=f"h{n}", data={"level": "major"}), f"other{n}") for n in range(40)]
    later = [record(subject=subject, id=first["id"], data={"level": "general"}) for first, subject in pairs]
    await reader.read([*filling[:6000], *(first for first, _ in pairs), *filling[6000:], *later])
    assert await reader.total("hazards_found_major") == 40
    assert await reader.connection.fetchval("SELECT count(*) FROM duplicate WHERE conflict") == 40
