"""From a bureau folder to the deliveries of its year, in the order in which they arrive; the same every time."""

from __future__ import annotations

import csv
import datetime
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.cli.year.base import Setting, make
from services.cli.year.mishaps import Arrival, arrivals
from services.cli.year.recipe import Facts, Recipe, read
from services.cli.year.when import Calendar
from services.cli.year.where import Places
from services.cli.year.wire import Delivery, send_in_runs

RIGHTS = ("publish", "correct", "retract", "history")
"""What the key of a year's publisher must be allowed, for all three statuses, below the source `/<folder name>`."""
SETTLED_DAYS = 2
"""A year that runs until now ends so many days ago: what comes beside its end has happened too."""


def deliveries(folder: Path, today: datetime.date | None = None) -> list[Delivery]:
    """The whole year of a bureau folder. `today` matters to a recipe of `year = "last"` alone."""
    return list(send_in_runs(events(folder, today), dice(folder.name)))


def events(folder: Path, today: datetime.date | None = None) -> Iterator[dict[str, Any]]:
    """The CloudEvents of the year, in order of arrival.

    Each row of the recipe draws from a generator of its own, so that a row added at the end leaves the facts of the
    others as they were.
    """
    recipe = read(folder / "year.toml")
    setting = setting_of(folder, recipe, today)
    seen = [
        arrival
        for number, row in enumerate(recipe.facts)
        for arrival in _arrivals(row, number, setting)
    ]  # fmt: skip
    seen.sort(key=lambda arrival: arrival[0])
    return (fact.event() for _, fact in seen)


def _arrivals(row: Facts, number: int, setting: Setting) -> list[Arrival]:
    rng = dice(f"{setting.name}/{number}/{row.type}")
    return arrivals(make(row, number, setting, rng), setting, rng)


def dice(seed: str) -> random.Random:
    """A generator that throws the same for the same seed: plausible, not secret."""
    return random.Random(seed)  # noqa: S311


def setting_of(folder: Path, recipe: Recipe, today: datetime.date | None = None) -> Setting:
    """The calendar, regions and period of a bureau's year."""
    bureau = tomllib.loads((folder / "bureau.toml").read_text(encoding="utf-8"))
    zone = ZoneInfo(bureau["timezone"])
    calendar = Calendar(zone, _days(bureau.get("holidays", [])), _days(bureau.get("workdays", [])))
    first, last = _year(recipe, today or datetime.datetime.now(zone).date())
    return Setting(folder.name, calendar, Places(leaves(folder / "regions.csv")), first, last, recipe.platforms)


def _year(recipe: Recipe, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    if recipe.year == "last":
        return datetime.date(today.year - 1, 1, 1), today - datetime.timedelta(days=SETTLED_DAYS)
    return datetime.date(recipe.year, 1, 1), datetime.date(recipe.year, 12, 31)


def _days(values: list[Any]) -> list[datetime.date]:
    return [value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value) for value in values]


def leaves(path: Path) -> list[str]:
    """The codes below which the bureau knows no other."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    parents = {row["parent"] for row in rows}
    return [row["code"] for row in rows if row["code"] not in parents and not row.get("to")]
