"""`hub routes try`: who would be called about a warning, by which channel, and when; nobody is."""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.asking import ask
from services.cli.running import CommandFailed, running
from services.runtime import bureau
from services.runtime.settings import Settings
from services.warning import house
from services.warning.explain import Unknown, explain

routes = App(name="routes", help="叫应路由：试一试，某个预警会叫到谁。")
CHANNELS_ZH = {
    "voice": "电话",
    "sms": "短信",
    "email": "邮件",
    "webhook": "接口",
    "apprise": "即时消息",
    "console": "值班台",
}


@routes.command(name="try")
def try_(
    *,
    level: str = "red",
    hazard: str = "rainstorm",
    region: str = "",
    at: str = "",
    json_: Annotated[bool, Parameter("--json", negative="")] = False,
) -> None:
    """某个预警会叫到谁、用什么通道、什么时候；不会真的叫应任何人。谁也叫不到时退出码为 1。

    Parameters
    ----------
    level
        级别: red、orange、yellow、blue。
    hazard
        灾种: rainstorm、typhoon、thunder_gale、heat …
    region
        区域代码，默认本级全部。
    at
        什么时候: 2026-07-16T03:10，默认现在。
    json_
        按 JSON 输出，供程序读取。
    """
    asked = {"level": level, "hazard": hazard, "region": region, "at": at}
    found = _asked(asked) if running() is not None else _read(asked)
    if json_:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)
    if not found["reached"]:
        raise SystemExit(1)


def _asked(asked: dict[str, str]) -> Any:
    """The running hub knows of swaps and new numbers."""
    return ask("/warning/routes/explain", [(name, value) for name, value in asked.items() if value])


def _read(asked: dict[str, str]) -> Any:
    """Without a running hub: what the folder says."""
    try:
        folder = bureau.load(Settings().bureau)
        now = datetime.datetime.fromisoformat(asked["at"]) if asked["at"] else datetime.datetime.now(folder.timezone)
        now = now if now.tzinfo else now.replace(tzinfo=folder.timezone)
        found = explain(
            house.load(folder), level=asked["level"], hazard=asked["hazard"], region=asked["region"] or folder.region,
            now=now,
        )  # fmt: skip
    except Unknown as error:
        raise CommandFailed(f"没有这样的{WORDS[error.parameter]}（{error}）") from error
    except bureau.BureauMistakes as error:
        raise CommandFailed(f"单位目录有错误，先运行 hub bureau check：{error}") from error
    except ValueError as error:
        raise CommandFailed(f"不是时间：{asked['at']}，写成 2026-07-16T03:10") from error
    return msgspec.to_builtins(found)


WORDS = {"level": "级别", "hazard": "灾种", "region": "区域"}


def _print(found: Any) -> None:
    console = Console()
    console.print(
        f"{found['region_name']} {found['hazard_name']}{found['level_name']}预警，{_minute(found['at'])} 发生时："
    )
    if not found["routes"]:
        console.print("没有路由，不叫应任何人：在 routes.toml 补上")
    for route in found["routes"]:
        need = "每个岗位都要应答" if route["need"] == "all" else "一个应答即可"
        title = f"{route['route_name']}（{need}，{_span(route['exhausted_seconds'])}后无人可叫）"
        console.print(_table(title, route["targets"]))


def _table(title: str, targets: Any) -> Table:
    table = Table("机构", "岗位", "何时", "叫谁", title=title, title_justify="left")
    for target in targets:
        for n, step in enumerate(target["steps"]):
            whom = "、".join(_person(person) for person in step["persons"]) or "[red]无人[/red]"
            head = (escape(target["organisation_name"]), escape(target["post_name"])) if n == 0 else ("", "")
            table.add_row(*head, f"{_span(step['after_seconds'])} {step['rung_name']}", whom, end_section=n == LAST)
    return table


LAST = 3


def _person(person: Any) -> str:
    ways = "、".join(CHANNELS_ZH.get(way, way) for way in person["channels"])
    return f"{escape(person['person'])}（{ways}）" if ways else f"[red]{escape(person['person'])}（没有号码）[/red]"


def _span(seconds: int) -> str:
    return "立即" if seconds == 0 else f"{seconds // 60}分钟" if seconds % 60 == 0 else f"{seconds}秒"


def _minute(text: str) -> str:
    return datetime.datetime.fromisoformat(text).strftime("%m-%d %H:%M")
