"""Figures that a person records (`figure.recorded`): baselines from before the hub, and what no event can give.

They are shown as such and never added to counts. Of several for the same statistic, days, region and labels the one
recorded last holds.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import msgspec

from services.contracts.event import Event
from services.contracts.fields import decimal
from services.contracts.region import Regions
from services.reporting import amount, inforce
from services.reporting.grammar import label_text
from services.reporting.period import Period
from services.reporting.question import Query

TYPE = "figure.recorded"
MANUAL, BASELINE = KINDS = "manual", "baseline"
REGION = "region"
ADDED_UP = frozenset({"count", "sum", "stock"})
"""Measures of which a total is the sum of its parts."""
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Recorded(NamedTuple):
    """One figure as it was recorded."""

    kind: str
    region: str
    labels: Mapping[str, str]
    value: Decimal
    data: Mapping[str, Any]
    recorded: datetime.datetime
    publisher: str

    def shown(self, unit: str) -> dict[str, Any]:
        """For an answer."""
        told = {name: self.data[name] for name in ("basis_document", "page") if self.data.get(name)}
        return {"kind": self.kind, "value": amount.shown(self.value, unit), **told, "recordedtime": self.recorded}


async def read(connection: asyncpg.Connection, query: Query, over: Period) -> list[Recorded]:
    """What was recorded for this statistic and exactly these days, of any region and labels; the last of each holds.

    Call it in a transaction.
    """
    found: dict[tuple[Any, ...], Recorded] = {}
    if not await inforce.version(connection, (TYPE,)):
        return []
    async for one in inforce.read(connection, TYPE, query.status, query.known_at):
        figure = _read(one.event)
        if figure is None or not meant(figure.data, query, over):
            continue
        at = (figure.kind, figure.region, tuple(sorted(figure.labels.items())))
        if at not in found or found[at].recorded <= figure.recorded:
            found[at] = figure
    return list(found.values())


def _read(event: Event) -> Recorded | None:
    data = _decode(event.data)
    value, labels = decimal(data.get("value")), data.get("labels") or {}
    if value is None or not isinstance(labels, dict):
        return None
    texts = {name: label_text(label) for name, label in labels.items()}
    kind = str(data.get("kind") or MANUAL)
    return Recorded(kind, event.region, texts, value, data, event.recordedtime, event.publisher)


def meant(data: Mapping[str, Any], query: Query, over: Period) -> bool:
    """Whether a recorded figure is of this statistic and these days."""
    days = (over.first.isoformat(), over.last.isoformat())
    return data.get("statistic") == query.definition.key and (data.get("from"), data.get("to")) == days


def of(figures: Iterable[Recorded], query: Query) -> dict[str, Recorded]:
    """The figures of exactly the region and labels asked for, by kind."""
    return {one.kind: one for one in figures if one.region == query.region and one.labels == dict(query.labels)}


def first(found: Mapping[str, Recorded], kinds: Collection[str]) -> Recorded | None:
    """The figure of the first kind that was recorded."""
    return next((found[kind] for kind in kinds if kind in found), None)


class Sum(NamedTuple):
    """A recorded total, and what its recorded parts come to."""

    kind: str
    by: str
    total: Recorded
    parts: tuple[Recorded, ...]

    @property
    def amounts_to(self) -> Decimal:
        """The parts together."""
        return sum((part.value for part in self.parts), Decimal(0))

    def shown(self, unit: str) -> dict[str, Any]:
        """For an answer: total, sum, and each part."""
        return {
            "kind": self.kind,
            "by": self.by,
            "total": amount.shown(self.total.value, unit),
            "sum": amount.shown(self.amounts_to, unit),
            "difference": amount.shown(self.amounts_to - self.total.value, unit),
            "parts": [{self.by: self._name(part), "value": amount.shown(part.value, unit)} for part in self.parts],
        }

    def _name(self, part: Recorded) -> str:
        return part.region if self.by == REGION else part.labels[self.by]


def disagreements(figures: Sequence[Recorded], query: Query, regions: Regions) -> list[Sum]:
    """Where recorded parts (of two and more regions below, or values of a label) do not add up to the recorded total.

    What is not a count or a sum is not the sum of its parts.
    """
    measure = query.definition.measure
    if measure is not None and measure.kind not in ADDED_UP:
        return []
    sums = [
        Sum(kind, by, total, tuple(part for part in figures if part.kind == kind and _part(part, by, query, regions)))
        for kind, total in of(figures, query).items()
        for by in (REGION, *query.definition.label_names)
        if by not in query.labels
    ]
    return [one for one in sums if len(one.parts) > 1 and one.amounts_to != one.total.value]


def _part(one: Recorded, by: str, query: Query, regions: Regions) -> bool:
    """Whether a figure is one of the parts of the figure asked for."""
    labels = dict(query.labels)
    if by == REGION:
        return one.labels == labels and one.region in regions and regions.get(one.region).parent == query.region
    return one.region == query.region and by in one.labels and one.labels == {**labels, by: one.labels[by]}
