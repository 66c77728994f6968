"""Working days and hours of a bureau, and when limits end."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from services.contracts.clock import Calendar, Span, span

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar(
    ZONE,
    holidays=frozenset(datetime.date(2023, 10, n) for n in range(1, 7)) | {datetime.date(2023, 9, 29)},
    workdays=frozenset([datetime.date(2023, 10, 7), datetime.date(2023, 10, 8)]),
)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "length", "due"),
    [
        ("2023-06-01T10:00", "90m", "2023-06-01T11:30"),
        ("2023-06-01T23:30", "2h", "2023-06-02T01:30"),
        ("2023-06-01T10:00", "15d", "2023-06-16T23:59:59.999999"),
        ("2023-06-01T10:00", "end of day", "2023-06-01T23:59:59.999999"),
        ("2023-06-02T10:00", "1wd", "2023-06-05T23:59:59.999999"),  # Friday: by Monday
        ("2023-06-03T10:00", "1wd", "2023-06-05T23:59:59.999999"),  # Saturday: by Monday
        ("2023-09-28T10:00", "2wd", "2023-10-08T23:59:59.999999"),  # holidays, then two make-up days
        ("2023-06-01T16:30", "2wh", "2023-06-02T10:00"),
        ("2023-06-01T11:00", "2wh", "2023-06-01T14:30"),  # lunch is no work
        ("2023-06-01T06:00", "3wh", "2023-06-01T12:00"),
        ("2023-09-28T17:00", "1wh", "2023-10-07T09:30"),
    ],
)
def test_a_limit_ends_with_its_last_day_or_to_the_second(start: str, length: str, due: str) -> None:
    assert CALENDAR.after(at(start), span(length)) == at(due)


@pytest.mark.parametrize(
    ("due", "length", "warn"),
    [
        ("2023-06-16T23:59:59.999999", "3d", "2023-06-13T00:00"),
        ("2023-10-09T18:00", "2wd", "2023-10-07T00:00"),
        ("2023-06-01T10:00", "30m", "2023-06-01T09:30"),
        ("2023-06-02T10:00", "2wh", "2023-06-01T16:30"),
        ("2023-06-02T23:59", "1wh", "2023-06-02T16:30"),
    ],
)
def test_a_warning_before_a_limit(due: str, length: str, warn: str) -> None:
    assert CALENDAR.before(at(due), span(length)) == at(warn)


def test_limits_are_those_of_the_local_day() -> None:
    late = datetime.datetime(2023, 6, 1, 17, tzinfo=datetime.UTC)  # already the second in Shanghai
    assert CALENDAR.day(late) == datetime.date(2023, 6, 2)
    assert CALENDAR.after(late, span("1d")) == at("2023-06-03T23:59:59.999999")
    assert CALENDAR.due(datetime.date(2023, 6, 3)) == at("2023-06-03T23:59:59.999999")
    assert CALENDAR.due(late) == late


def test_days_between() -> None:
    assert CALENDAR.days(at("2023-06-01T23:00"), at("2023-06-02T01:00")) == 1
    assert CALENDAR.working_days(at("2023-09-28T10:00"), at("2023-10-09T10:00")) == 3


def test_an_hour_is_an_hour_when_the_clocks_change() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    start = datetime.datetime(2023, 3, 26, 1, 30, tzinfo=calendar.zone)
    assert calendar.after(start, span("1h")) - start.astimezone(datetime.UTC) == datetime.timedelta(hours=1)


def test_a_calendar_without_working_days_still_answers() -> None:
    nothing = Calendar(ZONE, hours=())
    assert nothing.after(at("2023-06-01T10:00"), span("1wh")) > at("2030-01-01")
    assert nothing.before(at("2023-06-01T10:00"), span("1wh")) < at("2020-01-01")


def test_lengths_as_they_are_written() -> None:
    assert span("3wd") == Span(3, "wd")
    assert [str(span(text)) for text in ("3wd", "15 d", "end of day")] == ["3wd", "15d", "end of day"]
    for wrong in ("", "3", "3w", "0h", "-3d", "1.5h", 3, None):
        with pytest.raises(ValueError, match="not a length of time"):
            span(wrong)
