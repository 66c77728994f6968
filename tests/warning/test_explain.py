"""Who would be called: the same routes, people and ladder as in earnest, and nobody's number."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from services.cli.app import build
from services.warning.explain import Unknown, explain
from tests.warning.folding import example, moment

NIGHT = moment("07-16 03:10")
STREET = "990111003"


def explained(**asked: Any) -> dict[str, Any]:
    _, house = example()
    return explain(house, **{"level": "red", "hazard": "rainstorm", "region": STREET, "now": NIGHT, **asked})


def targets(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(t["organisation"], t["post"]) for route in found["routes"] for t in route["targets"]]


def test_red_calls_the_bureau_and_the_street() -> None:
    found = explained()
    assert found["reached"]
    assert targets(found) == [
        ("JB00", "duty_leader"), ("JB03", "duty_leader"), ("JB00", "bureau_duty"), ("JB03", "street_duty"),
    ]  # fmt: skip


def test_each_step_names_when_and_whom() -> None:
    (target,) = [t for t in explained()["routes"][0]["targets"] if t["post"] == "street_duty"]
    assert [(s["rung"], s["after_seconds"]) for s in target["steps"]] == [
        ("post", 0), ("again", 120), ("deputy", 300), ("superior", 600),
    ]  # fmt: skip
    first, again, deputy, superior = ([p["person_id"] for p in s["persons"]] for s in target["steps"])
    assert first == again != deputy
    assert superior == [p["person_id"] for p in explained()["routes"][0]["targets"][0]["steps"][0]["persons"]]
    assert target["steps"][0]["persons"][0]["channels"] == ["voice", "sms"]


def test_a_step_after_the_change_of_shift_calls_who_comes() -> None:
    _, house = example()
    turn = next(s for s in house.people.turns("JB00", "bureau_duty") if s.covers(NIGHT))
    found = explained(now=turn.to - (moment("07-16 00:01") - moment("07-16 00:00")))
    (desk,) = [t for t in found["routes"][0]["targets"] if t["post"] == "bureau_duty"]
    persons = [step["persons"][0]["person_id"] for step in desk["steps"][:2]]
    after = house.people.after(turn)
    assert after is not None
    assert persons == [turn.person, after.person]


def test_no_number_is_told() -> None:
    assert "1380000" not in msgspec.json.encode(explained()).decode()


def test_a_level_without_a_route_reaches_nobody() -> None:
    _, house = example()
    found = explain(
        type(house)(house.routes[:1], house.posts, house.people, house.messages, house.issuers),
        level="blue", hazard="fog", region=STREET, now=NIGHT,
    )  # fmt: skip
    assert (found["reached"], found["routes"]) == (False, [])


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [({"level": "none"}, "level"), ({"hazard": "flood"}, "hazard"), ({"region": "123"}, "region")],
    ids=lambda value: str(value),
)
def test_what_does_not_exist_is_named(asked: dict[str, str], parameter: str) -> None:
    with pytest.raises(Unknown) as error:
        explained(**asked)
    assert error.value.parameter == parameter


# hub routes try, hub duty now, without a running hub


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        build()(words)
    return int(ended.value.code or 0)


def test_routes_try_reads_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--level", "red", "--hazard", "rainstorm", "--region", STREET, "--at", "2026-07-16T03:10")
    assert run("routes", "try", *words, "--json") == 0
    assert targets(json.loads(capsys.readouterr().out)) == targets(explained())
    assert run("routes", "try", *words) == 0
    out = capsys.readouterr().out
    assert "石桥街道 暴雨红色预警，07-16 03:10 发生时：" in out
    assert "10分钟 上级" in out


def test_duty_now_names_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("duty", "now", "--json") == 0
    items = json.loads(capsys.readouterr().out)
    by_post = {(i["organisation"], i["post"]): i for i in items}
    assert by_post["JB03", "street_duty"]["by"] == "all"
    assert len(by_post["JB03", "street_duty"]["persons"]) == 1
    assert run("duty", "now") == 0
    assert "石桥街道办事处" in capsys.readouterr().out
