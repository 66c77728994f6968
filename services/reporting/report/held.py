"""An edition held against the ledger: what is counted otherwise today, what two print, what lies behind a line."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from services.reporting import answer, remembered, since
from services.reporting import behind as pages
from services.reporting.behind import Cursor
from services.reporting.catalogue import Catalogue, Leaf
from services.reporting.ledger import Entry
from services.reporting.question import Query
from services.reporting.report import figures, making
from services.reporting.report.content import Line
from services.reporting.report.edition import Edition
from services.reporting.report.frozen import Frozen
from services.reporting.tally import DAY_BITS, Increments, Series, Tally

MOST_EVENTS = 200
"""Events named for one figure that has drifted."""


async def drift(dsn: str, frozen: Frozen, now: datetime.datetime) -> list[dict[str, Any]]:
    """`{slot, printed, now, events}` of every figure that is another today, by the definitions of the edition."""
    of = frozen.catalogue
    later = frozen.queries(of, now)
    async with since.snapshot(dsn, of, list(later.values()), now) as connection:
        found = await figures.answers(connection, of, later, now)
        moved = [slot for slot, figure in found.items() if making.differ(frozen.figures[slot], figure)]
        cut = await since.cut(connection, frozen.cutoff, frozen.positions)
        types = {type_ for slot in moved for type_ in remembered.types(of, later[slot])}
        entries = await since.come_since(connection, types, cut)
        return [
            {
                "slot": slot, "printed": frozen.figures[slot]["value"], "now": found[slot]["value"],
                "unit": found[slot]["unit"], "events": _named(of, later[slot], entries.values()),
                **_parts(frozen.figures[slot], found[slot]),
            }
            for slot in moved
        ]  # fmt: skip


def _parts(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a split figure that are others."""
    if "parts" not in now:
        return {}
    was = {tuple(sorted(p["labels"].items())): p["value"] for p in before.get("parts") or ()}
    is_ = {tuple(sorted(p["labels"].items())): p["value"] for p in now["parts"]}
    return {"parts": [
        {"labels": dict(at), "printed": was.get(at), "now": is_.get(at)}
        for at in {**was, **is_} if making.exact(was.get(at)) != making.exact(is_.get(at))
    ]}  # fmt: skip


def _named(of: Catalogue, query: Query, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The events that came since and bear on a figure: those that count in it, and what corrects or takes back."""
    types = set(remembered.types(of, query))
    bears = _Bears(of, query)
    found = (e for e in sorted(entries, key=_when) if e.type in types and bears(e))
    return [
        {"id": e.event.id, "source": e.event.source, "type": e.event.type, "time": e.event.time,
         "recordedtime": e.event.recordedtime, "region": e.event.region,
         **({"corrects": e.event.corrects} if e.event.corrects else {})}
        for e in islice(found, MOST_EVENTS)
    ]  # fmt: skip


def _when(entry: Entry) -> Any:
    return entry.event.recordedtime, entry.key


class _Bears:
    """Tells whether an event counts in a figure; one that corrects may have moved it by what it replaces."""

    def __init__(self, of: Catalogue, query: Query) -> None:
        self.of, self.query = of, query
        self.sides = [
            (leaf, Tally([leaf.definition], of.zone, Series()))
            for leaf in query.leaves if leaf.definition.event and not leaf.definition.lookups
        ]  # fmt: skip
        self.within = of.regions.subtree(query.region)

    def __call__(self, entry: Entry) -> bool:
        if entry.event.status != self.query.status:
            return False
        sides = [(leaf, tally) for leaf, tally in self.sides if leaf.definition.event == entry.type]
        return not sides or bool(entry.target) or any(self._counts(entry, *side) for side in sides)

    def _counts(self, entry: Entry, leaf: Leaf, tally: Tally) -> bool:
        over, day = self.query.period, entry.event.time.astimezone(self.of.zone).date()
        back = leaf.kind in answer.LOOKS_BACK
        if day > over.last or not (back or over.first <= day) or self.of.known(entry.event.region) not in self.within:
            return False
        more = Increments()
        tally.count(entry.event, entry.type, entry.key, more, stored=True)
        names = {number: key for key, number in tally.series.ids.items()}
        return any(leaf.takes(names[code >> DAY_BITS][4]) for code in more.events)


def diff(one: Edition, here: Frozen, two: Edition, there: Frozen) -> dict[str, Any]:
    """What two editions print differently: figures, paragraphs, definitions."""
    slots = {**there.figures, **here.figures}
    items = [
        {"slot": slot, one.id: _value(here, slot), two.id: _value(there, slot)}
        | ({} if _hash(here, slot) == _hash(there, slot) else {"definition": "changed"})
        for slot in slots
        if slot not in here.figures or slot not in there.figures
        or making.differ(here.figures[slot], there.figures[slot])
    ]  # fmt: skip
    names = {**two.paragraphs, **one.paragraphs}
    texts = [
        {"slot": name, one.id: _text(one, name), two.id: _text(two, name)}
        for name in names if _text(one, name) != _text(two, name)
    ]  # fmt: skip
    return {"one": one.id, "other": two.id, "items": items, "paragraphs": texts,
            "template_changed": here.files != there.files}  # fmt: skip


def _value(frozen: Frozen, slot: str) -> Any:
    return frozen.figures[slot]["value"] if slot in frozen.figures else None


def _hash(frozen: Frozen, slot: str) -> str:
    return str(frozen.figures[slot]["definition"]["hash"]) if slot in frozen.figures else ""


def _text(one: Edition, name: str) -> str:
    return one.paragraphs[name].text if name in one.paragraphs else ""


async def behind(dsn: str, frozen: Frozen, line: Line, at: Cursor, size: int) -> dict[str, Any]:
    """The events that a printed number is made of, as of the cut."""
    of = frozen.catalogue
    query = frozen.queries(of, frozen.cutoff)[line.slot]
    query = narrowed(query, line.labels)
    async with since.snapshot(dsn, of, [query], frozen.cutoff, frozen.positions) as connection:
        return await pages.page(connection, of, query, at, size)


def narrowed(query: Query, labels: Mapping[str, str]) -> Query:
    """The question for one part of a split figure."""
    more = {
        name: value for name, value in labels.items() if name in query.by and name not in ("region", "day", "month")
    }
    leaves = tuple(replace(leaf, labels={**leaf.labels, **more}) for leaf in query.leaves)
    region = labels.get("region", query.region) if "region" in query.by else query.region
    return replace(query, leaves=leaves, labels={**query.labels, **more}, region=region, by=())
