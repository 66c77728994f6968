"""Surges: more of something in an area than is usual there at this time of day."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass

SLOT = datetime.timedelta(minutes=10)
WINDOW_SLOTS = 6
"""What came within an hour is compared."""
DAY_SLOTS = 144
KNOWN_SLOTS = 28 * DAY_SLOTS
"""Four weeks tell what is usual."""
LEAST_SLOTS = DAY_SLOTS
"""Before a day is known nothing is unusual."""
RATIO, CALM_RATIO = 3.0, 1.5
CHANCE = 1e-6
"""So seldom may chance alone bring as many."""


@dataclass(frozen=True)
class Kind:
    """What surges are looked for, and how many it takes at least."""

    name: str
    zh: str
    least: int
    types: frozenset[str]


KINDS: tuple[Kind, ...] = (
    Kind("hazards", "隐患", 20, frozenset(["hazard.found", "hazard.reported"])),
    Kind("tickets", "热线工单", 10, frozenset(["hotline.ticket_received"])),
    Kind("alarms", "报警", 5, frozenset(["alarm.raised"])),
)


def slot(at: datetime.datetime) -> int:
    """The number of the slot that holds a moment."""
    return int(at.timestamp() // SLOT.total_seconds())


def recent(counts: Mapping[int, int], now: int) -> int:
    """How many came in the window that ends with the slot `now`."""
    return sum(counts.get(n, 0) for n in range(now - WINDOW_SLOTS + 1, now + 1))


def usual(counts: Mapping[int, int], now: int, since: int) -> float | None:
    """How many a window usually has; `since`: the first slot of which anything is known. None: too little is known.

    The larger of two: the mean of all windows, and that of the windows around this time of day.
    """
    begin, end = max(since, now - KNOWN_SLOTS), now - WINDOW_SLOTS + 1
    if end - begin < LEAST_SLOTS:
        return None
    overall = sum(n for at, n in counts.items() if begin <= at < end) / (end - begin) * WINDOW_SLOTS
    days = [now - DAY_SLOTS * day for day in range(1, KNOWN_SLOTS // DAY_SLOTS + 1)]
    alike = [d for d in days if d - 2 * WINDOW_SLOTS >= begin and d + WINDOW_SLOTS < end]
    span = range(-2 * WINDOW_SLOTS + 1, WINDOW_SLOTS + 1)
    around = sum(counts.get(d + n, 0) for d in alike for n in span) / 3 / len(alike) if alike else 0.0
    return max(overall, around)


def is_surge(count: int, expected: float, least: int) -> bool:
    """Whether so many are a surge: enough, several times what is usual, and hardly by chance."""
    return count >= least and count >= RATIO * expected and by_chance(count, expected) < CHANCE


def is_over(count: int, expected: float, least: int) -> bool:
    """Whether a surge has ended."""
    return count < least or count < CALM_RATIO * expected


def by_chance(count: int, expected: float) -> float:
    """The probability that Poisson with this mean gives at least so many."""
    if count <= 0:
        return 1.0
    if expected <= 0:
        return 0.0
    if count <= expected:
        return 1.0
    term = math.exp(-expected + count * math.log(expected) - math.lgamma(count + 1))
    total, n = term, count
    while term > total * 1e-12:
        n += 1
        term *= expected / n
        total += term
    return min(1.0, total)
