"""Figures that a person records (`figure.recorded`): baselines from before the hub, and what no event can give.

They are shown as such and never added to counts. Of several for the same statistic, days, region and labels the one
recorded last holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import msgspec

from services.contracts.fields import decimal
from services.reporting import amount, inforce
from services.reporting.grammar import label_text
from services.reporting.period import Period
from services.reporting.question import Query

TYPE = "figure.recorded"
MANUAL, BASELINE = KINDS = "manual", "baseline"
_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Recorded(NamedTuple):
    """One figure as it was recorded."""

    kind: str
    value: Decimal
    data: Mapping[str, Any]
    recorded: Any
    publisher: str

    def shown(self, unit: str) -> dict[str, Any]:
        """For an answer."""
        told = {name: self.data[name] for name in ("basis_document", "page") if self.data.get(name)}
        return {"kind": self.kind, "value": amount.shown(self.value, unit), **told, "recordedtime": self.recorded}


async def find(connection: asyncpg.Connection, query: Query, over: Period) -> dict[str, Recorded]:
    """What was recorded for exactly this figure and these days, by kind. Call it in a transaction."""
    found: dict[str, Recorded] = {}
    async for one in inforce.read(connection, TYPE, query.status, query.known_at):
        data = _decode(one.event.data)
        value = decimal(data.get("value"))
        if one.event.region != query.region or value is None or not meant(data, query, over):
            continue
        kind = str(data.get("kind") or MANUAL)
        if kind not in found or found[kind].recorded <= one.event.recordedtime:
            found[kind] = Recorded(kind, value, data, one.event.recordedtime, one.event.publisher)
    return found


def meant(data: Mapping[str, Any], query: Query, over: Period) -> bool:
    """Whether a recorded figure is of this statistic, with these labels and days."""
    labels = data.get("labels") or {}
    return (
        data.get("statistic") == query.definition.key
        and (data.get("from"), data.get("to")) == (over.first.isoformat(), over.last.isoformat())
        and {name: label_text(value) for name, value in labels.items()} == dict(query.labels)
    )


def first(found: Mapping[str, Recorded], kinds: Collection[str]) -> Recorded | None:
    """The figure of the first kind that was recorded."""
    return next((found[kind] for kind in kinds if kind in found), None)
