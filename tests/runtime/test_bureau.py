"""A bureau folder: read whole, or every mistake with its line."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest

from services.runtime.bureau import BureauMistakes, Feed, check, load
from services.runtime.settings import ROOT

EXAMPLE = ROOT / "bureaus" / "example"

FILES = {
    "bureau.toml": """\
name = "甲区应急管理局"
short_name = "区应急局"
region = "99"
timezone = "Asia/Shanghai"
document_prefix = "甲应急"
addressee = "甲区人民政府"
holidays = [2023-01-01, "2023-05-01"]
workdays = [2023-01-28]

[[feeds]]
type = "hazard.found"
publisher = "grid"
cadence = "7d"
grace = "12h"
""",
    "regions.csv": """\
code,name,parent,kind,from,to,successor
99,甲区,,district,,,
9901,"东街,街道",99,street,2020-01-01,,
9902,西街,99,street,,2022-06-30,9901
""",
    "codes.toml": """\
[[code]]
field = "mode"
value = "night"
zh = "夜查"

[[code]]
type = "hazard.found"
field = "mode"
value = "boat"
zh = "水上"
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_whole(folder: Path) -> None:
    bureau = load(folder)
    assert (bureau.name, bureau.region, bureau.timezone.key) == ("甲区应急管理局", "99", "Asia/Shanghai")
    assert bureau.holidays == {datetime.date(2023, 1, 1), datetime.date(2023, 5, 1)}
    assert bureau.feeds == (Feed("hazard.found", "grid", datetime.timedelta(days=7), datetime.timedelta(hours=12)),)
    assert bureau.regions.get("9901").name == "东街,街道"
    assert bureau.extra_codes == {("", "mode"): {"night": "夜查"}, ("hazard.found", "mode"): {"boat": "水上"}}
    assert bureau.codes("hazard.found", "mode") == {"night": "夜查", "boat": "水上"}
    assert bureau.codes("inspection.completed", "mode") == {"night": "夜查"}


def test_the_example_bureau_has_no_mistake() -> None:
    assert check(EXAMPLE) == []
    assert len(load(EXAMPLE).regions) > 10


