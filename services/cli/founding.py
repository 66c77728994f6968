"""A bureau folder from nothing: `hub bureau new` writes these files, and each says what its clerk has to fill in."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from services.cli import divisions
from services.contracts.region import Region
from services.runtime import bureau
from services.runtime.settings import ROOT
from services.warning.house import lists, messages, routes

EXAMPLE = ROOT / "bureaus" / "example"
ENDINGS = ("经济技术开发区", "开发区", "自治县", "自治旗", "新区", "区", "县", "市", "旗", "街道", "镇", "乡")
"""What the short name of a region leaves out."""

BUREAU = """\
# {name}。标 ▲ 的几项由区域名称推出, 请核对; 其余按本单位情况填写。改完运行: hub bureau check {folder}

name = "{name}"            # ▲ 全称
short_name = "{short}应急"            # ▲ 简称, 用于短信
region = "{code}"            # regions.csv 中上级为空的那一行
timezone = "Asia/Shanghai"
document_prefix = "{short}应急"            # ▲ 文号: {short}应急〔{year}〕1号
addressee = "{region}人民政府"            # ▲ 报告的呈送对象

# 国务院办公厅公布的放假日期（含与周末重叠的日子）与调休上班日; 新的一年公布后在这里补上
holidays = [
{holidays}]
workdays = [
{workdays}]

# 谁报什么（publisher 是 hub keys add 的名称）、多久至少报一次（cadence）、可以晚多久（grace）。
# 没有事情也要每周报的, 写 cadence; 有事才报的, 不写。每个来源一段:
#
# [[feeds]]
# type = "inspection.completed"
# publisher = "enforcement"
# cadence = "7d"
# grace = "3d"
"""
CODES = """\
# 本单位自己的编码值: 表格和事件里可以写 value, 页面和报告显示 zh。每个值一段:
#
# [[code]]
# field = "sector"
# value = "shipyard"
# zh = "船舶修造"
"""
STATISTICS = """\
# 本单位自己的统计项, 一段一项; 与自带的同名（且固定标签相同）时, 以本单位的为准。
# 自带哪些: hub statistics。写法和全部计量方式: docs/statistics.md。
#
# [river_patrols]
# zh = "河道巡查"
# unit = "次"
# event = "patrol.completed"
# measure = "count"
# where = { post = "河道" }
"""
ROUTES = """\
# 什么预警叫应谁。不写就用自带的: 红橙叫应带班领导、局值班室、街道值班室, 黄蓝提醒值班室。同名的以这里为准。
# 先填 organisations.csv（机构）、contacts.csv（人）, 再填 roster.csv（值班表, 可以不排）。试一试: hub routes try
#
# [typhoon]
# zh = "台风黄色预警叫应带班领导"
# levels = ["yellow"]
# hazards = ["typhoon"]
# posts = ["duty_leader"]
# need = "any"                # any 一个应答即可, all 每个岗位都要应答
# channels = ["voice", "sms"]
# freshness = "30m"           # 过了这么久就不再叫
# repeat = "5m"               # 以下都从第一次叫应算起: 再叫一次, 叫副职, 叫上级, 无人可叫
# deputy = "10m"
# superior = "20m"
# exhausted = "30m"
"""
MESSAGES = """\
# 短信和电话的用语。不写就用自带的; {…} 自动填入。
#
# lifted = "【{bureau}】{headline}已解除：{area}。请报送受灾情况，无灾情报零。"
"""


def files(region: str, folder: Path, down_to: str = "community") -> dict[str, str]:
    """Relative path → content of a new bureau's folder. Raises NotListed for a region that the list does not have."""
    rows = divisions.tree(region, down_to)
    return {
        bureau.BUREAU: _bureau(rows[0], folder),
        bureau.REGIONS: _table(rows),
        bureau.CODES: CODES,
        f"{bureau.STATISTICS}/own.toml": STATISTICS,
        **{file: ",".join(columns) + "\n" for file, columns in lists.COLUMNS.items()},
        routes.FILE: ROUTES,
        messages.FILE: MESSAGES,
    }


def write(folder: Path, content: Mapping[str, str]) -> None:
    """The files on disk. Raises FileExistsError when the folder holds anything."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(folder)
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _bureau(root: Region, folder: Path) -> str:
    calendar = bureau.load(EXAMPLE)
    return BUREAU.format(
        name=f"{root.name}应急管理局", short=_short(root.name), code=root.code, region=root.name, folder=folder,
        holidays=_days(calendar.holidays), workdays=_days(calendar.workdays), year=max(calendar.workdays).year,
    )  # fmt: skip


def _short(name: str) -> str:
    ending = next((ending for ending in ENDINGS if name.endswith(ending) and len(name) > len(ending) + 1), "")
    return name.removesuffix(ending)


def _days(days: Iterable[date]) -> str:
    """One line a year and month, as TOML."""
    months = itertools.groupby(sorted(days), key=lambda day: (day.year, day.month))
    return "".join(f"  {', '.join(map(str, group))},\n" for _, group in months)


def _table(rows: Sequence[Region]) -> str:
    """regions.csv; what is empty (when it began, when it ended, who took over) is the clerk's to fill in."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["code", "name", "parent", "kind", "from", "to", "successor"])
    table.writerows([row.code, row.name, row.parent, row.kind, "", "", ""] for row in rows)
    return out.getvalue()
