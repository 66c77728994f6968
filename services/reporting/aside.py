"""What reporting could not read: listed, shown, and sent through the door again."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import asyncpg
import httpx
import msgspec

from services.contracts.event import as_sent
from services.reporting.behind import masked
from services.runtime.settings import Settings

DOOR_SECONDS = 15.0


class NotAnEvent(ValueError):
    """A record of which nothing can be sent again."""


async def page(connection: asyncpg.Connection, after: int, size: int, *, open_: bool) -> dict[str, Any]:
    """`{items, next}` by id; `open_`: only what was not sent again yet."""
    rows = await connection.fetch(LIST, after, open_, size)
    next_ = str(rows[-1]["id"]) if len(rows) == size else None
    return {"items": [dict(row) for row in rows], "next": next_}


async def one(connection: asyncpg.Connection, id_: int) -> dict[str, Any] | None:
    """One record with its text, personal fields masked as far as it can be read as an event."""
    row = await connection.fetchrow(ONE, id_)
    if row is None:
        return None
    found = dict(row)
    body = found.pop("record")
    try:
        found["event"] = masked(_event(body))
    except NotAnEvent:
        found["text"] = bytes(body[:2000]).decode("utf-8", "backslashreplace")
    return found


async def redrive(connection: asyncpg.Connection, id_: int, settings: Settings, authorization: str) -> httpx.Response:
    """Send the publisher's part of a record through the door again, with the right of whoever asks.

    Raises LookupError, NotAnEvent, and httpx.TransportError when the door does not answer. The record is marked when
    the door took it; sent twice, it is a duplicate.
    """
    body = await connection.fetchval("SELECT record FROM quarantine WHERE id = $1", id_)
    if body is None:
        raise LookupError(id_)
    async with httpx.AsyncClient(timeout=DOOR_SECONDS, trust_env=False) as client:
        answer = await client.post(
            f"{door(settings)}/events",
            content=msgspec.json.encode(published(_event(body))),
            headers={"authorization": authorization, "content-type": "application/cloudevents+json"},
        )
    if answer.status_code == httpx.codes.ACCEPTED:
        await connection.execute("UPDATE quarantine SET redriven = now() WHERE id = $1", id_)
    return answer


def door(settings: Settings) -> str:
    """Where the door answers: the hub's own origin, also behind a reverse proxy on this machine."""
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::") else settings.http_host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/ingest"


def published(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the publisher sent, of a record of which little is certain."""
    try:
        return as_sent(event)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotAnEvent(f"the record does not say what was sent: {error!r}") from error


def _event(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAnEvent(f"the record is not JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise NotAnEvent("the record is no event: there is nothing to send again")
    return found


def age(at: datetime.datetime, now: datetime.datetime) -> float:
    """Seconds since a moment."""
    return (now - at).total_seconds()


_COLUMNS = """
SELECT q.id, p.topic, p.partition, p.epoch, q."offset", q.reason, q.detail, q.late, q.at, q.redriven,
       length(q.record) AS bytes"""
LIST = f"""{_COLUMNS} FROM quarantine q LEFT JOIN position p ON p.id = q.position
 WHERE q.id > $1 AND (NOT $2 OR q.redriven IS NULL) ORDER BY q.id LIMIT $3"""
ONE = f"{_COLUMNS}, q.record FROM quarantine q LEFT JOIN position p ON p.id = q.position WHERE q.id = $1"
