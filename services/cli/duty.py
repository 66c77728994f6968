"""`hub duty now`: who is on duty at every post."""

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
from services.warning.handover import on_duty

duty = App(name="duty", help="值班：现在谁在班。")


@duty.command
def now(*, json_: Annotated[bool, Parameter("--json", negative="")] = False) -> None:
    """现在各岗位谁在班，哪一班还没有交接。

    Parameters
    ----------
    json_
        按 JSON 输出，供程序读取。
    """
    items = ask("/warning/duty/now")["items"] if running() is not None else _read()
    if json_:
        print(json.dumps(items, ensure_ascii=False))
        return
    table = Table("机构", "岗位", "在班", "至", "交接")
    for item in items:
        persons = "、".join(escape(person["person"]) for person in item["persons"]) or "[red]无人[/red]"
        by = "" if item["by"] == "roster" else "（未排班，全员）"
        table.add_row(
            escape(item["organisation_name"]),
            escape(item["post_name"]),
            persons + by,
            _minute(item["to"]),
            _handover(item),
        )
    Console().print(table)


def _read() -> Any:
    """Without a running hub: what the folder says."""
    try:
        folder = bureau.load(Settings().bureau)
        return msgspec.to_builtins(on_duty(house.load(folder), (), datetime.datetime.now(folder.timezone)))
    except bureau.BureauMistakes as error:
        raise CommandFailed(f"单位目录有错误，先运行 hub bureau check：{error}") from error


def _handover(item: Any) -> str:
    before = item["handover"]
    return f"[yellow]{escape(before['person'])} 的一班尚未交接[/yellow]" if before else ""


def _minute(text: str | None) -> str:
    return datetime.datetime.fromisoformat(text).strftime("%m-%d %H:%M") if text else ""
