"""Rows of statistics become definitions; every mistake in them has its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.families import FIELDS
from services.contracts.rows import Mistake, Row
from services.reporting.definition import Cohort, Condition, Definition, Measure, Reference
from services.reporting.grammar import Types, merged, parse
from services.runtime import toml
from services.runtime.bureau import statistic_rows

CODES = {("hazard.found", "mode"): {"boat": "水上"}, ("", "stage"): {"x": "甲", "early": "早"}}


@pytest.fixture
def made(tmp_path: Path):
    """The definitions and mistakes of one file."""

    def make(text: str, registers: Types | None = None) -> tuple[tuple[Definition, ...], list[Mistake]]:
        (tmp_path / "s.toml").write_text(text, encoding="utf-8")
        document = toml.read(tmp_path, "s.toml")
        assert not isinstance(document, Mistake), document
        mistakes: list[Mistake] = []
        definitions, more = parse(list(statistic_rows(document, mistakes)), extra_codes=CODES, registers=registers)
        return definitions, mistakes + more

    return make


def head(event: str, measure: str = "count", unit: str = '"条"') -> str:
    return f'[a]\nzh = "甲"\nunit = {unit}\nevent = "{event}"\nmeasure = "{measure}"\n'


HEAD = head("hazard.found")
RATIO = '[r]\nzh = "率"\nunit = "%"\nratio = {{ part = "{}", whole = "{}" }}\n'


def test_a_row_is_a_definition(made) -> None:
    text = """
[hazards_found]                       # as in the design
zh = "查出隐患"
unit = "条"
event = "hazard.found"
measure = "count"
where = { mode = ["joint", "boat"], level = { not = "general" }, campaign = { present = true } }
by = ["level", "campaign", "@drill"]
labels = { scope = "district" }
about = "why"
"""
    (definition,), mistakes = made(text)
    assert mistakes == []
    assert definition == Definition(
        key="hazards_found",
        zh="查出隐患",
        unit="条",
        event="hazard.found",
        measure=Measure("count"),
        where=(
            Condition("mode", "in", ("joint", "boat")),
            Condition("level", "not", "general"),
            Condition("campaign", "present"),
        ),
        by=("level", "campaign", "@drill"),
        labels=(("scope", "district"),),
        about="why",
        file="s.toml",
        line=2,
    )
    assert definition.label_names == ("level", "campaign", "drill")


SIZE = Condition("enterprise.size", "eq", "x")


@pytest.mark.parametrize(
    ("where", "conditions"),
    [
        ("{ deaths = { ge = 3, lt = 10 } }", (Condition("deaths", "ge", 3), Condition("deaths", "lt", 10))),
        ("{ loss_cny = { gt = 10.5 } }", (Condition("loss_cny", "gt", Decimal("10.5")),)),
        ("{ sector = { present = false } }", (Condition("sector", "absent"),)),
        ("{ severity = { not = ['general', 'serious'] } }", (Condition("severity", "not", ("general", "serious")),)),
        ("{ '@region' = '320111' }", (Condition("@region", "eq", "320111"),)),
        ("{ own = true, 'enterprise.size' = 'x' }", (Condition("own", "eq", True), SIZE)),
        ("{ enterprise.size = 'x' }", (SIZE,)),
        ("{ learned_at = { ge = 2023-01-01 } }", (Condition("learned_at", "ge", "2023-01-01"),)),
    ],
)  # fmt: skip
def test_conditions(made, where: str, conditions: tuple[Condition, ...]) -> None:
    text = f'[a]\nzh = "甲"\nunit = "起"\nevent = "accident.reported"\nmeasure = "count"\nwhere = {where}\n'
    (definition,), mistakes = made(text)
    assert mistakes == []
    assert definition.where == conditions


def test_a_look_up_names_its_register(made) -> None:
    (definition,), _ = made(HEAD + 'by = ["enterprise.size"]\n')
    assert (definition.lookups, definition.label_names) == (("enterprise",), ("size",))


def test_nested_fields_and_lists_can_be_measured(made) -> None:
    text = """
[lost]
zh = "受灾"
unit = "人次"
event = "disaster.reported"
measure = "sum:losses.people"

