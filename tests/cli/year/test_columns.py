"""The rules by which a recipe fills a field."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal
from typing import Any

import pytest

from services.cli.year.columns import column, split

TIMES = [datetime.datetime(2023, 1, day, 9, tzinfo=datetime.UTC) for day in range(1, 21)]


def values(rule: Any) -> list[Any]:
    return column(rule, TIMES, random.Random(1))


def test_a_constant_stands_in_every_fact() -> None:
    assert values("general") == ["general"] * 20


def test_a_numbered_text_is_different_in_every_fact() -> None:
    assert values("DW-{n:03d}")[::19] == ["DW-001", "DW-020"]


def test_a_pool_names_each_of_its_things() -> None:
    assert len(set(values({"pool": "QY", "of": 17}))) == 17


def test_a_pool_larger_than_the_facts_names_one_in_each() -> None:
    assert len(set(values({"pool": "QY", "of": 900}))) == 20


def test_lists_name_each_of_their_things() -> None:
    lists = values({"lists": "QY", "of": 150})
    assert len({one for names in lists for one in names}) == 150


def test_parts_add_up_to_their_sum() -> None:
    parts = values({"sum": 57, "min": 1, "max": 4})
    assert sum(parts) == 57
    assert 1 <= min(parts) <= max(parts) <= 4


def test_money_adds_up_to_the_cent() -> None:
    assert sum(map(Decimal, values({"sum": "3160000.01"}))) == Decimal("3160000.01")


def test_steps_make_round_parts() -> None:
    assert {part % 50 for part in values({"sum": 5500, "step": 50})} == {0}


def test_exactly_so_many_of_each() -> None:
    assert sorted(values({"exactly": [["general", 18], ["major", 2]]})) == ["general"] * 18 + ["major"] * 2


def test_a_due_date_follows_the_fact() -> None:
    assert values({"days": 10})[0] == "2023-01-11T09:00:00+00:00"


@pytest.mark.parametrize("rule", [{"some_of": []}, {"exactly": [["a", 3]]}, {"sum": 7}, {"sum": 55, "step": 10}])
def test_a_rule_that_cannot_be_met_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        values(rule)


def test_a_split_keeps_its_bounds_when_they_are_tight() -> None:
    assert split(60, 20, random.Random(1), least=3, most=3) == [3] * 20
