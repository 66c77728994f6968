"""The shipped rows and those of the example bureau; adding a row is all it takes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from services.contracts.families import CLASS_OF, FIELDS
from services.contracts.rows import Mistakes
from services.reporting import statistics
from services.reporting.definition import Condition, Definition, matches
from services.runtime.bureau import load
from services.runtime.settings import ROOT

EXAMPLE = ROOT / "bureaus" / "example"
SHIPPED, MISTAKES = statistics.read((), {})


def test_the_shipped_rows_have_no_mistake() -> None:
    assert MISTAKES == []
    assert len(SHIPPED) > 100


def test_the_example_bureau_has_rows_of_its_own_and_no_mistake() -> None:
    found = statistics.definitions(load(EXAMPLE))
    assert len(found) > len(SHIPPED)
    assert any(d.kind == "ratio" and d.file.startswith("statistics/") for d in found)


def _meeting(condition: Condition) -> Any:
    """A value that meets a condition of a shipped row."""
    if condition.op == "in":
        return condition.value[0]
    return {"eq": condition.value, "ge": condition.value, "present": "x", "not": "x"}[condition.op]


@pytest.mark.parametrize("definition", [d for d in SHIPPED if d.kind == "event"], ids=lambda d: d.key)
def test_a_shipped_row_counts_an_event_that_its_door_lets_in(definition: Definition) -> None:
    data = {**CLASS_OF[definition.event].example, **{c.field: _meeting(c) for c in definition.where}}
    specs = FIELDS[definition.event]
    assert matches(definition.where, {}, data)
    assert all(specs[c.field].kind.check(data[c.field]) is None for c in definition.where)
    own = {path for path in definition.paths if path.partition(".")[0] not in definition.lookups}
    assert own <= specs.keys(), "a shipped row needs no field of a bureau's own"


@pytest.mark.parametrize("definition", SHIPPED, ids=lambda d: d.key)
def test_a_name_says_its_unit(definition: Definition) -> None:
    assert definition.key.endswith("_pct") == (definition.unit == "%")
    assert definition.key.endswith("_cny") == (definition.unit == "元")


def test_no_two_rows_share_counters() -> None:
    assert len({d.hash for d in SHIPPED}) == len(SHIPPED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "bureau")
    return tmp_path / "bureau"


ROW = """
[hazards_found_at_sea]
zh = "海上查出隐患"
unit = "条"
event = "hazard.found"
measure = "count"
where = { sector = "sea" }
"""


def test_adding_a_row_is_all_it_takes(folder: Path) -> None:
    (folder / "statistics" / "sea.toml").write_text(ROW, encoding="utf-8")
    found = {d.key: d for d in statistics.definitions(load(folder))}
    assert matches(found["hazards_found_at_sea"].where, {}, {"sector": "sea"})


def test_a_row_of_the_bureau_replaces_the_shipped_one(folder: Path) -> None:
    (folder / "statistics" / "sea.toml").write_text(ROW.replace("hazards_found_at_sea", "hazards_found"), "utf-8")
    (found,) = [d for d in statistics.definitions(load(folder)) if d.key == "hazards_found"]
    assert (found.zh, found.file, found.line) == ("海上查出隐患", "statistics/sea.toml", 2)


def test_a_mistake_in_a_row_keeps_the_bureau_from_starting(folder: Path) -> None:
    (folder / "statistics" / "sea.toml").write_text(ROW.replace("count", "cuont"), encoding="utf-8")
    with pytest.raises(Mistakes, match=r"statistics/sea.toml:6: 没有算法 cuont"):
        statistics.definitions(load(folder))
