"""The recipe of a year: how many facts of which type lie in which period (`year.toml` in a bureau folder)."""

from __future__ import annotations

import datetime
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec


class Then(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What follows a fact: a hazard found is rectified, a ticket received is closed."""

    type: str
    count: int | None = None
    """How many of the facts are followed; None: all."""
    after: tuple[float, float] = (1, 20)
    """Days between the two."""
    copy: list[str] = []
    """Fields taken over besides the subject."""
    where: dict[str, Any] = {}
    """Only facts with these values are followed."""
    data: dict[str, Any] = {}


class Facts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One row: so many facts of a type, their fields, and the period that some figure counts them in."""

    type: str
    count: int
    figures: list[str] = []
    """The ids of the figures that need these facts."""
    from_: datetime.date | None = None
    to: datetime.date | None = None
    """First and last day of the figure's period; the year when left out."""
    within: tuple[datetime.date, datetime.date] | None = None
    """The days the facts lie on, when these are fewer than the period."""
    data: dict[str, Any] = {}
    """Field → constant, text with `{n}`, or a table with one rule of `columns`."""
    example: bool = False
    """Fields that `data` leaves out are those of the type's example."""
    region: str | None = None
    """A fixed code; empty: none is sent; left out: spread over the regions."""
    settled: bool = False
    """The subject always lies in the same region."""
    lane: str = ""
    then: list[Then] = []
    confuse: dict[str, list[Any]] = {}
    """Wrong values that a field may have at first."""
    edges: tuple[Literal["before", "after"], ...] = ("before", "after")
    """Facts just outside the period, which must not count: on which sides there may be some."""
    never: bool = False
    """They never were: every one is reported by mistake and taken back."""
    calm: bool = False
    """Nothing goes wrong with these facts."""


class Recipe(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A bureau's year."""

    year: int | Literal["last"]
    """`last`: from the first day of last year until yesterday."""
    facts: list[Facts]
    platforms: dict[str, str] = {}
    """Event type or family → the platform that reports it; of others the topic's name."""


def read(path: Path) -> Recipe:
    """The recipe in a file. Raises msgspec.ValidationError naming what is wrong."""
    with path.open("rb") as file:
        return msgspec.convert(tomllib.load(file, parse_float=Decimal), Recipe, strict=False)
