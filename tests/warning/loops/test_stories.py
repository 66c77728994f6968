"""Listing, reports upward, notices and the other shipped loops."""

from __future__ import annotations

import datetime

from services.warning.clockwork import topics_of
from services.warning.loops import rows
from services.warning.matter import Post
from tests.warning.loops.scene import KIND, at, fact, fold, said, stands, world

END = datetime.timedelta(microseconds=1)


def test_a_listed_hazard_is_delisted_only_after_a_passed_recheck() -> None:
    listed = fact("hazard.listed", "01 10:00", hazard_id="h1", level="major", due="2023-08-31")
    bold = fact("hazard.delisted", "10 10:00", hazard_id="h1")
    refused = stands("listed/h1", "10 10:00", listed, bold)
    assert "须在「复查通过」之后，现为「挂牌」" in refused.refused[bold.key]
    assert said(refused)[f"refused:{bold.key.hex()}"].time == at("10 10:00")
    recheck = fact("recheck.completed", "12 10:00", order_id="o", results=[{"hazard_id": "h1", "passed": True}])
    assert not stands("listed/h1", "13 00:00", listed, bold, recheck).closed
    after = fact("hazard.delisted", "14 10:00", hazard_id="h1")
    closed = stands("listed/h1", "15 00:00", listed, bold, recheck, after)
    assert (said(closed)["closed"].time, closed.closed) == (at("14 10:00"), True)
    assert list(closed.refused) == [bold.key]


def test_a_hazard_that_is_not_listed_has_no_case_of_listing_and_nothing_is_refused() -> None:
    rectified = fact("hazard.rectified", "05 10:00", hazard_id="h1")
    assert fold("listed/h1", "09 00:00", rectified) is None
    order = fact("rectification.order_issued", "05 10:00", order_id="o", hazard_ids=["h9"])
    assert fold("hazard/h9", "09 00:00", order) is None


def test_nothing_reported_upward_by_the_limit_is_late_and_stays_late() -> None:
    first = fact("accident.reported", "01 03:55", accident_id="a1", incident_id="i1", deaths=2,
                 learned_at="2023-06-01T03:50:00+08:00")  # fmt: skip
    assert stands("incident/i1", "01 04:00", first).due == at("01 04:20")
    assert "due_soon:phone:1:10m" in said(stands("incident/i1", "01 04:10", first))
    late = stands("incident/i1", "01 04:20", first)
    assert (late.state, said(late)["due:phone:1"].data["on_time"]) == ("overdue", False)
    back_dated = fact("incident.reported_up", "01 04:05", "01 06:00", incident_id="i1", method="phone", seq=1)
    after = stands("incident/i1", "01 07:00", first, back_dated)
    assert said(after)["due:phone:1"].data["on_time"] is False
    in_time = fact("incident.reported_up", "01 04:05", incident_id="i1", method="phone", seq=1)
    assert said(stands("incident/i1", "01 07:00", first, in_time))["due:phone:1"].data["on_time"] is True


def test_an_accident_told_after_the_limit_of_its_report_is_late_at_once() -> None:
    first = fact("accident.reported", "01 03:55", "01 08:00", accident_id="a1", learned_at="2023-06-01T03:50:00+08:00")
    up = fact("incident.reported_up", "01 04:05", "01 08:00", incident_id="a1", method="phone", seq=1)
    assert said(stands("incident/a1", "01 08:00", first, up))["due:phone:1"].data["on_time"] is False


def test_a_notice_is_acknowledged_when_all_have() -> None:
    issued = fact("warning.notice_issued", "01 10:00", notice_id="n", recipients=["望江街道", "柳渡街道"], level="red")
    one = fact("warning.notice_acknowledged", "01 10:05", notice_id="n", recipient="望江街道")
    other = fact("warning.notice_acknowledged", "01 10:20", notice_id="n", recipient="柳渡街道")
    half = stands("notice/n", "01 10:30", issued, one)
    assert (half.closed, half.state, half.refused) == (False, "overdue", {})
    assert stands("notice/n", "01 10:30", issued, one, other).closed


