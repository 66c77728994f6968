"""`hub recount`: counts again from the ledger and holds the tally against it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.running import bureau_folder, connected
from services.reporting.definition import Definition
from services.reporting.recount import Difference, mend, recount
from services.reporting.statistics import definitions
from services.runtime import bureau

SHOWN = 40


def recount_(*, repair: bool = False, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """按台账重新计数，并与现有数字核对；有差别时退出码为 1。

    Parameters
    ----------
    repair
        让统计服务按台账重算有差别的项目。
    as_json
        以 JSON 输出差别。
    """
    sys.exit(asyncio.run(_recount(repair, as_json)))


async def _recount(repair: bool, as_json: bool) -> int:
    settings = connected()
    house = bureau.load(bureau_folder(settings))
    rows = definitions(house)
    began = time.perf_counter()
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
                  TimeElapsedColumn(), console=Console(stderr=True)) as bar:  # fmt: skip
        task = bar.add_task("按台账重新计数", total=None)
        found = await recount(
            settings.postgres_dsn,
            rows,
            house.timezone,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
        bar.update(task, completed=1, total=1)
    if repair and found:
        await mend(settings.postgres_dsn, {difference.definition for difference in found})
    _tell(found, rows, time.perf_counter() - began, as_json, repair)
    return 1 if found and not repair else 0


def _tell(found: Sequence[Difference], rows: Sequence[Definition], seconds: float, as_json: bool, repair: bool) -> None:
    if as_json:
        print(json.dumps([asdict(d) for d in found], default=str, ensure_ascii=False))
        return
    console = Console()
    if not found:
        console.print(f"[bold]一致[/]：{len(rows)} 个统计项目与台账重算结果没有差别（{seconds:.1f} 秒）")
        return
    table = Table("统计项目", "区域", "标签", "日期", "少计次数", "少计数值", title=f"{len(found)} 处差别")
    names = {row.hash: f"{row.zh} {row.key}" for row in rows}
    for d in found[:SHOWN]:
        table.add_row(names.get(d.definition, d.definition), d.region, " ".join(d.labels), str(d.day), str(d.events),
                      str(d.value))  # fmt: skip
    console.print(table)
    console.print("统计服务正在按台账重算这些项目" if repair else "执行 hub recount --repair，按台账重算这些项目")
