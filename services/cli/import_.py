"""`hub import TYPE FILE`: brings a table in, of any size, row by row through the door.

The file is read twice, never kept: first every row is judged here, by the rules of the door, then all are sent in
batches. The ids of rows are those of `POST /ingest/tables/{type}`: the same table by either way counts once.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.cli import running
from services.cli.publish import BATCH_TYPE
from services.cli.running import CommandFailed
from services.contracts.event import STATUSES
from services.contracts.families import TYPES
from services.contracts.rows import nearest
from services.ingest import tables
from services.ingest.door import Door
from services.ingest.formats.sheet import Unreadable
from services.ingest.formats.table import BadHeadings, Flaw
from services.ingest.formats.upload import Judged, Options, Upload
from services.runtime import bureau
from services.runtime.access import ANY, RIGHTS, Key, Scope
from services.runtime.settings import Settings

BATCH = 2_000
BATCH_BYTES = 4 * 1024 * 1024
SHOWN = 50
"""Problems printed; the rest are counted."""
TRIES = 30
"""Seconds that a hub may be away, as when it is started again, before the import gives up."""
AGAIN = "整张表再送一次即可，已送入的不会重复计数"
SOURCE = "/import"
EVERYTHING = Key("", "import", Scope((ANY,), statuses=tuple(STATUSES), rights=tuple(RIGHTS)))
"""What the administrator's key may do."""
_encode = msgspec.json.Encoder(decimal_format="number").encode
_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.percentage:>3.0f}%"),
    TimeRemainingColumn(),
)


def import_(
    type: str,  # noqa: A002  the argument's name is a promise
    file: Path,
    *,
    history: bool = False,
    correct: bool = False,
    check: bool = False,
    partial: bool = False,
    source: str = SOURCE,
    region: str = "",
) -> int:
    """把一张表（CSV 或 XLSX）逐行送进中枢。有一行错误则一行都不送。

    Parameters
    ----------
    type
        事件类型，如 hazard.found。
    file
        表格文件；模板见 /ingest/tables/类型.xlsx。
    history
        补录历史：照常计数，不计时限，不通知任何人。
    correct
        更正：每一行取代同一行以前的内容，前后版本都保留。
    check
        只检查，不送入。
    partial
        有错误的行跳过，其余照送。
    source
        表中没有“事件来源”列时各行的来源。
    region
        表中没有“区域代码”列时各行的区域。
    """
    if type not in TYPES:
        like = nearest(type, TYPES)
        raise CommandFailed(f"没有事件类型 {type}" + (f"，是否 {like}" if like else "：见 /ingest/types"))
    given = {"source": source, "region": region, "lane": "history" if history else ""}
    options = Options({k: v for k, v in given.items() if v}, secrets.token_hex(16) if correct else None)
    with file.open("rb") as opened:
        try:
            return Import(type, opened, options).run(check=check, partial=partial)
        except Unreadable as error:
            raise CommandFailed(f"{file}：{error}") from error
        except BadHeadings as error:
            raise CommandFailed("\n".join([f"{file}：列名有误", *map(_said, error.flaws)])) from error


class Import:
    """One table on its way in."""

    def __init__(self, type_name: str, file: BinaryIO, options: Options) -> None:
        self.settings = Settings()
        folder = bureau.load(running.bureau_folder(self.settings))
        self.door = Door(folder.regions, folder.extra_codes)
        self.file = file
        self.size = file.seek(0, 2)
        file.seek(0)
        self.upload = Upload(type_name, file, tables.bureau_of(folder), options)
        self.console = Console(stderr=True)

    def run(self, *, check: bool, partial: bool) -> int:
        """Judge all, then send; returns the exit code."""
        if not check:
            running.must_run(self.settings)
        with Progress(*_COLUMNS, console=self.console) as bar:
            good, refused = self._judge(bar)
            bad = len(refused)
            held_back = bad and not partial
            sent = 0 if check or held_back else asyncio.run(self._send(bar, good, refused))
        if check:
            print(f"检查 {good + bad} 行：{good} 行可接收" + (f"，{bad} 行有错误" if bad else ""))
        elif held_back:
            print(f"一行都没有送入：{good + bad} 行中 {bad} 行有错误；改正后再送，或用 --partial 只送正确的行")
        else:
            print(f"送入 {sent} 行" + (f"，跳过 {bad} 行" if bad else ""))
        return 1 if bad else 0

    def _judge(self, bar: Progress) -> tuple[int, set[int]]:
        """How many rows can be taken, and which cannot; prints what is wrong."""
        task = bar.add_task("检查", total=self.size if self.upload.format == "csv" else None)
        good = shown = 0
        refused: set[int] = set()
        for judged in self._rows():
            if judged.admitted is not None:
                good += 1
            else:
                refused.add(judged.index)
                shown += self._show(judged.row.flaws, SHOWN - shown)
            if judged.index % 500 == 0 and self.upload.format == "csv":
                bar.update(task, completed=self.file.tell())
        bar.update(task, total=1, completed=1)
        if shown > SHOWN:
            self.console.print(f"……只列出前 {SHOWN} 处错误")
        return good, refused

    def _show(self, flaws: list[Flaw], room: int) -> int:
        for flaw in flaws[: max(room, 0)]:
            self.console.print(_said(flaw), markup=False, highlight=False)
        return len(flaws)

    def _rows(self) -> Iterable[Judged]:
        return self.upload.judge(self.door, EVERYTHING, lambda: datetime.datetime.now(datetime.UTC))

    async def _send(self, bar: Progress, total: int, refused: set[int]) -> int:
        """Send every good row; returns how many. Raises CommandFailed at the first batch that the door refuses."""
        key = (running.home_of(self.settings) / "admin.key").read_text("utf-8").strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": BATCH_TYPE}
        url, task, sent = running.url(self.settings), bar.add_task("送入", total=total), 0
        batches = self._batches(refused)
        batch = next(batches, None)
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, headers=headers) as client:
            while batch:
                # The next batch is made while this one is on its way; there is one at a time, so that rows keep order.
                posted, batch = await asyncio.gather(
                    self._post(client, batch, sent, bar, task), asyncio.to_thread(next, batches, None)
                )
                sent += posted
        return sent

    def _batches(self, refused: set[int]) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        size = 0
        for index, event in enumerate(self.upload.events()):
            if event is None or index in refused:
                continue
            batch.append(_encode(event))
            size += len(batch[-1])
            if len(batch) == BATCH or size > BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    async def _post(self, client: httpx.AsyncClient, batch: list[bytes], sent: int, bar: Progress, task: TaskID) -> int:
        """Send one batch, again while the door says not now: the ids are the same."""
        body, silent = b"[" + b",".join(batch) + b"]", 0
        while True:
            try:
                answer = await client.post("/ingest/events", content=body)
            except httpx.TransportError as error:
                silent += 1
                if silent == TRIES:
                    raise CommandFailed(f"已送入 {sent} 行，其后中枢没有应答（{error}）：{AGAIN}") from error
                await asyncio.sleep(1)
                continue
            if answer.status_code not in (429, 503):
                break
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", 1)), 5))
        if not answer.is_success:
            problems = answer.json().get("problems", [])
            reason = "；".join(f"{p['field']} {p['reason']}" for p in problems[:3]) or answer.text[:200]
            raise CommandFailed(f"已送入 {sent} 行，其后被退回（{reason}）：{AGAIN}")
        bar.advance(task, len(batch))
        return len(batch)


def _said(flaw: Flaw) -> str:
    return f"{flaw.where}：{flaw.reason}"
