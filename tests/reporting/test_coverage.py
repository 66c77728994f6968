"""What stands behind a 0, and what a first year is compared with."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from services.reporting import question
from services.reporting.answer import answer
from services.runtime.bureau import Feed
from tests.records import record, retraction
from tests.reporting.conftest import Reader
from tests.reporting.naive import CATALOGUE, DEFINITIONS, SHANGHAI

NOW = datetime.datetime(2024, 5, 6, 4, tzinfo=datetime.UTC)
WEEKLY = Feed("hazard.found", "town-a", datetime.timedelta(days=7), datetime.timedelta(days=1))
CALENDAR = replace(CATALOGUE, feeds=(WEEKLY, Feed("drill.completed", "town-a")))


def day(month: int, number: int, hour: int = 12) -> datetime.datetime:
    """A moment of 2023."""
    return datetime.datetime(2023, month, number, hour, tzinfo=SHANGHAI)


def zero(period: str, type_: str = "hazard.found") -> dict[str, Any]:
    """A declaration that there was nothing."""
    data = {"publisher": "town-a", "type": type_, "period": period}
    return record("feed.zero_declared", f"town-a/{type_}", data, at=day(12, 31))


async def covered(reader: Reader, text: str, of: Any = CALENDAR) -> tuple[Any, str]:
    """Value and coverage of a figure."""
    found = await ask(reader, text, of)
    return found["value"], found["coverage"]


async def ask(reader: Reader, text: str, of: Any = CALENDAR) -> dict[str, Any]:
    """A figure of 2023, unless the question says otherwise."""
    key, _, rest = text.partition("?")
    asked = [("from", "2023-01-01"), ("to", "2023-12-31"), *(p.split("=") for p in rest.split("&") if p)]
    parameters = list({name: (name, value) for name, value in asked}.values())
    query = question.parse(key, parameters, of, datetime.date(2024, 5, 6))
    async with reader.connection.transaction(isolation="repeatable_read", readonly=True):
        return await answer(reader.connection, of, query, NOW)


async def test_a_feed_that_is_late_was_silent_unless_it_declared_a_zero(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    # Every seven days from 1 January to the end of May, then nothing until July; in between, one comes a day late.
    weekly = [day(1, 1) + datetime.timedelta(days=7 * n, hours=24 * (n == 9)) for n in range(22)]
    later = [day(7, 2) + datetime.timedelta(days=8 * n) for n in range(23)]
    await reader.read([record(subject=f"h{n}", at=at) for n, at in enumerate(weekly + later)])
    assert await covered(reader, "found?from=2023-01-01&to=2023-05-31") == (22, "live")
    assert await covered(reader, "found?from=2023-05-15&to=2023-07-10") == (4, "silent")
    assert await covered(reader, "found") == (45, "silent")
    assert await covered(reader, "found?from=2023-06-10&to=2023-06-15") == (0, "silent")
    assert await covered(reader, "found?from=2023-07-03&to=2023-07-05") == (0, "live")
    await reader.read([zero("2023-06"), zero("2023-07-01"), zero("2023-06", "drill.completed")])
    assert await covered(reader, "found") == (45, "live")
    assert await covered(reader, "found?from=2023-06-10&to=2023-06-15") == (0, "declared_zero")
    assert await covered(reader, "units?from=2023-06-10&to=2023-06-15") == (0, "declared_zero")


async def test_days_that_have_not_been_are_not_silent(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    begin = datetime.datetime(2023, 12, 30, 12, tzinfo=SHANGHAI)
    await reader.read([record(subject=f"h{n}", at=begin + datetime.timedelta(days=7 * n)) for n in range(19)])
    assert await covered(reader, "found?from=2024-01-01&to=2024-12-31") == (18, "live")


async def test_an_exercise_or_what_was_taken_back_is_no_sign_of_life(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    gone = record("penalty.imposed", "c1", at=day(3, 3))
    await reader.read([record("penalty.imposed", "c0", at=day(3, 3), status="exercise"), gone, retraction(gone)])
    assert await covered(reader, "penalties?status=exercise") == (1, "live")
    assert await covered(reader, "penalties") == (0, "live")
    assert await covered(reader, "penalties?from=2025-01-01&to=2025-12-31") == (None, "none")
    assert await covered(reader, "found?status=exercise") == (None, "none")
    assert (await covered(reader, "major_pct?status=exercise")) == (None, "none")


async def test_a_first_year_is_compared_with_what_a_person_recorded(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    base = {"statistic": "found", "from": "2022-01-01", "to": "2022-12-31", "kind": "baseline", "unit": "条"}
    subject = "found/2022-01-01/2022-12-31"
    wrong = record("figure.recorded", subject, {**base, "value": 9}, region="990111")
    gone = record("figure.recorded", "x", {**base, "value": 3, "labels": {"level": "major"}}, region="990111")
    await reader.read([
        *(record(subject=f"h{n}", at=day(4, n + 1), data={"level": "major"}) for n in range(5)),
        wrong, gone, retraction(gone),
        record("figure.recorded", "y", {**base, "value": 7, "kind": "manual"}, region="990111"),
        record("figure.recorded", "z", {**base, "value": 2}, region="990111001"),
        record("figure.recorded", subject, {**base, "value": 4}, region="990111", corrects=wrong["id"],
               correctssource=wrong["source"]),
    ])  # fmt: skip
    compared = (await ask(reader, "found?compare=year", CATALOGUE))["compare"]
    assert (compared["value"], compared["change_pct"], compared["comparable"], compared["reason"]) == (
        4, 25, True, "baseline",
    )  # fmt: skip
    major = (await ask(reader, "found?compare=year&label.level=major", CATALOGUE))["compare"]
    assert (major["value"], major["comparable"], major["reason"]) == (None, False, "none")


async def test_the_silence_of_one_publisher_is_not_covered_by_another(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    both = replace(CATALOGUE, feeds=(WEEKLY, replace(WEEKLY, publisher="江滨街道")))
    weekly = [day(1, 1) + datetime.timedelta(days=7 * n) for n in range(8)]
    town = [record(subject=f"h{n}", at=at) for n, at in enumerate(weekly)]
    street = [record(subject=f"s{n}", at=at) | {"publisher": "江滨街道"} for n, at in enumerate(weekly[:4])]
    await reader.read([*town, *street])
    assert await covered(reader, "found?to=2023-01-20", both) == (6, "live")
    assert await covered(reader, "found?to=2023-02-18", both) == (11, "silent")
    assert await covered(reader, "found?to=2023-02-18", replace(CATALOGUE, feeds=(WEEKLY,))) == (11, "live")
    nothing = [{"publisher": "江滨街道", "type": "hazard.found", "period": f"2023-0{month}"} for month in (1, 2)]
    await reader.read([record("feed.zero_declared", "江滨街道/hazard.found", one, at=day(12, 31)) for one in nothing])
    assert await covered(reader, "found?to=2023-02-18", both) == (11, "live")


async def test_a_feed_without_a_cadence_lives_by_its_own_publisher(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    await reader.read([record("penalty.imposed", "c0", at=day(3, 3))])
    for publisher, told in (("town-a", (0, "live")), ("court", (None, "none"))):
        of = replace(CATALOGUE, feeds=(Feed("penalty.imposed", publisher),))
        assert await covered(reader, "penalties?from=2023-05-01", of) == told
        assert await covered(reader, "penalties", of) == (1, "live")
