"""What is a surge, and what is only a busy day."""

from __future__ import annotations

import math
import random

import pytest

from services.warning.surge import DAY_SLOTS, by_chance, is_over, is_surge, recent, usual

NOW = 100 * DAY_SLOTS + 60
WEEKS = NOW - 28 * DAY_SLOTS


def daily(per_hour: float, hours: range = range(24)) -> dict[int, int]:
    """Four weeks with so many an hour at these hours."""
    dice = random.Random(5)
    slots = (s for s in range(WEEKS, NOW + 1) if (s % DAY_SLOTS) // 6 in hours)
    return {s: sum(dice.random() < per_hour / 60 for _ in range(10)) for s in slots}


def test_the_window_is_an_hour() -> None:
    assert recent({NOW - 6: 100, NOW - 5: 1, NOW: 2, NOW + 1: 50}, NOW) == 3


def test_usual_is_what_comes_at_this_time_of_day() -> None:
    assert usual(daily(12), NOW, WEEKS) == pytest.approx(12, rel=0.15)
    assert usual(daily(12, range(8, 12)), NOW, WEEKS) == pytest.approx(12, rel=0.35)
    assert usual(daily(12, range(12, 24)), NOW, WEEKS) == pytest.approx(6, rel=0.15), "the mean of all hours"


def test_before_a_day_is_known_nothing_is_unusual() -> None:
    assert usual({NOW: 500}, NOW, NOW - DAY_SLOTS + 1) is None
    assert usual({NOW: 500}, NOW, NOW - DAY_SLOTS - 10) == 0


def test_a_surge_is_enough_several_times_the_usual_and_no_chance() -> None:
    assert is_surge(40, 5, 20)
    assert not is_surge(19, 0.1, 20)
    assert not is_surge(40, 15, 20)
    assert not is_surge(5, 1, 5)
    assert is_surge(12, 1, 5)
    assert is_over(29, 20, 10)
    assert not is_over(31, 20, 10)


def test_an_even_stream_never_surges() -> None:
    slots = daily(12)
    expected = [usual(slots, n, WEEKS) for n in range(NOW - 300, NOW)]
    assert not any(is_surge(recent(slots, n), e or 0, 5) for n, e in zip(range(NOW - 300, NOW), expected, strict=True))


@pytest.mark.parametrize(("count", "mean"), [(0, 1.0), (1, 1.0), (5, 1.0), (40, 5.0), (12, 10.0), (200, 100.0)])
def test_chance_is_the_tail_of_poisson(count: int, mean: float) -> None:
    below = sum(math.exp(-mean + n * math.log(mean) - math.lgamma(n + 1)) for n in range(count))
    assert by_chance(count, mean) <= 1
    if count > mean:
        assert by_chance(count, mean) == pytest.approx(1 - below, rel=1e-3, abs=1e-12)


def test_chance_at_the_edges() -> None:
    assert by_chance(3, 0) == 0
    assert by_chance(10**6, 10.0) == pytest.approx(0)
    assert by_chance(10, 10**6) == 1
