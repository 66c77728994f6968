"""Gaps in the roster of the next fortnight: opened once, closed when filled, opened again when the shift is gone."""

from __future__ import annotations

import datetime
from dataclasses import replace

from services.warning.gaps import Gap, RosterGap, gaps
from services.warning.house.people import People
from services.warning.house.people import Shift as Turn
from services.warning.matter import Fact, Named, Say, Standing
from services.warning.world import World
from tests.warning.folding import example, fact, moment, world

KIND = RosterGap()
PLACE = "JB00/bureau_duty"
KEY = f"roster_gap/{PLACE}"
NOW = moment("07-16 12:00")
END = NOW + datetime.timedelta(days=14)


def turn(from_: str, to: str, id_: str = "") -> Turn:
    return Turn(id_ or from_, "JB00", "bureau_duty", "R004", moment(from_), moment(to))


def rostered(*turns: Turn, now: datetime.datetime = NOW) -> World:
    _, house = example()
    people = People(house.people.organisations.values(), house.people.persons.values(), turns, house.people.regions)
    return world(now, house=replace(house, people=people))


def fold(in_: World, *facts: Fact) -> Standing:
    standing = KIND.fold(KEY, facts, in_)
    assert standing is not None
    return standing


def heard(say: Say) -> Fact:
    """What was said, as a fact."""
    return fact(say.type, str(say.data["case_id"]), say.time, say.data)


WHOLE = (turn("07-15 08:00", "07-18 08:00"), turn("07-18 08:00", "08-20 08:00"))
HOLED = (turn("07-15 08:00", "07-18 08:00"), turn("07-19 08:00", "08-20 08:00"))


def test_a_gap_lies_between_two_shifts_or_after_the_last() -> None:
    assert list(gaps(WHOLE, NOW, END)) == []
    assert list(gaps(HOLED, NOW, END)) == [Gap(moment("07-18 08:00"), moment("07-19 08:00"))]
    assert list(gaps(HOLED[:1], NOW, END)) == [Gap(moment("07-18 08:00"), None)]
    overlapping = (turn("07-15 08:00", "08-30 08:00"), turn("07-16 08:00", "07-17 08:00", "inner"), WHOLE[1])
    assert list(gaps(overlapping, NOW, END)) == []
    assert list(gaps(HOLED, moment("07-20 00:00"), moment("08-03 00:00"))) == [], "it is past"
    assert list(gaps((), NOW, END)) == []


def test_a_gap_far_ahead_is_no_case_yet() -> None:
    assert fold(rostered(*HOLED, now=moment("07-01 12:00"))).state == "covered"


def test_a_gap_opens_once() -> None:
    first = fold(rostered(*HOLED))
    (opened,) = first.says
    assert (first.state, first.closed, first.due) == ("gap", False, moment("07-18 08:00"))
    assert opened.type == "loop.opened"
    assert opened.data == {
        "loop": "roster_gap", "case_id": f"{PLACE}/2026-07-18T00:00Z", "step": "assign", "due": "2026-07-18T00:00:00Z",
    }  # fmt: skip
    assert list(KIND.where(heard(opened), rostered(*HOLED))) == [Named(KEY)]
    later = fold(rostered(*HOLED, now=moment("07-17 12:00")), heard(opened))
    assert [(s.slot, s.data, s.time) for s in later.says] == [(opened.slot, opened.data, opened.time)]


def test_a_gap_filled_closes_and_stays_closed() -> None:
    (opened,) = fold(rostered(*HOLED)).says
    filled = (*HOLED, turn("07-18 08:00", "07-19 08:00", "filling"))
    standing = fold(rostered(*filled, now=moment("07-17 00:00")), heard(opened))
    assert standing.state == "covered"
    _, closed = standing.says
    assert (closed.type, closed.data["on_time"], closed.data["days"]) == ("loop.closed", True, 0.5)
    later = fold(rostered(*filled, now=moment("07-25 00:00")), heard(opened), heard(closed))
    assert [s.time for s in later.says] == [opened.time, closed.time]


def test_a_gap_that_nobody_filled_closes_late() -> None:
    (opened,) = fold(rostered(*HOLED)).says
    (_, closed) = fold(rostered(*HOLED, now=moment("07-19 08:00")), heard(opened)).says
    assert closed.data["on_time"] is False


def test_a_shift_taken_away_opens_the_case_again() -> None:
    (opened,) = fold(rostered(*HOLED)).says
    closed = Say("closed", "loop.closed", {**opened.data, "step": "assigned"}, NOW)
    again = fold(rostered(*HOLED), heard(opened), heard(closed))
    assert [s.type for s in again.says] == ["loop.opened"], "what was said of its end is taken back"


def test_the_leader_is_told_by_day() -> None:
    (send,) = fold(rostered(*HOLED)).sends
    assert (send.channels, send.urgent) == (("sms",), False)
    assert "局值班室自07月18日08:00至07月19日08:00无人排班" in send.text
    assert fold(rostered(*HOLED, now=moment("07-16 03:00"))).sends == ()


def test_every_post_with_a_roster_is_looked_at() -> None:
    assert sorted(KIND.seeds(world(NOW))) == [KEY, "roster_gap/JB00/duty_leader"]
    assert fold(world(NOW)).state == "covered"
