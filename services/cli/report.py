"""`hub report`: a report of a period, as files: asked for, waited for, fetched."""

from __future__ import annotations

import calendar
import datetime
import json
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli import running
from services.cli.asking import KEY_FILE, sentence
from services.cli.running import CommandFailed
from services.runtime.settings import Settings

FORMATS = ("pdf", "docx", "html", "json", "xlsx")
WAIT_SECONDS = 600.0
LOOK_SECONDS = 0.2


def report(
    *, template: str = "annual", year: int = 0, month: int = 0, from_: Annotated[str, Parameter(name="--from")] = "",
    to: str = "", region: str = "", cutoff: str = "", format: str = "pdf,docx,html,json,xlsx", out: Path = Path(),  # noqa: A002
    json_: Annotated[bool, Parameter("--json", negative="")] = False,
) -> None:  # fmt: skip
    """出一份报告：取数、校核、定数，下载各种格式；有校核不通过的逐条列出，退出码为 1。

    Parameters
    ----------
    template
        模板名，如 annual、monthly。
    year
        年份: 统计时段为全年。
    month
        与 --year 一起: 统计时段为这个月。
    from_
        起始日（含），不写年份时用。
    to
        截止日（含）。
    region
        区域代码，默认全局。
    cutoff
        截止时点，默认现在: 2024-01-05T00:00:00+08:00
    format
        要哪些格式，用逗号隔开: pdf,docx,html,json,xlsx
    out
        放到哪个目录，默认当前目录。
    json_
        按 JSON 输出，供程序读取。
    """
    formats = [one.strip() for one in format.split(",") if one.strip()]
    if strange := [one for one in formats if one not in FORMATS]:
        raise CommandFailed(f"没有格式 {strange[0]}：可用 {','.join(FORMATS)}")
    first, last = days(year, month, from_, to)
    asked = {"template": template, "from": first, "to": last, "region": region, "cutoff": cutoff}
    with _hub() as hub:
        id_ = _say(hub.post("/reporting/editions", json={k: v for k, v in asked.items() if v}))["id"]
        found = _wait(hub, id_)
        files = [] if found["state"] == "refused" else [_fetch(hub, id_, one, out) for one in formats]
    _tell(found, files, json_)
    if found["state"] == "refused":
        raise SystemExit(1)


def days(year: int, month: int, first: str, last: str) -> tuple[str, str]:
    """The days of the report. Raises CommandFailed."""
    if first and last:
        return first, last
    if not year or not 0 <= month <= 12:
        raise CommandFailed("没有写明时段：--year 2023，--year 2023 --month 6，或 --from 2023-01-01 --to 2023-09-30")
    if not month:
        return f"{year:04d}-01-01", f"{year:04d}-12-31"
    return f"{year:04d}-{month:02d}-01", f"{year:04d}-{month:02d}-{calendar.monthrange(year, month)[1]}"


def _hub() -> httpx.Client:
    settings = Settings()
    try:
        key = (running.home_of(settings) / KEY_FILE).read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise CommandFailed(f"没有钥匙 {error.filename}：先执行 make up") from error
    return httpx.Client(base_url=running.url(settings), headers={"Authorization": f"Bearer {key}"}, timeout=120,
                        trust_env=False)  # fmt: skip


def _say(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json()
    raise CommandFailed(sentence(answer))


def _wait(hub: httpx.Client, id_: str) -> dict[str, Any]:
    """Until it is cut, with its progress."""
    end = time.monotonic() + WAIT_SECONDS
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
                  TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:  # fmt: skip
        task = bar.add_task(id_, total=1)
        while time.monotonic() < end:
            found: dict[str, Any] = _say(hub.get(f"/reporting/editions/{id_}"))
            if found["state"] != "requested":
                return found
            progress = found["progress"]
            bar.update(task, completed=progress["share"], description=f"{id_} {progress['waits_for']}")
            time.sleep(LOOK_SECONDS)
    raise CommandFailed(f"{id_} 等了 {WAIT_SECONDS:.0f} 秒还没有取完数：稍后在 /report 页面查看")


def _fetch(hub: httpx.Client, id_: str, format_: str, out: Path) -> Path:
    answer = hub.get(f"/reporting/editions/{id_}.{format_}")
    if not answer.is_success:
        raise CommandFailed(sentence(answer))
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{id_}.{format_}"
    path.write_bytes(answer.content)
    return path


def _tell(found: dict[str, Any], files: list[Path], as_json: bool) -> None:
    if as_json:
        told = {"id": found["id"], "state": found["state"], "problems": found["problems"], "digest": found["digest"],
                "files": [str(path) for path in files]}  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    console = Console()
    if found["state"] == "refused":
        table = Table("校核", "指标", "应为", "实为", title=f"{found['id']} 校核未通过")
        for one in found["problems"]:
            table.add_row(one["check"], "\n".join(one["slots"]), str(one["expected"]), str(one["found"]))
        console.print(table)
        console.print("补上说明（段落 note:指标），或更正数据，然后再执行一次")
        return
    at = datetime.datetime.fromisoformat(found["cutoff"]).astimezone()
    console.print(
        f"[bold]{found['id']}[/] 已定数（{found['version']}，截至 {at:%Y-%m-%d %H:%M}，{len(found['lines'])} 个数字）"
    )
    for path in files:
        console.print(f"  {path}", highlight=False)
    for one in found["remarks"][:20]:
        console.print(f"  · {one}", markup=False)
