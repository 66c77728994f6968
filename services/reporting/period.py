"""Periods of local days: whole months and the days beside them, the year before, the parts of a split by time."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterator
from typing import NamedTuple

DAY = datetime.timedelta(days=1)


class Period(NamedTuple):
    """Inclusive local days."""

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def meet(self, other: Period) -> Period | None:
        """The days that both have."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Period(first, last) if first <= last else None


def year(of: datetime.date) -> Period:
    """The calendar year of a day."""
    return Period(of.replace(month=1, day=1), of.replace(month=12, day=31))


def month(of: datetime.date) -> Period:
    """The calendar month of a day."""
    return Period(of.replace(day=1), of.replace(day=calendar.monthrange(of.year, of.month)[1]))


def year_before(day: datetime.date) -> datetime.date:
    """The same day a year earlier; 29 February against the 28th."""
    last = calendar.monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))


def cut(period: Period) -> tuple[Period | None, list[Period]]:
    """The whole months of a period, and the days at its edges: what the two tables of the tally are asked for."""
    begins, ends = month(period.first), month(period.last)
    first = period.first if period.first == begins.first else _after(begins.last)
    last = period.last if period.last == ends.last else _before(ends.first)
    if first is None or last is None or first > last:
        return None, [period]
    edges = []
    if period.first < first:
        edges.append(Period(period.first, first - DAY))
    if last < period.last:
        edges.append(Period(last + DAY, period.last))
    return Period(first, last), edges


def _after(day: datetime.date) -> datetime.date | None:
    return day + DAY if day < datetime.date.max else None


def _before(day: datetime.date) -> datetime.date | None:
    return day - DAY if day > datetime.date.min else None


def parts(period: Period, by: str) -> Iterator[tuple[datetime.date, Period]]:
    """The days (`day`) or months (`month`) of a period: the first day that names each, and its days in the period."""
    at: datetime.date | None = period.first
    while at is not None and at <= period.last:
        whole = Period(at, at) if by == "day" else month(at)
        yield whole.first, Period(at, min(whole.last, period.last))
        at = _after(whole.last)


def name(first: datetime.date, by: str) -> str:
    """How a part is named in an answer: `2023-06-30`, or `2023-06`."""
    return first.isoformat() if by == "day" else first.isoformat()[:7]


def read(text: str) -> Period | None:
    """The period that `2023`, `2023-06`, `2023-06-30` or two of these joined by `/` name; None when it names none."""
    try:
        ends = [_read_one(part.strip()) for part in text.split("/")]
    except ValueError:
        return None
    return Period(ends[0].first, ends[-1].last) if len(ends) <= 2 and ends[0].first <= ends[-1].last else None


def _read_one(text: str) -> Period:
    if len(text) == 4:
        return year(datetime.date(int(text), 1, 1))
    if len(text) == 7:
        return month(datetime.date.fromisoformat(f"{text}-01"))
    day = datetime.date.fromisoformat(text)
    return Period(day, day)
