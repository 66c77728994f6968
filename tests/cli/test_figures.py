"""Published figures and the recipe of a year: every mistake has its file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.cli import figures
from services.cli.bureau import look
from services.runtime.settings import ROOT

PUKOU = ROOT / "bureaus" / "pukou-2023"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUKOU, tmp_path / "bureau"))


def changed(folder: Path, file: str, before: str, after: str) -> list[str]:
    """What `check` says when the first of these texts is another."""
    path = folder / file
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    return [str(mistake) for mistake in look(folder)[2]]


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("figures.csv", "enterprises_inspected?", "enterprise_inspected?", "是否应为 enterprises_inspected"),
        ("figures.csv", "label.mode=joint", "label.mod=joint", "label"),
        ("figures.csv", "to=2023-12-31", "to=2023-13-31", "000-001"),
        ("figures.csv", "value,117,家", "value,117,条", "统计项的单位是 家"),
        ("figures.csv", "value,117,家", "value,一百,家", "不是数字"),
        ("figures.csv", "000-002,", "000-001,", "编号 000-001 已写过"),
        ("year.toml", "count = 163", 'count = "many"', "year.toml:26"),
        ("year.toml", 'type = "policy.issued"', 'type = "policy.isued"', "是否应为 policy.issued"),
        ("year.toml", '"000-003"', '"000-999"', "没有 000-999"),
        ("year.toml", 'region = "320111"', 'region = "320119"', "没有区域 320119"),
    ],
)
def test_a_slip_is_named_with_its_place(folder: Path, file: str, before: str, after: str, said: str) -> None:
    found = changed(folder, file, before, after)
    assert any(one.startswith(f"{file}:") and said in one for one in found), found


def test_a_heading_that_is_another_is_told(folder: Path) -> None:
    assert changed(folder, "figures.csv", "id,query", "nr,query")[0].startswith("figures.csv:1: 没有任何数字")


def test_an_answer_is_compared_by_its_member() -> None:
    figure = figures.Figure("1", "a?from=2023-01-01", "compare.change_pct", "-1.0", "%", "", 2)
    assert figure.same({"compare": {"change_pct": -1}})
    assert not figure.same({"compare": {"change_pct": None}})
    assert not figure.same({})
    assert (figure.key, figure.parameters) == ("a", [("from", "2023-01-01")])
