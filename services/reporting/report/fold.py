"""What people decide about editions, folded in the transaction that reads it: state, refusals, numbers of documents.

Each `report.*` fact of a person is applied once, in the order of its partition (one edition, one partition). What it
may not do is a refusal with its reason, which whoever sent it is waiting for.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import asyncpg
import msgspec

from services.contracts.event import Event
from services.contracts.fields import moment
from services.reporting.ledger import Entry
from services.reporting.report import edition, said, store
from services.reporting.report.edition import ISSUED, Asked, Edition, Refused, Scope
from services.runtime import outbox
from services.runtime.bureau import Bureau

_data = msgspec.json.Decoder(dict[str, Any]).decode
LONGEST = 2000
"""Characters of a reason."""


async def fold(connection: asyncpg.Connection, entries: Iterable[Entry], house: Bureau | None) -> None:
    """Apply what stands in new ledger rows; call it in their transaction, in the order in which they were read."""
    for entry in entries:
        if entry.type in ACTS and _counts(entry):
            why = ""
            try:
                async with connection.transaction():
                    await ACTS[entry.type](connection, entry.event, _data(entry.event.data), house)
            except Refused as refused:
                why = str(refused)
            await connection.execute(
                DONE, entry.key.hex(), entry.event.subject, why[:LONGEST], entry.event.recordedtime,
            )  # fmt: skip


def _counts(entry: Entry) -> bool:
    """Imports, exercises and what takes something back move no edition."""
    event = entry.event
    return event.status == "actual" and event.lane != "history" and not entry.retracts and not entry.target


async def _request(
    connection: asyncpg.Connection, event: Event, data: Mapping[str, Any], _house: Bureau | None
) -> None:
    asked = _asked(event, data)
    before = await store.one(connection, asked.id, lock=True)
    revisions = await store.of_scope(connection, asked.scope)
    last = revisions[0] if revisions else None
    await store.put(connection, edition.request(before, last, asked, event.publisher, event.recordedtime))
    await store.progress(connection, asked.id, 0, "")


def _asked(event: Event, data: Mapping[str, Any]) -> Asked:
    try:
        scope = Scope(
            str(data["template"]), str(data["region_code"]), datetime.date.fromisoformat(data["from"]),
            datetime.date.fromisoformat(data["to"]),
        )  # fmt: skip
        cutoff = moment(data["cutoff"])
        revision = int(data["revision"])
    except (KeyError, ValueError, TypeError) as error:
        raise Refused(f"申请写得不对: {error}") from error
    if cutoff is None or scope.first > scope.last:
        raise Refused("申请写得不对: 截止时点、起止日期")
    return Asked(event.subject, scope, revision, cutoff)


async def _paragraph(
    connection: asyncpg.Connection, event: Event, data: Mapping[str, Any], _house: Bureau | None
) -> None:
    found = await _known(connection, event)
    slot, text = str(data.get("slot") or ""), str(data.get("text") or "")
    await store.put(connection, edition.write(found, slot, text, event.publisher, event.recordedtime))


async def _step(connection: asyncpg.Connection, event: Event, data: Mapping[str, Any], house: Bureau | None) -> None:
    found = await _known(connection, event)
    others = [
        one for one in await store.of_scope(connection, found.scope) if one.id != found.id and one.state == ISSUED
    ]
    newer = next((one.id for one in others if one.revision > found.revision), "")
    reason = str(data.get("reason") or "")[:LONGEST]
    taken = edition.take(found, str(data.get("step")), event.publisher, event.recordedtime, reason, newer)
    if taken.state == ISSUED:
        taken = await _numbered(connection, taken, house)
        for older in others:
            if not older.superseded_by:
                await store.put(connection, msgspec.structs.replace(older, superseded_by=taken.id))
    await store.put(connection, taken)


async def _numbered(connection: asyncpg.Connection, issued: Edition, house: Bureau | None) -> Edition:
    """With the next number of the bureau's series of that year; the number is told as an event."""
    assert issued.issued is not None  # noqa: S101  it has just been
    zone, prefix = (house.timezone, house.document_prefix) if house else (datetime.UTC, "")
    series = f"{prefix}〔{issued.issued.astimezone(zone).year}〕"
    number = await store.number(connection, series, issued.id)
    await outbox.put(connection, [said.numbered(series, number, issued)])
    return msgspec.structs.replace(issued, number=f"{series}{number}号")


async def _answer(connection: asyncpg.Connection, event: Event, data: Mapping[str, Any], _house: Bureau | None) -> None:
    if event.source == said.SOURCE:
        await store.keep_answer(connection, str(data.get("frozen") or "").encode())


async def _known(connection: asyncpg.Connection, event: Event) -> Edition:
    found = await store.one(connection, event.subject, lock=True)
    if found is None:
        raise Refused(f"没有版次 {event.subject[:80]}")
    return found


DONE = "INSERT INTO edition_command (key, edition, refused, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
Act = Callable[[asyncpg.Connection, Event, Mapping[str, Any], Bureau | None], Any]
ACTS: Mapping[str, Act] = {
    "report.edition_requested": _request,
    "report.paragraph_written": _paragraph,
    "report.step_completed": _step,
    said.ANSWERED: _answer,
}
