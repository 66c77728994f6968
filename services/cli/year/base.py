"""The facts of one row of a recipe, before anything goes wrong with them."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.cli.year.columns import column
from services.cli.year.fact import Fact, subject, uuid7
from services.cli.year.recipe import Facts, Then
from services.cli.year.when import Calendar
from services.cli.year.where import Places
from services.contracts.event import Origin
from services.contracts.families import CLASS_OF, FIELDS, TYPES
from services.contracts.fields import MOMENT
from services.contracts.topics import topic_of

PLAIN_SHARE = 0.05
"""Platforms that number their facts themselves, instead of using UUIDv7."""
VILLAGE_SHARE = 0.005
"""Facts that name a village below the streets, a code the bureau does not have."""
_HOME_FIELDS = ("enterprise_id", "site_id")


@dataclass(frozen=True)
class Setting:
    """The bureau that the year happens in."""

    name: str
    calendar: Calendar
    places: Places
    first: datetime.date
    last: datetime.date
    """The year; nothing happens later than the day after it."""
    platforms: Mapping[str, str]

    def period(self, row: Facts) -> tuple[datetime.date, datetime.date]:
        """The period that the figures of a row count."""
        return row.from_ or self.first, row.to or self.last

    def source(self, type_: str) -> str:
        """The source of a type's facts: the bureau and the platform that reports them."""
        named = self.platforms.get(type_) or self.platforms.get(TYPES[type_].family)
        return f"/{self.name}/{named or topic_of(TYPES[type_]).name}"


@dataclass(frozen=True)
class Made:
    """The facts of a row, and what followed them."""

    row: Facts
    facts: list[Fact]
    followers: list[Fact]


def make(row: Facts, number: int, setting: Setting, rng: random.Random) -> Made:
    """The facts of the `number`-th row of the recipe. Raises ValueError naming the row that cannot be made."""
    try:
        facts = _facts(row, number, setting, rng)
        last = setting.period(row)[1]
        followers = [
            fact
            for n, then in enumerate(row.then)
            for fact in follow(then, facts, last, f"{then.type}-{number}-{n}", setting, rng)
        ]
    except (ValueError, KeyError) as error:
        raise ValueError(f"row {number} ({row.type}): {error}") from error
    return Made(row, facts, followers)


def _facts(row: Facts, number: int, setting: Setting, rng: random.Random) -> list[Fact]:
    return facts_at(row, _times(row, setting, rng), f"{row.type}-{number}", setting, rng)


def facts_at(row: Facts, times: list[datetime.datetime], name: str, setting: Setting, rng: random.Random) -> list[Fact]:
    """A fact of the row at each of the times; `name` begins the ids that the row leaves to us."""
    records = _records(_rules(row.type, {**_example(row), **row.data}, name), times, rng)
    return [_fact(row, time, data, setting, rng) for time, data in zip(times, records, strict=True)]


def _example(row: Facts) -> dict[str, Any]:
    """The fields of the type's example that a row takes over: all but its subject and its times."""
    kinds = FIELDS[row.type]
    shown = CLASS_OF[row.type].example if row.example else {}
    return {
        name: {"value": value}
        for name, value in shown.items()
        if name not in TYPES[row.type].subject and not (name in kinds and kinds[name].kind is MOMENT)
    }


def _times(row: Facts, setting: Setting, rng: random.Random) -> list[datetime.datetime]:
    """Instants in order; of many facts the first and the last lie at the very edge of the period."""
    first, last = row.within or setting.period(row)
    times = sorted(setting.calendar.draw(first, last, rng) for _ in range(row.count))
    if row.count >= 50 and not row.within:
        times[0] = setting.calendar.at(first, rng.uniform(0, 0.2))
        times[-1] = setting.calendar.at(last, rng.uniform(23.5, 23.99))
    return times


def _rules(type_: str, data: dict[str, Any], name: str) -> dict[str, Any]:
    """The row's rules, and one for each field of the subject that it leaves out."""
    missing = {field: f"{name}-{{n:05d}}" for field in TYPES[type_].subject if field not in data}
    return {**missing, **data}


def _records(rules: dict[str, Any], times: list[datetime.datetime], rng: random.Random) -> Iterator[dict[str, Any]]:
    columns = [column(rule, times, rng) for rule in rules.values()]
    return (dict(zip(rules, values, strict=True)) for values in zip(*columns, strict=True))


def _fact(row: Facts, time: datetime.datetime, data: dict[str, Any], setting: Setting, rng: random.Random) -> Fact:
    region = row.region if row.region is not None else _region(row, data, setting.places, rng)
    fact = Fact(row.type, time, region, data, lane(row.type, row.lane, time, setting), source=setting.source(row.type))
    return replace(fact, id=identity(fact, rng))


def _region(row: Facts, data: dict[str, Any], places: Places, rng: random.Random) -> str:
    named = next((data[name] for name in _HOME_FIELDS if name in data), None)
    if row.settled or named:
        return places.home(str(named or subject(row.type, data)))
    drawn = places.draw(rng)
    return f"{drawn}2{rng.randint(1, 40):02d}" if rng.random() < VILLAGE_SHARE else drawn


def lane(type_: str, wanted: str, time: datetime.datetime, setting: Setting) -> str:
    """`history` for what partners may not report themselves and for what lies before the year."""
    imported = Origin.PARTNER not in TYPES[type_].origins or time.date() < setting.first - datetime.timedelta(days=3)
    return wanted or ("history" if imported else "")


def identity(fact: Fact, rng: random.Random) -> str:
    """An id: mostly a UUIDv7 of the fact's time."""
    if rng.random() < PLAIN_SHARE:
        return f"{fact.type}/{fact.time:%Y%m%d}-{rng.getrandbits(40):010x}"
    return uuid7(fact.time, rng)


def follow(
    then: Then, facts: list[Fact], last: datetime.date, name: str, setting: Setting, rng: random.Random
) -> Iterator[Fact]:
    """What follows some facts, not after the last day."""
    chosen = [fact for fact in facts if all(fact.data.get(k) == v for k, v in then.where.items())]
    if then.count is not None:
        chosen = rng.sample(chosen, then.count)
    times = [_later(fact.time, then.after, last, setting.calendar, rng) for fact in chosen]
    kept = [name for name in dict.fromkeys([*TYPES[then.type].subject, *then.copy]) if name not in then.data]
    own = _rules(then.type, {**then.data, **{name: None for name in kept if chosen and name in chosen[0].data}}, name)
    for fact, time, data in zip(chosen, times, list(_records(own, times, rng)), strict=True):
        known = {name: fact.data[name] for name in kept if name in fact.data}
        follower = Fact(then.type, time, fact.region, {**data, **known}, lane(then.type, fact.lane, time, setting),
                        source=setting.source(then.type))  # fmt: skip
        yield replace(follower, id=identity(follower, rng))


def _later(
    time: datetime.datetime, after: tuple[float, float], last: datetime.date, calendar: Calendar, rng: random.Random
) -> datetime.datetime:
    """Some days later, in working hours if there are any, but still within the period."""
    day = min(time.date() + datetime.timedelta(days=int(rng.uniform(*after))), last)
    found = calendar.draw(day, min(day + datetime.timedelta(days=2), last), rng)
    return found if found > time else min(time + datetime.timedelta(hours=2), calendar.at(last, 23.995))
