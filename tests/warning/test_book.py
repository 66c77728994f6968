"""The book of contacts and the roster of a month: whom one sees, what is masked, where nobody is."""

from __future__ import annotations

from dataclasses import replace

from services.warning.book import book, channels_masked
from services.warning.gaps import Gap
from services.warning.house import House
from services.warning.house.people import People, Shift
from services.warning.roster import holes, roster
from tests.warning.folding import example, moment

NOW = moment("07-16 12:00")
BEGIN, END = moment("07-01 00:00"), moment("08-01 00:00")


def turn(from_: str, to: str) -> Shift:
    return Shift(from_, "JB00", "bureau_duty", "R004", moment(from_), moment(to))


def test_numbers_are_masked_and_whoever_has_none_is_marked() -> None:
    _, house = example()
    rows = {row["person_id"]: row for row in book(house, {"R004": {"state": "failing", "verified": NOW}}, NOW, None)}
    assert len(rows) == len(house.people.persons)
    assert rows["R001"]["addresses"]["sms"] == "138****0001"
    assert (rows["R001"]["state"], rows["R004"]["state"], rows["R004"]["verified"]) == ("recorded", "failing", NOW)
    assert rows["R001"]["deputy"] == rows["R002"]["name"]
    lost = replace(house.people.persons["R001"], addresses={"sms": ""})
    gone = replace(house.people.persons["R002"], valid_to=NOW)
    (one, two, *_) = sorted(book(_with(house, lost, gone), {}, NOW, None), key=lambda row: row["person_id"])
    assert (one["state"], two["state"], two["on_duty"]) == ("unreachable", "left", False)


def _with(house: House, *persons: object) -> House:
    people = house.people
    return replace(house, people=People(people.organisations.values(), persons, (), people.regions))  # type: ignore[arg-type]


def test_a_region_sees_its_own_people_only() -> None:
    _, house = example()
    own = book(house, {}, NOW, {"990111001"})
    assert {row["region"] for row in own} == {"990111001"}
    assert 0 < len(own) < len(house.people.persons)
    assert {row["region"] for row in roster(house, BEGIN, END, {"990111001"})} <= {"990111001"}


def test_a_recorded_contact_is_shown_with_its_numbers_masked() -> None:
    shown = {"person_id": "R1", "channels": [{"kind": "sms", "address": "13800009999"}]}
    assert channels_masked(shown)["channels"] == [{"kind": "sms", "address": "138****9999"}]
    assert shown["channels"][0]["address"] == "13800009999"  # type: ignore[index]
    assert channels_masked({"person_id": "R1"}) == {"person_id": "R1"}


def test_the_holes_of_a_month_are_within_it() -> None:
    turns = [turn("06-20 08:00", "06-25 08:00"), turn("07-03 08:00", "07-10 08:00"), turn("07-09 08:00", "07-20 08:00")]
    assert list(holes(turns, BEGIN, END)) == [
        Gap(BEGIN, moment("07-03 08:00")), Gap(moment("07-20 08:00"), END),
    ]  # fmt: skip
    assert list(holes([], BEGIN, END)) == []
    assert list(holes([turn("07-03 08:00", "08-10 08:00")], BEGIN, END)) == [], "before the first shift is none"
    assert list(holes([turn("06-01 08:00", "06-10 08:00")], BEGIN, END)) == [Gap(BEGIN, END)]


def test_a_month_shows_each_post_with_a_roster() -> None:
    _, house = example()
    (leader, *_) = [row for row in roster(house, BEGIN, END, None) if row["post"] == "duty_leader"]
    assert (leader["organisation"], leader["gaps"]) == ("JB00", [])
    assert all(shift["from"] < END and shift["to"] > BEGIN for shift in leader["shifts"])
    assert leader["shifts"][0]["person"]
