"""The year of a bureau as deliveries, with every way of going wrong in them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from services.cli.year import Delivery, deliveries

FOLDER = Path(__file__).resolve().parents[2] / "bureaus"
BUREAUS = tuple(sorted((path.parent.name for path in FOLDER.glob("*/figures.csv")), reverse=True))
"""Every bureau that has published figures."""


@cache
def year(bureau: str) -> tuple[Delivery, ...]:
    """All deliveries of a bureau's year in order of arrival; the same in every run."""
    return tuple(deliveries(FOLDER / bureau))
