"""A bureau's own loops and clocks: its rows replace the shipped ones, and every mistake has its line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from services.runtime import bureau
from services.runtime.settings import ROOT
from services.warning import house, kinds
from services.warning.loops import rows

PERMIT, CLOCK = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "loops.md").read_text("utf-8"), re.DOTALL)
POSTS = house.load(bureau.load(ROOT / "bureaus" / "example")).posts
OWN = """
[fire_drill]
zh = "消防整改"
case = "problem_id"
labels = "sector"

[fire_drill.steps]
opened = { zh = "登记", on = "problem.opened{loop=handling}", opens = true }
closed = { zh = "销号", on = "problem.closed", closes = true }
"""


def test_a_row_of_the_bureau_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "clocks.toml").write_text(
        '[incident_phone]\nloop = "incident"\nname = "phone"\nzh = "电话"\nfrom = "reported"\nuntil = "phoned"\n'
        'limit = "15m"\n', "utf-8"
    )  # fmt: skip
    (tmp_path / "loops.toml").write_text(OWN, "utf-8")
    found = rows._of(tmp_path, "x")
    (phone,) = [c for c in found.rows["incident"].clocks if c.key == "incident_phone"]
    assert (str(phone.limit), phone.statutory) == ("15m", False)
    assert found.rows["fire_drill"].labels == ("sector",)
    assert len(found.rows) == len(rows.shipped().rows) + 1
    assert rows.check(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "text", "mistake"),
    [
        ("loops.toml", OWN.replace("problem.closed", "problem.shut"), "loops.toml:9: 没有事件类型 problem.shut"),
        ("loops.toml", OWN.replace("loop=handling", "loup=handling"), "loops.toml:8: problem.opened 没有字段 loup"),
        ("loops.toml", OWN.replace("closes = true", "closes = 1"), "loops.toml:9: closes 不是 true 或 false"),
        ("loops.toml", OWN.replace(", opens = true", ""), "loops.toml:7: fire_drill 没有立案的步骤"),
        ("loops.toml", OWN.replace("closes = true", 'after = "opend", closes = true'), "loops.toml:9: 没有步骤 opend"),
        ("loops.toml", OWN.replace('case = "problem_id"\n', ""), "loops.toml:2: 缺少 case"),
        ("loops.toml", OWN.replace("closes = true", 'in_time = "x", closes = true'), "loops.toml:9: fire_drill 没有"),
        ("loops.toml", OWN.replace("fire_drill", "task"), "自带的 clocks.toml:"),
        ("loops.toml", 'hazard = "x"\n', "loops.toml:1: hazard 不是一行"),
        ("clocks.toml", '[a]\nloop = "hazrd"\nname = "n"\nzh = "z"\nfrom = "found"\nuntil = "closed"\nlimit = "1d"\n',
         "clocks.toml:2: 没有闭环 hazrd"),
        ("clocks.toml", '[a]\nloop = "hazard"\nname = "n"\nzh = "z"\nfrom = "fund"\nuntil = "closed"\nlimit = "1d"\n',
         "clocks.toml:5: hazard 没有步骤 fund"),
        ("clocks.toml", '[a]\nloop = "hazard"\nname = "n"\nzh = "z"\nfrom = "found"\nuntil = "closed"\nlimit = "1w"\n',
         "clocks.toml:7: limit 不是期限"),
        ("clocks.toml", '[a]\nloop = "hazard"\nname = "n"\nzh = "z"\nfrom = "found"\nuntil = "closed"\n',
         "clocks.toml:1: a 没有期限"),
        ("clocks.toml", '[a]\nloop = "hazard"\nname = "n"\nzh = "z"\nfrom = "found"\nuntil = "closed"\nlimit = "1d"\n'
         'at = "nobody"\n', "clocks.toml:8: 没有岗位 nobody"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(file: str, text: str, mistake: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, "utf-8")
    found = list(map(str, rows.check(tmp_path, ["street_duty", "section"])))
    assert any(one.startswith(mistake) for one in found), found


def test_a_loop_of_the_bureau_is_watched_whatever_its_events_are(tmp_path: Path) -> None:
    folder = tmp_path / "bureau"
    shutil.copytree(ROOT / "bureaus" / "example", folder)
    (folder / "loops.toml").write_text(PERMIT, "utf-8")
    assert "permit.accepted" not in rows.shipped().types
    reads = {type_ for kind in kinds.of(bureau.load(folder)) for type_ in kind.types}
    assert {"permit.accepted", "permit.completed", "hazard.found"} <= reads


def test_the_rows_shown_in_the_documentation_are_right(tmp_path: Path) -> None:
    (tmp_path / "loops.toml").write_text(PERMIT, "utf-8")
    (tmp_path / "clocks.toml").write_text(CLOCK, "utf-8")
    assert rows.check(tmp_path, POSTS) == []
    assert [c.name for c in rows._of(tmp_path, "").rows["permit"].clocks] == ["complete"]
