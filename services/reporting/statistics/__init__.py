"""The shipped rows of statistics, one TOML file per family, and the definitions they make with a bureau's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.contracts.rows import Mistake, Mistakes, Row
from services.reporting.definition import Definition
from services.reporting.grammar import Codes, merged, parse
from services.runtime import bureau, toml

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]


def shipped() -> tuple[Row, ...]:
    """The rows that every bureau has. Raises `Mistakes`: then the fault is ours."""
    rows: list[Row] = []
    mistakes: list[Mistake] = []
    for path in sorted(FOLDER.glob("*.toml")):
        document = toml.read(ROOT, path.relative_to(ROOT).as_posix())
        if isinstance(document, Mistake):
            mistakes.append(document)
        else:
            rows += bureau.statistic_rows(document, mistakes)
    if mistakes:
        raise Mistakes(mistakes)
    return tuple(rows)


def read(own: Sequence[Row], extra_codes: Codes) -> tuple[tuple[Definition, ...], list[Mistake]]:
    """The definitions of the shipped rows and a bureau's own, and every mistake in them."""
    return parse(merged(shipped(), own), extra_codes=extra_codes)


def definitions(of: bureau.Bureau) -> tuple[Definition, ...]:
    """All statistics of a bureau. Raises `Mistakes`."""
    found, mistakes = read(of.statistics, of.extra_codes)
    if mistakes:
        raise Mistakes(mistakes)
    return found
