"""Registers: what exists, folded from events; and the figures, cohorts and look-ups that stand on it."""

from __future__ import annotations

import datetime
import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.cli.bureau import look
from services.contracts.rows import Row
from services.reporting import asof, behind, question, registers
from services.reporting.answer import answer
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Cohort, Condition, Definition, Reference
from services.reporting.register import Fact, Register, State, Step, fold
from services.reporting.statistics import read
from services.runtime import toml
from services.runtime.settings import ROOT
from tests.records import correction, record, retraction
from tests.reporting.conftest import SHANGHAI, Reader, statistic
from tests.reporting.naive import REGIONS

NOW = datetime.datetime(2025, 2, 6, 4, tzinfo=datetime.UTC)


def at(day: int, hour: int = 12) -> datetime.datetime:
    """An hour of a day of June 2023."""
    return datetime.datetime(2023, 6, 1, hour, tzinfo=SHANGHAI) + datetime.timedelta(days=day - 1)


# --- the fold ---------------------------------------------------------------------------------------------------------


def fact(act: str, day: int, *, thing: str = "t1", recorded: int = 0, region: str = "", **fields: Any) -> Fact:
    """One fact; its event is named after its act and day."""
    event = f"{act}{day}{recorded}".encode()
    return Fact(at(day), at(30) + datetime.timedelta(minutes=recorded), event, act, thing, region, bool(region), fields)


def fields_at(facts: list[Fact], day: int, expires: str = "valid_to") -> Mapping[str, Any] | None:
    """What the one thing has at noon of a day, whatever the order of its facts."""
    found = []
    for seed in range(6):
        random.Random(seed).shuffle(facts)
        found.append(fold(facts, expires, SHANGHAI).at("t1", at(day)))
    assert all(one == found[0] for one in found)
    return found[0].fields if found[0] else None


def test_what_is_present_overwrites() -> None:
    facts = [fact("added", 1, members=3, level="a"), fact("changed", 5, members=4), fact("added", 9, level="b")]
    assert fields_at(facts, 1) == {"members": 3, "level": "a"}
    assert fields_at(facts, 5) == {"members": 4, "level": "a"}
    assert fields_at(facts, 9) == {"members": 4, "level": "b"}
    assert fold(facts, "", SHANGHAI).at("t1", at(1, 11)) is None


def test_at_the_same_time_the_later_recorded_wins() -> None:
    facts = [fact("changed", 2, recorded=2, n=2), fact("changed", 2, recorded=1, n=1), fact("added", 2, n=0)]
    assert fields_at(facts, 2) == {"n": 2}


def test_a_change_of_what_is_unknown_waits_until_it_is_added() -> None:
    facts = [fact("changed", 1, members=4), fact("added", 5, members=3, level="a")]
    assert fields_at(facts, 4) is None
    assert fields_at(facts, 5) == {"members": 4, "level": "a"}


def test_what_was_never_added_is_not_there() -> None:
    for facts in ([fact("changed", 1, members=4)], [fact("removed", 1)], []):
        assert fields_at(facts, 4) is None


def test_what_is_removed_is_gone_and_removing_it_twice_is_harmless() -> None:
    facts = [fact("added", 1, n=1), fact("removed", 3), fact("removed", 4), fact("changed", 5, n=5)]
    assert fields_at(facts, 2) == {"n": 1}
    assert fields_at(facts, 3) is fields_at(facts, 6) is None
    again = [*facts, fact("added", 8, level="b")]
    assert fields_at(again, 8) == {"level": "b", "n": 5}
    assert fields_at([fact("removed", 1), fact("added", 2, n=1)], 2) == {"n": 1}


def test_what_is_valid_to_a_day_is_there_on_that_day() -> None:
    dated = [fact("added", 1, valid_to="2023-06-10")]
    assert fields_at(dated, 10)
    assert fields_at(dated, 11) is None
    moment = [fact("added", 1, valid_to=at(10).isoformat())]
    assert fields_at(moment, 9)
    assert fields_at(moment, 10) is None
    renewed = [*dated, fact("changed", 15, valid_to="2023-06-20")]
    assert fields_at(renewed, 12) is None
    assert fields_at(renewed, 20)
    for odd in ("9999-12-31", "soon", 7, None):
        assert fields_at([fact("added", 1, valid_to=odd)], 29)


