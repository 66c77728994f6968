"""Names that are nearly right, and units."""

from __future__ import annotations

import pytest

from services.contracts.rows import Mistake, Row, advice, misspelt
from services.contracts.units import UNITS, addable, comparable


@pytest.mark.parametrize(
    ("name", "meant"), [("levle", "level"), ("leve", "level"), ("enterprize_ids", "enterprise_id")]
)
def test_a_slip_of_the_hand_is_told(name: str, meant: str) -> None:
    assert misspelt(name, ["level", "mode", "enterprise_id"]) == meant


@pytest.mark.parametrize("name", ["level", "station", "document", "part", "scope"])
def test_another_name_is_no_slip(name: str) -> None:
    assert misspelt(name, ["level", "station_id", "document_no", "mode"]) == ""


def test_advice_is_the_nearest_name_or_the_list() -> None:
    assert advice("leevl", ["level", "mode"]) == "是否应为 level"
    assert advice("zzz", ["mode", "level"]) == "可用: level、mode"


def test_a_mistake_says_file_line_what_and_what_to_do() -> None:
    row = Row("a", {}, "statistics/a.toml", 3, {"unit": 5})
    assert str(row.mistake("unit", "w", "t")) == "statistics/a.toml:5: w, t"
    assert row.mistake("zh", "w", "t") == Mistake("statistics/a.toml", 3, "w", "t")


def test_only_figures_of_one_unit_are_added() -> None:
    assert addable("人次", "人次")
    assert not addable("人", "人次")
    assert not addable("%", "%")
    assert not addable("家", "家次")


def test_a_share_is_of_the_same_kind() -> None:
    assert comparable("条", "件")
    assert not comparable("人次", "人")


PUBLISHED = "支 份 场次 次 类 期 小时 元 册 批次 个 座 条 起 人 部 个工作日 场 块 级 家 件 项 % 件次 家次 等 名 人次 届"


@pytest.mark.parametrize("zh", PUBLISHED.split(" "))
def test_units_of_published_reports_are_known(zh: str) -> None:
    assert UNITS[zh].zh == zh
