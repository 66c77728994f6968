"""A shift: assigned, worked, handed over, accepted; the duty leader hears when nobody takes over."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from services.warning.duty import Shift
from services.warning.house.people import Shift as Turn
from services.warning.matter import Fact, Named, Post, Standing
from services.warning.world import World
from tests.warning.folding import example, fact, world

KIND = Shift()
START = datetime.datetime.fromisoformat("2026-07-16T08:00:00+08:00")


def turns() -> tuple[Turn, Turn]:
    """The shift of the desk around START, and the next."""
    _, house = example()
    running = next(s for s in house.people.turns("JB00", "bureau_duty") if s.covers(START))
    after = house.people.after(running)
    assert after is not None
    return running, after


RUNNING, NEXT = turns()


def at(change: datetime.timedelta, of: Turn = RUNNING) -> datetime.datetime:
    return of.to + change


def minutes(number: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=number)


def fold(*facts: Fact, now: datetime.datetime, key: str = RUNNING.id, in_: World | None = None) -> Standing:
    standing = KIND.fold(key, facts, in_ or world(now))
    assert standing is not None
    return standing


def handed_over(when: datetime.datetime, **more: Any) -> Fact:
    return fact("duty.handed_over", RUNNING.id, when, {"shift_id": RUNNING.id, "open_items": ["提示单待签收"]}, **more)


def accepted(when: datetime.datetime, key: str = RUNNING.id) -> Fact:
    return fact("duty.handover_accepted", key, when, {"shift_id": key, "person_id": NEXT.person})


def test_a_shift_of_the_roster_stands_without_any_fact() -> None:
    before, during = fold(now=RUNNING.from_ - minutes(1)), fold(now=RUNNING.from_)
    assert (before.state, before.wake) == ("planned", RUNNING.from_)
    assert (during.state, during.wake, during.due) == ("on_duty", RUNNING.to, RUNNING.to)
    assert during.shown["next"]["person_id"] == NEXT.person
    assert KIND.fold("nothing", [], world(START)) is None


def test_the_seeds_are_the_shifts_of_the_next_fortnight() -> None:
    seeds = list(KIND.seeds(world(START)))
    assert {RUNNING.id, NEXT.id} <= set(seeds)
    assert 6 <= len(seeds) <= 10


def test_the_incoming_accepts_what_the_outgoing_has_handed_over() -> None:
    facts = [handed_over(at(minutes(-3))), accepted(at(minutes(4)))]
    standing = fold(*facts, now=at(minutes(20)))
    assert (standing.state, standing.closed, standing.sends) == ("accepted", True, ())
    assert standing.shown["handed_over"]["open_items"] == ["提示单待签收"]
    assert standing.shown["accepted"]["person_id"] == NEXT.person


def test_an_acceptance_may_name_the_shift_that_begins() -> None:
    signed, fact_ = handed_over(at(minutes(-3))), accepted(at(minutes(4)), NEXT.id)
    assert list(KIND.where(fact_, world(START)))[:2] == [Named(NEXT.id), Named(RUNNING.id)]
    assert fold(signed, fact_, now=at(minutes(20))).state == "accepted"
    begun = fold(signed, fact_, now=at(minutes(20)), key=NEXT.id)
    assert (begun.state, begun.refused) == ("on_duty", {}), "the one that begins is not over"
    assert begun.shown["took_over"]["at"] == at(minutes(4))


def test_whoever_is_relieved_early_is_off_duty_and_the_next_on() -> None:
    facts = [handed_over(at(-datetime.timedelta(hours=5))), accepted(at(-datetime.timedelta(hours=4)))]
    now = at(-datetime.timedelta(hours=3))
    over, begun = fold(*facts, now=now), fold(*facts, now=now, key=NEXT.id)
    assert (over.state, over.refused, begun.state, begun.refused) == ("accepted", {}, "on_duty", {})
    shown = [msgspec.json.decode(msgspec.json.encode(one.shown)) for one in (over, begun)]
    people = example()[1].with_facts([], shown).people
    assert [p.id for p in people.on_duty("JB00", "bureau_duty", now)] == [NEXT.person]
    assert [p.id for p in people.on_duty("JB00", "bureau_duty", at(-minutes(250)))] == [RUNNING.person]


def test_whoever_is_not_relieved_stays_for_a_quarter_of_an_hour() -> None:
    people = example()[1].people

    def there(when: datetime.timedelta) -> list[str]:
        return [p.id for p in people.on_duty("JB00", "bureau_duty", at(when))]

    assert there(minutes(-1)) == [RUNNING.person]
    assert there(minutes(14)) == [NEXT.person, RUNNING.person]
    assert there(minutes(15)) == [NEXT.person]


def test_another_than_the_roster_names_may_take_over() -> None:
    relieving = fact(
        "duty.handover_accepted", RUNNING.id, at(minutes(2)), {"shift_id": RUNNING.id, "person_id": "R001"}
    )
    shown = fold(handed_over(at(minutes(-3))), relieving, now=at(minutes(3))).shown
    people = example()[1].with_facts([], [msgspec.json.decode(msgspec.json.encode(shown))]).people
    assert [p.id for p in people.on_duty("JB00", "bureau_duty", at(minutes(4)))] == ["R001"]


def test_a_shift_that_has_not_begun_or_has_none_after_it_cannot_hand_over() -> None:
    soon = fact("duty.handed_over", NEXT.id, at(minutes(-3)), {"shift_id": NEXT.id})
    standing = fold(soon, now=at(minutes(1)), key=NEXT.id)
    assert (standing.state, list(standing.refused.values())) == ("on_duty", ["本班07月17日08:00才当班，尚不能交班"])
    assert fold(soon, now=at(minutes(1))).refused == {}, "it says nothing of the one before"
    assert fold(handed_over(at(datetime.timedelta(hours=24))), now=at(datetime.timedelta(hours=25))).refused
    last = example()[1].people.turns("JB00", "bureau_duty")[-1]
    end = fact("duty.handed_over", last.id, last.from_, {"shift_id": last.id})
    assert list(fold(end, now=last.from_, key=last.id).refused.values()) == ["下一班尚未排定，没有人可接班"]


def test_an_acceptance_of_a_shift_just_begun_is_of_that_shift_once_it_is_handed_over() -> None:
    """By its id alone it could be either; by what was handed over it is one."""
    signed = fact("duty.handed_over", NEXT.id, NEXT.from_ + minutes(20), {"shift_id": NEXT.id})
    taken = accepted(NEXT.from_ + minutes(21), NEXT.id)
    assert fold(signed, taken, now=NEXT.from_ + minutes(30), key=NEXT.id).state == "accepted"
    before = fold(signed, taken, now=NEXT.from_ + minutes(30))
    assert (before.state, before.refused) == ("late", {})


def test_what_is_not_handed_over_cannot_be_accepted() -> None:
    early = accepted(at(minutes(1)))
    standing = fold(early, handed_over(at(minutes(2))), now=at(minutes(3)))
    assert (standing.state, standing.refused) == ("handed_over", {early.key: "尚未交班"})


def test_twice_is_refused() -> None:
    again, more = handed_over(at(minutes(-1)), id="again"), accepted(at(minutes(6)))
    standing = fold(handed_over(at(minutes(-3))), again, accepted(at(minutes(4))), more, now=at(minutes(9)))
    assert standing.refused == {again.key: "已经交过班", more.key: "已经接过班"}


def test_not_accepted_within_a_quarter_of_an_hour_calls_the_duty_leader() -> None:
    assert fold(handed_over(at(minutes(-3))), now=at(minutes(14))).sends == ()
    late = fold(handed_over(at(minutes(-3))), now=at(minutes(15)))
    (send,) = late.sends
    assert (late.state, send.to, send.slot) == ("late", Post("JB00", "duty_leader"), "handover_late:JB00")
    assert "尚未接班" in send.text
    assert late.shown["next"]["person"] in send.text
    assert fold(now=at(minutes(15))).state == "late", "nor was it handed over"


def test_the_leader_is_not_called_about_what_is_long_past() -> None:
    assert fold(now=at(minutes(80))).sends == ()
    over = fold(now=at(datetime.timedelta(hours=25)))
    assert (over.state, over.closed) == ("over", True)


def test_a_leader_and_a_street_hand_over_by_themselves() -> None:
    _, house = example()
    leading = next(s for s in house.people.turns("JB00", "duty_leader") if s.covers(START))
    standing = fold(now=leading.to, key=leading.id)
    assert (standing.state, standing.closed) == ("over", True)


def test_a_swap_changes_who_is_called() -> None:
    swap = fact("duty.shift_swapped", RUNNING.id, RUNNING.from_, {"shift_id": RUNNING.id, "person_id": "R001"})
    shown = fold(swap, now=START).shown
    assert (shown["person_id"], shown["from"]) == ("R001", RUNNING.from_)
    _, house = example()
    told = house.with_facts([], [msgspec.json.decode(msgspec.json.encode(shown))]).people
    assert [p.id for p in told.on_duty("JB00", "bureau_duty", START)] == ["R001"]
    assert told.roster[RUNNING.id].person == RUNNING.person


def test_a_shift_only_of_the_roster_changes_nothing_in_a_newer_roster() -> None:
    _, house = example()
    shown = dict(fold(now=START).shown, person_id="R001")
    assert house.with_facts([], [shown]).people.shifts[RUNNING.id].person == RUNNING.person


def test_an_assigned_shift_takes_the_organisation_of_its_person() -> None:
    data = {"shift_id": "S1", "post": "街道值班室", "person_id": "R008", "from": "2026-07-16T08:00:00+08:00",
            "to": "2026-07-17"}  # fmt: skip
    standing = fold(fact("duty.shift_assigned", "S1", "07-10 08:00", data), now=START, key="S1")
    assert (standing.state, standing.region) == ("on_duty", "990111001")
    assert (standing.shown["organisation"], standing.shown["post"]) == ("JB01", "street_duty")


def test_what_happens_without_a_shift_belongs_to_the_desks_shift() -> None:
    taken = fact("duty.alert_taken", "desk", START, {"shift_id": "desk", "post": "bureau_duty", "refers_to": "c"})
    assert list(KIND.where(taken, world(START))) == [Named(RUNNING.id)]
    far = fact("duty.logged", "desk", datetime.datetime(2035, 1, 1, tzinfo=datetime.UTC), {"shift_id": "desk"})
    assert list(KIND.where(far, world(START))) == [Named("desk")]


def test_the_log_the_roll_and_the_brief_are_shown() -> None:
    facts = [
        fact("duty.logged", RUNNING.id, START, {"kind": "来电", "text": "积水已排"}),
        fact("duty.roll_called", RUNNING.id, START, {"unit": "石桥街道办事处", "answered_seconds": 42}),
        fact("duty.brief_issued", RUNNING.id, START, {"notes": "无"}),
    ]
    shown = fold(*facts, now=START + minutes(1)).shown
    assert [shown[name][0]["at"] for name in ("log", "roll", "briefs")] == [START] * 3
    assert (shown["log"][0]["text"], shown["roll"][0]["unit"]) == ("积水已排", "石桥街道办事处")


def test_a_muted_desk_sounds_again() -> None:
    muted = fact("duty.muted", RUNNING.id, START, {"until": (START + minutes(30)).isoformat(), "reason": "会商"})
    standing = fold(muted, now=START + minutes(1))
    assert (standing.shown["muted_until"], standing.wake) == (START + minutes(5), START + minutes(5))
    assert standing.shown["muted_by"]
    after = fold(muted, now=START + minutes(5)).shown
    assert (after["muted_until"], after["muted_by"]) == (None, None)
