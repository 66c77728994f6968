"""What people ask of reporting about editions: their events, and what became of them."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import asyncpg
from fastapi import Request
from fastapi.responses import Response

from services.contracts import check, identity
from services.contracts.fields import ISO_DATE
from services.contracts.fields import moment as read
from services.reporting.api import Desk
from services.reporting.report import said
from services.runtime import access, web
from services.runtime.kafka import Rejected, Unknown
from services.runtime.person import check_csrf

WAIT_SECONDS = 2.0
"""A command's outcome is waited for so long; later it is asked for."""
LOOK_SECONDS = 0.03


def officer(request: Request, roles: tuple[str, ...], about: str, *, key_right: str = "") -> access.Principal:
    """The person who acts, or a program whose key has the right. Raises 401 or 403."""
    who = web.principal(request)
    if who is None:
        raise web.unauthorized()
    if who.kind == "person":
        person = request.app.state.access.session(request.cookies.get(web.SESSION_COOKIE))
        check_csrf(request, person)
    elif key_right and key_right in who.rights:
        return who
    elif not who.role:
        raise web.Refusal(403, f"{about}: this is done by a person; log in with POST /session")
    if who.role not in roles:
        raise web.Refusal(403, f"{about}: role {who.role} may not; one of {', '.join(roles)} may")
    return who


async def publish(desk: Desk, type_: str, content: Mapping[str, Any], who: str, region: str, id_: str = "") -> str:
    """Publish what a person decides; the event's id. Raises 422, and 503 when it is not sure."""
    id_ = id_ or str(uuid.uuid4())
    problems = [
        {"index": 0, "id": id_, "field": field, "reason": reason, "code": code}
        for field, reason, code in check.check_data(type_, content)
    ]
    if problems:
        raise web.Refusal(422, "see problems", problems)
    record = said.event(type_, content, id_=id_, source=said.PEOPLE, who=who, region=region, now=desk.clock())
    try:
        await asyncio.shield(asyncio.ensure_future(desk.publisher.publish([record])))
    except Rejected as error:
        raise web.Refusal(422, f"Kafka does not take it: {error}") from error
    except Unknown as error:
        raise web.not_now("not confirmed by Kafka; send again with the same id") from error
    return id_


async def outcome(desk: Desk, id_: str, seconds: float = WAIT_SECONDS) -> str | None:
    """Why a command was refused, waited for so long; empty: it was not; None: it is not known yet."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        async with desk.reading() as connection:
            found = await known(connection, id_)
        if found is not None or asyncio.get_running_loop().time() >= end:
            return found
        await asyncio.sleep(LOOK_SECONDS)


async def known(connection: asyncpg.Connection, id_: str) -> str | None:
    """What became of a command so far."""
    key = uuid.UUID(bytes=identity.key(said.PEOPLE, id_))
    found: str | None = await connection.fetchval("SELECT refused FROM edition_command WHERE key = $1", key)
    return found


def answered(id_: str, refused: str | None, **more: Any) -> Response:
    """200, 409 with the reason, or 202."""
    if refused is None:
        return web.json_answer({"command": id_, **more}, 202)
    if refused:
        return web.problem(409, refused, command=id_, **more)
    return web.json_answer({"event": {"id": id_, "source": said.PEOPLE}, "outcome": "accepted", **more})


def moment(text: Any, desk: Desk) -> datetime.datetime:
    """A cut-off as it was sent: RFC 3339 with offset, or a date: its 00:00 in the bureau. Raises 422."""
    try:
        if isinstance(text, str) and ISO_DATE.fullmatch(text):
            return datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time(), desk.catalogue.zone)
    except ValueError:
        pass
    found = read(text) if isinstance(text, str) else None
    if found is None:
        raise unclear("cutoff", "cutoff must be a time with offset like 2024-01-05T00:00:00+08:00", "not_a_time")
    return found


def unclear(field: str, reason: str, code: str, status: int = 422) -> web.Refusal:
    """One thing wrong with a request."""
    return web.Refusal(status, reason, [{"index": 0, "field": field, "reason": reason, "code": code}])
