"""The events behind a figure, page by page, as they were published; fields that name or reach a person are masked."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.contracts import corrections
from services.contracts import event as events
from services.contracts.event import STATUSES, Status
from services.contracts.families import FIELDS, TYPES
from services.reporting import body, ledger
from services.reporting.answer import LOOKS_BACK, history_of, series_of, spans_of
from services.reporting.catalogue import Catalogue, Leaf
from services.reporting.cells import winners
from services.reporting.definition import matches
from services.reporting.histories import attributes
from services.reporting.lookups import Lookups, countable
from services.reporting.period import Period
from services.reporting.question import Problem, Query, Unclear
from services.reporting.stays import standing
from services.reporting.tally import DAY_BITS, DAY_MASK, Increments, Series, SeriesKey, Tally

PAGE, MAX_PAGE = 100, 1000
SCAN = 1000
"""Ledger rows looked at in one step."""
MAX_SCANS = 20
"""Steps for one page: a rare kind of event may fill it in part, and the cursor goes on."""
MASK = "＊＊＊"


@dataclass(frozen=True)
class Cursor:
    """Where the next page begins: after this event of the n-th side of the figure."""

    side: int = 0
    time: str = "-infinity"
    key: str = str(uuid.UUID(int=0))

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.side, self.time, self.key]).encode()).decode().rstrip("=")


def cursor(text: str) -> Cursor:
    """A cursor as `next` gave it. Raises Unclear."""
    try:
        side, time, key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else (0, "", "")
        return Cursor(int(side), str(time), str(uuid.UUID(key))) if text else Cursor()
    except (ValueError, TypeError, binascii.Error) as error:
        raise Unclear(422, [Problem("cursor", "not a cursor: send `next` as it was given", "cursor")]) from error


def limit(text: str) -> int:
    """How many events on a page. Raises Unclear."""
    if not text:
        return PAGE
    if not (text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_PAGE):
        raise Unclear(422, [Problem("limit", f"limit is a whole number from 1 to {MAX_PAGE}", "limit")])
    return int(text)


async def page(connection: asyncpg.Connection, of: Catalogue, query: Query, at: Cursor, size: int) -> dict[str, Any]:
    """`{items, next}`: the events in force that the figure is made of, by time; those of a ratio's part first.

    Of a cohort all, each with `met`.
    """
    items: list[dict[str, Any]] = []
    scans = 0
    if query.definition.cohort and at.side == 0:
        at = Cursor(1)
    while at.side < len(query.leaves):
        rows = await _rows(connection, of, query, at)
        sieve = await _sieve(connection, of, query, query.leaves[at.side])
        found = await _in_force(connection, query, [row for row in rows if sieve.takes(row)])
        for row in found:
            items.append(shown(row["body"], query, at.side) | (sieve.told(row) if query.definition.cohort else {}))
            if len(items) == size:
                return {"items": items, "next": str(Cursor(at.side, row["at"], str(row["key"])))}
        scans += 1
        at = Cursor(at.side, rows[-1]["at"], str(rows[-1]["key"])) if len(rows) == SCAN else Cursor(at.side + 1)
        if scans == MAX_SCANS and at.side < len(query.leaves):
            return {"items": items, "next": str(at)}
    return {"items": items, "next": None}


async def _rows(connection: asyncpg.Connection, of: Catalogue, query: Query, at: Cursor) -> list[asyncpg.Record]:
    """The next rows that can belong to the figure."""
    leaf = query.leaves[at.side]
    keys = await _winners(connection, of, query, leaf)
    over = Period(datetime.date.min, query.period.last) if keys is not None else query.period
    register = of.registers.get(leaf.definition.register)
    types = register.types if register else (leaf.definition.event,)
    return await connection.fetch(
        ROWS, list(types), STATUSES.index(Status(query.status)), query.known_at, over.first, over.last,
        of.zone.key, at.time, at.key, SCAN, keys,
    )  # fmt: skip


async def _winners(connection: asyncpg.Connection, of: Catalogue, query: Query, leaf: Leaf) -> list[Any] | None:
    """Of a `last`, a `stock` or a register, the events whose values it holds."""
    if leaf.definition.register:
        history = await history_of(connection, of, query, leaf)
        return [uuid.UUID(bytes=key) for state in standing(history, of, query, leaf) for key in state.events]
    if leaf.kind not in LOOKS_BACK:
        return None
    series = await series_of(connection, leaf, query)
    back = Period(datetime.date.min, query.period.last)
    spans = list(spans_of(series, leaf, of, of.trees(query.region, back, now=query.tree_now), (), {}))
    return await winners(connection, leaf.kind, spans, query.period)


async def _sieve(connection: asyncpg.Connection, of: Catalogue, query: Query, leaf: Leaf) -> _Sieve:
    return _Sieve(of, query, leaf, await Lookups.of(connection, of, [leaf.definition], query))


class _Sieve:
    """Tells which events belong to one side of a figure, by asking the tally what it would count them under."""

    def __init__(self, of: Catalogue, query: Query, leaf: Leaf, lookups: Lookups) -> None:
        self._of, self._query, self._leaf, self._lookups = of, query, leaf, lookups
        self._tally = Tally([countable(leaf.definition)], of.zone, Series())
        self._trees = of.trees(query.region, Period(datetime.date.min, datetime.date.max), now=query.tree_now)

    def takes(self, row: asyncpg.Record) -> bool:
        """Whether an event counts, in the region, with the labels and in the drill asked for."""
        if self._leaf.definition.register:
            return True  # the rows are those of the states alone
        more = Increments()
        event = self._lookups.enriched(events.decode(row["body"]))
        self._tally.count(event, self._leaf.definition.event, row["key"].bytes, more)
        names = {number: key for key, number in self._tally.series.ids.items()}
        return any(self._meant(names[code >> DAY_BITS], code & DAY_MASK) for code, n in more.events.items() if n)

    def told(self, row: asyncpg.Record) -> dict[str, bool]:
        """Whether an event of a cohort meets its condition."""
        event = self._lookups.enriched(events.decode(row["body"]))
        cohort = self._query.definition.cohort
        return {"met": bool(cohort and matches(cohort.met, attributes(event), body.read(event.data)))}

    def _meant(self, series: SeriesKey, day: int) -> bool:
        _, _, drill, region, labels = series
        region, on = self._of.known(region), datetime.date.fromordinal(day)
        inside = any(p.first <= on <= p.last and region in children for p, children in self._trees)
        return inside and self._leaf.takes(labels) and self._query.drill in ("", drill)


async def _in_force(connection: asyncpg.Connection, query: Query, rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """Those that count: their chains are judged as known at the moment asked for."""
    entries = [ledger.entry(row["position"], row["offset"], row["body"]) for row in rows if row["linked"]]
    if not entries:
        return rows
    kin = (await ledger.kin(connection, entries)).values()
    verdict = corrections.judge(e.member() for e in kin if not query.known_at or e.event.recordedtime <= query.known_at)
    return [row for row in rows if not row["linked"] or row["key"].bytes in verdict.counting]


def shown(row: bytes, query: Query, side: int) -> dict[str, Any]:
    """An event for an answer: as published, personal fields masked; `figure` says which side of a ratio it is of."""
    sent: dict[str, Any] = masked(body.read(row))
    item = {**sent, "in_force": True}
    return (
        item
        if len(query.leaves) == 1 or query.definition.cohort
        else {**item, "figure": query.leaves[side].definition.key}
    )


def masked(sent: dict[str, Any]) -> dict[str, Any]:
    """An event without what names or reaches a person."""
    personal = {name for name, spec in FIELDS.get(sent.get("type", ""), {}).items() if spec.personal}
    about = TYPES.get(sent.get("type", ""))
    data = sent.get("data")
    if isinstance(data, Mapping):
        sent = {**sent, "data": {**data, **{name: MASK for name in personal & data.keys() if data[name]}}}
    return {**sent, "subject": MASK} if about and personal & set(about.subject) else sent


ROWS = """
SELECT l.time::text AS at, l.key, l.position, l."offset", l.body,
       l.corrects IS NOT NULL OR EXISTS (SELECT FROM ledger c WHERE c.corrects = l.key) AS linked
  FROM ledger l
 WHERE l.type IN (SELECT id FROM type WHERE name = ANY($1)) AND l.status = $2 AND NOT l.retracts
   AND ($3::timestamptz IS NULL OR l.recorded <= $3)
   AND l.time >= $4::date::timestamp AT TIME ZONE $6 AND l.time < ($5::date + 1)::timestamp AT TIME ZONE $6
   AND (l.time, l.key) > ($7::text::timestamptz, $8::text::uuid)
   AND ($10::uuid[] IS NULL OR l.key = ANY($10))
 ORDER BY l.time, l.key LIMIT $9
"""
