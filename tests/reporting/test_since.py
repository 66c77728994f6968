"""The tally with what came since taken back is the tally that is counted anew from the ledger."""

from __future__ import annotations

import asyncio
import datetime
import random
from dataclasses import replace
from typing import Any

import pytest

from services.reporting import answer, asof, since
from services.reporting.period import Period
from services.reporting.question import Query
from services.reporting.report import figures
from tests.records import publish, record
from tests.reporting.conftest import Reader
from tests.reporting.naive import CATALOGUE, DEFINITIONS, KNOWN, stream

YEARS = Period(datetime.date(2022, 1, 1), datetime.date(2024, 12, 31))
HALF = Period(datetime.date(2023, 2, 3), datetime.date(2023, 8, 20))


def questions(known_at: datetime.datetime | None) -> dict[str, Query]:
    """Every row over two periods, whole and split by a label, by region, by month."""
    found = {}
    for d in DEFINITIONS:
        if d.hidden:
            continue
        leaves = CATALOGUE.leaves(d, dict(d.labels))
        for period in (YEARS, HALF):
            splits = [(), ("region",), ("month",), *((name,) for name in d.label_names)]
            for by in splits:
                query = Query(d, leaves, period, "990111", labels=dict(d.labels), by=by, known_at=known_at)
                found[f"{d.key}{dict(d.labels)}/{period}/{by}"] = query
    return found


async def counted_anew(dsn: str, queries: dict[str, Query], moment: datetime.datetime) -> dict[str, Any]:
    found = {}
    for definition in {q.definition.hash for q in queries.values()}:
        mine = {id_: q for id_, q in queries.items() if q.definition.hash == definition}
        widest = replace(next(iter(mine.values())), period=YEARS)
        async with asof.known(dsn, CATALOGUE, widest) as connection:
            for id_, query in mine.items():
                found[id_] = await answer.answer(connection, CATALOGUE, query, moment)
    return found


def bare(answers: dict[str, Any]) -> dict[str, Any]:
    """What is told of each: value, events, parts, coverage."""
    kept = ("value", "events", "parts", "coverage")
    return {id_: {name: str(one.get(name)) for name in kept} for id_, one in answers.items()}


async def test_what_came_since_is_taken_back(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    records = [one for chain in stream(7, 150) for one in chain]
    random.Random(7).shuffle(records)
    await reader.read(records)
    dsn = reader.settings.postgres_dsn
    for minutes in (-1, 40, 100, 10_000):
        moment = KNOWN + datetime.timedelta(minutes=minutes)
        queries = questions(moment)
        reading = await figures.read(dsn, CATALOGUE, queries, moment, wait=True)
        again = await counted_anew(dsn, queries, moment)
        assert bare(reading.figures) == bare({id_: figures.frozen.plain(one) for id_, one in again.items()})


async def test_offsets_bring_back_what_had_been_read_then(reader: Reader) -> None:
    """Also what was recorded before the cut-off and came after it; and rows that the tally no longer holds."""
    reader.definitions = DEFINITIONS
    records = [one for chain in stream(8, 120) for one in chain]
    random.Random(8).shuffle(records)
    dsn, later = reader.settings.postgres_dsn, KNOWN + datetime.timedelta(hours=12)
    await reader.read(records[:80])
    then = await figures.read(dsn, CATALOGUE, questions(later), later, wait=True)
    reader.definitions = DEFINITIONS[:6]
    await reader.read(records[80:])
    now = await figures.read(dsn, CATALOGUE, questions(later), later, then.positions)
    assert bare(now.figures) == bare(then.figures)
    assert now.positions != then.positions


@pytest.mark.slow
async def test_an_edition_cut_while_five_thousand_a_second_come_is_what_a_recount_finds(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    dsn, seconds, rate = reader.settings.postgres_dsn, 6, 5_000
    kinds = ("hazard.found", "penalty.imposed", "drill.completed")
    data = {"level": "major", "mode": "live", "kind": "warning", "amount_cny": "3.50", "participants": 3,
            "enterprise_id": "e1", "units": ["a"]}  # fmt: skip
    made = [record(kinds[n % 3], f"s{n}", data | {"enterprise_id": f"e{n % 999}"}) for n in range(seconds * rate)]

    async def send() -> None:
        for second in range(seconds * 5):
            begun = asyncio.get_running_loop().time()
            piece = made[second * rate // 5 : (second + 1) * rate // 5]
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
            await publish(reader.settings, [one | {"recordedtime": now} for one in piece])
            await asyncio.sleep(max(0, begun + 0.2 - asyncio.get_running_loop().time()))

    async with reader.running():
        sending = asyncio.create_task(send())
        await asyncio.sleep(seconds / 2)
        cutoff = datetime.datetime.now(datetime.UTC)
        await asyncio.sleep(1)
        while not await reader.connection.fetchval("SELECT max(recorded) > $1 FROM ledger", cutoff):
            await asyncio.sleep(0.05)
        queries = questions(cutoff)
        cut = await figures.read(dsn, CATALOGUE, queries, cutoff, wait=True)
        assert not sending.done()
        await sending
        await reader.caught_up(60)
    total = await reader.connection.fetchval("SELECT count(*) FROM ledger")
    assert total == len(made)
    again = await counted_anew(dsn, queries, cutoff)
    assert bare(cut.figures) == bare({id_: figures.frozen.plain(one) for id_, one in again.items()})
    later = await figures.read(dsn, CATALOGUE, queries, cutoff, cut.positions)
    assert bare(later.figures) == bare(cut.figures)
    assert 0 < cut.figures[next(iter(queries))]["events"] < total


def test_the_widest_days_are_counted_once() -> None:
    asked = [(replace(q, compare=False), q.definition) for q in questions(None).values()]
    back = [(q, d) for q, d in asked if d.measure and d.measure.kind == "last"]
    plain = [(q, d) for q, d in asked if d.key == "found"]
    assert since._days(plain) == YEARS
    assert since._days(back).first == datetime.date.min
