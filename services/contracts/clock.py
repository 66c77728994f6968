"""The bureau's calendar: working days and hours with holidays and make-up days, and limits such as `15d` or `3wd`.

A limit in days ends with its last day (Civil Code art. 201 and 203: the day on which it begins is not counted); one in
hours ends to the second.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

OFFICE_HOURS = (
    (datetime.time(9), datetime.time(12)),
    (datetime.time(13, 30), datetime.time(17, 30)),
)
"""When work is done on a working day, unless a bureau says otherwise."""
DAY = datetime.timedelta(days=1)
END_OF_DAY = "end of day"
_SPAN = re.compile(r"(\d{1,6})\s*(s|m|h|d|wh|wd)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_DAYS_AHEAD = 4000
"""No limit looks further than some ten years ahead: a calendar without any working day must not hang the hub."""


class Span(NamedTuple):
    """A length of time: seconds, minutes, hours or days of the calendar, or working hours or working days."""

    amount: int
    unit: str
    """`s`, `m`, `h`, `d`, `wh` or `wd`; 0 d is the end of the day itself."""

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}" if self != _TODAY else END_OF_DAY

    @property
    def whole_days(self) -> bool:
        """Whether it ends with a day rather than at a second."""
        return self.unit in ("d", "wd")


_TODAY = Span(0, "d")


def span(text: object) -> Span:
    """A length written like `30m`, `2h`, `15d`, `4wh`, `3wd` or `end of day`. Raises ValueError."""
    if text == END_OF_DAY:
        return _TODAY
    match = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a length of time such as 30m, 2h, 15d, 4wh, 3wd or '{END_OF_DAY}'")
    return Span(int(match[1]), match[2])


@dataclass(frozen=True)
class Calendar:
    """The days and hours on which a bureau works; every answer is aware, in its time zone."""

    zone: ZoneInfo
    holidays: frozenset[datetime.date] = frozenset()
    workdays: frozenset[datetime.date] = frozenset()
    """Saturdays and Sundays on which work is done."""
    hours: Sequence[tuple[datetime.time, datetime.time]] = OFFICE_HOURS

    def day(self, moment: datetime.datetime) -> datetime.date:
        """The local day of a moment."""
        return moment.astimezone(self.zone).date()

    def works(self, day: datetime.date) -> bool:
        """Whether work is done on a day."""
        return day in self.workdays or (day.weekday() < 5 and day not in self.holidays)

    def begin(self, day: datetime.date) -> datetime.datetime:
        """The first moment of a day."""
        return datetime.datetime.combine(day, datetime.time(), self.zone)

    def end(self, day: datetime.date) -> datetime.datetime:
        """The last moment of a day: what is done by then is done on that day."""
        return datetime.datetime.combine(day, datetime.time.max, self.zone)

    def due(self, limit: datetime.date | datetime.datetime) -> datetime.datetime:
        """The moment a written limit means: a date alone, the end of that day."""
        return limit.astimezone(self.zone) if isinstance(limit, datetime.datetime) else self.end(limit)

    def after(self, start: datetime.datetime, length: Span) -> datetime.datetime:
        """When a length of time that begins at a moment is over."""
        if length.unit == "d":
            return self.end(self.day(start) + length.amount * DAY)
        if length.unit == "wd":
            return self.end(self._working_day(self.day(start), length.amount, DAY))
        if length.unit == "wh":
            return self._working_hours(start, datetime.timedelta(hours=length.amount))
        return _plus(start, length.amount * _SECONDS[length.unit]).astimezone(self.zone)

    def before(self, due: datetime.datetime, length: Span) -> datetime.datetime:
        """When to warn so long before a limit: in days, as that day begins."""
        if length.unit == "d":
            return self.begin(self.day(due) - length.amount * DAY)
        if length.unit == "wd":
            return self.begin(self._working_day(self.day(due), length.amount, -DAY))
        if length.unit == "wh":
            return self._hours_back(due, datetime.timedelta(hours=length.amount))
        return _plus(due, -length.amount * _SECONDS[length.unit]).astimezone(self.zone)

    def days(self, start: datetime.datetime, end: datetime.datetime) -> int:
        """How many days lie between two moments: 0 on the same local day."""
        return (self.day(end) - self.day(start)).days

    def working_days(self, start: datetime.datetime, end: datetime.datetime) -> int:
        """How many working days come after the day of `start`, up to that of `end`."""
        first, last = self.day(start), self.day(end)
        return sum(self.works(first + n * DAY) for n in range(1, (last - first).days + 1))

    def _working_day(self, day: datetime.date, amount: int, step: datetime.timedelta) -> datetime.date:
        """The n-th working day after (or before) a day."""
        for _ in range(_DAYS_AHEAD):
            if amount == 0:
                break
            day += step
            amount -= self.works(day)
        return day

    def _working_hours(self, start: datetime.datetime, left: datetime.timedelta) -> datetime.datetime:
        for begin, end in self._shifts(self.day(start), DAY):
            at = max(begin, start)
            if at < end and left <= end - at:
                return at + left
            left -= max(end - at, datetime.timedelta())
        return self.end(self.day(start) + _DAYS_AHEAD * DAY)

    def _hours_back(self, due: datetime.datetime, left: datetime.timedelta) -> datetime.datetime:
        for begin, end in self._shifts(self.day(due), -DAY):
            at = min(end, due)
            if at > begin and left <= at - begin:
                return at - left
            left -= max(at - begin, datetime.timedelta())
        return self.begin(self.day(due) - _DAYS_AHEAD * DAY)

    def _shifts(
        self, day: datetime.date, step: datetime.timedelta
    ) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
        """The hours of work from a day on, or back from it."""
        for n in range(_DAYS_AHEAD):
            on = day + n * step
            if self.works(on):
                for begin, end in self.hours if step > datetime.timedelta() else reversed(self.hours):
                    yield (
                        datetime.datetime.combine(on, begin, self.zone),
                        datetime.datetime.combine(on, end, self.zone),
                    )


def _plus(moment: datetime.datetime, seconds: int) -> datetime.datetime:
    """So many real seconds later: in UTC, so that a change of the clocks in between does not matter."""
    return moment.astimezone(datetime.UTC) + datetime.timedelta(seconds=seconds)
