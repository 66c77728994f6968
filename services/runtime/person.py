"""The person behind a request: logged in, with a role, and with the word that every change must carry (CSRF)."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator

import asyncpg
from fastapi import Request

from services.runtime import access, log, postgres, web

_logger = log.get("person")


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection for one act. Raises 503 while the database is away."""
    try:
        connection = await postgres.connect(dsn, role="session", command_timeout=5)
        try:
            yield connection
        finally:
            connection.terminate()
    except postgres.NOT_NOW as error:
        raise web.not_now("the database is away") from error


def person_of(who: access.Access, request: Request, *roles: str, change: bool = True) -> access.Session:
    """The logged-in person, who has one of the roles (none: any), and means what is asked. Raises 401 or 403."""
    person = who.session(request.cookies.get(web.SESSION_COOKIE))
    if person is None:
        raise web.Refusal(401, "log in with POST /session: this is done by a person")
    if change:
        check_csrf(request, person)
    if roles and person.role not in roles:
        _logger.warning("person.refused", who=person.name, role=person.role, path=request.url.path)
        raise web.Refusal(403, f"role {person.role} may not; one of {', '.join(roles)} may")
    return person


def check_csrf(request: Request, person: access.Session) -> None:
    """Raises 403 unless a change made with a session carries its word in `X-CSRF-Token`."""
    if not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), person.csrf.encode()):
        raise web.Refusal(403, "send the session's `csrf` as header X-CSRF-Token")
