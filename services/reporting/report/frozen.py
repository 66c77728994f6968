"""What is frozen of an edition: figures, questions, definitions, template, offsets, seal heads: all it takes to count
them again. Plain JSON, so that a stranger can read it too (`hub export`, docs/verify_edition.py).
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.contracts.region import Region, Regions
from services.reporting import question
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Cohort, Condition, Definition
from services.reporting.question import Query
from services.reporting.register import Register, Step
from services.runtime.bureau import Feed

FORMAT = 1


class Asked(msgspec.Struct, frozen=True):
    """One figure as it was asked for: `GET /reporting/statistics/{key}` with these parameters."""

    id: str
    key: str
    parameters: tuple[tuple[str, str], ...]


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    format: int = FORMAT
    id: str
    """Of the edition, or of the answer."""
    region: str
    from_: datetime.date = msgspec.field(name="from")
    to: datetime.date
    cutoff: datetime.datetime
    at: datetime.datetime
    """When it was read."""
    files: dict[str, str] = {}
    """The template's files as they were."""
    bureau: dict[str, Any] = {}
    """Name, short name, prefix of document numbers, addressee."""
    questions: tuple[Asked, ...]
    figures: dict[str, dict[str, Any]]
    """Question → the answer, as HTTP gives it."""
    definitions: tuple[Definition, ...]
    registers: tuple[Register, ...] = ()
    regions: tuple[Region, ...]
    timezone: str
    feeds: tuple[Feed, ...] = ()
    positions: tuple[dict[str, Any], ...] = ()
    """`{topic, partition, epoch, next}`: how far everything had been read."""
    heads: tuple[dict[str, Any], ...] = ()
    """The last seal of every partition."""
    revises: str = ""
    """The issued edition that this one will replace."""
    changes: tuple[dict[str, Any], ...] = ()
    """What is printed otherwise than there: `{slot, before, now}`."""
    correction: str = ""
    """更正说明: why."""
    printed_before: dict[str, dict[str, Any]] = {}
    """Slot → `{edition, value}`: what the report of the year before printed, where it is known otherwise today."""
    names: dict[str, dict[str, str]] = {}
    """Label → value → its Chinese name; `""`: label → its own."""

    @property
    def catalogue(self) -> Catalogue:
        """The figures by the definitions and regions of then."""
        known = {register.name: register for register in self.registers}
        return Catalogue(self.definitions, Regions(self.regions), ZoneInfo(self.timezone), self.feeds, known)

    def queries(self, of: Catalogue, known_at: datetime.datetime | None) -> dict[str, Query]:
        """The questions again, as known at a moment; None: now."""
        today = self.at.astimezone(of.zone).date()
        asked = {q.id: question.parse(q.key, q.parameters, of, today, self.region) for q in self.questions}
        return {id_: replace(query, known_at=known_at) for id_, query in asked.items()}


_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_decoder = msgspec.json.Decoder(Frozen, float_hook=Decimal)
_plain = msgspec.json.Decoder(float_hook=Decimal)


def encode(frozen: Frozen) -> bytes:
    """The bytes that are kept, and whose digest is told."""
    return _encoder.encode(frozen)


def decode(content: bytes) -> Frozen:
    """What was frozen."""
    found = _decoder.decode(content)
    # in the order of the template, not of their names
    figures = {q.id: found.figures[q.id] for q in found.questions}
    return msgspec.structs.replace(
        found,
        figures=figures,
        definitions=tuple(map(_mended, found.definitions)),
        registers=tuple(map(_register, found.registers)),
    )


def digest(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def plain(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as it comes back from what is kept: dates as text, exact numbers."""
    return dict(_plain.decode(_encoder.encode(answer)))


def needed(of: Catalogue, queries: Iterable[Query]) -> tuple[tuple[Definition, ...], tuple[Register, ...]]:
    """The definitions and registers that questions are worked out from."""
    found: dict[tuple[str, str], Definition] = {}
    for query in queries:
        for d in (query.definition, *(leaf.definition for leaf in query.leaves)):
            found[d.hash, d.key] = d
    halves = {(h.hash, h.key) for d in found.values() if d.cohort for h in d.halves}
    rows = tuple(d for at, d in found.items() if at not in halves)
    names = {name for d in rows for name in (d.register, *d.lookups) if name}
    return rows, tuple(of.registers[name] for name in sorted(names))


def _mended(d: Definition) -> Definition:
    """JSON knows no tuples: the values of a condition are one again."""
    cohort = d.cohort and Cohort(d.cohort.event, _conditions(d.cohort.of), _conditions(d.cohort.met))
    return replace(d, where=_conditions(d.where), cohort=cohort)


def _conditions(rows: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(replace(c, value=tuple(c.value)) if isinstance(c.value, list) else c for c in rows)


def _register(r: Register) -> Register:
    added, changed, removed = (tuple(Step(s.event, _conditions(s.where)) for s in row) for row in (
        r.added, r.changed, r.removed))  # fmt: skip
    return replace(r, added=added, changed=changed, removed=removed)
