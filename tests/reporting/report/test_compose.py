"""A report says what its answers say, in the words that hold for them, and nothing else."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from services.reporting.report import checks, compose, template, told
from services.reporting.report.content import Change, Content, Earlier
from services.runtime.document.model import Chart, Heading, Paragraph, Table
from tests.reporting.report.answers import answer, filled, head, year_on_year

RECORDED = [{"kind": "baseline", "value": 114, "basis_document": "2022年度报告"}]
PARTS = [{"labels": {"level": "major"}, "value": 2, "events": 2}, {"labels": {"level": ""}, "value": 6, "events": 6}]


def written(text: str, *answers: dict[str, Any], paragraphs: dict[str, str] | None = None, **more: Any) -> Content:
    figures = {a.pop("id", a["key"]): a for a in answers}
    return compose.compose(template.read("x", f"# 题\n\n{text}\n"), figures, paragraphs or {}, head(**more))


def said(*given: Any, **more: Any) -> str:
    return "\n".join(b.text for b in written(*given, **more).document.blocks if isinstance(b, Heading | Paragraph))


@pytest.mark.parametrize(
    ("slot", "given", "expected"),
    [
        ("k", {"value": 1286}, "查出1286条。"),
        ("k", {"value": 0, "coverage": "declared_zero", "events": 0}, "查出0条。"),
        ("k", {"value": None, "coverage": "none", "events": 0}, "查出本期无此项记录。"),
        ("k|约", {"value": 99}, "查出99条。"),
        ("k|约", {"value": 1286}, "查出1200余条。"),
        ("k|约", {"value": 1200}, "查出1200条。"),
        ("k|约", {"value": 12860}, "查出12000余条。"),
        ("k|万元", {"value": "123456.78"}, "查出12.35万元条。"),
        ("k|汉字", {"value": 3}, "查出三条。"),
        ("k|汉字", {"value": 120}, "查出120条。"),
        ("k|汉字", {"value": 0}, "查出0条。"),
        ("k|同比", {"compare": year_on_year()}, "查出上升14.3%条。"),
        ("k|同比", {"compare": year_on_year(8, change_pct=Decimal("0.0"))}, "查出持平条。"),
        ("k|同比", {"compare": year_on_year(0, change_pct=None)}, "查出上年同期为0条条。"),
        ("k|同比", {"compare": year_on_year(comparable=False, change_pct=None, reason="silent")},
         "查出口径不一致，不作比较条。"),
        ("k|同比", {"events": 0, "value": 0, "recorded": RECORDED, "compare": year_on_year(change_pct=-100)},
         "查出口径不一致，不作比较条。"),
        ("k", {"events": 0, "value": None, "coverage": "none", "recorded": RECORDED}, "查出114条。"),
        ("k", {"value": 8, "recorded": RECORDED}, "查出8条。"),
    ],
)  # fmt: skip
def test_a_figure_is_printed_as_it_is(slot: str, given: dict[str, Any], expected: str) -> None:
    assert said(f"查出{{{{{slot}}}}}条。", answer("k", **given)) == expected


def test_a_share_brings_its_sign_and_is_compared_in_points() -> None:
    share = answer("k", Decimal("98.50"), definition={"unit": "%"}, compare=year_on_year(Decimal("97.3")))
    assert said("率{{k}}，{{k|同比}}", share) == "率98.5%，上升1.2个百分点"


def test_every_number_has_a_line_and_the_same_number_one() -> None:
    one = answer("k", 8, compare=year_on_year(), labels={"level": "major"})
    content = written("甲{{k}}乙{{k|同比}}丙{{k}}", one)
    (block,) = content.document.blocks
    assert isinstance(block, Paragraph)
    assert block.marks == ((2, "[1]"), (10, "[2]"), (12, "[1]"))
    assert [(x.number, x.printed, x.value, x.aspect) for x in content.lines] == [
        (1, "8", Decimal(8), ""), (2, "上升14.3%", Decimal("14.3"), "同比"),
    ]  # fmt: skip
    line = content.lines[0]
    assert (line.key, line.labels, line.first, line.events, line.coverage) == (
        "k", {"level": "major"}, "2023-01-01", 8, "live",
    )  # fmt: skip
    assert line.definition == one["definition"]["hash"]


def test_what_a_person_recorded_is_marked() -> None:
    content = written("{{k}}", answer("k", None, events=0, coverage="none", recorded=RECORDED))
    assert content.document.blocks[0].marks == ((3, "※[1]"),)  # type: ignore[union-attr]
    assert "人工填报" in content.document.remark
    assert content.lines[0].remark == "历史基数（2022年度报告）"


def test_the_figure_of_then_and_the_one_known_now_are_both_told() -> None:
    earlier = {"k": Earlier("江应急〔2023〕1号", Decimal(9))}
    text = said("{{k|同比}}", answer("k", compare=year_on_year()), printed_before=earlier)
    assert text == "上升14.3%（江应急〔2023〕1号刊载9条，现核定7条）"
    same = {"k": Earlier("江应急〔2023〕1号", Decimal(7))}
    assert said("{{k|同比}}", answer("k", compare=year_on_year()), printed_before=same) == "上升14.3%"


def test_a_loop_says_each_part() -> None:
    split = answer("k", id="k|by=level", parts=PARTS)
    other = answer("m", id="m|by=level", parts=PARTS[:1])
    text = "{{#each k by level}}{{项}}{{值}}条、罚{{m{level=*}}}元{{/each}}。"
    assert said(text, split, other) == "重大隐患2条、罚2元、未填6条、罚0元。"
    assert (
        said("{{#each k by level|隔=；}}{{项}}{{/each}}", answer("k", id="k|by=level", parts=PARTS)) == "重大隐患；未填"
    )
    assert said("{{#each k by level}}{{项}}{{/each}}", answer("k", id="k|by=level", parts=[])) == "本期无此项记录"


@pytest.mark.parametrize(
    ("test", "value", "holds"),
    [
        ("k", 8, True), ("k", 0, False), ("k", None, False), ("!k", 0, True), ("k > 8", 8, False), ("k >= 8", 8, True),
        ("k != 8", 8, False), ("k < 9", 8, True), ("text:甲", 0, True), ("text:乙", 0, False), ("!text:乙", 0, True),
    ],
)  # fmt: skip
def test_a_condition_decides(test: str, value: Any, holds: bool) -> None:
    content = said(f"{{{{#if {test}}}}}有{{{{else}}}}无{{{{/if}}}}", answer("k", value), paragraphs={"甲": "字"})
    assert content == ("有" if holds else "无")


def test_headings_are_numbered_when_it_is_known_what_is_left_out() -> None:
    text = "## 甲\n\n{{#if k > 99}}\n无\n{{/if}}\n\n## 乙\n\n### 丙\n\n1. 一\n\n1. 二\n\n(1) 三\n\n### 丁\n\n1. 四"
    assert said(text, answer("k")).splitlines() == [
        "一、乙", "（一）丙", "1．一", "2．二", "（1）三", "（二）丁", "1．四"
    ]  # fmt: skip


def test_a_hand_written_paragraph_may_cite_figures_and_is_words_otherwise() -> None:
    text = "{{text:甲}}\n\n{{k}}\n\n{{text:乙}}"
    content = written(text, answer("k"), paragraphs={"甲": "查出{{k}}条\n{{nothing}} <b>{{text:甲}}"})
    assert [b.text for b in content.document.blocks] == [  # type: ignore[union-attr]
        "查出8条", "{{nothing}} <b>{{text:甲}}", "8", "（待撰写：乙）"
    ]  # fmt: skip
    assert content.empty == ("乙",)
    assert any("nothing" in remark for remark in content.remarks)
    assert len(written(text, answer("k"), mark="").document.blocks) == 1


def test_a_table_and_a_chart_show_the_parts() -> None:
    split = {"id": "k|by=level", "parts": PARTS}
    table, chart = written("{{k|by=level|table}}\n\n{{k|by=level|chart}}", answer("k", **split)).document.blocks
    assert isinstance(table, Table)
    assert isinstance(chart, Chart)
    assert table.rows == (("重大隐患", "2", "1"), ("未填", "6", "2"), ("合计", "8", "3"))
    assert (chart.labels, chart.values) == (("重大隐患", "未填"), (Decimal(2), Decimal(6)))
    assert table.caption.startswith("表1")
    assert "第1—2行" in chart.caption


def test_an_edition_that_replaces_another_says_what_changed() -> None:
    content = written("{{k}}", answer("k"), replaces="V1", correction="补报。", changes=(Change("k", "7条", "8条"),))
    assert content.document.annexes[0].title == "更正说明"
    assert content.document.annexes[0].blocks[1].rows == (("查出隐患（k）", "7条", "8条"),)  # type: ignore[union-attr]


def test_the_head_has_names_and_the_mark_stands_on_every_page() -> None:
    text = "{{机构简称}}{{年度}}年{{月份}}月，{{起}}至{{止}}，{{快照时间}}，{{区域}}"
    assert said(text) == "区应急局2023年12月，2023年1月1日至2023年12月31日，2024年1月5日9时，江滨区"
    content = written(text, date=datetime.date(2024, 1, 8), number="江应急〔2024〕1号")
    assert (content.document.mark, content.document.watermark) == ("【草稿】", "草稿")
    assert (content.document.signed, content.document.addressees) == ("江滨区应急管理局", "江滨区人民政府")


@pytest.mark.parametrize("name", template.names(None))
def test_a_shipped_template_can_be_written(name: str) -> None:
    found = template.find(name, None)
    figures = filled(found)
    content = compose.compose(found, figures, {}, head())
    assert content == compose.compose(found, figures, {}, head())
    assert content.lines
    assert "{{" not in str(content)


# --- checks ---


def problems(rules: str, *answers: dict[str, Any], text: str = "", **more: Any) -> list[tuple[str, str, str]]:
    figures = {a.pop("id", a["key"]): a for a in answers}
    found = checks.run(template.read("x", f"# 题\n\n{text}\n", rules), figures, more.get("notes", {}))
    assert all(p.slots and p.events[0]["href"].startswith("/reporting/statistics/") for p in found)
    return [(p.check, p.expected, p.found) for p in found]


@pytest.mark.parametrize(
    ("rules", "values", "expected"),
    [
        ('[[total]]\nwhole = "a"\nparts = ["b", "c"]', (8, 5, 3), []),
        ('[[total]]\nwhole = "a"\nparts = ["b", "c"]', (8, 5, 2), [("total", "7", "8")]),
        ('[[total]]\nwhole = "a"\nparts = ["b", "c"]', (None, None, None), []),
        ('[[total]]\nwhole = "a"\nparts = ["b", "c"]', (None, 1, None), [("total", "1", told.MISSING)]),
        ('[[part]]\npart = "a"\nwhole = "b"', (8, 8, 0), []),
        ('[[part]]\npart = "a"\nwhole = "b"', (9, 8, 0), [("part", "≤ 8", "9")]),
        ('[[same]]\nslots = ["a", "b"]', (8, 8, 0), []),
        ('[[same]]\nslots = ["a", "b"]', ("8.00", 9, 0), [("same", "8", "8 / 9")]),
        ('[[full_rate]]\nrate = "a"\npart = "b"\nwhole = "c"', (Decimal("100.00"), 7, 7), []),
        ('[[full_rate]]\nrate = "a"\npart = "b"\nwhole = "c"', (100, 6, 7),
         [("full_rate", "100% ⇔ 分子 = 分母", "100%: 6 / 7")]),
        ('[[full_rate]]\nrate = "a"\npart = "b"\nwhole = "c"', (99, 7, 7),
         [("full_rate", "100% ⇔ 分子 = 分母", "99%: 7 / 7")]),
    ],
)  # fmt: skip
def test_what_a_template_checks_holds(rules: str, values: tuple[Any, ...], expected: list[Any]) -> None:
    none = {"coverage": "none", "events": 0}
    given = (answer(key, v, **(none if v is None else {})) for key, v in zip("abc", values, strict=True))
    assert problems(rules, *given) == expected


def test_a_whole_is_the_sum_of_its_split() -> None:
    rules = '[[total]]\nwhole = "k"\nparts = ["k|by=level"]'
    assert problems(rules, answer("k", 8), answer("k", 8, id="k|by=level", parts=PARTS)) == []
    assert problems(rules, answer("k", 9), answer("k", 8, id="k|by=level", parts=PARTS)) == [("total", "8", "9")]


def test_a_silent_feed_needs_a_note() -> None:
    silent = {"coverage": "silent", "events": 3}
    assert [p[0] for p in problems("", answer("k", **silent), text="{{k}}")] == ["silent"]
    assert problems("", answer("k", **silent), text="{{k}}", notes={"k": "网格平台迁移。"}) == []
    assert problems("", answer("k", **silent, id="k"), text="{{k}}", notes={"k": " "}) != []


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"value": 0, "coverage": "none", "events": 0}, "measured_zero"),
        ({"compare": year_on_year(change_pct=Decimal("14.4"))}, "year_on_year"),
        ({"compare": {**year_on_year(), "from": "2022-02-01"}}, "year_on_year"),
        ({"disagreements": [{"kind": "manual", "by": "region", "total": 9, "sum": 8}]}, "recorded_total"),
    ],
)
def test_every_report_passes_what_is_built_in(given: dict[str, Any], check: str) -> None:
    assert [p[0] for p in problems("", answer("k", **given), text="{{k}}")] == [check]
