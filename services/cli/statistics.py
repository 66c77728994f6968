"""`hub statistics`: what can be asked for, and one figure for any period."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.asking import ask
from services.cli.running import CommandFailed

COVERAGE = {"live": "有报送", "declared_zero": "已零报", "silent": "来源静默，数字可能不全", "none": "本期无此项记录"}
STATUSES = {"actual": "实际", "exercise": "演练", "test": "测试"}
Repeated = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]


def statistics(
    key: str = "",
    /,
    *,
    from_: Annotated[str, Parameter(name="--from")] = "",
    to: str = "",
    region: str = "",
    by: Repeated = None,
    label: Repeated = None,
    status: str = "",
    drill: str = "",
    compare: Annotated[bool, Parameter(negative="")] = False,
    known_at: str = "",
    tree: str = "",
    events: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter("--json", negative="")] = False,
) -> None:
    """统计项目一览；写上键名，就是这一项在任意期间的数字。

    Parameters
    ----------
    key
        键名，也可以是整个问题: "hazards_found?from=2023-01-01&to=2023-12-31&label.mode=joint"
    from_
        起始日（含），默认当年第一天。
    to
        截止日（含），默认当年最后一天。
    region
        区域代码，默认全局。
    by
        按什么分列: 标签、region、day、month，可重复，也可用逗号隔开。
    label
        只算有这个标签的: 名称=值，可重复。
    status
        actual、exercise、test，默认 actual。
    drill
        某一次演练的数字。
    compare
        与上年同期相比。
    known_at
        截至这一时刻已知的数字: 2024-01-05T08:00:00+08:00
    tree
        now: 按现在的区划。
    events
        列出数字背后的事件。
    json_
        按 JSON 输出，供程序读取。
    """
    key, _, query = key.partition("?")
    if not key:
        _definitions(json_)
        return
    given = {"from": from_, "to": to, "region": region, "status": status, "drill": drill, "known_at": known_at,
             "tree": tree, "compare": "year" if compare else ""}  # fmt: skip
    parameters = [*parse_qsl(query, keep_blank_values=True), *((n, v) for n, v in given.items() if v)]
    parameters += [("by", part) for part in by or []] + list(_labels(label or []))
    if events:
        _events(key, parameters, json_)
    else:
        _figure(ask(f"/reporting/statistics/{key}", parameters), json_)


def _labels(given: list[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise CommandFailed(f"--label {one} 写得不对：写成 名称=值，如 --label level=major")
        yield f"label.{name}", value


def _definitions(as_json: bool) -> None:
    found = ask("/reporting/statistics")
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table("键名", "名称", "单位", "数什么", "怎么数", "可按", title="统计项目")
    for row in found["items"]:
        constants = "".join(f"\n{name}={value}" for name, value in row["labels"].items())
        cells = (row["key"] + constants, row["zh"], row["unit"], row["of"], row["measure"], " ".join(row["by"]))
        table.add_row(*map(escape, cells))
    Console().print(table)


def _figure(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = Table(title=escape(f"{found['definition']['zh']}（{found['key']}）"), show_header=False)
    for name, value in _rows(found):
        table.add_row(name, escape(value))
    console = Console()
    console.print(table)
    if found.get("parts"):
        console.print(_parts(found))


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "数字", amount(found["value"], found["unit"])
    yield "期间", f"{found['from']} 至 {found['to']}"
    yield "区域", found["region"]
    if found["labels"]:
        yield "标签", "，".join(f"{name}={value}" for name, value in found["labels"].items())
    if found["status"] != "actual":
        yield "性质", STATUSES[found["status"]]
    yield "事件", f"{found['events']} 条"
    yield "来源", COVERAGE[found["coverage"]]
    if before := found.get("compare"):
        change = "不可比" if before["change_pct"] is None else f"{before['change_pct']:+}%"
        yield (
            "上年同期",
            f"{amount(before['value'], found['unit'])}（{before['from']} 至 {before['to']}），同比 {change}",
        )
    yield "算法", f"{found['definition']['of']} {found['definition']['measure']}".strip()
    yield "截至", f"{datetime.datetime.fromisoformat(found['as_of']):%Y-%m-%d %H:%M:%S}"


def _parts(found: Mapping[str, Any]) -> Table:
    names = list(found["parts"][0]["labels"])
    table = Table(*names, title="分列")
    table.add_column("数字", justify="right")
    table.add_column("事件", justify="right")
    for part in found["parts"]:
        labels = [part["labels"][name] or "（无）" for name in names]
        table.add_row(*map(escape, labels), amount(part["value"], found["unit"]), str(part["events"]))
    return table


def _events(key: str, parameters: list[tuple[str, str]], as_json: bool) -> None:
    """All pages; as JSON one event a line."""
    table = Table("发生时间", "区域", "对象", "来源", "编号", "数据", title="数字背后的事件")
    cursor: str | None = ""
    while cursor is not None:
        page = ask(f"/reporting/statistics/{key}/events", [*parameters, ("cursor", cursor)])
        for event in page["items"]:
            if as_json:
                print(json.dumps(event, ensure_ascii=False))
            content = json.dumps(event.get("data", {}), ensure_ascii=False)
            texts = (event["time"], event["region"], event["subject"], event["source"], event["id"], content)
            table.add_row(*map(escape, texts))
        cursor = page["next"]
    if not as_json:
        Console().print(table)


def amount(value: Any, unit: str) -> str:
    """A value with its unit; none is a dash."""
    return "—" if value is None else f"{value}{unit}" if unit in ("%", "‰") else f"{value} {unit}"
