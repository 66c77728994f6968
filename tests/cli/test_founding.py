"""`hub bureau new`: a folder from the shipped list of regions."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli import divisions, founding
from services.cli.running import CommandFailed
from services.contracts import region
from services.runtime import bureau
from tests.cli.test_bureau import run


@pytest.mark.parametrize("code", ["320111", "320700", "441900", "429004", "320111006", "460000"])
def test_a_region_of_any_level_becomes_a_folder_without_mistake(code: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    founding.write(folder, founding.files(code, folder))
    found = bureau.load(folder)
    assert (found.region, found.regions.root) == (code, code)
    assert len(found.regions) > 10


def test_a_street_lies_in_its_county_and_a_community_in_its_street() -> None:
    rows = {row.code: row for row in divisions.tree("320700")}
    assert rows["320700"] == region.Region("320700", "连云港市", "", "city")
    assert rows["320706"].parent == "320700"
    assert {row.parent for code, row in rows.items() if len(code) == 9} <= {c for c in rows if len(c) == 6}
    assert all(row.parent == code[:9] for code, row in rows.items() if len(code) == 12)
    assert {len(row.code) for row in divisions.tree("320700", "street")} == {6, 9}


def test_a_layer_on_paper_is_left_out() -> None:
    rows = {row.code: row for row in divisions.tree("110000", "county")}
    assert rows["110105"].parent == "110000"
    assert "市辖区" not in {row.name for row in rows.values()}


def test_every_province_is_listed_as_a_tree() -> None:
    files = sorted(divisions.FOLDER.glob("*.txt.xz"))
    assert len(files) == 31
    for file in files:
        rows = tuple(divisions.tree(f"{file.name[:2]}0000", "county"))
        assert region.problems(rows) == []


def test_the_command_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    assert run("new", str(folder), "--region", "320111") == 0
    assert f"hub bureau check {folder}" in capsys.readouterr().out
    assert run("check", str(folder)) == 0
    name = bureau.load(folder).name
    assert name == "浦口区应急管理局"


@pytest.mark.parametrize(("code", "said"), [("320119", "320111 浦口区"), ("9", "前两位"), ("x", "前两位")])
def test_a_code_that_is_not_listed_is_refused_with_its_neighbours(code: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=said):
        run("new", str(tmp_path / "new"), "--region", code)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bureau.toml").write_text("mine", "utf-8")
    with pytest.raises(CommandFailed, match="没有改动"):
        run("new", str(tmp_path), "--region", "320111")
    assert [p.name for p in tmp_path.iterdir()] == ["bureau.toml"]
