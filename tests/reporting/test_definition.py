"""What conditions mean, when two definitions are the same, and which row a query means."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from services.reporting.definition import Condition, Definition, Measure, Reference, matches, select, values_at

DATA = {
    "level": "major",
    "deaths": 3,
    "amount_cny": "12.50",
    "departments": ["fire", "police"],
    "on_time": True,
    "losses": {"people": 7},
    "empty": "",
    "nothing": None,
    "due": "2023-06-30T08:00:00+08:00",
    "day": "2023-06-30",
}
ATTRIBUTES = {"region": "990111001", "drill": ""}


@pytest.mark.parametrize(
    ("field", "op", "value", "met"),
    [
        ("level", "eq", "major", True),
        ("level", "eq", "general", False),
        ("level", "in", ("general", "major"), True),
        ("level", "not", "major", False),
        ("level", "not", ("general", "unspecified"), True),
        ("level", "ge", 3, False),
        ("deaths", "eq", 3, True),
        ("deaths", "eq", "3", False),
        ("deaths", "ge", 3, True),
        ("deaths", "gt", 3, False),
        ("deaths", "le", 3, True),
        ("deaths", "lt", Decimal("3.5"), True),
        ("amount_cny", "eq", Decimal("12.5"), True),
        ("amount_cny", "gt", 12, True),
        ("departments", "eq", "police", True),
        ("departments", "not", "police", False),
        ("on_time", "eq", True, True),
        ("on_time", "eq", 1, False),
        ("losses.people", "ge", 7, True),
        ("losses.houses", "present", None, False),
        ("missing", "eq", "x", False),
        ("missing", "not", "x", True),
        ("missing", "ge", 0, False),
        ("missing", "absent", None, True),
        ("empty", "present", None, False),
        ("nothing", "absent", None, True),
        ("due", "lt", "2023-06-30T00:30:00+00:00", True),
        ("due", "gt", "2023-06-30", True),
        ("day", "le", "2023-06-30", True),
        ("@region", "eq", "990111001", True),
        ("@drill", "present", None, False),
    ],
)
def test_a_condition_means(field: str, op: str, value: object, met: bool) -> None:
    assert matches([Condition(field, op, value)], ATTRIBUTES, DATA) is met


def test_all_conditions_must_be_met() -> None:
    both = [Condition("level", "eq", "major"), Condition("deaths", "gt", 3)]
    assert matches(both[:1], ATTRIBUTES, DATA)
    assert not matches(both, ATTRIBUTES, DATA)
    assert matches([], {}, {})


def test_values_of_a_list_are_its_elements() -> None:
    assert values_at("departments", {}, DATA) == ["fire", "police"]
    assert values_at("level.deep", {}, DATA) == []


PLAIN = Definition("a", "甲", "条", "hazard.found", Measure("count"), (Condition("deaths", "in", (1, 2)),), ("level",))


def test_the_hash_changes_with_what_is_counted_alone() -> None:
    same = [
        replace(PLAIN, zh="乙", unit="件", about="x", hidden=True, file="f", line=9),
        replace(PLAIN, where=(Condition("deaths", "in", (Decimal("2.0"), Decimal(1))),)),
    ]
    others = [
        replace(PLAIN, key="b"),
        replace(PLAIN, event="hazard.closed"),
        replace(PLAIN, measure=Measure("distinct", "hazard_id")),
        replace(PLAIN, where=()),
        replace(PLAIN, where=(Condition("deaths", "in", ("1", "2")),)),
        replace(PLAIN, by=()),
        replace(PLAIN, by=("level", "mode")),
        replace(PLAIN, by=("mode", "level")),
        replace(PLAIN, labels=(("x", "1"),)),
        replace(PLAIN, register="team"),
        replace(PLAIN, ratio=(Reference("a"), Reference("b"))),
    ]
    assert {d.hash for d in same} == {PLAIN.hash}
    assert len({PLAIN.hash, *(d.hash for d in others)}) == len(others) + 1
    assert len(PLAIN.hash) == 16


def test_the_hash_does_not_change_from_release_to_release() -> None:
    """Counters are keyed by it: another hash means counting ten million events again."""
    assert PLAIN.hash == "c7483517d401b27f"


WHOLE = replace(PLAIN, by=("level", "mode"))
CITY = replace(WHOLE, labels=(("scope", "city"),))
JOINT = replace(WHOLE, labels=(("mode", "joint"), ("scope", "city")))
BEFORE, AFTER = (replace(PLAIN, key="posts", labels=(("state", s),)) for s in ("before", "after"))
ALL = (WHOLE, CITY, JOINT, BEFORE, AFTER)


@pytest.mark.parametrize(
    ("key", "labels", "meant"),
    [
        ("a", {}, [WHOLE]),
        ("a", {"level": "major"}, [WHOLE]),
        ("a", {"scope": "city"}, [CITY]),
        ("a", {"scope": "city", "level": "major"}, [CITY]),
        ("a", {"scope": "city", "mode": "joint"}, [JOINT]),
        ("a", {"scope": "city", "mode": "patrol"}, [CITY]),
        ("a", {"scope": "moon"}, []),
        ("a", {"colour": "red"}, []),
        ("posts", {}, [BEFORE, AFTER]),
        ("posts", {"state": "after"}, [AFTER]),
        ("none", {}, []),
    ],
)
def test_a_query_means_one_row_or_names_all_it_may_mean(key: str, labels: dict[str, str], meant: list[object]) -> None:
    assert select(ALL, key, labels) == meant


def test_the_only_row_of_a_key_needs_no_label() -> None:
    assert select([CITY], "a", {}) == [CITY]


def test_a_ratio_hands_labels_on() -> None:
    rate = replace(PLAIN, key="r", by=(), ratio=(Reference("a"), Reference("a")))
    assert select([rate], "r", {"level": "major"}) == [rate]
