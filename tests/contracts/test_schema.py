"""JSON Schema of the register: every example is valid, every code list and unit is shown."""

import jsonschema_rs
import pytest

from services.contracts.families import TYPES
from services.contracts.schema import example_event, json_schema


@pytest.mark.parametrize("name", TYPES)
def test_the_example_is_valid_by_its_own_schema(name: str) -> None:
    schema = json_schema(name)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert [error.message for error in validator.iter_errors(example_event(name))] == []


def test_the_schema_refuses_what_the_door_refuses() -> None:
    event = example_event("hazard.found")
    validator = jsonschema_rs.Draft202012Validator(json_schema("hazard.found"), validate_formats=True)
    assert not validator.is_valid({**event, "data": {"level": "terrible"}})
    assert not validator.is_valid({**event, "data": {"due": "soon"}})
    assert not validator.is_valid({**event, "type": "hazard.closed"})
    assert not validator.is_valid({key: value for key, value in event.items() if key != "time"})
    assert validator.is_valid({**event, "data": {"unknown": 1}, "weather": "fine"})


def test_fields_carry_chinese_titles_codes_and_units() -> None:
    fields = json_schema("accident.reported")["$defs"]["data"]["properties"]
    assert fields["deaths"] == {
        "title": "死亡人数", "description": "dead", "type": "integer", "minimum": 0, "x-unit": "人"
    }  # fmt: skip
    assert fields["severity"]["x-zh"]["serious"] == "较大事故"
    assert fields["loss_cny"]["x-unit"] == "元"


def test_a_bureaus_own_codes_are_in_the_list() -> None:
    extra = {("", "level"): {"minor": "轻微隐患"}, ("hazard.found", "mode"): {"drone": "无人机"}}
    fields = json_schema("hazard.found", extra)["$defs"]["data"]["properties"]
    assert fields["level"]["x-zh"]["minor"] == "轻微隐患"
    assert fields["mode"]["enum"][-1] == "drone"


def test_an_example_is_the_same_each_time() -> None:
    assert example_event("hazard.found") == example_event("hazard.found")
    assert len({example_event(name)["id"] for name in TYPES}) == len(TYPES)


def test_a_retraction_names_what_it_takes_back() -> None:
    target, retraction = example_event("hazard.found"), example_event("event.retracted")
    assert retraction["corrects"] == target["id"]
    assert retraction["subject"] == target["subject"]
    assert retraction["data"]["type"] == target["type"]
