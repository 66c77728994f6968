"""`hub export`: the whole account as plain files that anybody can verify without the hub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.running import CommandFailed, bureau_folder, must_run
from services.reporting.export import NotEmpty, export
from services.reporting.statistics import definitions
from services.runtime import bureau
from services.runtime.settings import Settings


def export_(folder: Path) -> None:
    """导出台账、重复、隔离记录的摘要、读数、封条和统计口径（NDJSON，gzip）；附清单，可离线核对。

    Parameters
    ----------
    folder
        导出到哪个目录；必须还不存在。
    """
    manifest = asyncio.run(_export(folder))
    console = Console()
    console.print(f"[bold]已导出[/] {manifest['events']} 条事件到 {folder}")
    console.print(f"核对（不需要本软件）：python3 docs/verify_export.py {folder}")


async def _export(folder: Path) -> dict[str, Any]:
    settings = Settings()
    dsn = settings.postgres_dsn or must_run(settings).dsn
    rows = definitions(bureau.load(bureau_folder(settings)))
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
                  TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:  # fmt: skip
        task = bar.add_task("导出台账", total=None)
        try:
            return await export(dsn, folder, rows, lambda done, total: bar.update(task, completed=done, total=total))
        except NotEmpty as error:
            raise CommandFailed(f"{folder} 已存在：换一个目录，或先移走它") from error