[covered]
zh = "覆盖"
unit = "家"
event = "publicity.activity"
measure = "distinct:enterprise_ids"
"""
    definitions, mistakes = made(text)
    assert mistakes == []
    assert [str(d.measure) for d in definitions] == ["sum:losses.people", "distinct:enterprise_ids"]


def test_rows_made_of_others(made) -> None:
    text = HEAD.replace("[a]", "[[a]]") + 'labels = { half = "one" }\n' + HEAD.replace("[a]", "[[a]]") + (
        'by = ["level"]\nlabels = { half = "two" }\n'
        '[r]\nzh = "率"\nunit = "%"\nratio = { part = "a{half=two, level=major}", whole = "a{half=two}" }\n'
        '[c]\nzh = "率"\nunit = "%"\n'
        'cohort = { of = "loop.due{loop=hazard,days>=3}", met = "on_time = true" }\n'
        '[t]\nzh = "人"\nunit = "人"\nregister = "team"\nmeasure = "sum:members"\nwhere = { level = "x" }\n'
    )  # fmt: skip
    (_, _, ratio, cohort, register), mistakes = made(text)
    assert mistakes == []
    assert ratio.ratio == (Reference("a", (("half", "two"), ("level", "major"))), Reference("a", (("half", "two"),)))
    assert cohort.cohort == Cohort(
        "loop.due",
        (Condition("loop", "eq", "hazard"), Condition("days", "ge", 3)),
        (Condition("on_time", "eq", True),),
    )
    assert (register.register, register.measure) == ("team", Measure("sum", "members"))
    assert [d.kind for d in (ratio, cohort, register)] == ["ratio", "cohort", "register"]


# each text holds one mistake, on the line with ←
CASES = [
    ("不认识的项 measur, 是否应为 measure", HEAD + 'measur = "x" #←\n'),
    ("缺少 zh", HEAD.replace('zh = "甲"\n', "").replace("[a]", "[a] #←")),
    ("缺少 unit", HEAD.replace('unit = "条"\n', "").replace("[a]", "[a] #←")),
    ("缺少 measure", HEAD.replace('measure = "count"\n', "").replace("[a]", "[a] #←")),
    ("没有写明数什么", HEAD.replace('event = "hazard.found"\n', "").replace("[a]", "[a] #←")),
    ("名称 A 不合规则", HEAD.replace("[a]", "[A] #←")),
    ("没有计量单位 头", HEAD.replace('"条"', '"头" #←')),
    ("没有计量单位 万元, 金额一律用 元", HEAD.replace('"条"', '"万元" #←')),
    ("没有事件类型 hazard.fund, 是否应为 hazard.found", HEAD.replace('"hazard.found"', '"hazard.fund" #←')),
    ("没有算法 cout, 是否应为 count", HEAD.replace('"count"', '"cout" #←')),
    ("sum 缺少字段", HEAD.replace('"count"', '"sum" #←')),
    ("count 后面不写字段", HEAD.replace('"count"', '"count:level" #←')),
    ("level 不是数量, 不能 sum", HEAD.replace('"count"', '"sum:level" #←')),
    ("没有字段 levle, 是否应为 level", HEAD.replace('"count"', '"distinct:levle" #←')),
    ("没有字段 campain", HEAD + 'by = ["campain"] #←\n'),
    ("字段名 'a b' 不合规则", HEAD + 'by = ["a b"] #←\n'),
    ("by 不是字段名的列表", HEAD + 'by = "level" #←\n'),
    ("标签 level 重复", HEAD + 'by = ["level", "level"] #←\n'),
    ("标签 level 重复", HEAD + 'labels = { level = "x" }\nby = ["level"] #←\n'),
    ("标签名 region 另有用途", HEAD + 'by = ["@region"] #←\n'),
    ("标签名 day 另有用途", HEAD + 'labels = { day = "x" } #←\n'),
    ("标签名 A 不合规则", HEAD + 'labels = { A = "x" } #←\n'),
    ("labels 不是表", HEAD + "labels = 3 #←\n"),
    ("hidden 不是 true", HEAD + 'hidden = "yes" #←\n'),
    ("事件没有属性 @regoin, 是否应为 region", HEAD + 'where = { "@regoin" = "1" } #←\n'),
    ("verified_by 是个人信息", HEAD.replace("found", "rectified") + 'by = ["verified_by"] #←\n'),
    ("due 的值不能作标签", HEAD + 'by = ["due"] #←\n'),
    ("departments 的值不能作标签", head("inspection.completed") + 'by = ["departments"] #←\n'),
    ("level 没有代码 huge", HEAD + 'where = { level = "huge" } #←\n'),
    ("level 没有代码 majr (代码表 hazard_level), 是否应为 major", HEAD + 'where = { level = ["majr"] } #←\n'),
    ("stage 没有代码 erly, 是否应为 early", HEAD + 'where = { stage = "erly" } #←\n'),
    ("level 的值 3 不是文字", HEAD + "where = { level = 3 } #←\n"),
    ("level 没有大小", HEAD + 'where = { level = { ge = "major" } } #←\n'),
    ("level 的列表是空的", HEAD + "where = { level = [] } #←\n"),
    ("level 没有写条件", HEAD + "where = { level = {} } #←\n"),
    ("不认识的比较 gte", HEAD + "where = { due = { gte = 3 } } #←\n"),
    ("due 的值 soon 不是时间", HEAD + 'where = { due = { lt = "soon" } } #←\n'),
    ("present 不是 true 或 false", HEAD + 'where = { level = { present = "x" } } #←\n'),
    ("level 里没有 deep: 它不是对象", HEAD + 'by = ["level.deep"] #←\n'),
    ("没有对象 nothing, 也没有字段 nothing_id", HEAD + 'by = ["nothing.deep"] #←\n'),
    ("where 不是表", HEAD + "where = [] #←\n"),
    ("没有字段 mod", HEAD + '[a.where] #\nlevel = "major"\nmod = "x"\n'),
    ("passed 的值 yes 不是 true 或 false", head("recheck.completed") + 'where = { passed = "yes" } #←\n'),
    ("deaths 的值 3 不是数", head("accident.reported") + 'where = { deaths = "3" } #←\n'),
    ("deaths 的 ge 后面不是数", head("accident.reported") + "where = { deaths = { ge = true } } #←\n"),
    ("count 的单位不会是 元", HEAD.replace('"条"', '"元" #←')),
    ("count 的单位不会是 %", HEAD.replace('"条"', '"%" #←')),
    ("amount_cny 是金额", head("penalty.imposed", "sum:amount_cny", '"条" #←')),
    ("deaths 不是金额", head("accident.reported", "sum:deaths", '"元" #←')),
    ("单位 分 的数不能相加", head("exam.recorded", "sum:score", '"分" #←')),
    ("a 与 s.toml:1 的标签相同", HEAD.replace("[a]", "[[a]]") + HEAD.replace("[a]", "[[a]] #←")),
    ("event 与 register 不能同时写", HEAD + 'register = "team" #←\n'),
    ("a 不是统计项", "a = 3 #←\n"),
    ("zh 不是统计项, 移到它的表头下面", 'zh = "x" #←\n' + HEAD),
    ("没有统计项 aa, 是否应为 a", HEAD + '[r]\nzh="x"\nunit="%"\nratio = { part = "a", whole = "aa" } #←\n'),
    ("没有统计项 a{level=major}, 改正标签", HEAD + RATIO.format("a{level=major}", "a")),
    ("ratio 要有 part 和 whole", '[r]\nzh="x"\nunit="%"\nratio = { part = "a" } #←\n'),
    ("读不懂 a{, 写成", '[r]\nzh="x"\nunit="%"\nratio = { part = "a{", whole = "a" } #←\n'),
    ("r 本身是比率", HEAD + '[r]\nzh="x"\nunit="%"\nratio = { part = "a", whole = "r" } #←\n'),
    ("不认识的项 by", HEAD + RATIO.format("a", "a") + 'by = ["level"] #←\n'),
    ("cohort 要有 of 和 met", '[c]\nzh="x"\nunit="%"\ncohort = { of = "loop.due" } #←\n'),
    ("读不懂 on_time", '[c]\nzh="x"\nunit="%"\ncohort = { of = "loop.due", met = "on_time" } #←\n'),
    ("met 没有条件", '[c]\nzh="x"\nunit="%"\ncohort = { of = "loop.due", met = "" } #←\n'),
    ("没有事件类型 loop.doe", '[c]\nzh="x"\nunit="%"\ncohort = { of = "loop.doe", met = "on_time=true" } #←\n'),
]  # fmt: skip


@pytest.mark.parametrize(("message", "text"), CASES)
def test_every_mistake_has_its_line(made, message: str, text: str) -> None:
    _, mistakes = made(text)
    marked = [n for n, line in enumerate(text.splitlines(), 1) if "←" in line]
    found = [m for m in mistakes if message in f"{m.what}, {m.todo}"]
    assert found, mistakes
    assert not marked or [m.line for m in found] == marked


def test_a_ratio_that_may_mean_two_rows_names_both(made) -> None:
    row = HEAD.replace("[a]", "[[a]]")
    text = row + 'labels = { x = "1" }\n' + row + 'labels = { x = "2" }\n' + HEAD.replace("[a]", "[b]")
    _, mistakes = made(text + '[r]\nzh="x"\nunit="%"\nratio = { part = "a", whole = "b" }\n')
    assert [m.what for m in mistakes] == ["a 可指多行: s.toml:1、s.toml:7"]


def test_a_share_compares_like_with_like(made) -> None:
    other = HEAD.replace("[a]", "[b]").replace("条", "人次")
    _, mistakes = made(HEAD + other + '[r]\nzh="x"\nunit="%"\nratio = { part = "b", whole = "a" }\n')
    assert [m.what for m in mistakes] == ["分子的单位 人次 与分母的单位 条 不能相比"]


def test_a_mistake_names_the_line_of_its_condition(made) -> None:
    text = """[members]
