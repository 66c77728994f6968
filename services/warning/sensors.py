"""All sensors as they stand: readings go in, episodes that changed and what is to be said of them come out.

No I/O. What must survive a restart is in the episodes; windows and the last reading of each sensor come back with the
readings of the last minutes, which are read again at every start.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.contracts.frame import Frame, Reading
from services.runtime.outbox import Row
from services.warning.episode import ALARM, NEVER, OFFLINE, Cause, Episode, Which
from services.warning.facts import scope_of
from services.warning.sensor import Point, Rule, Window, is_bad, is_silent

SILENCE = "silence"
ACTUAL = "actual"
PointKey = tuple[str, str]
"""Scope and id of a point."""


@dataclass
class Changed:
    """What one frame, or one look at the clock, brings about."""

    episodes: dict[Which, Episode] = field(default_factory=dict)
    """As they stood then: what comes later must not get into the same transaction."""
    rows: list[Row] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Readings by what became of them: judged, late, bad, unregistered."""
    told: Counter[str] = field(default_factory=Counter)
    """Alarms by type."""


@dataclass
class Seen:
    """The last sign of life of a point."""

    at: datetime.datetime
    value: float | None
    region: str


class Watched:
    """One sensor (a kind of value at a point), with what its rules remember."""

    def __init__(self, point: Point | None, rules: Iterable[tuple[Rule, Episode]]) -> None:
        self.point = point
        self.rules = [(rule, episode, Window(rule.over) if rule.over else None) for rule, episode in rules]
        self.last = NEVER
        self.last_id = ""


class Sensors:
    """Judges readings and silence."""

    def __init__(self) -> None:
        self.points: dict[PointKey, Point] = {}
        self.episodes: dict[Which, Episode] = {}
        self.seen: dict[PointKey, Seen] = {}
        self.fresh: set[PointKey] = set()
        """Points seen since their rows were written."""
        self._watched: dict[tuple[str, str, str], Watched] = {}

    def register(self, points: Mapping[PointKey, Point | None]) -> None:
        """Points that were registered anew; None: taken back."""
        for key, point in points.items():
            if point is None:
                self.points.pop(key, None)
            else:
                self.points[key] = point
        ids = {id_ for _, id_ in points}
        for known in [known for known in self._watched if known[1] in ids]:
            del self._watched[known]

    @property
    def window(self) -> datetime.timedelta:
        """How far back any rule looks."""
        return max((point.window for point in self.points.values()), default=datetime.timedelta())

    def judge(self, frame: Frame, received: datetime.datetime, now: datetime.datetime) -> Changed:
        """Take the readings of a frame; `received`: when Kafka got it."""
        changed = Changed()
        for reading in frame.readings:
            scope = ACTUAL if reading.status == ACTUAL else scope_of(reading.status, reading.drill)
            changed.outcomes[self._judge(reading, scope, changed, now)] += 1
            self._alive((scope, reading.point), reading, received, changed, now)
        return changed

    def _judge(self, reading: Reading, scope: str, changed: Changed, now: datetime.datetime) -> str:
        value, kind = reading.data.value, reading.data.kind or ""
        sensor = self._watched.get((scope, reading.point, kind)) or self._watch(scope, reading.point, kind)
        if sensor.point is None:
            return "unregistered"
        if value is None or is_bad(reading.data.quality):
            return "bad"
        at = reading.at
        if at < sensor.last or (at == sensor.last and reading.id == sensor.last_id):
            return "late"
        sensor.last, sensor.last_id = at, reading.id
        for rule, episode, window in sensor.rules:
            measure = value if window is None else window.add(at, value)
            if measure is not None and at > episode.at:
                self._step(rule, episode, measure, reading, changed, now)
        return "judged"

    def _step(self, rule: Rule, episode: Episode, measure: float, reading: Reading, changed: Changed,
              now: datetime.datetime) -> None:  # fmt: skip
        worst = rule.step(episode.worst, rule.sign * measure)
        if worst:
            episode.touch(measure, rule.sign)
        if worst == episode.worst:
            return
        if worst:
            rung = rule.rungs[worst - 1]
            data = {
                "point_id": reading.point, "level": rung.level, "threshold": rule.sign * rung.value, "value": measure,
                "rule_id": rule.id, **({"kind": reading.data.kind} if reading.data.kind else {}),
            }  # fmt: skip
            cause = Cause(reading.source, reading.id)
            changed.rows.append(episode.raise_(ALARM, data, cause, reading.at, self._place(episode, reading), now))
            changed.told[ALARM] += 1
        else:
            changed.rows += episode.end(reading.at, now)
        episode.worst = worst
        self._note(episode, changed)

    def _place(self, episode: Episode, reading: Reading) -> str:
        point = self._point(episode.which.scope, episode.which.point)
        return point.region if point and point.region else reading.region

    def _point(self, scope: str, id_: str) -> Point | None:
        """An exercise watches what is registered for it, else what is there."""
        return self.points.get((scope, id_)) or self.points.get((ACTUAL, id_))

    def _watch(self, scope: str, id_: str, kind: str) -> Watched:
        point = self._point(scope, id_)
        rules = (
            [(rule, self._episode(Which(scope, id_, kind, rule.id))) for rule in point.rules_for(kind)] if point else []
        )
        sensor = Watched(point, rules)
        if point is not None:
            self._watched[scope, id_, kind] = sensor
        return sensor

    def _note(self, episode: Episode, changed: Changed) -> None:
        self.episodes[episode.which] = episode
        changed.episodes[episode.which] = replace(episode, alarms=list(episode.alarms))

    def _episode(self, which: Which) -> Episode:
        return self.episodes.get(which) or Episode(which)

    # --- silence --------------------------------------------------------------------------------------------------

    def _alive(self, key: PointKey, reading: Reading, received: datetime.datetime, changed: Changed,
               now: datetime.datetime) -> None:  # fmt: skip
        """A reading of whatever quality is a sign of life."""
        if self._point(*key) is None:
            return
        seen = self.seen.get(key)
        if seen is not None and received < seen.at:
            return
        self.seen[key] = Seen(received, reading.data.value, reading.region)
        self.fresh.add(key)
        episode = self.episodes.get(Which(*key, "", SILENCE))
        if episode is not None and episode.worst and received > episode.at:
            changed.rows += episode.end(received, now)
            self._note(episode, changed)

    def due(self, watching: datetime.datetime, now: datetime.datetime) -> list[PointKey]:
        """Points that are silent for too long and not known to be; `watching`: since when nothing is missed."""
        return [
            key for key, seen in self.seen.items()
            if (point := self._point(*key)) is not None and is_silent(seen.at, watching, point.offline_after, now)
            and not self._episode(Which(*key, "", SILENCE)).worst
        ]  # fmt: skip

    def offline(self, keys: Iterable[PointKey], now: datetime.datetime) -> Changed:
        """These are offline."""
        changed = Changed()
        for key in keys:
            seen, point = self.seen[key], self._point(*key)
            episode = self._episode(Which(*key, "", SILENCE))
            data = {"point_id": key[1], "since": seen.at.isoformat(), "last_value": seen.value}
            place = point.region if point and point.region else seen.region
            changed.rows.append(episode.raise_(OFFLINE, data, Cause(), seen.at, place, now))
            episode.worst = 1
            self._note(episode, changed)
            changed.told[OFFLINE] += 1
        return changed
