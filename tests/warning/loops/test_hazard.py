"""A hazard and the order that names it: reminders, lateness, extensions, rechecks."""

from __future__ import annotations

import datetime

import pytest

from services.warning.matter import Fact, Under
from tests.warning.loops.scene import KIND, at, fact, fold, named, said, stands, world

KEY = "hazard/h1"
FOUND = fact("hazard.found", "01 10:00", hazard_id="h1", level="major", enterprise_id="E1", due="2023-06-16")
ORDER = fact("rectification.order_issued", "01 15:00", order_id="o1", hazard_ids=["h1", "h2"], due="2023-06-16")
END = datetime.timedelta(microseconds=1)


def extended(time: str, **more: str) -> Fact:
    return fact("hazard.extended", time, hazard_id="h1", new_due="2023-06-26", reason="设备未到", **more)


def recheck(time: str, *, passed: bool, told: str = "") -> Fact:
    return fact("recheck.completed", time, told, order_id="o1", results=[{"hazard_id": "h1", "passed": passed}])


def test_day_twelve_reminds_and_day_sixteen_is_overdue() -> None:
    assert set(said(stands(KEY, "12 12:00", FOUND, ORDER))) == {"opened", "moved:ordered:1"}
    soon = said(stands(KEY, "13 10:00", FOUND, ORDER))
    assert soon["due_soon:rectify:2:3d"].time == at("13")
    late = stands(KEY, "17 00:00", FOUND, ORDER)
    assert late.state == "overdue"
    due = said(late)["due:rectify:2"]
    assert due.time == at("17") - END
    assert (due.data["on_time"], due.data["step"], due.data["level"]) == (False, "rectify", "major")
    assert said(late)["overdue:rectify:2"].data["enterprise_id"] == "E1"


def test_a_limit_of_days_wakes_nobody_at_night() -> None:
    night = stands(KEY, "13 07:59", FOUND)
    assert (night.sends, night.wake) == ((), at("13 08:00"))
    assert stands(KEY, "13 08:00", FOUND).sends
    assert (stands(KEY, "17 00:00", FOUND).sends, stands(KEY, "17 00:00", FOUND).wake) == ((), at("17 08:00"))
    assert stands(KEY, "17 08:00", FOUND).sends
    late = fact("hazard.found", "20 21:00", hazard_id="h1", due="2023-06-16")
    assert (stands(KEY, "20 22:00", late).sends, stands(KEY, "20 22:00", late).wake) == ((), at("21 08:00"))
    raised = fact("alarm.raised", "13 02:00", alarm_id="a1", level="red")
    assert stands("alarm/a1", "13 02:06", raised).sends, "what has minutes is told at once"


def test_the_clock_wakes_when_time_alone_changes_something() -> None:
    assert stands(KEY, "02 00:00", FOUND).wake == at("13")
    assert stands(KEY, "14 00:00", FOUND).wake == at("17") - END
    assert stands(KEY, "14 00:00", FOUND).due == at("17") - END
    assert stands(KEY, "18 00:00", FOUND).wake == at("20") - END  # the street's leader
    done = stands(KEY, "05 00:00", FOUND, recheck("04 10:00", passed=True))
    assert (done.closed, done.wake) == (True, at("17") - END)


def test_an_extension_needs_an_approver() -> None:
    refused = stands(KEY, "10 00:00", FOUND, bad := extended("05 10:00"))
    assert "审批人" in refused.refused[bad.key]
    assert said(refused)[f"refused:{bad.key.hex()}"].data["step"] == "extended"
    moved = stands(KEY, "18 00:00", FOUND, extended("05 10:00", approver="张三"))
    assert (moved.state, moved.due, moved.refused) == ("open", at("27") - END, {})
    assert "due:rectify:1" not in said(moved)
    assert said(stands(KEY, "27 00:00", FOUND, extended("05 10:00", approver="张三")))["due:rectify:2"].time == (
        at("27") - END
    )


def test_after_the_limit_there_is_nothing_to_extend() -> None:
    late = stands(KEY, "20 00:00", FOUND, bad := extended("18 10:00", approver="张三"))
    assert "已过" in late.refused[bad.key]
    back_dated = fact("hazard.extended", "05 10:00", "18 10:00", hazard_id="h1", new_due="2023-06-26", approver="张三")
    assert back_dated.key in stands(KEY, "20 00:00", FOUND, back_dated).refused


def test_a_failed_recheck_keeps_it_open_and_a_passed_one_closes_it_late() -> None:
    story = [FOUND, ORDER, recheck("18 10:00", passed=False), recheck("20 10:00", passed=True)]
    assert not stands(KEY, "19 00:00", *story).closed
    closed = stands(KEY, "21 00:00", *story)
    assert (closed.closed, closed.state) == (True, "closed")
    last = said(closed)["closed"]
    assert (last.time, last.data["on_time"], last.data["days"]) == (at("20 10:00"), False, 19)
    assert said(closed)["due:rectify:2"].data["on_time"] is False


def test_what_a_recheck_finds_undone_was_not_done_in_time() -> None:
    story = [FOUND, fact("hazard.rectified", "10 10:00", hazard_id="h1")]
    assert said(stands(KEY, "17 00:00", *story))["due:rectify:1"].data["on_time"] is True
    failed = stands(KEY, "19 00:00", *story, recheck("18 10:00", passed=False))
    assert (failed.state, said(failed)["due:rectify:1"].data["on_time"]) == ("overdue", False)


def test_in_time_is_said_when_the_limit_has_come() -> None:
    story = [FOUND, fact("hazard.rectified", "10 10:00", hazard_id="h1")]
    assert "due:rectify:1" not in said(stands(KEY, "16 00:00", *story))
    due = said(stands(KEY, "17 00:00", *story))["due:rectify:1"]
    assert (due.data["on_time"], due.data["days"]) == (True, 9)


