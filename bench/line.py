"""One line of the bench: what was measured, what is needed, whether it is met; and the table they make."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Line:
    """A figure with its unit; `least` or `most` is what DESIGN section 7 asks for, neither: only told."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    """Further figures by name, units in the names."""

    @property
    def needed(self) -> str:
        """`≥ 25,000`, `≤ 20`, or nothing."""
        return f"≥ {self.least:,g}" if self.least is not None else f"≤ {self.most:,g}" if self.most is not None else ""

    @property
    def met(self) -> bool | None:
        """None: nothing is asked."""
        if self.least is not None:
            return self.value >= self.least
        return self.value <= self.most if self.most is not None else None


def show(lines: Iterable[Line], conditions: Mapping[str, Any]) -> None:
    """The table."""
    table = Table("what", "measured", "unit", "needed", "met", "details", title="bench")
    for number in (1, 3):
        table.columns[number].justify = "right"
    for line in lines:
        met = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[line.met]
        told = ", ".join(f"{name} {rounded(value)}" for name, value in line.details.items())
        table.add_row(line.what, rounded(line.value), line.unit, line.needed, met, told)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    console.print(", ".join(f"{name}: {value}" for name, value in conditions.items()), highlight=False)


def rounded(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def save(lines: Iterable[Line], conditions: Mapping[str, Any]) -> Path:
    """The same as JSON, one file a run."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.datetime.now():%Y%m%d-%H%M%S}.json"  # noqa: DTZ005 for people of this machine
    rows = [{**asdict(line), "met": line.met} for line in lines]
    path.write_text(json.dumps({"conditions": dict(conditions), "lines": rows}, ensure_ascii=False, indent=1))
    return path
