"""Answers to citizens: single figures, frozen as an edition's are, with the same renderings and the same way back."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from services.reporting.api import Desk
from services.reporting.catalogue import Catalogue
from services.reporting.report import ends, figures, frozen, making, said, template
from services.reporting.report.content import Content
from services.reporting.report.edition import ISSUED, Edition, Paragraph, Scope
from services.reporting.report.frozen import Frozen
from services.reporting.report.slot import Slot
from services.runtime import web
from services.runtime.bureau import Bureau
from services.runtime.kafka import RECORD_BYTES

MOST = 50
"""Figures in one answer."""
WAIT_SECONDS = 10.0
TEMPLATE = "answer"
TITLE = "关于有关数字的答复"
_PLAIN = ("key", "from", "to", "region", "by", "labels")


class Wrong(ValueError):
    """A question that cannot be put: which, its field, and why."""

    def __init__(self, index: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.index, self.field, self.reason = index, field, reason


def slots(sent: Sequence[Mapping[str, Any]], region: str) -> list[Slot]:
    """The questions of a request, each as a slot. Raises Wrong."""
    if not 1 <= len(sent) <= MOST:
        raise Wrong(0, "questions", f"1 to {MOST} questions, not {len(sent)}")
    return [_slot(n, one, region) for n, one in enumerate(sent)]


def _slot(n: int, one: Mapping[str, Any], region: str) -> Slot:
    labels = {str(k): str(v) for k, v in (one.get("labels") or {}).items()}
    labels |= {name.removeprefix("label."): str(v) for name, v in one.items() if name.startswith("label.")}
    for name in one:
        if name not in _PLAIN and not name.startswith("label."):
            raise Wrong(n, name, f"a question has no {name[:64]}")
    for name in ("from", "to"):
        try:
            datetime.date.fromisoformat(str(one.get(name) or ""))
        except ValueError as error:
            raise Wrong(n, name, f"{name} must be a date like 2023-06-30") from error
    if str(one["from"]) > str(one["to"]):
        raise Wrong(n, "from", f"from {one['from']} is after to {one['to']}")
    by = tuple(part.strip() for part in str(one.get("by") or "").split(",") if part.strip())
    return Slot(str(one.get("key") or ""), tuple(sorted(labels.items())), str(one["from"]), str(one["to"]),
                str(one.get("region") or region), by)  # fmt: skip


def text_of(wanted: Sequence[Slot], of: Catalogue, title: str) -> str:
    """A template that says each of the figures."""
    lines = [f"# {title}", ""]
    for one in wanted:
        row = next(iter(of.rows.get(one.key, ())), None)
        days = f"{one.first}至{one.last}"
        said_ = f"{row.zh if row else one.key}（{days}）"
        lines += [f"{{{{{one.id}|table}}}}" if one.by else f"{said_}：{{{{{one.id}}}}}{row.unit if row else ''}。", ""]
    return "\n".join([*lines, "{{#if text:answer}}", "{{text:answer}}", "{{/if}}", ""])


async def freeze(
    desk: Desk, house: Bureau, wanted: Sequence[Slot], region: str, who: str, *, title: str, note: str
) -> str:
    """Read the figures as known now, and publish them as frozen; the answer's id. Raises Mistakes, Unclear, 503."""
    cutoff = desk.clock()
    text = text_of(wanted, desk.catalogue, title)
    t = template.read(TEMPLATE, text)
    scope = Scope(TEMPLATE, region, min(map(_first, wanted)), max(map(_last, wanted)))
    asked = making.asked(t, desk.catalogue, scope)
    queries = figures.parsed(asked, desk.catalogue, region, cutoff)
    await _known(desk)
    reading = await figures.read(desk.settings.postgres_dsn, desk.catalogue, queries, cutoff, wait=True)
    rows, registers = frozen.needed(desk.catalogue, queries.values())
    id_ = f"answer-{cutoff.astimezone(desk.catalogue.zone):%Y%m%d}-{_mark(text, cutoff)}"
    found = Frozen(
        id=id_, region=region, from_=scope.first, to=scope.last, cutoff=cutoff, at=desk.clock(),
        files={making.TEXT: text, "answer": note, "author": who}, bureau=making.bureau_of(house), questions=asked,
        figures=reading.figures, definitions=rows, registers=registers, regions=desk.catalogue.regions.rows,
        timezone=desk.catalogue.zone.key, feeds=desk.catalogue.feeds, positions=reading.positions,
        heads=reading.heads, names=making.names_of(house, queries.values()),
    )  # fmt: skip
    await desk.publisher.publish([_event(found, desk.clock())])
    return id_


def _first(one: Slot) -> datetime.date:
    return datetime.date.fromisoformat(one.first)


def _last(one: Slot) -> datetime.date:
    return datetime.date.fromisoformat(one.last)


def _mark(text: str, cutoff: datetime.datetime) -> str:
    return hashlib.sha256(f"{cutoff.isoformat()}{text}".encode()).hexdigest()[:8]


def _event(found: Frozen, now: datetime.datetime) -> Any:
    content = frozen.encode(found)
    if len(content) > RECORD_BYTES // 2:
        raise web.Refusal(422, f"the answer has {len(content)} bytes: ask for less in one")
    values = {id_: one["value"] for id_, one in found.figures.items()}
    return said.answered(found.id, found.region, found.cutoff, frozen.digest(content), values, content.decode(), now)


async def _known(desk: Desk) -> None:
    """Wait until everything said before now has been read. Raises 503."""
    await asyncio.sleep(ends.SETTLE_SECONDS)
    wanted = await ends.ask(desk.settings)
    end = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        async with desk.reading() as connection:
            left = await ends.unread(connection, wanted)
        if not left:
            return
        if asyncio.get_running_loop().time() > end:
            raise web.not_now(f"{left} records are still to be read", 2)
        await asyncio.sleep(0.1)


def content(found: Frozen) -> Content:
    """What an answer says."""
    note = found.files.get("answer", "")
    paragraphs = {"answer": Paragraph(note, found.files.get("author", ""), found.at)} if note else {}
    scope = Scope(TEMPLATE, found.region, found.from_, found.to)
    edition = Edition(found.id, scope, 1, found.cutoff, found.files.get("author", ""), found.at, ISSUED,
                      paragraphs=paragraphs, issued=found.at)  # fmt: skip
    return making.content(edition, found)


def shown(found: Frozen) -> dict[str, Any]:
    """An answer as its GET gives it."""
    return {
        "id": found.id, "region": found.region, "cutoff": found.cutoff, "at": found.at,
        "text": found.files.get("answer", ""), "items": [{"slot": id_, **f} for id_, f in found.figures.items()],
        "heads": list(found.heads), "digest": frozen.digest(frozen.encode(found)),
    }  # fmt: skip