def test_a_ticket_has_the_limit_of_its_kind_in_working_days() -> None:
    complaint = fact("hotline.ticket_received", "01 10:00", ticket_id="t", channel="12345", type="complaint")
    question = fact("hotline.ticket_received", "02 10:00", ticket_id="u", channel="12345", type="consultation")
    given = fact("hotline.ticket_received", "02 10:00", ticket_id="v", type="help", due="2023-06-04T12:00:00+08:00")
    assert stands("hotline/t", "01 10:00", complaint).due == at("16") - END
    assert stands("hotline/u", "02 10:00", question).due == at("06") - END
    assert stands("hotline/v", "02 10:00", given).due == at("04 12:00")


def test_an_investigation_is_extended_reported_and_approved() -> None:
    opened = fact("investigation.opened", "01 10:00", accident_id="a", level="general")
    longer = fact("investigation.extended", "20 10:00", accident_id="a", new_due="2023-09-28")
    assert stands("investigation/a", "02 00:00", opened).due == at("08-01") - END
    assert stands("investigation/a", "21 00:00", opened, longer).due == at("09-29") - END
    early = fact("investigation.approved", "02 10:00", accident_id="a")
    assert "「提交报告」" in stands("investigation/a", "04 00:00", opened, early).refused[early.key]
    sent = fact("investigation.submitted", "07-10 10:00", accident_id="a")
    assert stands("investigation/a", "07-11 00:00", opened, longer, sent).due == at("07-26") - END
    done = fact("investigation.approved", "07-20 10:00", accident_id="a")
    closed = said(stands("investigation/a", "08-01 00:00", opened, longer, sent, done))
    assert closed["closed"].data["on_time"] is True


def test_reminders_go_to_the_posts_of_the_place_and_to_the_enterprise() -> None:
    found = fact("hazard.found", "01 10:00", hazard_id="h1", enterprise_id="JB02", due="2023-06-16", region="990111003")
    before, *_ = stands("hazard/h1", "14 00:00", found).sends
    assert (before.to, before.fresh) == (Post("JB02", "street_duty"), at("17") - END)
    assert "「h1」整改期限为06月16日23:59，现为「查出」" in before.text
    sent = {one.to for one in stands("hazard/h1", "17 08:00", found).sends}
    assert Post("JB03", "street_duty") in sent
    assert Post("JB01", "street_duty") not in sent
    assert stands("hazard/h1", "30 00:00", found).sends == ()  # nobody is told of what has long passed
    done = fact("hazard.rectified", "12 10:00", hazard_id="h1")
    assert stands("hazard/h1", "14 00:00", found, done).sends == ()


def test_what_would_reach_nobody_goes_to_the_duty_room() -> None:
    found = fact("hazard.found", "01 10:00", hazard_id="h1", enterprise_id="E9", due="2023-06-16")
    for now in ("14 00:00", "17 08:00"):
        assert [one.to for one in stands("hazard/h1", now, found).sends] == [Post("JB00", "bureau_duty")]


def test_every_shipped_loop_opens_moves_and_closes() -> None:
    for loop in rows.shipped().rows.values():
        assert {step.name for step in loop.steps if step.opens}
        assert {step.name for step in loop.steps if step.closes}
        assert all(step.zh and clock.zh for step in loop.steps for clock in loop.clocks)


def test_a_clock_waits_for_the_topics_of_its_own_loop() -> None:
    here = world("01 10:00")
    assert topics_of(KIND, "incident/i1", here) == {"urgent"}
    assert topics_of(KIND, "hazard/h1", here) == {"hazards", "inspections", "history"}


def test_a_retraction_says_nothing_of_its_own() -> None:
    taken_back = fact("hazard.found", "02 10:00", type="hazard.found", retracts=True)
    assert list(KIND.where(taken_back, world("02 10:00"))) == []
