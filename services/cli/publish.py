"""`hub publish FILE…`: sends events in files through the door."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli import running
from services.cli.running import CommandFailed
from services.runtime.settings import Settings

BATCH = 500
BATCH_TYPE = "application/cloudevents-batch+json"


def publish(*files: Annotated[Path, Parameter(allow_leading_hyphen=True)], partial: bool = False) -> int:
    """把文件中的事件送进中枢：每个文件是一个 JSON 事件、一个 JSON 数组或 NDJSON（每行一个事件）；- 表示标准输入。

    Parameters
    ----------
    partial
        一批中有错误的事件跳过，其余照收。
    """
    return asyncio.run(_publish(files, partial))


async def _publish(files: tuple[Path, ...], partial: bool) -> int:
    settings = Settings()
    running.must_run(settings)
    key = (running.home_of(settings) / "admin.key").read_text("utf-8").strip()
    events = [event for file in files for event in read(file)]
    refused = 0
    console = Console(stderr=True)
    columns = (TextColumn("送入"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with httpx.AsyncClient(base_url=running.url(settings), timeout=60, trust_env=False) as client:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=len(events))
            for first in range(0, len(events), BATCH):
                batch = events[first : first + BATCH]
                refused += await _send(client, key, batch, first, partial, console)
                bar.advance(task, len(batch))
    print(f"送入 {len(events) - refused} 条" + (f"，退回 {refused} 条" if refused else ""))
    return 1 if refused else 0


async def _send(
    client: httpx.AsyncClient, key: str, batch: list[Any], first: int, partial: bool, console: Console
) -> int:
    """Send one batch, again while the door says not now; returns how many were refused."""
    while True:
        answer = await client.post(
            "/ingest/events", params={"partial": "true"} if partial else None, content=json.dumps(batch).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": BATCH_TYPE},
        )  # fmt: skip
        if answer.status_code not in (429, 503):
            break
        await asyncio.sleep(min(float(answer.headers.get("Retry-After", 1)), 5))
    problems = answer.json().get("problems", [])
    for problem in problems:
        where = "" if problem["index"] is None else f"第 {first + problem['index'] + 1} 个事件 "
        console.print(f"{where}{problem.get('id') or ''} {problem['field']}: {problem['reason']}", markup=False)
    if answer.is_success:
        return len({problem["index"] for problem in problems})
    return len(batch)


def read(file: Path) -> Iterator[Any]:
    """The events of a file. Raises CommandFailed naming file and line of what is not JSON."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    try:
        whole = json.loads(text)
    except ValueError:
        yield from _lines(file, text)
    else:
        yield from whole if isinstance(whole, list) else [whole]


def _lines(file: Path, text: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise CommandFailed(f"{file}:{number}: 不是 JSON（{error}）：每行应是一个事件") from error
