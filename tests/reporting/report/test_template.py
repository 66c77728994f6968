"""A template is read, and every mistake in it is named with its line and what to do."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from services.contracts.rows import Mistakes
from services.reporting.period import Period
from services.reporting.report import questions, slot, template
from services.reporting.report.slot import Slot, Wrong
from tests.reporting.report.answers import FOLDER, REGION, YEAR, known


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("hazards_found", "hazards_found"),
        (" hazards_found { mode=joint, level = major } |约", "hazards_found{level=major,mode=joint}"),
        ("a|to=2023-06-30|from=年初|同比", "a|from=年初|to=2023-06-30"),
        ("a|by=level, sector|table|region=990111", "a|region=990111|by=level,sector"),
    ],
)
def test_a_slot_has_one_way_of_writing(text: str, id_: str) -> None:
    assert slot.parse(text).id == id_
    assert slot.parse(id_).id == id_


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b", "不是指标"), ("a|tabel", "是否应为 table"), ("a|form=x", "from="), ("a{level}", "缺少名称或值"),
        ("a{x=1,x=2}", "写了两次"), ("a|from=去年", "不是日期"), ("a|by=", "没有值"), ("", "不是指标"),
    ],
)  # fmt: skip
def test_a_wrong_slot_is_refused(text: str, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        slot.parse(text)


def test_each_figure_is_asked_once() -> None:
    text = (
        "# 题\n\n{{inspections_done}}，{{inspections_done|同比}}，{{#each hazards_found by level}}{{项}}{{值}}"
        "{{hazards_closed{level=*}}}{{/each}}{{#if hazards_open > 3}}多{{/if}}"
        "\n\n{{hazards_found|from=年初|by=month|chart}}\n"
    )
    checks = '[[total]]\nwhole = "hazards_found"\nparts = ["hazards_found|by=level"]\n'
    over = Period(datetime.date(2023, 6, 1), datetime.date(2023, 6, 30))
    found = {q.id: q for q in questions.questions(template.read("x", text, checks), known(), over, REGION)}
    assert list(found) == [
        "inspections_done", "hazards_found|by=level", "hazards_closed|by=level", "hazards_open",
        "hazards_found|from=年初|by=month", "hazards_found",
    ]  # fmt: skip
    base = (("from", "2023-06-01"), ("to", "2023-06-30"), ("region", REGION))
    assert found["inspections_done"].parameters == (*base, ("compare", "year"))
    assert found["hazards_found|by=level"].parameters == (*base, ("by", "level"))
    assert found["hazards_found|from=年初|by=month"].parameters[0] == ("from", "2023-01-01")


WRONG = {
    "{{inspections_dnoe}}": "没有统计指标 inspections_dnoe, 是否应为 inspections_done",
    "{{hazards_found{lvel=major}}}": "没有标签 lvel, 是否应为 level",
    "{{hazards_found{level=majr}}}": "没有值 majr, 是否应为 major",
    "{{hazards_found|by=levle|table}}": "不能按 levle 分列, 是否应为 level",
    "{{hazards_found|by=level}}": "不能印在句子里",
    "{{hazards_found|table}}": "没有说按什么分列",
    "{{hazards_found|region=990112}}": "没有区域 990112",
    "{{hazards_found|万元}}": "不能写成万元",
    "{{hotline_timely_rate_pct|约}}": "不能写成约数",
    "{{hazards_found{level=*}}}": "不在按 level 的循环里",
    "{{项}}": "不在循环里",
    "{{disaster_info_officers}}": "没有指明是哪一项",
    "{{#each hazards_found by level}}{{hazards_found{level=*}|同比}}{{/each}}": "没有同比",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_nobody_can_answer_is_a_mistake(text: str) -> None:
    found = questions.mistakes(template.read("x", f"# 题\n\n前\n\n{text}\n"), known(), FOLDER)
    assert [(m.file, m.line) for m in found][:1] == [("report/x.md", 5)]
    assert WRONG[text] in str(found[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("字", ":1: 没有标题"),
        ("# 题\n\n{{#each a by b}}\n\n{{#each c by d}}\n\n{{/each}}\n\n{{/each}}", ":5: 循环里又有循环"),
        ("# 题\n\n{{#if a}}", ":3: {{#if a}} 没有结束, 补上 {{/if}}"),
        ("# 题\n\n字{{/each}}", ":3: {{/each}} 没有对应的开始"),
        ("# 题\n\n{{else}}", ":3: {{else}} 不在"),
        ("# 题\n\n{{#eech a by b}}{{/eech}}", ":3: 不认识的 {{#eech}}, 是否应为 each"),
        ("# 题\n\n{{#each a}}{{/each}}", ":3: {{#each a}} 没有说按什么"),
        ("# 题\n\n{{机构全}}", "是否应为 机构全称"),
        ("# 题\n\n字{{a", ":3: 花括号不成对"),
        ("# 题\n# 又题", ":2: 标题写了两次"),
        ("# 题\n\n前{{a|by=b|table}}", ":3: a|by=b 的表或图不在单独一段"),
        ("# 题\n\n{{#if}}{{/if}}", ":3: {{#if}} 没有条件"),
    ],
)
def test_a_mistake_in_its_form_is_named(text: str, said: str) -> None:
    with pytest.raises(Mistakes) as raised:
        template.read("x", text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[totl]]\nwhole = "a"', "report/x.checks.toml:1: 不认识的校验 totl, 是否应为 total"),
        ('[[part]]\npart = "a"', ":1: part 缺少 whole"),
        ('[[part]]\npart = "a"\nwhole = "b|x"', ":3: 不认识的修饰 x"),
        ("[[part", "TOML 语法有误"),
        ('[[same]]\nslots = ["a"]\nslot = 1', ":3: 不认识的项 slot, 是否应为 slots"),
    ],
)
def test_a_mistake_in_a_check_is_named(text: str, said: str) -> None:
    with pytest.raises(Mistakes) as raised:
        template.read("x", "# 题\n", text)
    assert said in str(raised.value)


def test_a_bureaus_template_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "report"
    own.mkdir()
    (own / "annual.md").write_text("# 自己的\n", encoding="utf-8")
    (own / "anual.checks.toml").write_text("", encoding="utf-8")
    assert template.find("annual", tmp_path).title == "自己的"
    assert template.find("monthly", tmp_path).title != "自己的"
    assert [m.todo for m in questions.in_folder(tmp_path, known()) if "anual" in m.file] == ["是否应为 annual"]
    for name in ("anual", "../annual", "a" * 100):
        with pytest.raises(Mistakes, match="没有模板"):
            template.find(name, tmp_path)


@pytest.mark.parametrize("name", template.names(None))
def test_a_shipped_template_can_be_answered(name: str) -> None:
    found = template.find(name, None)
    assert questions.mistakes(found, known(), FOLDER) == []
    assert questions.questions(found, known(), YEAR, REGION)
    assert found.digest != template.read(name, found.text + "\n", found.checks_text).digest


def test_a_part_takes_its_label_from_the_loop() -> None:
    assert slot.parse("a{x=*,y=1}").asked() == Slot("a", (("y", "1"),), by=("x",))
