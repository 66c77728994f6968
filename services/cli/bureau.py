"""`hub bureau`: a folder from nothing, its mistakes, and its content into the running hub."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Table

from services.cli import applying, figures, founding
from services.cli.asking import ask
from services.cli.divisions import AS_OF, NotListed
from services.cli.running import CommandFailed, must_run
from services.cli.year import events
from services.contracts.rows import Mistake
from services.reporting import catalogue, statistics
from services.reporting.definition import Definition
from services.reporting.report import making
from services.runtime.bureau import BUREAU, REGIONS, Bureau, read
from services.warning import house

bureau = App(name="bureau", help="单位目录：新建、检查、生效，公布的数字与中枢核对")


@bureau.command
def new(
    folder: Path, *, region: str, down_to: Literal["county", "street", "community"] = "community", json: bool = False
) -> None:
    """新建一个单位目录：区划取自自带的全国名录，其余各项留好位置、写明怎么填.

    Parameters
    ----------
    folder
        要新建的目录，如 bureaus/jiangbin；已有内容的目录不会改动
    region
        本级区域代码，如 320111（区县）、320700（市）
    down_to
        区划列到哪一级：county 区县，street 街道乡镇，community 村和社区
    json
        输出给程序读的 JSON
    """
    try:
        content = founding.files(region, folder, down_to)
        founding.write(folder, content)
    except NotListed as error:
        near = f"相近的有 {'、'.join(error.near)}" if error.near else "前两位是省级代码"
        raise CommandFailed(f"名录（{AS_OF}）里没有区域 {region}：{near}") from error
    except FileExistsError as error:
        raise CommandFailed(f"{folder} 里已有内容，没有改动：换一个目录") from error
    count = content[REGIONS].count("\n") - 1
    if json:
        print(msgspec.json.encode({"folder": str(folder), "region": region, "regions": count}).decode())
        return
    print(f"已新建 {folder}：{count} 个区域（{AS_OF}）。接着：")
    print(f"  1. 核对 {folder / BUREAU} 里标 ▲ 的几项，写上报送单位 [[feeds]]")
    print(f"  2. hub bureau check {folder}")
    print(f"  3. HUB_BUREAU={folder} hub up；中枢已在运行时 hub bureau apply {folder}")


@bureau.command
def check(folder: Path, *, json: bool = False) -> None:
    """逐条指出单位目录里的错误：文件、行号、怎么改；有错误时退出码为 1.

    Parameters
    ----------
    folder
        单位目录，如 bureaus/example
    json
        输出给程序读的 JSON
    """
    found, definitions, mistakes = look(folder)
    if json:
        _print_json(folder, mistakes)
    elif found is None or mistakes:
        _print_mistakes(folder, mistakes)
    else:
        Console().print(_summary(found, definitions))
    if mistakes:
        sys.exit(1)


@bureau.command
def compare(folder: Path | None = None, *, json: bool = False) -> None:
    """公布的数字（figures.csv）与正在运行的中枢逐项核对；有不同时退出码为 1.

    Parameters
    ----------
    folder
        单位目录；默认是正在使用的那一个
    json
        输出给程序读的 JSON
    """
    folder = folder or Path(must_run().bureau)
    asked = figures.read(folder)
    if not asked:
        raise CommandFailed(f"{folder} 里没有 {figures.FILE}")
    found = [(one, _now(one)) for one in asked]
    different = [(one, now) for one, now in found if not isinstance(now, dict) or not one.same(now)]
    if json:
        rows = [{"id": one.id, "query": one.query, "published": one.value, "hub": now} for one, now in different]
        print(msgspec.json.encode({"figures": len(asked), "different": rows}).decode())
    else:
        _print_different(len(asked), different)
    if different:
        sys.exit(1)


def _now(figure: figures.Figure) -> dict[str, Any] | str:
    """What the hub says; in words when it does not."""
    try:
        return dict(ask(f"/reporting/statistics/{figure.key}", figure.parameters))
    except CommandFailed as error:
        return str(error)


def _print_different(total: int, different: list[tuple[figures.Figure, dict[str, Any] | str]]) -> None:
    if different:
        table = Table("编号", "数字", "公布", "中枢", "查询", title=f"{total} 项中 {len(different)} 项不同")
        for one, now in different:
            shown = figures.member(now, one.member) if isinstance(now, dict) else now
            table.add_row(one.id, one.zh, f"{one.value} {one.unit}", str(shown), one.query)
        Console().print(table)
    else:
        print(f"{total} 项公布的数字与中枢一致")


@bureau.command
def year(folder: Path) -> None:
    """按 year.toml 造出一年的逐件事件，每行一个，送入用管道：hub bureau year 目录 | hub publish -.

    Parameters
    ----------
    folder
        有 year.toml 的单位目录，如 bureaus/pukou-2023
    """
    _, _, mistakes = look(folder)
    if mistakes:
        _print_mistakes(folder, mistakes)
        sys.exit(1)
    try:
        for event in events(folder):
            print(msgspec.json.encode(event).decode())
    except ValueError as error:
        raise CommandFailed(f"{folder / figures.YEAR} 造不出事件（{error}）：改正这一段的 data 或 count") from error


@bureau.command
def apply(folder: Path | None = None, *, json: bool = False) -> None:
    """让正在运行的中枢按这个目录的现有内容工作，不停接收；有错误时逐条列出，什么也不改变.

    Parameters
    ----------
    folder
        单位目录；默认是启动时或上次生效的那一个
    json
        输出给程序读的 JSON
    """
    folder = folder or Path(must_run().bureau)
    _, _, mistakes = look(folder)
    if mistakes:
        _print_json(folder, mistakes) if json else _print_mistakes(folder, mistakes)
        sys.exit(1)
    done = applying.apply_to_running(folder)
    if json:
        print(msgspec.json.encode(done).decode())
    elif not done.changed:
        print(f"{folder} 没有变化，已在使用（指纹 {done.hash[:16]}）")
    else:
        print(f"{folder} 已生效，用时 {done.seconds:.1f} 秒（指纹 {done.hash[:16]}）")
        if done.counting:
            print(f"{done.counting} 个新的或改过的统计项正在按台账补算，补完之前查询答复 503 和进度")


def look(folder: Path) -> tuple[Bureau | None, tuple[Definition, ...], list[Mistake]]:
    """The bureau, its statistics, and every mistake in the folder."""
    reading = read(folder)
    definitions, mistakes = statistics.read(reading.statistics, reading.extra_codes, reading.registers)
    found = sorted([*reading.mistakes, *mistakes, *house.check(folder, reading)])
    if reading.bureau and not found:
        of = catalogue.of(reading.bureau)
        found = sorted([*figures.mistakes(folder, of), *making.mistakes(folder, of)])
    return reading.bureau, definitions, found


def _place(folder: Path, mistake: Mistake) -> str:
    """`file:line: what, what to do`, the file as it can be opened from here."""
    shipped = mistake.file.startswith("services/")
    return str(mistake) if shipped else f"{folder / mistake.file}:{str(mistake).removeprefix(mistake.file + ':')}"


def _print_mistakes(folder: Path, mistakes: list[Mistake]) -> None:
    for mistake in mistakes:
        print(_place(folder, mistake))
    print(f"共 {len(mistakes)} 处错误，改正后再运行 hub bureau check {folder}", file=sys.stderr)


def _print_json(folder: Path, mistakes: list[Mistake]) -> None:
    rows = [{"file": m.file, "line": m.line, "what": m.what, "todo": m.todo} for m in mistakes]
    print(msgspec.json.encode({"folder": str(folder), "mistakes": rows}).decode())


def _called(found: Bureau) -> str:
    """Who can be called, in a word."""
    own = house.load(found)
    if not own.people.organisations:
        return "organisations.csv 里没有机构，预警叫不到任何人"
    people = own.people
    lists = f"{len(people.organisations)} 个机构、{len(people.persons)} 人、{len(people.shifts)} 班"
    return f"{lists}，{len(own.routes)} 条路由"


def _summary(found: Bureau, definitions: tuple[Definition, ...]) -> Table:
    own = [d for d in definitions if not d.file.startswith("services/")]
    codes = sum(len(values) for values in found.extra_codes.values())
    table = Table(title=f"{found.name}：没有错误", show_header=False)
    rows = (
        ("本级区域", f"{found.region} {found.regions.get(found.region).name}"),
        ("区域", f"{len(found.regions)} 个"),
        ("时区", found.timezone.key),
        ("假日、调休工作日", f"{len(found.holidays)} 天、{len(found.workdays)} 天"),
        ("来源", f"{len(found.feeds)} 个"),
        ("自有代码", f"{codes} 个"),
        ("统计项", f"{len(definitions)} 行, 其中本单位 {len(own)} 行"),
        ("叫应", _called(found)),
        ("配置指纹", found.hash[:16]),
    )
    for name, value in rows:
        table.add_row(name, value)
    return table
