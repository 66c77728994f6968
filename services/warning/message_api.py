"""A stored warning as it came and in the other formats: `GET /warning/messages/{id}` `.cap`, `.guotu`, `.json`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts import identity
from services.runtime import web
from services.runtime.access import Principal
from services.warning import messages
from services.warning.alert import ISSUE

Taken = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""A connection to the schema of the watch."""
Seen = Callable[[Principal], Collection[str] | None]
"""The regions that somebody may see; None: all."""
NAMED = """
SELECT f.record FROM name n JOIN fact f ON (f.kind, f.scope, f.matter) = (n.kind, n.scope, n.matter)
 WHERE n.kind = 'alert' AND n.name = $1"""
HELD = "SELECT record FROM fact WHERE kind = 'alert' AND position(convert_to($1, 'UTF8') IN record) > 0 LIMIT 100"
"""Slow, for what is no message of a chain (Ack, Error), or asked for by the id of its event."""


async def stored(connection: asyncpg.Connection, id_: str, source: str = "") -> dict[str, Any] | None:
    """The event of the message with this identifier (or event id); of several the latest that was accepted."""
    for query in (NAMED, HELD):
        events = [msgspec.json.decode(row["record"]) for row in await connection.fetch(query, id_)]
        meant = [event for event in events if _is(event, id_, source)]
        if meant:
            latest: dict[str, Any] = max(
                meant, key=lambda event: (event.get("recordedtime") or "", identity.key(*_name(event)))
            )
            return latest
    return None


def _is(event: dict[str, Any], id_: str, source: str) -> bool:
    own = id_ in (event["id"], (event.get("data") or {}).get("identifier"))
    return own and event["type"] == ISSUE and source in ("", event["source"])


def _name(event: dict[str, Any]) -> tuple[str, str]:
    return event["source"], event["id"]


def add_routes(routes: APIRouter, taken: Taken, seen: Seen) -> None:
    """`/messages/{id}.cap`, `.guotu` and `.json`; before the routes of the lists, which would take them for one."""

    async def answer(id_: str, ending: str, request: Request, who: Principal) -> Response:
        async with taken() as connection:
            event = await stored(connection, id_, request.query_params.get("source", ""))
        regions = seen(who)
        if event is None or (regions is not None and event.get("region") not in regions):
            raise web.Refusal(404, f"no such message: {id_[:200]}")
        body = messages.rendered(event, ending)
        if body is None:
            raise web.Refusal(404, "this event carries no message: its publisher sent the event itself")
        return Response(body, media_type=messages.MEDIA[ending])

    @routes.get("/messages/{id:path}.{form}", tags=["lists"], summary="A message: cap, guotu, json")
    async def show_message(
        id: str,  # noqa: A002  the path's own word
        form: Literal["cap", "guotu", "json"],
        request: Request,
        who: web.Reader,
    ) -> Response:
        return await answer(id, form, request, who)
