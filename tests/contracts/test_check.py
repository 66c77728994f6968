"""Data against their class: every problem is named, what is unknown or absent is none."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.check import check_data
from services.contracts.families import FIELDS

CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("hazard.found", {}, []),
    ("hazard.found", {"hazard_id": None, "level": None, "anything": {"goes": [1]}}, []),
    ("hazard.found", {"due": "2023-07-30"}, []),
    ("hazard.found", {"due": "2023-07-30T08:00:00+08:00"}, []),
    ("hazard.found", {"due": "2023-07-30T08:00:00"}, [("due", "kind")]),
    ("hazard.found", {"due": "2023-02-30"}, [("due", "kind")]),
    ("hazard.found", {"due": "20230730"}, [("due", "kind")]),
    ("hazard.found", {"due": "2023-W26-5"}, [("due", "kind")]),
    ("hazard.found", {"hazard_id": " "}, [("hazard_id", "kind")]),
    ("hazard.found", {"hazard_id": "x" * 257}, [("hazard_id", "kind")]),
    ("hazard.found", {"level": "terrible", "mode": 3}, [("level", "codes"), ("mode", "kind")]),
    ("hazard.found", {"level": []}, [("level", "kind")]),
    ("hazard.found", {"category": "x" * 20_001}, [("category", "kind")]),
    ("accident.reported", {"deaths": 0, "loss_cny": 12}, []),
    ("accident.reported", {"deaths": -1}, [("deaths", "kind")]),
    ("accident.reported", {"deaths": True}, [("deaths", "kind")]),
    ("accident.reported", {"deaths": 2**53}, [("deaths", "kind")]),
    ("accident.reported", {"loss_cny": "350000.10"}, []),
    ("accident.reported", {"loss_cny": 0.1}, []),
    ("accident.reported", {"loss_cny": Decimal("0.10")}, []),
    ("accident.reported", {"loss_cny": "0.001"}, [("loss_cny", "money")]),
    ("accident.reported", {"loss_cny": "1e15"}, [("loss_cny", "money")]),
    ("accident.reported", {"loss_cny": "plenty"}, [("loss_cny", "kind")]),
    ("accident.reported", {"loss_cny": {}}, [("loss_cny", "kind")]),
    ("accident.reported", {"loss_cny": "NaN"}, [("loss_cny", "kind")]),
    ("inspection.completed", {"departments": []}, []),
    ("inspection.completed", {"departments": "one"}, [("departments", "kind")]),
    ("inspection.completed", {"officers": ["a", "", 3]}, [("officers", "kind"), ("officers", "kind")]),
    ("inspection.completed", {"law_publicity": "yes"}, [("law_publicity", "kind")]),
    ("org.staffing_changed", {"posts_delta": -5}, []),
    ("sensor.reading", {"value": "3.2"}, [("value", "kind")]),
    ("sensor.reading", {"value": 3.2}, []),
    ("figure.recorded", {"from": "2021-01-01", "to": "2021-11-30T00:00:00+08:00"}, [("to", "kind")]),
    ("hazard.reported", {"geo": [118.6, 32.1]}, [("geo", "kind")]),
]


@pytest.mark.parametrize(("type_name", "data", "expected"), CASES)
def test_every_problem_is_found(type_name: str, data: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(field, code) for field, _, code in check_data(type_name, data)] == expected


def test_a_wrong_code_names_the_list_and_its_values() -> None:
    [(_, reason, _)] = check_data("hazard.found", {"level": "terrible"})
    assert reason == "must be one of general, major, unspecified (list hazard_level)"


def test_a_problem_in_a_list_names_the_item() -> None:
    [(_, reason, _)] = check_data("inspection.completed", {"departments": ["a", 2]})
    assert reason == "item 2 must be text"


def test_a_bureau_adds_codes_for_one_type_or_for_all() -> None:
    extra = {("", "level"): frozenset({"minor"}), ("hazard.found", "mode"): frozenset({"drone"})}
    assert check_data("hazard.found", {"level": "minor", "mode": "drone"}, extra) == []
    assert check_data("hazard.listed", {"level": "minor"}, extra) == []
    [(field, reason, _)] = check_data("hazard.found", {"mode": "minor"}, extra)
    assert field == "mode"
    assert "self, drone (list" in reason


def test_a_type_that_is_not_registered_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        check_data("hazard.invented", {})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))


@given(st.sampled_from(sorted(FIELDS)), st.data())
def test_whatever_is_sent_has_an_answer(type_name: str, draw: st.DataObject) -> None:
    data = draw.draw(st.dictionaries(st.sampled_from(sorted(FIELDS[type_name])), JSON, max_size=6))
    assert all(field in data and reason and code for field, reason, code in check_data(type_name, data))
