"""Thresholds with hysteresis, rates of change, silence; and what of it is said."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from services.contracts import event
from services.contracts.check import check_data
from services.contracts.frame import Frame, Measured, Reading, frames, read
from services.warning.sensor import Point, Rule, Unusable, Window, is_bad, is_silent, point
from services.warning.sensors import Changed, Sensors

T0 = datetime.datetime(2023, 7, 16, 6, 0, tzinfo=datetime.UTC)
LADDER = [{"level": "high", "value": 3.0}, {"level": "highhigh", "value": 3.5}]


def at(seconds: float) -> datetime.datetime:
    return T0 + datetime.timedelta(seconds=seconds)


def rule_of(*thresholds: dict[str, Any]) -> Rule:
    (rule,) = point("P", "990111001", {"thresholds": thresholds}).rules
    return rule


def reading(value: float | None, seconds: float, n: int = 0, point_id: str = "P", **more: Any) -> Reading:
    measured = {k: more.pop(k) for k in ("kind", "quality") if k in more}
    return Reading(
        id=f"{point_id}-{seconds}-{n}", source="/town/a", subject=point_id, time=at(seconds), recordedtime=at(seconds),
        region="990111", data=Measured(point_id=point_id, value=value, **measured), **more,
    )  # fmt: skip


class Scene:
    """Sensors with one point, and everything that was said."""

    def __init__(self, *thresholds: dict[str, Any], **registered: Any) -> None:
        self.sensors = Sensors()
        self.sensors.register({("actual", "P"): point("P", "990111001", {"thresholds": thresholds, **registered})})
        self.said: list[dict[str, Any]] = []

    def read(self, *readings: Reading) -> Changed:
        last = readings[-1].time
        changed = self.sensors.judge(Frame("P", list(readings)), last, last)
        self.said += [msgspec.json.decode(row.value) for row in changed.rows]
        return changed

    def values(self, *values: float, step: float = 1.0, first: float = 0.0) -> Changed:
        return self.read(*(reading(v, first + n * step) for n, v in enumerate(values)))

    def levels(self) -> list[str]:
        return [s["data"]["level"] for s in self.said if "corrects" not in s]


def test_an_alarm_is_raised_once_until_the_value_has_come_back_by_more_than_the_hysteresis() -> None:
    scene = Scene({"level": "high", "value": 3.0, "hysteresis": 0.2})
    scene.values(2.9, 3.0, 3.1, 2.95, 2.81, 3.05)
    assert scene.levels() == ["high"]
    scene.values(2.8, 3.0, first=10)
    assert scene.levels() == ["high", "high"]
    first, normal, second = scene.said
    assert normal["corrects"] == first["id"]
    assert normal["data"] == {**first["data"], "normal_at": "2023-07-16T06:00:10.000Z", "peak": 3.1}
    assert first["data"]["alarm_id"] != second["data"]["alarm_id"]


def test_what_is_worse_is_news_what_is_less_bad_is_not() -> None:
    scene = Scene(*LADDER)
    scene.values(2.0, 3.1, 3.6, 3.2, 3.7, 3.1, 2.0)
    assert scene.levels() == ["high", "highhigh"]
    assert [s["data"]["level"] for s in scene.said if "corrects" in s] == ["high", "highhigh"]


def test_a_value_that_jumps_over_a_threshold_raises_the_worst_alone() -> None:
    scene = Scene(*LADDER)
    scene.values(2.0, 4.0)
    assert scene.levels() == ["highhigh"]


def test_a_low_threshold_is_crossed_downwards() -> None:
    scene = Scene({"level": "low", "value": 1.0}, {"level": "dry", "value": 0.5, "direction": "below"})
    scene.values(1.2, 1.0, 0.4, 1.01, 1.03)
    assert scene.levels() == ["low", "dry"]
    (low, *_, normal) = scene.said
    assert (low["data"]["threshold"], normal["data"]["peak"]) == (1.0, 0.4)


def test_a_rate_of_change_is_per_minute_over_its_window() -> None:
    scene = Scene({"level": "rising", "per_minute": 0.5, "over_minutes": 2}, {"level": "falling", "per_minute": -0.5})
    scene.values(*(1.0 + 0.1 * n for n in range(30)), step=10)
    assert scene.levels() == ["rising"]
    scene.values(*(3.9 - 0.2 * n for n in range(40)), step=10, first=300)
    assert scene.levels() == ["rising", "falling"]


def test_a_window_says_nothing_while_it_is_less_than_half_full() -> None:
    window = Window(datetime.timedelta(minutes=2))
    assert window.add(at(0), 1) is None
    assert window.add(at(59), 9) is None
    assert window.add(at(60), 2) == 1
    assert window.add(at(180), 6) == 2, "the first two are forgotten"


def test_a_bad_value_says_nothing_but_the_device_lives() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    changed = scene.read(reading(9.9, 0, quality="bad"), reading(None, 1), reading(9.9, 2, quality="故障"))
    assert changed.outcomes == {"bad": 3}
    assert scene.said == []
    assert scene.sensors.seen["actual", "P"].at == at(2)
    assert [is_bad(quality) for quality in (" BAD ", "good", None)] == [True, False, False]


def test_what_is_late_or_sent_twice_changes_nothing() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    same = reading(3.5, 5)
    assert scene.read(same, same, reading(1.0, 4), reading(4.0, 5, n=1)).outcomes == {"judged": 2, "late": 2}
    assert scene.levels() == ["high"]


def test_a_clock_that_is_ahead_does_not_make_what_follows_late() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    ahead = msgspec.structs.replace(reading(1.0, 0), time=at(600))
    assert scene.read(ahead, reading(3.5, 1)).outcomes == {"judged": 2}
    assert scene.levels() == ["high"]


def test_read_again_after_a_restart_nothing_is_said_twice_and_nothing_is_lost() -> None:
    values = [1.0, 3.2, 2.0, 3.6, 3.7, 3.6, 2.0, 3.1]
    whole = Scene(*LADDER)
    whole.values(*values)
    for cut in range(len(values) + 1):
        before = Scene(*LADDER)
        if cut:
            before.values(*values[:cut])
        after = Scene(*LADDER)
        after.sensors.episodes = before.sensors.episodes
        after.values(*values)
        told = [*before.said, *after.said]
        assert [s["id"] for s in told] == [s["id"] for s in whole.said], cut
        assert [s["data"] for s in told] == [s["data"] for s in whole.said], cut


def test_a_point_that_is_registered_anew_goes_on_with_its_episode() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    scene.values(3.5)
    scene.sensors.register(
        {("actual", "P"): point("P", "990111001", {"thresholds": [{"level": "high", "value": 5.0}]})}
    )
    scene.values(3.4, first=5)
    assert [("corrects" in s) for s in scene.said] == [False, True]


def test_kinds_at_one_point_are_watched_apart() -> None:
    scene = Scene(
        {"level": "high", "value": 3.0, "kind": "level"}, {"level": "hot", "value": 60, "kind": "temperature"}
    )
    scene.read(reading(59, 0, kind="temperature"), reading(2, 0, kind="level"), reading(61, 1, kind="temperature"))
    assert scene.levels() == ["hot"]
    assert scene.said[0]["data"]["kind"] == "temperature"


def test_an_exercise_touches_nothing_real() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    scene.read(reading(3.5, 0, status="exercise", drill="YL-1"))
    assert [(s["status"], s["drill"]) for s in scene.said] == [("exercise", "YL-1")]
    scene.read(reading(3.5, 1))
    assert len(scene.levels()) == 2


def test_a_reading_of_a_point_that_nobody_registered_is_counted_and_no_more() -> None:
    scene = Scene({"level": "high", "value": 3.0})
    assert scene.read(reading(9.0, 0, point_id="Q")).outcomes == {"unregistered": 1}
    assert scene.sensors.seen == {}


def test_silence_is_offline_once_and_over_when_it_sends_again() -> None:
    scene = Scene(offline_after_minutes=1)
    scene.values(3.2)
    assert scene.sensors.due(at(0), at(60)) == []
    assert scene.sensors.due(at(50), at(61)) == [], "we were not looking ourselves"
    (due,) = scene.sensors.due(at(0), at(61))
    (row,) = scene.sensors.offline([due], at(61)).rows
    said = msgspec.json.decode(row.value)
    assert said["data"] == {"point_id": "P", "since": "2023-07-16T06:00:00+00:00", "last_value": 3.2}
    assert (said["type"], said["region"]) == ("device.offline", "990111001")
    assert scene.sensors.due(at(0), at(600)) == []
    scene.values(3.3, first=700)
    (again,) = scene.said
    assert again["corrects"] == said["id"]
    assert again["data"]["normal_at"] == "2023-07-16T06:11:40.000Z"


def test_a_point_that_works_eight_hours_a_day_may_rest_sixteen() -> None:
    day = point("P", "", {"hours_per_day": 8})
    assert day.offline_after == datetime.timedelta(hours=16, minutes=10)
    assert not is_silent(at(0), at(0), day.offline_after, at(16 * 3600))


def test_what_is_said_is_an_event_that_the_door_would_take() -> None:
    scene = Scene({"level": "high", "value": 3.0}, offline_after_minutes=1)
    scene.values(3.5, 1.0)
    scene.said += [msgspec.json.decode(r.value) for r in scene.sensors.offline([("actual", "P")], at(99)).rows]
    assert len(scene.said) == 3
    for said in scene.said:
        assert check_data(said["type"], said["data"]) == []
        assert event.decode(msgspec.json.encode(said)).source == "/hub/warning"
    assert scene.said[0]["cause"] == "/town/a P-0.0-0"


@pytest.mark.parametrize(
    "threshold",
    [
        {}, {"level": "high"}, {"level": "", "value": 1}, {"level": "high", "value": "3"}, {"level": 1, "value": 1},
        {"level": "h", "value": 1, "per_minute": 1}, {"level": "h", "per_minute": 0}, {"level": "h", "value": True},
        {"level": "h", "value": 1, "direction": "up"}, {"level": "h", "value": 1, "hysteresis": -1}, "high",
        {"level": "h", "per_minute": 1, "over_minutes": 31}, {"level": "h\0", "value": 1},
    ],
)  # fmt: skip
def test_a_threshold_that_cannot_be_watched_is_named(threshold: Any) -> None:
    with pytest.raises(Unusable, match=r"thresholds\[1\]"):
        point("P", "", {"thresholds": [{"level": "high", "value": 3.0}, threshold]})


def test_a_point_without_thresholds_is_watched_for_silence() -> None:
    assert point("P", "r", {}) == Point("P", "r")


# --- frames


def test_a_frame_holds_up_to_a_hundred_readings_of_one_site_in_order() -> None:
    sent = [(b"a" if n % 3 else b"b", msgspec.json.encode(reading(n, n))) for n in range(400)]
    made = [(site, read(value)) for site, value in frames(sent)]
    assert [len(one.readings) for site, one in made if site == b"a"] == [100, 100, 66]
    assert [len(one.readings) for site, one in made if site == b"b"] == [100, 34]
    for site in (b"a", b"b"):
        values = [r.data.value for of, one in made if of == site for r in one.readings]
        assert values == sorted(values)


def test_a_large_reading_has_a_frame_of_its_own() -> None:
    large = msgspec.json.encode({**msgspec.to_builtins(reading(1, 1)), "note": "x" * 500_000})
    assert [len(value) > 500_000 for _, value in frames([(b"a", large)] * 3)] == [True] * 3


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b'{"site":"a","readings":[{}]}', b"\xff", b"[" * 100_000])
def test_what_is_no_frame_says_why(record: bytes) -> None:
    with pytest.raises(event.InvalidEvent, match="not a frame"):
        read(record)


def test_a_rule_knows_its_rungs() -> None:
    rule = rule_of(*LADDER)
    assert [rule.crossed(v) for v in (2.9, 3.0, 3.4, 3.5, 9)] == [0, 1, 1, 2, 2]