def test_an_order_concerns_every_hazard_it_names_and_a_recheck_those_it_lists() -> None:
    assert set(named(ORDER)) == {"order/o1", "hazard/h1", "hazard/h2", "listed/h1", "listed/h2"}
    both = fact("recheck.completed", "10 10:00", order_id="o1", passed=True,
                results=[{"hazard_id": "h1", "passed": True}, {"hazard_id": "h2", "passed": False}])  # fmt: skip
    assert set(named(both)) == {"order/o1", "hazard/h1", "hazard/h2", "listed/h1", "listed/h2"}
    assert stands(KEY, "11 00:00", FOUND, ORDER, both).closed
    other = fact("hazard.found", "01 10:00", hazard_id="h2", due="2023-06-16")
    assert not stands("hazard/h2", "11 00:00", other, ORDER, both).closed


def test_a_recheck_without_a_list_concerns_all_hazards_of_its_order() -> None:
    plain = fact("recheck.completed", "10 10:00", order_id="o1", passed=True)
    assert Under("hazard:order_id=o1") in KIND.where(plain, world("10 11:00"))
    assert "hazard:order_id=o1" in stands(KEY, "02 00:00", FOUND, ORDER).parents
    assert stands(KEY, "11 00:00", FOUND, ORDER, plain).closed


def test_a_corrected_fact_keeps_the_moment_the_hub_first_heard_of_it() -> None:
    first = fact("hazard.rectified", "10 10:00", hazard_id="h1", id="r1")
    better = fact("hazard.rectified", "10 10:00", "20 10:00", hazard_id="h1", id="r2", target=first.key)
    assert said(stands(KEY, "21 00:00", FOUND, first, better))["due:rectify:1"].data["on_time"] is True
    later = fact("hazard.rectified", "18 10:00", "20 10:00", hazard_id="h1", id="r3", target=first.key)
    assert said(stands(KEY, "21 00:00", FOUND, first, later))["due:rectify:1"].data["on_time"] is False


def test_a_corrected_limit_is_folded_again() -> None:
    sooner = fact("hazard.found", "01 10:00", "05 10:00", hazard_id="h1", due="2023-06-06", target=FOUND.key)
    assert stands(KEY, "07 00:00", FOUND, sooner).state == "overdue"


def test_what_was_told_altogether_after_the_limit_is_judged_by_its_times() -> None:
    late = fact("hazard.found", "01 10:00", "20 10:00", hazard_id="h1", due="2023-06-16")
    done = fact("hazard.rectified", "10 10:00", "20 10:00", hazard_id="h1")
    assert said(stands(KEY, "21 00:00", late, done))["due:rectify:1"].data["on_time"] is True


def test_a_step_that_comes_early_waits_a_day() -> None:
    early = fact("hazard.rectified", "01 08:00", hazard_id="h1")
    waits = stands(KEY, "01 09:00", early)
    assert (waits.state, waits.closed, waits.says, waits.wake) == ("unopened", False, [], at("02 08:00"))
    assert stands(KEY, "01 12:00", early, FOUND).shown["step"] == "rectified"
    refused = stands(KEY, "02 08:00", early)
    assert "尚无「查出」" in refused.refused[early.key]
    assert refused.closed
    too_late = fact("hazard.found", "03 10:00", hazard_id="h1")
    assert stands(KEY, "03 12:00", early, too_late).shown["step"] == "found"


def test_after_the_end_a_step_is_refused_at_once() -> None:
    closed = [FOUND, recheck("10 10:00", passed=True)]
    again = fact("hazard.rectified", "11 10:00", hazard_id="h1")
    assert "已办结" in stands(KEY, "11 10:00", *closed, again).refused[again.key]
    assert stands(KEY, "12 00:00", *closed, fact("hazard.closed", "11 10:00", hazard_id="h1")).refused == {}
    assert stands(KEY, "12 00:00", *closed, fact("hazard.found", "11 10:00", hazard_id="h1")).refused == {}


def test_closing_needs_a_rectification_or_an_approver() -> None:
    bare = fact("hazard.closed", "05 10:00", hazard_id="h1", reason="关停")
    assert not stands(KEY, "06 00:00", FOUND, bare).refused
    assert bare.key in stands(KEY, "06 10:00", FOUND, bare).refused
    assert stands(KEY, "06 00:00", FOUND, fact("hazard.rectified", "04 10:00", hazard_id="h1"), bare).closed
    assert stands(KEY, "06 00:00", FOUND, fact("hazard.closed", "05 10:00", hazard_id="h1", approver="张三")).closed


def test_imports_are_folded_with_their_times_and_nobody_is_told() -> None:
    story = [
        fact("hazard.found", "01 10:00", "11-01 09:00", hazard_id="h1", due="2023-06-16", lane="history"),
        fact("hazard.rectified", "18 10:00", "11-01 09:00", hazard_id="h1", lane="history"),
    ]
    standing = stands(KEY, "11-01 09:00", *story)
    says = said(standing)
    assert {say.lane for say in says.values()} == {"history"}
    assert (says["due:rectify:1"].data["on_time"], says["due:rectify:1"].time) == (False, at("17") - END)
    assert standing.sends == ()
    assert fold(KEY, "11-01 09:00", story[1]) is None


@pytest.mark.parametrize("now", ["02 00:00", "14 00:00", "18 00:00", "30 00:00"])
def test_the_order_of_arrival_does_not_matter(now: str) -> None:
    story = [FOUND, ORDER, recheck("09 10:00", passed=False), fact("hazard.rectified", "18 10:00", hazard_id="h1")]
    assert stands(KEY, now, *story) == stands(KEY, now, *reversed(story))