def test_a_named_region_stays_against_one_that_was_filled_in() -> None:
    facts = [fact("added", 1, region="990111001"), fact("changed", 2)._replace(region="990111", named=False)]
    state = fold(facts, "", SHANGHAI).at("t1", at(2))
    assert isinstance(state, State)
    assert state.region == "990111001"
    assert state.events == [b"added10", b"changed20"]


# --- rows -------------------------------------------------------------------------------------------------------------


def rows(tmp_path: Path, text: str) -> list[Row]:
    """The rows of a registers.toml."""
    (tmp_path / "registers.toml").write_text(text, encoding="utf-8")
    document = toml.read(tmp_path, "registers.toml")
    assert isinstance(document, toml.Document)
    return [row for name in document.values for row in document.rows(name)]


GOOD = """
[team]
zh = "队伍"
key = "team_id"
added = "team.registered{level=district}"
changed = ["team.updated", "team.verified"]
removed = "team.released"
expires = "valid_until"
"""


def test_a_row_of_the_bureau_replaces_the_shipped_one(tmp_path: Path) -> None:
    found, mistakes = registers.read(rows(tmp_path, GOOD), {})
    assert mistakes == []
    team = found["team"]
    assert (team.file, team.line, team.expires) == ("registers.toml", 2, "valid_until")
    assert team.added == (Step("team.registered", (Condition("level", "eq", "district"),)),)
    assert {"enterprise", "depot"} <= found.keys()
    assert team.hash != registers.read((), {})[0]["team"].hash


