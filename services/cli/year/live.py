"""The stream that never ends: what the platforms of a bureau report right now, for the demonstration.

The rows are those of `live.toml` in the bureau folder; a row's `count` is its weight. What follows a fact (`then`)
comes some seconds later instead of some days, so that a hazard on the page is soon seen rectified.
"""

from __future__ import annotations

import datetime
import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from services.cli.year.base import Setting, facts_at, identity, lane
from services.cli.year.columns import column
from services.cli.year.fact import Fact
from services.cli.year.making import dice, setting_of
from services.cli.year.recipe import Facts, Then, read
from services.cli.year.wire import Delivery, Mode
from services.contracts.families import TYPES

PAUSE_SECONDS = 1.2
"""On average between two facts."""
SECONDS_PER_DAY = 12.0
"""How long a day of `after` lasts."""
MODES: tuple[Mode, ...] = ("structured", "binary", "batch", "ndjson")
AGAIN, EXERCISE = 0.02, 0.03
"""The share of facts sent once more, and of those that belong to an exercise."""

Clock = Callable[[], datetime.datetime]


def live(folder: Path, seed: str = "", clock: Clock | None = None) -> Iterator[tuple[Delivery, float]]:
    """For ever: a delivery to send now, and how many seconds to wait before asking for the next one.

    `time` is the moment it is asked for. The same seed and clock give the same stream.
    """
    recipe = read(folder / "live.toml")
    setting = setting_of(folder, recipe)
    now = clock or (lambda: datetime.datetime.now(setting.calendar.zone))
    return _stream(recipe.facts, setting, dice(f"live/{seed or now().isoformat()}"), now)


def _stream(rows: list[Facts], setting: Setting, rng: random.Random, now: Clock) -> Iterator[tuple[Delivery, float]]:
    waiting: list[tuple[datetime.datetime, int, Fact]] = []
    while True:
        at = now()
        if waiting and waiting[0][0] <= at:
            fact = _dated(heapq.heappop(waiting)[2], at, rng)
        else:
            row = rng.choices(rows, weights=[row.count for row in rows])[0]
            fact = _new(row, setting, at, rng)
            for then in row.then:
                due = at + datetime.timedelta(seconds=rng.uniform(*then.after) * SECONDS_PER_DAY)
                heapq.heappush(waiting, (due, rng.getrandbits(32), _after(fact, then, setting, rng)))
        delivery = Delivery(fact.event(), rng.choice(MODES), fact.source.rpartition("/")[2])
        yield delivery, rng.expovariate(1 / PAUSE_SECONDS)
        if rng.random() < AGAIN:
            yield delivery, rng.expovariate(1 / PAUSE_SECONDS)


def _new(row: Facts, setting: Setting, at: datetime.datetime, rng: random.Random) -> Fact:
    name = f"{TYPES[row.type].family}-{at:%y%m%d%H%M%S}-{rng.getrandbits(16):04x}"
    fact = facts_at(row, [at], name, setting, rng)[0]
    if rng.random() < EXERCISE and not fact.lane:
        return replace(fact, status="exercise", drill=f"drill-{at:%y%m%d}")
    return fact


def _after(fact: Fact, then: Then, setting: Setting, rng: random.Random) -> Fact:
    known = {name: fact.data[name] for name in (*TYPES[then.type].subject, *then.copy) if name in fact.data}
    own = {name: column(rule, [fact.time], rng)[0] for name, rule in then.data.items()}
    return replace(
        fact, type=then.type, data={**known, **own}, source=setting.source(then.type),
        lane=lane(then.type, fact.lane, fact.time, setting),
    )  # fmt: skip


def _dated(fact: Fact, at: datetime.datetime, rng: random.Random) -> Fact:
    dated = replace(fact, time=at)
    return replace(dated, id=identity(dated, rng))