zh = "队员"
unit = "人"
register = "team"
measure = "sum:members"
[members.where]
level = { not = "x" }
kind = "nope"
"a b" = 1
[on_time]
zh = "按期率"
unit = "%"
cohort = { of = "hazard.found{level=top}", met = "due>=never" }
[found]
zh = "隐患"
unit = "条"
event = "hazard.found"
measure = "count"
where.level = "top"
where.mode = { gee = 3 }
"""
    registers = {"team": {"members": FIELDS["team.registered"]["members"], "kind": FIELDS["team.registered"]["kind"]}}
    _, mistakes = made(text, registers)
    assert [(m.line, m.what.partition(" ")[0]) for m in mistakes] == [
        (8, "kind"), (9, "字段名"), (13, "due"), (13, "level"), (19, "level"), (20, "不认识的比较"),
    ]  # fmt: skip


def test_one_wrong_row_hides_no_other(made) -> None:
    text = (
        HEAD.replace("条", "头") + HEAD.replace("[a]", "[b]") + '[r]\nzh="x"\nunit="%"\nratio = {part="a",whole="b"}\n'
    )
    definitions, mistakes = made(text)
    assert [d.key for d in definitions] == ["b", "r"]
    assert len(mistakes) == 1


def test_a_field_of_the_bureaus_own_is_fine(made) -> None:
    """A statistic may name any data field, and codes.toml tells one that looks like a slip from a slip."""
    assert made(HEAD + 'by = ["weather_of_the_day"]\n')[1] == []
    assert made(head("incident.reported") + 'by = ["stagee"]\n')[1] != []
    assert made(head("hazard.rectified") + 'by = ["stage"]\nwhere = { stage = "x" }\n')[1] == []


def test_a_row_of_the_bureau_replaces_the_shipped_one_with_the_same_labels(tmp_path: Path) -> None:
    def rows(text: str):
        (tmp_path / "s.toml").write_text(text, encoding="utf-8")
        document = toml.read(tmp_path, "s.toml")
        assert not isinstance(document, Mistake)
        return list(statistic_rows(document, []))

    shipped = rows('[a]\nzh = "1"\n[[b]]\nzh = "2"\nlabels = { x = "1" }\n[[b]]\nzh = "3"\nlabels = { x = "2" }\n')
    own = rows('[[b]]\nzh = "4"\nlabels = { x = "2" }\n[[b]]\nzh = "5"\n')
    assert [row.values["zh"] for row in merged(shipped, own)] == ["1", "2", "4", "5"]


SCALARS = st.one_of(st.text(max_size=8), st.integers(-5, 5), st.booleans(), st.floats(allow_nan=False).map(Decimal))
VALUES = st.recursive(
    st.one_of(SCALARS, st.sampled_from(["hazard.found", "count", "sum:due", "a{x=1}", "loop.due{days>=1}", "条", "%"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["level", "ge", "not", "present", "part", "whole", "of", "met", "@x", "a.b", ""]), inner
        ),
    ),
    max_leaves=5,
)
NAMES = ["zh", "unit", "event", "measure", "where", "by", "labels", "hidden", "ratio", "cohort", "register", "about"]


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=3))
def test_nothing_that_toml_can_say_is_more_than_a_mistake(tables: list[dict[str, object]]) -> None:
    rows = [Row("a", table, "s.toml", n) for n, table in enumerate(tables, 1)]
    definitions, mistakes = parse(rows)
    merged(rows, rows)
    assert len(definitions) == len(rows) or mistakes
