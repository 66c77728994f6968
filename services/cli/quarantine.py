"""`hub quarantine`: what could not be read, and back through the door with it."""

from __future__ import annotations

import json
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.asking import ask

quarantine = App(name="quarantine", help="读不懂的记录：列出、查看、重新送入。")

REASONS = {
    "not_an_event": "不是事件",
    "correction_mismatch": "更正与原事件不符",
    "cannot_be_counted": "内容无法计数",
    "refused_by_database": "数据库拒收",
}
Json = Annotated[bool, Parameter("--json", negative="", help="按 JSON 输出，供程序读取。")]


@quarantine.default
def list_(*, all: bool = False, json_: Json = False) -> None:  # noqa: A002  the option's name
    """列出尚未重新送入的记录。

    Parameters
    ----------
    all
        已重新送入的也列出。
    """
    items: list[dict[str, Any]] = []
    cursor: str | None = "0"
    while cursor is not None:
        page = ask("/reporting/quarantine", [("cursor", cursor), ("all", str(all).lower()), ("limit", "1000")])
        items, cursor = items + page["items"], page["next"]
    if json_:
        print(json.dumps(items, ensure_ascii=False))
        return
    table = Table("编号", "何时", "在哪里", "为什么", "细节", "重新送入", title=f"隔离 {len(items)} 条")
    for item in items:
        place = f"{item['topic']}/{item['partition']} @{item['offset']}"
        reason = REASONS.get(item["reason"], item["reason"]) + ("（迟到）" if item["late"] else "")
        texts = (str(item["id"]), item["at"][:19], place, reason, item["detail"], (item["redriven"] or "")[:19])
        table.add_row(*map(escape, texts))
    Console().print(table)


@quarantine.command
def show(id_: Annotated[int, Parameter(name="ID")], /) -> None:
    """查看一条记录的内容（涉及个人的内容已遮盖）。"""
    print(json.dumps(ask(f"/reporting/quarantine/{id_}"), ensure_ascii=False, indent=2))


@quarantine.command
def redrive(id_: Annotated[int, Parameter(name="ID")], /, *, json_: Json = False) -> None:
    """把一条记录重新送入，像新到的事件一样检查。"""
    answer = ask(f"/reporting/quarantine/{id_}/redrive", method="POST")
    print(json.dumps(answer, ensure_ascii=False) if json_ else f"记录 {id_} 已重新送入")
