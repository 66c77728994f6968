"""When the staff of a bureau work: the days and hours at which facts are reported."""

from __future__ import annotations

import datetime
import random
from collections.abc import Collection
from zoneinfo import ZoneInfo

WORKING_SHARE = 0.94
"""The share of facts that fall into working hours."""
_HOURS = ((8.5, 12.0), (13.5, 18.0))


class Calendar:
    """Draws plausible instants of a period, in the bureau's time zone."""

    def __init__(
        self, zone: ZoneInfo, holidays: Collection[datetime.date], workdays: Collection[datetime.date]
    ) -> None:
        self.zone, self._holidays, self._workdays = zone, frozenset(holidays), frozenset(workdays)
        self._working: dict[tuple[datetime.date, datetime.date], list[datetime.date]] = {}

    def works(self, day: datetime.date) -> bool:
        """Whether it is a working day."""
        return day in self._workdays or (day.weekday() < 5 and day not in self._holidays)

    def draw(self, first: datetime.date, last: datetime.date, rng: random.Random) -> datetime.datetime:
        """An instant between the first and the last day, both included."""
        days = self._days(first, last)
        if days and rng.random() < WORKING_SHARE:
            low, high = rng.choice(_HOURS)
            return self.at(rng.choice(days), rng.uniform(low, high))
        return self.at(first + datetime.timedelta(days=rng.randint(0, (last - first).days)), rng.uniform(0, 23.99))

    def at(self, day: datetime.date, hour: float) -> datetime.datetime:
        """An hour of a day, to the millisecond."""
        start = datetime.datetime.combine(day, datetime.time(), self.zone)
        found = start + datetime.timedelta(milliseconds=int(hour * 3_600_000))
        return found.replace(tzinfo=datetime.timezone(found.utcoffset() or datetime.timedelta()))

    def _days(self, first: datetime.date, last: datetime.date) -> list[datetime.date]:
        if (first, last) not in self._working:
            days = (first + datetime.timedelta(days=n) for n in range((last - first).days + 1))
            self._working[first, last] = [day for day in days if self.works(day)]
        return self._working[first, last]
