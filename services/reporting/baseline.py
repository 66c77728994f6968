"""Figures from before the hub, as a person recorded them (`figure.recorded`): what a first year is compared with.

They stand beside the counts and are never added to them.
"""

from __future__ import annotations

from decimal import Decimal

import asyncpg

from services.contracts import corrections
from services.contracts.event import Event
from services.contracts.fields import decimal
from services.reporting import body, ledger
from services.reporting.period import Period
from services.reporting.question import Query
from services.reporting.tally import label

KIND = "baseline"


async def of(connection: asyncpg.Connection, query: Query, over: Period) -> Decimal | None:
    """The baseline of a figure for exactly this period, region and these labels; None when nobody recorded one."""
    rows = await connection.fetch(RECORDED, query.definition.key, query.known_at)
    recorded = [ledger.entry(row["position"], row["offset"], row["body"]) for row in rows]
    kin = (await ledger.kin(connection, recorded)).values()
    known = [e for e in kin if not query.known_at or e.event.recordedtime <= query.known_at]
    counting = corrections.judge(e.member() for e in known).counting
    fitting = [e.event for e in known if e.key in counting]
    values = [_value(event, query, over) for event in sorted(fitting, key=lambda e: e.recordedtime, reverse=True)]
    return next((value for value in values if value is not None), None)


def _value(event: Event, query: Query, over: Period) -> Decimal | None:
    data = body.read(event.data)
    labels = data.get("labels") or {}
    asked = (query.status, query.region, query.definition.key, over.first.isoformat(), over.last.isoformat(), KIND)
    told = (event.status, event.region, *(data.get(name) for name in ("statistic", "from", "to", "kind")))
    same = isinstance(labels, dict) and {name: label(value) for name, value in labels.items()} == dict(query.labels)
    return decimal(data.get("value")) if asked == told and same else None


RECORDED = """
SELECT position, "offset", body FROM ledger
 WHERE type = (SELECT id FROM type WHERE name = 'figure.recorded') AND NOT retracts
   AND ($2::timestamptz IS NULL OR recorded <= $2)
   AND strpos(encode(body, 'escape'), $1) > 0
"""
