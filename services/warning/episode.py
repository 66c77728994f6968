"""An episode of a sensor: from the first threshold crossed until all is normal again, with the alarms in between.

The alarm's id follows from the reading that raised it and the rule. That it is normal again is a correction of the
alarm: the same fact, now with its end and its peak. Closing an alarm is for people.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.runtime.outbox import Row
from services.warning import said
from services.warning.matter import Say

ALARM, OFFLINE = "alarm.raised", "device.offline"
NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)


class Which(NamedTuple):
    """What an episode is about."""

    scope: str
    point: str
    """The monitoring point; of a surge the region."""
    kind: str
    rule: str


class Raised(NamedTuple):
    """An alarm as it was said."""

    id: str
    type: str
    time: datetime.datetime
    region: str
    cause: str
    data: Mapping[str, Any]


class Cause(NamedTuple):
    """The event that brought an alarm about; empty for silence."""

    source: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.id}".strip()


@dataclass
class Episode:
    """How one rule of one sensor stands."""

    which: Which
    worst: int = 0
    """The worst rung so far; 0: all is normal."""
    at: datetime.datetime = NEVER
    """The reading that changed it last: none up to it changes it again."""
    peak: float | None = None
    alarms: list[Raised] = field(default_factory=list)

    def touch(self, value: float, sign: int) -> None:
        """Note the most extreme value."""
        if self.peak is None or sign * value > sign * self.peak:
            self.peak = value

    def raise_(self, type_: str, data: Mapping[str, Any], cause: Cause, at: datetime.datetime, place: str,
               now: datetime.datetime) -> Row:  # fmt: skip
        """Say a new alarm; `data` without its id."""
        slot = f"{data.get('level', '')}/{cause}/{'' if cause.id else at.isoformat()}"
        if type_ == ALARM:
            data = {"alarm_id": alarm_id(self.which, slot), **data}
        alarm = Raised(self._id(slot, 1, at), type_, at, place, str(cause), data)
        self.alarms.append(alarm)
        self.at = at
        return self._row(alarm, alarm.data, alarm.id, now)

    def end(self, at: datetime.datetime, now: datetime.datetime) -> list[Row]:
        """All is normal again: say so of every alarm of the episode."""
        more: dict[str, Any] = {"normal_at": said_time(at)}
        rows = []
        for alarm in self.alarms:
            peak = {"peak": self.peak} if alarm.type == ALARM and self.peak is not None else {}
            id_ = self._id(f"normal/{alarm.id}", 2, at)
            rows.append(self._row(alarm, {**alarm.data, **more, **peak}, id_, now, corrects=alarm.id))
        self.worst, self.at, self.peak, self.alarms = 0, at, None, []
        return rows

    def _id(self, slot: str, turn: int, time: datetime.datetime) -> str:
        return said.id_of(
            (self.which.scope, self.which.point, f"{self.which.kind}/{self.which.rule}"), slot, turn, time
        )

    def _row(self, alarm: Raised, data: Mapping[str, Any], id_: str, now: datetime.datetime, corrects: str = "") -> Row:
        record = said.record(
            Say("", alarm.type, data, alarm.time), id_=id_, scope=self.which.scope, region=alarm.region, now=now,
            corrects=corrects, cause=alarm.cause,
        )  # fmt: skip
        subject = str(data["alarm_id" if alarm.type == ALARM else "point_id"])
        return said.row(record, alarm.type, subject)


def alarm_id(which: Which, slot: str) -> str:
    """The number of an alarm: the same reading and rule give the same."""
    return "BJ-" + hashlib.sha256("\x1f".join((*which, slot)).encode()).hexdigest()[:16]


def said_time(at: datetime.datetime) -> str:
    """As event data carry a moment."""
    return at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
