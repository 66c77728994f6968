"""The shipped rows of statistics, one TOML file per family, and the definitions they make with a bureau's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from services.contracts.fields import FieldSpec
from services.contracts.rows import Mistake, Mistakes, Row
from services.reporting import registers
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


def read(
    own: Sequence[Row], extra_codes: Codes, own_registers: Sequence[Row] = ()
) -> tuple[tuple[Definition, ...], list[Mistake]]:
    """The definitions of the shipped rows and a bureau's own, and every mistake in them and in the registers."""
    known, mistakes = registers.read(own_registers, extra_codes)
    members = {name: registers.fields(register) for name, register in known.items()}
    unread: dict[str, dict[str, FieldSpec]] = {row.key: {} for row in own_registers if row.key not in known}
    found, more = parse(merged(shipped(), own), extra_codes=extra_codes, registers={**unread, **members})
    based = (replace(d, basis=_basis(d, known)) for d in found)
    return tuple(one for d in based for one in (d, *(d.halves if d.cohort else ()))), sorted([*mistakes, *more])


def _basis(definition: Definition, known: registers.Registers) -> tuple[str, ...]:
    """The hashes of the registers that it reads: another register gives other figures."""
    return tuple(known[name].hash for name in (*definition.lookups, definition.register) if name in known)


def definitions(of: bureau.Bureau) -> tuple[Definition, ...]:
    """All statistics of a bureau, with the two counts that each cohort is made of. Raises `Mistakes`."""
    found, mistakes = read(of.statistics, of.extra_codes, of.registers)
    if mistakes:
        raise Mistakes(mistakes)
    return found