@pytest.mark.parametrize(
    ("wrong", "line", "what"),
    [
        ('added = "team.registerd"', 5, "没有事件类型 team.registerd"),
        ('added = "team.registered{level=top}"', 5, "没有代码 top"),
        ('added = "team.registered{"', 5, "读不懂"),
        ("added = []", 5, "列表是空的"),
        ('key = "team_no"', 4, "没有字段 team_no"),
        ("key = 3", 4, "不是文字"),
        ('changd = "team.updated"', 9, "不认识的项 changd"),
        ('zh = ""', 3, "为空"),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, wrong: str, line: int, what: str) -> None:
    name = wrong.split(" ")[0]
    lines = [one if one.split(" ")[0] != name else wrong for one in GOOD.splitlines()]
    text = "\n".join(lines if wrong in lines else [*lines, wrong])
    _, mistakes = registers.read(rows(tmp_path, text), {})
    assert any((m.file, m.line) == ("registers.toml", line) and what in m.what for m in mistakes), mistakes


def test_statistics_name_registers_and_fields_that_are_there(tmp_path: Path) -> None:
    def wrong(text: str) -> str:
        document = rows(tmp_path, text)
        return " ".join(m.what for m in read(document, {})[1])

    head = '[x]\nzh = "x"\nunit = "支"\n'
    assert wrong(f'{head}register = "team"\nmeasure = "count"\nby = ["level"]') == ""
    assert "没有名册 teem" in wrong(f'{head}register = "teem"\nmeasure = "count"')
    assert "没有字段 levl" in wrong(f'{head}register = "team"\nmeasure = "count"\nby = ["levl"]')
    assert "没有代码 top" in wrong(f'{head}register = "team"\nmeasure = "count"\nwhere = {{ level = "top" }}')
    assert "不能 median" in wrong(f'{head}register = "team"\nmeasure = "median:members"')
    looked = f'{head}event = "hazard.found"\nmeasure = "count"\n'
    assert wrong(f'{looked}by = ["enterprise.size"]') == ""
    assert "没有字段 sise" in wrong(f'{looked}by = ["enterprise.sise"]')
    assert "manual 只能是 true" in wrong(f"{head}manual = false")


# --- figures ----------------------------------------------------------------------------------------------------------

TEAM = Register(
    "team", "team_id", (Step("team.registered"),), (Step("team.updated"), Step("team.verified")),
    (Step("team.released"),), "valid_to",
)  # fmt: skip
ENTERPRISE = Register("enterprise", "enterprise_id", (Step("enterprise.upserted"),), (Step("enterprise.graded"),))


def _registered(key: str, measure: str = "count", unit: str = "支", **more: Any) -> Definition:
    return replace(statistic(key, "", measure, register="team", **more), unit=unit)


DEFINITIONS = (
    _registered("teams", by=("level", "category")),
    _registered("district_teams", where={"level": "district"}),
    _registered("strength", "sum:members", "人", by=("level",)),
    _registered("categories", "distinct:category", "类"),
    Definition("per_team", "每队人数", "倍", ratio=(Reference("strength"), Reference("teams"))),
    statistic("by_size", by=("enterprise.size",), lookups=("enterprise",)),
    replace(
        statistic("graded", where={"enterprise.grade": "一类"}, measure="distinct:enterprise_id"),
        lookups=("enterprise",),
    ),
    Definition("graded_pct", "一类占比", "%", ratio=(Reference("graded"), Reference("teams"))),
    Definition(
        "on_time", "按期率", "%", event="hazard.found", by=("mode",),
        cohort=Cohort("hazard.found", (Condition("level", "eq", "major"),), (Condition("days", "le", 3),)),
    ),
)  # fmt: skip
CATALOGUE = Catalogue(
    tuple(one for d in DEFINITIONS for one in (d, *(d.halves if d.cohort else ()))), REGIONS, SHANGHAI,
    registers={"team": TEAM, "enterprise": ENTERPRISE},
)  # fmt: skip


async def ask(reader: Reader, text: str) -> dict[str, Any]:
    """An answer, as the API gives it; `items` are the events behind it."""
    key, _, rest = text.partition("?")
    parameters = [(name, value) for name, _, value in (pair.partition("=") for pair in rest.split("&")) if name]
    query = question.parse(key, parameters, CATALOGUE, NOW.date())
    if query.from_ledger:
        async with asof.known(reader.settings.postgres_dsn, CATALOGUE, query) as connection:
            found = await answer(connection, CATALOGUE, query, NOW)
            page = await behind.page(connection, CATALOGUE, query, behind.cursor(""), 1000)
    else:
        async with reader.connection.transaction(isolation="repeatable_read", readonly=True):
            found = await answer(reader.connection, CATALOGUE, query, NOW)
            page = await behind.page(reader.connection, CATALOGUE, query, behind.cursor(""), 1000)
    assert len(page["items"]) == found["events"]
    return found | {"items": page["items"]}


def parts(found: dict[str, Any]) -> dict[str, Any]:
    """The parts of an answer by their labels."""
    return {" ".join(part["labels"].values()): part["value"] for part in found["parts"]}


def team(name: str, day: int, **more: Any) -> dict[str, Any]:
    """A team registered on a day of June 2023."""
    region = more.pop("region", "990111001")
    return record("team.registered", name, {"team_id": name, **more}, at=at(day), region=region)


@pytest.fixture
async def counting(reader: Reader) -> Reader:
    """A reader of these definitions."""
    reader.definitions = CATALOGUE.definitions
    return reader


async def test_a_register_is_reported_as_it_stood_at_the_end(counting: Reader) -> None:
    """Story 15: year 1 registers 53 teams, year 2 has only updates."""
    teams = [team(f"t{n}", n % 28 + 1, members=10, level="district", category=f"c{n % 4}") for n in range(53)]
    later = [
        record("team.updated", f"t{n}", {"team_id": f"t{n}", "members": 12}, at=at(400), region="990111001")
        for n in range(5)
    ]
    wrong = record("team.updated", "t9", {"team_id": "t9", "members": 99}, at=at(401))
    await counting.read([*later, *teams, wrong, correction(wrong, {"team_id": "t9", "members": 11}, at=at(402))])
    year2 = "?from=2024-01-01&to=2024-12-31"
    found = await ask(counting, f"teams{year2}&compare=year")
    assert (found["value"], found["coverage"], found["events"]) == (53, "live", 59)
    assert found["compare"]["value"] == 53
    assert (await ask(counting, f"strength{year2}"))["value"] == 530 + 5 * 2 + 1
    assert (await ask(counting, "strength?from=2023-01-01&to=2023-12-31"))["value"] == 530
    assert (await ask(counting, f"categories{year2}"))["value"] == 4
    assert (await ask(counting, f"per_team{year2}"))["value"] == Decimal("10.21")
    assert parts(await ask(counting, f"teams{year2}&by=category")) == {"c0": 14, "c1": 13, "c2": 13, "c3": 13}
    assert (await ask(counting, "teams?from=2023-06-01&to=2023-06-01"))["value"] == 2
    by_day = await ask(counting, "teams?from=2023-06-26&to=2023-06-30&by=day")
    assert [part["value"] for part in by_day["parts"]] == [51, 52, 53, 53, 53]


async def test_a_register_follows_removal_expiry_correction_and_retraction(counting: Reader) -> None:
    one, two = team("a", 1, level="district", valid_to="2023-06-20"), team("b", 2, level="district")
    three, four = team("c", 3, level="city"), team("d", 4)
    gone = record("team.released", "b", {"team_id": "b"}, at=at(10))
    await counting.read([
        gone, one, two, three, four, retraction(four, at=at(5)), gone,
        record("team.released", "b", {"team_id": "b"}, at=at(12)),
        correction(three, {"team_id": "c", "level": "district"}, at=at(3), region="990111002"),
        team("x", 1) | {"status": "exercise"},
    ])  # fmt: skip
    for day, count in ((1, 1), (2, 2), (3, 3), (9, 3), (10, 2), (20, 2), (21, 1), (30, 1)):
        date = f"2023-06-{day:02}"
        assert (await ask(counting, f"district_teams?from={date}&to={date}"))["value"] == count, date
    assert parts(await ask(counting, "teams?from=2023-06-01&to=2023-06-09&by=region")) == {
        "990111001": 2, "990111002": 1,
    }  # fmt: skip
    assert (await ask(counting, "teams?from=2023-06-01&to=2023-06-09&status=exercise"))["value"] == 1
    before = (await ask(counting, "teams?from=2023-06-01&to=2023-06-09&known_at=2023-01-01"))["value"]
    assert before is None


async def test_a_register_is_read_again_when_something_new_comes(counting: Reader) -> None:
    await counting.read([team("a", 1)])
    assert (await ask(counting, "teams?from=2023-06-01&to=2023-06-30"))["value"] == 1
    await counting.read([team("b", 1)])
    assert (await ask(counting, "teams?from=2023-06-01&to=2023-06-30"))["value"] == 2


async def test_a_look_up_finds_what_was_so_at_the_time_of_the_event(counting: Reader) -> None:
    """The enterprise grows on the 10th; what is not in the register has no size."""

    def hazard(subject: str, day: int, enterprise: str | None, **more: Any) -> dict[str, Any]:
        data = {"enterprise_id": enterprise} if enterprise else {}
        return record("hazard.found", subject, {"enterprise": {"size": "claimed"}, **data}, at=at(day), **more)

    def known(day: int, **data: Any) -> dict[str, Any]:
        type_ = "enterprise.graded" if "grade" in data else "enterprise.upserted"
        return record(type_, "e1", {"enterprise_id": "e1", **data}, at=at(day))

    found = [hazard("h1", 1, "e1"), hazard("h2", 5, "e1"), hazard("h3", 10, "e1"), hazard("h4", 15, "e2"),
             hazard("h5", 15, None), hazard("h6", 16, "e1", status="exercise")]  # fmt: skip
    await counting.read(
        [*found, known(10, size="large"), known(4, size="small"), known(12, grade="一类"), team("t", 1)]
    )
    june = "?from=2023-06-01&to=2023-06-30"
    assert parts(await ask(counting, f"by_size{june}&by=size")) == {"": 3, "small": 1, "large": 1}
    assert (await ask(counting, f"by_size{june}&label.size=large"))["value"] == 1
    assert parts(await ask(counting, f"by_size{june}&status=exercise&by=size")) == {"large": 1}
    assert (await ask(counting, f"graded{june}"))["value"] == 0
    await counting.read([known(9, grade="一类"), hazard("h7", 20, "e1"), retraction(found[0])])
    assert (await ask(counting, f"graded{june}"))["value"] == 1
    assert (await ask(counting, f"graded_pct{june}"))["value"] == 100
    assert parts(await ask(counting, f"by_size{june}&by=size")) == {"": 2, "small": 1, "large": 2}


async def test_a_cohort_is_those_who_meet_the_condition_out_of_all(counting: Reader) -> None:
    def hazard(subject: str, region: str = "990111001", **data: Any) -> dict[str, Any]:
        return record("hazard.found", subject, {"level": "major", **data}, at=at(3), region=region)

    late = hazard("h2", days=9, mode="joint")
    await counting.read([
        hazard("h1", days=3, mode="joint"), late, hazard("h3", mode="campaign"),
        hazard("h4", region="990111002", days="2.5"), hazard("h5", level="general", days=1),
    ])  # fmt: skip
    found = await ask(counting, "on_time?from=2023-06-01&to=2023-06-30&by=region")
    assert (found["value"], found["events"]) == (50, 4)
    assert sorted(item["met"] for item in found["items"]) == [False, False, True, True]
    assert parts(found) == {"990111001": Decimal("33.33"), "990111002": 100}
    assert parts(await ask(counting, "on_time?from=2023-06-01&to=2023-06-30&by=mode"))["joint"] == 50
    await counting.read(
        [correction(late, {"level": "major", "days": 1, "mode": "joint"}, at=at(3), region="990111001")]
    )
    assert (await ask(counting, "on_time?from=2023-06-01&to=2023-06-30&label.mode=joint"))["value"] == 100
    nothing = await ask(counting, "on_time?from=2023-07-01&to=2023-07-30")
    assert (nothing["value"], nothing["coverage"]) == (None, "live")


async def test_merged_regions_count_where_they_lay_and_with_tree_now_where_they_lie(counting: Reader) -> None:
    """旧镇 was merged into 柳渡街道 at the end of March; its hazards of spring stay its own."""

    def hazard(subject: str, region: str, month: int) -> dict[str, Any]:
        time = datetime.datetime(2023, month, 15, tzinfo=SHANGHAI)
        return record("hazard.found", subject, {"level": "major", "days": month}, at=time, region=region)

    await counting.read([
        hazard("h1", "990111003", 2), hazard("h2", "990111003", 3), hazard("h3", "990111002", 3),
        hazard("h4", "990111003", 5), hazard("h5", "990111001001", 6), hazard("h6", "990111001001", 7),
        team("a", 1, region="990111003"), team("b", 1, region="990111001001"),
    ])  # fmt: skip
    year = "?from=2023-01-01&to=2023-12-31&by=region"
    assert {p["labels"]["region"]: p["events"] for p in (await ask(counting, f"on_time{year}"))["parts"]} == {
        "990111003": 3, "990111002": 2, "990111001": 1,
    }  # fmt: skip
    now = await ask(counting, f"on_time{year}&tree=now")
    assert {p["labels"]["region"]: p["events"] for p in now["parts"]} == {"990111002": 6}
    old = await ask(counting, "on_time?from=2023-01-01&to=2023-12-31&region=990111003")
    assert (old["events"], old["value"]) == (3, Decimal("66.67"))
    assert parts(await ask(counting, "teams?from=2023-01-01&to=2023-06-30&by=region")) == {
        "990111001": 1, "990111003": 1,
    }  # fmt: skip
    assert parts(await ask(counting, "teams?from=2023-01-01&to=2023-07-01&by=region&tree=now")) == {"990111002": 2}
    with pytest.raises(question.Unclear) as unknown:
        await ask(counting, "teams?region=990119")
    assert unknown.value.status == 404


def test_checking_a_bureau_names_the_mistakes_of_its_registers(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bureaus" / "example", tmp_path / "b")
    (tmp_path / "b" / "registers.toml").write_text(GOOD.replace("team.verified", "team.verifid"), encoding="utf-8")
    _, _, mistakes = look(tmp_path / "b")
    assert [(m.file, m.line) for m in mistakes] == [("registers.toml", 6)]
    assert "是否应为 team.verified" in mistakes[0].todo
