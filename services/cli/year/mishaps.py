"""What goes wrong in a year of reporting: every way in which facts arrive late, twice, wrong or by mistake.

The facts given are the truth. What is added here must leave every figure as it is: wrong versions are corrected
(also before they arrive), facts that never were are retracted, exercises and tests and the days beside a period do
not count, and an id that comes again changes nothing.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.cli.year.base import Made, Setting, lane
from services.cli.year.columns import numbered
from services.cli.year.fact import Fact, subject, uuid7
from services.cli.year.recipe import Facts
from services.contracts.families import TYPES

Arrival = tuple[datetime.datetime, Fact]
"""When a fact reaches the door."""

# Shares of a row's facts; in a small row each kind has a fair chance to happen once.
LATE, TWICE, CONFLICT = 0.03, 0.02, 0.004
WRONG, WRONG_TWICE, EARLY, AUDITED, REINSTATED = 0.012, 0.003, 0.002, 0.001, 0.0005
RETRACTED, RETRACTED_LATER, EXERCISE, TEST = 0.006, 0.001, 0.006, 0.003

_AMOUNT = re.compile(r"\d+\.\d\d")
DAY = datetime.timedelta(days=1)
_MINUTE = datetime.timedelta(minutes=1)


def arrivals(made: Made, setting: Setting, rng: random.Random) -> list[Arrival]:
    """Everything the platforms send because of a row's facts, with the moment each arrives."""
    truth = made.facts + made.followers
    if made.row.never:
        return [arrival for fact in truth for arrival in _mistaken(fact, setting, rng)]
    if made.row.calm:
        return [(fact.time + _delay(rng), fact) for fact in truth]
    return [*_told(made, truth, setting, rng), *_untrue(made, setting, rng), *_beside(made, setting, rng)]


def _delay(rng: random.Random) -> datetime.timedelta:
    if rng.random() < LATE:
        return DAY * rng.uniform(3, 60)
    return _MINUTE * rng.expovariate(1 / 20)


def _happens(share: float, count: int, rng: random.Random) -> int:
    """How many of so many facts a mishap befalls: at least its share, in small rows sometimes one."""
    return max(round(share * count), 1 if count >= 20 or rng.random() < min(0.5, share * 40) else 0)


