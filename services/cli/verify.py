"""`hub verify`: computes digests, seals and accounting of the ledger again."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.running import must_run
from services.reporting.report import verified
from services.reporting.report.verified import Verified
from services.reporting.verify import Account, Report, verify
from services.runtime.settings import Settings


def verify_(*, json_: bool = False) -> None:
    """逐条重算台账的摘要、封条和读数，再重算每一版报告的数字，与所存的核对；有任何不符时退出码为 1。

    Parameters
    ----------
    json_
        以 JSON 输出，供程序读取。
    """
    sys.exit(asyncio.run(_verify(json_)))


async def _verify(as_json: bool) -> int:
    settings = Settings()
    dsn = settings.postgres_dsn or must_run(settings).dsn
    began = time.perf_counter()
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
                  TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:  # fmt: skip
        task = bar.add_task("核对台账", total=None)
        report = await verify(dsn, lambda done, total: bar.update(task, completed=done, total=total))
        task_2 = bar.add_task("核对报告", total=None)
        editions = await verified.verify(dsn, lambda done, total: bar.update(task_2, completed=done, total=total or 1))
    seconds = time.perf_counter() - began
    if as_json:
        print(json.dumps(picture(report, seconds, editions), ensure_ascii=False, indent=2))
    else:
        _tell(report, seconds)
        _tell_editions(editions)
    return 1 if report.wrong or editions.wrong else 0


def picture(report: Report, seconds: float, editions: Verified) -> dict[str, object]:
    """What `--json` says."""
    return {
        "verified": not report.wrong and not editions.wrong,
        "editions": editions.editions,
        "figures": editions.figures,
        "editions_wrong": [asdict(one) | {"text": str(one)} for one in editions.wrong],
        "events": report.events,
        "seconds": round(seconds, 1),
        "wrong": report.wrong,
        "findings": [asdict(f) | {"text": str(f)} for f in report.findings],
        "partitions": [_row(a) for a in report.accounts],
    }


def _row(account: Account) -> dict[str, object]:
    handled, duplicate, quarantine = account.found
    return {
        "topic": account.topic, "partition": account.partition, "epoch": account.epoch,
        "first": account.first, "next": account.next,
        "handled": handled, "duplicate": duplicate, "quarantine": quarantine,
        "seals": account.seals, "head": account.head, "wrong": account.wrong,
    }  # fmt: skip


def _tell_editions(found: Verified) -> None:
    console = Console()
    for one in found.wrong:
        console.print(str(one), markup=False, highlight=False)
    if found.wrong:
        console.print(f"[bold red]报告有 {len(found.wrong)} 处不符[/]")
    elif found.editions:
        console.print(f"[bold]相符[/]：{found.editions} 版报告的 {found.figures} 个数字按台账重算无误")


def _tell(report: Report, seconds: float) -> None:
    console = Console()
    table = Table("分区", "轮次", "已读", "入账", "重复", "隔离", "封条", "最后一道封条", "结果", title="台账核对")
    for a in report.accounts:
        if a.next > a.first or a.wrong:
            result = f"[red]{a.wrong} 处不符[/]" if a.wrong else "[green]相符[/]"
            table.add_row(f"{a.topic}/{a.partition}", str(a.epoch), str(a.next - a.first), *map(str, a.found),
                          str(a.seals), a.head[:16], result)  # fmt: skip
    console.print(table)
    for finding in report.findings:
        console.print(str(finding), markup=False, highlight=False)
    if report.wrong > len(report.findings):
        console.print(f"…… 另有 {report.wrong - len(report.findings)} 处")
    end = f"{report.events} 条事件，{seconds:.1f} 秒"
    if report.wrong:
        console.print(f"[bold red]{report.wrong} 处不符[/]（{end}）：台账被改动过，请从备份核对")
    else:
        console.print(f"[bold]相符[/]：摘要、封条、读数与所存完全一致（{end}）")
