"""A row of a text file that configures the hub, with the place it stands at, and the mistakes found there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at a place of a bureau folder, and what to do about it (both in Chinese, for the clerk)."""

    file: str
    """Relative to the folder."""
    line: int
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}, {self.todo}"


class Mistakes(ValueError):
    """The configuration cannot be used: every mistake that was found in it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True)
class Row:
    """One table of a TOML file, or one line of a CSV file, as written."""

    key: str
    values: Mapping[str, Any]
    file: str
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    """Where each value stands."""

    def mistake(self, name: str, what: str, todo: str) -> Mistake:
        """A mistake in one of the values; one without a line of its own (`where.level`) stands where `where` does, one
        that is missing at the row's first line.
        """
        while name and name not in self.lines:
            name = name.rpartition(".")[0]
        return Mistake(self.file, self.lines.get(name, self.line), what, todo)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; empty when none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def advice(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the nearest one, or the list of all (at most twelve)."""
    names = sorted(known)
    if guess := nearest(name, names):
        return f"是否应为 {guess}"
    shown = "、".join(names[:12]) + ("…" if len(names) > 12 else "")
    return f"可用: {shown}"


def misspelt(name: str, known: Iterable[str]) -> str:
    """The known name from which `name` differs by one slip of the hand (two in long names), or nothing.

    Stricter than `nearest`: it tells a misspelt field from a field of the bureau's own.
    """
    allowed = 1 if len(name) < 8 else 2
    return next((other for other in sorted(known) if 0 < _slips(name, other) <= allowed), "")


def _slips(one: str, other: str) -> int:
    """Letters left out, added, exchanged or swapped with their neighbour (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        line = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[i - 1][j] + 1, line[j - 1] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            line.append(cost)
        rows.append(line)
    return rows[-1][-1]