def _told(made: Made, truth: list[Fact], setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """The true facts: most plainly, some only after a correction; some again."""
    order = rng.sample(range(len(truth)), len(truth))
    ways = _ways(len(truth), rng)
    for at, way in zip(order, ways, strict=False):
        yield from way(truth[at], made.row, setting, rng)
    plain = [truth[at] for at in order[len(ways) :]]
    for fact in plain:
        yield fact.time + _delay(rng), fact
    yield from _again(plain, made.row, setting, rng)


Way = Callable[[Fact, Facts, Setting, random.Random], Iterator[Arrival]]


def _ways(count: int, rng: random.Random) -> list[Way]:
    """The detours by which some of the true facts arrive."""
    found = [way for way, share in WAYS.items() for _ in range(_happens(share, count, rng))]
    return found[:count]


def _corrected(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """First wrong, later right."""
    first = _wrong(fact, row, setting, rng)
    at = first.time + _delay(rng)
    yield at, first
    at += DAY * rng.uniform(0.1, 25)
    yield at, _correcting(fact, first, at, rng)


def _corrected_twice(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """Wrong, then wrong in another way, then right."""
    first = _wrong(fact, row, setting, rng)
    at = first.time + _delay(rng)
    yield at, first
    at += DAY * rng.uniform(0.1, 10)
    second = _correcting(_wrong(fact, row, setting, rng), first, at, rng)
    yield at, second
    at += DAY * rng.uniform(0.1, 25)
    yield at, _correcting(fact, second, at, rng)


def _corrected_early(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """The correction arrives before what it corrects."""
    first = _wrong(fact, row, setting, rng)
    at = max(first.time, fact.time) + _delay(rng)
    yield at, _correcting(fact, first, at, rng)
    yield at + DAY * rng.uniform(0.05, 5), first


def _audited(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """Another platform, with the right to correct, puts it right; by an import, which is another topic."""
    first = _wrong(fact, row, setting, rng)
    at = first.time + _delay(rng)
    yield at, first
    at += DAY * rng.uniform(1, 40)
    right = _correcting(fact, first, at, rng)
    yield at, replace(right, source=f"/{setting.name}/audit", correctssource=first.source, lane="history")


def _reinstated(fact: Fact, _row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """Taken back by mistake, and the retraction corrected."""
    at = fact.time + _delay(rng)
    yield at, fact
    at += DAY * rng.uniform(0.1, 5)
    gone = _retracting(fact, at, setting, rng)
    yield at, gone
    at += DAY * rng.uniform(0.1, 5)
    yield at, _correcting(fact, gone, at, rng)


WAYS: dict[Way, float] = {
    _corrected: WRONG,
    _corrected_twice: WRONG_TWICE,
    _corrected_early: EARLY,
    _audited: AUDITED,
    _reinstated: REINSTATED,
}


def _again(plain: list[Fact], row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """The same event once more; or its id once more with other content, which changes nothing."""
    for fact in rng.sample(plain, min(len(plain), _happens(TWICE, len(plain), rng))):
        yield fact.time + DAY * 61 * rng.random(), fact
    for fact in rng.sample(plain, min(len(plain), _happens(CONFLICT, len(plain), rng))):
        yield fact.time + DAY * rng.uniform(62, 80), replace(_other(fact, row, setting, rng), id=fact.id)


def _untrue(made: Made, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """Facts that never were: taken back; and what happened only in an exercise or a test."""
    count = len(made.facts)
    for _ in range(_happens(RETRACTED, count, rng)):
        yield from _mistaken(_extra(made, setting, rng), setting, rng)
    for _ in range(_happens(RETRACTED_LATER, count, rng)):
        yield from _corrected_then_retracted(_extra(made, setting, rng), made.row, setting, rng)
    for _ in range(_happens(EXERCISE, count, rng)):
        extra = replace(_extra(made, setting, rng), status="exercise", drill=f"drill-{rng.randint(1, 4)}")
        yield extra.time + _delay(rng), extra
    for _ in range(_happens(TEST, count, rng)):
        extra = replace(_extra(made, setting, rng), status="test")
        yield extra.time + _delay(rng), extra


def _mistaken(fact: Fact, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    at = fact.time + _delay(rng)
    yield at, fact
    at += DAY * rng.uniform(0.1, 30)
    yield at, _retracting(fact, at, setting, rng)


def _corrected_then_retracted(extra: Fact, row: Facts, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    told = list(_corrected(extra, row, setting, rng))
    yield from told
    at, last = told[-1]
    at += DAY * rng.uniform(0.1, 10)
    yield at, _retracting(last, at, setting, rng)


def _beside(made: Made, setting: Setting, rng: random.Random) -> Iterator[Arrival]:
    """True facts of the last day before the period and the first day after it."""
    first, last = setting.period(made.row)
    hours = {"before": (first - DAY, 23.5, 23.99), "after": (last + DAY, 0.0, 0.4)}
    for side in made.row.edges if made.facts else ():
        day, low, high = hours[side]
        extra = _extra(made, setting, rng)
        time = setting.calendar.at(day, rng.uniform(low, high))
        where = lane(extra.type, made.row.lane, time, setting)
        fact = replace(extra, time=time, id=uuid7(time, rng), lane=where)
        yield time + _delay(rng), fact


def _extra(made: Made, setting: Setting, rng: random.Random) -> Fact:
    """One more fact like the others, about another thing, not before the first of them."""
    like = rng.choice(made.facts)
    mark = f"{rng.getrandbits(32):08x}"
    own = made.row.data
    fresh = {name for name in like.data if (numbered(own[name]) if name in own else name in TYPES[like.type].subject)}
    record = {name: _renamed(value, mark) if name in fresh else _more(value) for name, value in like.data.items()}
    last = setting.period(made.row)[1]
    time = min(like.time + DAY * rng.uniform(0.01, 9), setting.calendar.at(last, 23.9))
    return replace(like, time=time, data=record, id=uuid7(time, rng))


def _renamed(value: Any, mark: str) -> Any:
    if isinstance(value, list):
        return [f"{value[0]}-{mark}"] if value else value
    return f"{value}-{mark}" if isinstance(value, str) else value


def _more(value: Any) -> Any:
    """A number that would show in any figure that counted it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 7
    if isinstance(value, dict):
        return {name: _more(inner) for name, inner in value.items()}
    return value


def _correcting(right: Fact, wrong: Fact, at: datetime.datetime, rng: random.Random) -> Fact:
    """The right version, replacing the wrong one as a whole."""
    return replace(right, id=uuid7(at, rng), corrects=wrong.id)


def _retracting(fact: Fact, at: datetime.datetime, setting: Setting, rng: random.Random) -> Fact:
    """What takes a fact back; it too happens at most a day after the year."""
    reason = rng.choice(["error", "duplicate", "not_ours", "reclassified"])
    time = min(at, setting.calendar.at(setting.last + DAY, 0))
    return replace(
        fact, type="event.retracted", subject=subject(fact.type, fact.data), time=time, id=uuid7(at, rng),
        data={"type": fact.type, "reason": reason}, corrects=fact.id,
    )  # fmt: skip


def _wrong(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Fact:
    """The same fact as first reported: another number, month, region or kind."""
    found = _other(fact, row, setting, rng)
    return replace(found, id=uuid7(found.time, rng))


def _other(fact: Fact, row: Facts, setting: Setting, rng: random.Random) -> Fact:
    """A fact with the same subject and other content."""
    changes = [change for change, fits in CHANGES.items() if fits(fact, row)]
    return rng.choice(changes)(fact, row, setting, rng)


Change = Callable[[Fact, Facts, Setting, random.Random], Fact]


def _moved(fact: Fact, _row: Facts, _setting: Setting, rng: random.Random) -> Fact:
    return replace(fact, time=fact.time - DAY * rng.randint(25, 400))


def _elsewhere(fact: Fact, _row: Facts, setting: Setting, rng: random.Random) -> Fact:
    return replace(fact, region=rng.choice([code for code in setting.places.leaves if code != fact.region]))


def _miscounted(fact: Fact, _row: Facts, _setting: Setting, rng: random.Random) -> Fact:
    name = rng.choice(_numbers(fact))
    return replace(fact, data={**fact.data, name: _misread(fact.data[name], rng)})


def _confused(fact: Fact, row: Facts, _setting: Setting, rng: random.Random) -> Fact:
    name = rng.choice(_doubtful(fact, row))
    wrong = [value for value in row.confuse[name] if value != fact.data[name]]
    return replace(fact, data={**fact.data, name: rng.choice(wrong)})


CHANGES: dict[Change, Callable[[Fact, Facts], bool]] = {
    _moved: lambda _fact, _row: True,
    _elsewhere: lambda fact, _row: bool(fact.region),
    _miscounted: lambda fact, _row: bool(_numbers(fact)),
    _confused: lambda fact, row: bool(_doubtful(fact, row)),
}


def _numbers(fact: Fact) -> list[str]:
    """Fields that hold a number or an amount and do not name the subject."""
    kept = TYPES[fact.type].subject
    return [name for name, value in fact.data.items() if name not in kept and _is_number(value)]


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_AMOUNT.fullmatch(value))
    return isinstance(value, int) and not isinstance(value, bool)


def _misread(value: Any, rng: random.Random) -> Any:
    """A figure too many, or one off."""
    if isinstance(value, str):
        return str(Decimal(value) * 10)
    return value * 10 if value and rng.random() < 0.5 else value + 1


def _doubtful(fact: Fact, row: Facts) -> list[str]:
    return [name for name, values in row.confuse.items() if name in fact.data and set(values) - {fact.data[name]}]
