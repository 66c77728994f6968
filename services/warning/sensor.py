"""What a sensor's readings mean: thresholds with hysteresis, rate of change, silence."""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HYSTERESIS = 0.02
"""Share of a threshold by which a value must come back, unless the threshold says how much."""
RATE_HYSTERESIS = 0.2
OVER_MINUTES, MOST_OVER_MINUTES = 5.0, 30.0
"""The window of a rate of change; readings of the longest one are read again at every start."""
GRAINS = 60
OFFLINE_AFTER_MINUTES = 10.0
BELOW = frozenset(["low", "lowlow", "low_low", "ll", "l", "lolo"])
"""Levels whose threshold is crossed downwards unless `direction` says otherwise."""
BAD = frozenset(["bad", "invalid", "fault", "error", "无效", "故障", "异常"])
"""Qualities of a value that says nothing; the device lives all the same."""


class Unusable(ValueError):
    """What a registration asks for cannot be watched."""


@dataclass(frozen=True)
class Rung:
    """One threshold, turned so that more is worse."""

    level: str
    value: float
    reset: float
    """At or under this it is left again."""


@dataclass(frozen=True)
class Rule:
    """The thresholds of one kind of value in one direction, the mildest first."""

    id: str
    """`threshold.above`, `threshold.below`, `rate.rising` or `rate.falling`."""
    kind: str
    """The kind of sensor; empty: whatever the point measures."""
    sign: int
    rungs: tuple[Rung, ...]
    over: datetime.timedelta | None = None
    """The window of a rate; None: the value itself is judged."""

    def crossed(self, measure: float) -> int:
        """How many rungs a measure (turned by `sign`) has reached."""
        return bisect_right([rung.value for rung in self.rungs], measure)

    def step(self, worst: int, measure: float) -> int:
        """The worst rung of an episode after one more measure: 0 when it is over.

        An episode lasts until the mildest rung is left; in between only what is worse than before is news.
        """
        if not worst and measure < self.rungs[0].value:
            return 0
        reached = self.crossed(measure)
        if reached > worst:
            return reached
        return 0 if worst and measure <= self.rungs[0].reset else worst


@dataclass(frozen=True)
class Point:
    """A monitoring point as it was registered last."""

    id: str
    region: str
    rules: tuple[Rule, ...] = ()
    offline_after: datetime.timedelta = datetime.timedelta(minutes=OFFLINE_AFTER_MINUTES)

    def rules_for(self, kind: str) -> tuple[Rule, ...]:
        """The rules that judge values of this kind."""
        return tuple(rule for rule in self.rules if rule.kind in ("", kind))

    @property
    def window(self) -> datetime.timedelta:
        """How far back its rules look."""
        return max((rule.over for rule in self.rules if rule.over), default=datetime.timedelta())


def point(id_: str, region: str, registered: Mapping[str, Any]) -> Point:
    """A point from the data of its registration. Raises Unusable with every reason."""
    given = registered.get("thresholds") or ()
    problems = [f"thresholds[{n}]: {why}" for n, one in enumerate(given) if (why := _flaw(one))]
    if problems:
        raise Unusable("; ".join(problems))
    quiet = float(registered.get("offline_after_minutes") or OFFLINE_AFTER_MINUTES)
    rest = max(0.0, 24.0 - float(registered.get("hours_per_day") or 24.0)) * 60
    return Point(id_, region, tuple(_rules(given)), datetime.timedelta(minutes=min(quiet + rest, 525_600)))


def _flaw(threshold: Any) -> str:
    level = threshold.get("level") if isinstance(threshold, Mapping) else None
    if not isinstance(level, str) or not level or not level.isprintable():
        return "needs a level"
    if _is_number(threshold.get("value")) == _is_number(threshold.get("per_minute")):
        return "needs either a value or a change per_minute, a number"
    if threshold.get("per_minute") == 0:
        return "per_minute is 0"
    if threshold.get("direction", "above") not in ("above", "below"):
        return "direction is above or below"
    if not isinstance(threshold.get("kind", ""), str):
        return "kind must be text"
    back = threshold.get("hysteresis", 0)
    if not _is_number(back) or back < 0:
        return "hysteresis must be a number, not negative"
    over = threshold.get("over_minutes", OVER_MINUTES)
    if not _is_number(over) or not 0 < over <= MOST_OVER_MINUTES:
        return f"over_minutes must be a number up to {MOST_OVER_MINUTES:g}"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _rules(thresholds: Sequence[Mapping[str, Any]]) -> Iterator[Rule]:
    """Thresholds of one direction, kind and window make one rule."""
    scales: dict[tuple[str, str, int, float], list[Rung]] = {}
    for one in thresholds:
        rate = "per_minute" in one
        value = float(one["per_minute"] if rate else one["value"])
        below = value < 0 if rate else one.get("direction", "below" if one["level"].lower() in BELOW else "") == "below"
        sign = -1 if below else 1
        over = float(one.get("over_minutes", OVER_MINUTES)) if rate else 0.0
        back = float(one.get("hysteresis", abs(value) * (RATE_HYSTERESIS if rate else HYSTERESIS)))
        rungs = scales.setdefault((_name(rate, below), one.get("kind", ""), sign, over), [])
        rungs.append(Rung(one["level"], sign * value, sign * value - back))
    for (name, kind, sign, over), rungs in scales.items():
        ordered = tuple(sorted(rungs, key=lambda rung: rung.value))
        long = f"{name}.{over:g}" if over not in (0.0, OVER_MINUTES) else name
        yield Rule(long, kind, sign, ordered, datetime.timedelta(minutes=over) if over else None)


def _name(rate: bool, below: bool) -> str:
    if rate:
        return "rate.falling" if below else "rate.rising"
    return "threshold.below" if below else "threshold.above"


class Window:
    """The readings of one sensor within the window of a rate, in order; of each sixtieth of it the first is kept."""

    def __init__(self, over: datetime.timedelta) -> None:
        self._over = over
        self._grain = over.total_seconds() / GRAINS
        self._kept: deque[tuple[datetime.datetime, float]] = deque()
        self._grain_kept = -1

    def add(self, at: datetime.datetime, value: float) -> float | None:
        """Change per minute from the first reading in the window to this one; None while they span less than half."""
        if (grain := int(at.timestamp() // self._grain)) != self._grain_kept:
            self._kept.append((at, value))
            self._grain_kept = grain
        while self._kept and self._kept[0][0] < at - self._over:
            self._kept.popleft()
        if not self._kept or at - self._kept[0][0] < self._over / 2:
            return None
        first, before = self._kept[0]
        return (value - before) / ((at - first).total_seconds() / 60)


def is_bad(quality: str | None) -> bool:
    """Whether a value of this quality says nothing."""
    return quality is not None and quality.strip().lower() in BAD


def is_silent(
    seen: datetime.datetime, watching: datetime.datetime, allowed: datetime.timedelta, now: datetime.datetime
) -> bool:
    """Whether a device seen last then is offline; nobody is while we were not looking ourselves."""
    return now - max(seen, watching) > allowed
