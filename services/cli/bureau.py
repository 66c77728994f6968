"""`hub bureau`: looks through a bureau folder."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
from cyclopts import App
from rich.console import Console
from rich.table import Table

from services.contracts.rows import Mistake
from services.reporting import statistics
from services.reporting.definition import Definition
from services.runtime.bureau import Bureau, read

bureau = App(name="bureau", help="单位目录：检查")


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


def look(folder: Path) -> tuple[Bureau | None, tuple[Definition, ...], list[Mistake]]:
    """The bureau, its statistics, and every mistake in the folder."""
    reading = read(folder)
    definitions, mistakes = statistics.read(reading.statistics, reading.extra_codes, reading.registers)
    return reading.bureau, definitions, sorted([*reading.mistakes, *mistakes])


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
        ("配置指纹", found.hash[:16]),
    )
    for name, value in rows:
        table.add_row(name, value)
    return table