def test_the_hash_tells_one_folder_from_another(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(EXAMPLE, other)
    assert load(other).hash == load(EXAMPLE).hash
    (other / "codes.toml").write_text("", encoding="utf-8")
    assert load(other).hash != load(EXAMPLE).hash


def test_spreadsheets_may_save_regions_in_gb18030_or_with_a_mark(folder: Path) -> None:
    for encoding in ("gb18030", "utf-8-sig"):
        (folder / "regions.csv").write_text(FILES["regions.csv"], encoding=encoding)
        assert load(folder).regions.get("99").name == "甲区"


CASES = [
    # file, text, what is put in its place (the mistake stands on the line that holds ←), part of the message
    ("bureau.toml", 'name = "甲区应急管理局"', "name = 3 #←", "name 不是文字"),
    ("bureau.toml", 'short_name = "区应急局"', 'short_nam = "区应急局" #←', "不认识的项 short_nam, 是否"),
    ("bureau.toml", 'addressee = "甲区人民政府"', "", "缺少 addressee"),
    ("bureau.toml", '"Asia/Shanghai"', '"Asia/Shangai" #←', "没有时区 Asia/Shangai"),
    ("bureau.toml", 'region = "99"', 'region = "9901" #←', "region 9901 不是 regions.csv 的根, 改为 99"),
    ("bureau.toml", '"2023-05-01"]', "3] #←", "holidays 不是日期: 3"),
    ("bureau.toml", "[2023-01-28]", "[2023-01-01] #←", "2023-01-01 既是假日又是工作日"),
    ("bureau.toml", "[2023-01-28]", "[2023-01-2 #←", "TOML 语法有误"),
    ("bureau.toml", '"hazard.found"', '"hazard.fond" #←', "没有事件类型 hazard.fond, 是否应为 hazard.found"),
    ("bureau.toml", '"7d"', '"7 Tage" #←', "cadence 不是时长: 7 Tage"),
    ("bureau.toml", '"7d"', '"0d" #←', "cadence 不是时长: 0d"),
    ("bureau.toml", 'cadence = "7d"\ngrace', "grace", "有 grace 而没有 cadence"),
    ("bureau.toml", 'publisher = "grid"', "", "缺少 publisher"),
    ("bureau.toml", "[[feeds]]", "[feeds] #←", "feeds 不是列表"),
    ("bureau.toml", "[[feeds]]", "feeds = [1] #←\n[x]", "feeds 不是列表"),
    ("bureau.toml", '"hazard.found"', "[1] #←", "没有事件类型 [1]"),
    ("bureau.toml", 'grace = "12h"', '[[feeds]] #←\ntype = "hazard.found"\npublisher = "grid"', "grid 的 hazard.found"),
    ("regions.csv", "code,name,parent", "code,name,parnt", "不认识的列 parnt, 是否应为 parent"),
    ("regions.csv", "code,name,parent,kind", "code,nom,parent,kind", "缺少列 name"),
    ("regions.csv", '"东街,街道",99', '"东街,街道",98', "上级代码 98 不在表中"),
    ("regions.csv", '"东街,街道"', "东街,街道", "这一行的列比表头多"),
    ("regions.csv", "9902,西街", "9901,西街", "代码 9901 重复"),
    ("regions.csv", "9902,西街", "9902,", "9902 没有名称"),
    ("regions.csv", "9902,西街", "99 02,西街", "代码 '99 02' 不是代码"),
    ("regions.csv", "2022-06-30", "2022-06-31", "to 不是日期: 2022-06-31"),
    ("regions.csv", "2022-06-30,9901", "2022-06-30,9903", "承接代码 9903 不在表中"),
    ("codes.toml", 'field = "mode"\nvalue = "boat"', 'field = "mod" #←\nvalue = "boat"', "没有字段 mod, 是否应为 mode"),
    ("codes.toml", 'field = "mode"\nvalue = "boat"', 'field = "due" #←\nvalue = "boat"', "due 不是编码字段"),
    ("codes.toml", 'type = "hazard.found"', 'type = "hazard.founded" #←', "没有事件类型 hazard.founded"),
    ("codes.toml", '[[code]]\ntype = "hazard.found"\n', "[[code]]\n", ""),
    ("codes.toml", 'zh = "夜查"', "", "缺少 zh"),
    ("codes.toml", 'zh = "夜查"', 'zh = "夜查"\n[[code]]\nfield="mode"\nvalue="night" #←\nzh="夜"', "mode 的 night"),
    ("codes.toml", '[[code]]\nfield = "mode"\nvalue', '[[codes]] #←\nfield = "mode"\nvalue', "不认识的表 codes"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), CASES)
def test_every_mistake_has_its_line(folder: Path, file: str, old: str, new: str, message: str) -> None:
    text = FILES[file].replace(old, new, 1)
    assert text != FILES[file]
    (folder / file).write_text(text, encoding="utf-8")
    found = check(folder)
    if not message:
        assert found == []
        return
    assert any(message in f"{m.what}, {m.todo}" and m.file == file for m in found), found
    marked = [n for n, line in enumerate(text.splitlines(), 1) if "←" in line]
    if marked:
        assert [m.line for m in found if message in f"{m.what}, {m.todo}"] == marked


def test_rows_of_regions_are_found_at_their_line(folder: Path) -> None:
    (folder / "regions.csv").write_text(FILES["regions.csv"].replace("9902,西街,99", "9902,西街,90"), encoding="utf-8")
    assert [(m.line, m.what) for m in check(folder)] == [(4, "上级代码 90 不在表中")]


def test_all_mistakes_are_named_at_once(folder: Path) -> None:
    (folder / "regions.csv").unlink()
    (folder / "bureau.toml").write_text("name = 1\nholidays = 2\n", encoding="utf-8")
    (folder / "codes.toml").write_text("[[code]]\nfield = ''\n", encoding="utf-8")
    (folder / "statistics").mkdir()
    (folder / "statistics" / "a.toml").write_text("zh = 'x'\n[a\n", encoding="utf-8")
    (folder / "statistics" / "b.toml").write_text("\nzh = 'x'\n", encoding="utf-8")
    with pytest.raises(BureauMistakes) as raised:
        load(folder)
    places = {(m.file, m.line) for m in raised.value.mistakes}
    assert places >= {
        ("regions.csv", 1), ("bureau.toml", 1), ("bureau.toml", 2), ("codes.toml", 2), ("codes.toml", 1),
        ("statistics/a.toml", 2), ("statistics/b.toml", 2),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "meant"), [("code.toml", "codes.toml"), ("regoins.csv", "regions.csv")])
def test_a_file_that_would_be_left_unread_is_a_mistake(folder: Path, name: str, meant: str) -> None:
    (folder / name).write_text("", encoding="utf-8")
    assert [(m.file, m.todo) for m in check(folder)] == [(name, f"是否应为 {meant}")]


def test_a_folder_that_is_not_there_is_one_mistake(tmp_path: Path) -> None:
    assert len(check(tmp_path / "none")) == 1
