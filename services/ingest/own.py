"""What a publisher asks of its own events: `GET /mine`, `GET /mine/events/{id}`."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

import asyncpg
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest import mine
from services.ingest.asker import asker
from services.ingest.words import problem_answer
from services.runtime import access, audit, postgres, web
from services.runtime.audit import Actor
from services.runtime.bureau import Bureau

CONNECTIONS = 3
_REFUSALS: dict[int | str, Any] = {
    401: problem_answer("No key, or one that is revoked"),
    503: problem_answer("The database is away"),
}
_NO_EVENT: dict[int | str, Any] = {
    404: problem_answer("Nothing is known of it from this publisher"),
    422: problem_answer("The key has no single source: name one"),
}


def connections(dsn: str) -> asyncpg.Pool:
    """Connections to the schema of ingest, opened when they are first needed; to be awaited once."""
    return asyncpg.create_pool(
        dsn, min_size=0, max_size=CONNECTIONS, timeout=5, command_timeout=10,
        server_settings={"application_name": "hub-ingest-api", "search_path": "ingest", "jit": "off"},
    )  # fmt: skip


def audited(pool: asyncpg.Pool) -> Callable[[Actor, Mapping[str, Any]], Awaitable[None]]:
    """Writes down that a person has uploaded a table. Raises 503 while the database is away: nothing is unaudited."""

    async def write(by: Actor, told: Mapping[str, Any]) -> None:
        try:
            async with pool.acquire(timeout=5) as connection:
                await audit.write(cast(asyncpg.Connection, connection), by, "table.uploaded", **told)
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away: send again") from error

    return write


class Own:
    """Answers publishers, each of itself only."""

    def __init__(
        self, who: access.Access, pool: asyncpg.Pool, of: Bureau, clock: Callable[[], datetime.datetime]
    ) -> None:
        self._access, self._pool, self._clock = who, pool, clock
        self._zone, self._regions = of.timezone, of.regions

    def key(self, request: Request) -> access.Key:
        """Who asks. Raises 401 or 403."""
        return asker(self._access, self._regions, request, change=False).key

    async def overview(self, request: Request) -> Response:
        """Counts and the last problems."""
        key = self.key(request)
        now = self._clock()
        async with self._reading() as connection:
            found = await mine.overview(connection, key.name, now.astimezone(self._zone).date())
        return web.json_answer({**found, "scope": key.scope, "as_of": now})

    async def event(self, request: Request, id_: str, source: str) -> Response:
        """One event's fate."""
        key = self.key(request)
        source = source or _only_source(key)
        if not source:
            raise web.Refusal(422, "the key has no single source: name one, ?source=…")
        async with self._reading() as connection:
            found = await mine.one(connection, key.name, source.replace("\0", ""), id_.replace("\0", ""))
        if found is None:
            raise web.Refusal(
                404, "nothing is known of this event from this publisher: it was never sent, or not yet read (a second)"
            )
        return web.json_answer(found)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            async with self._pool.acquire(timeout=5) as connection:
                yield cast(asyncpg.Connection, connection)
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away: ask again") from error


def _only_source(key: access.Key) -> str:
    sources = key.scope.sources
    return sources[0] if len(sources) == 1 and sources[0] != access.ANY else ""


def router(own: Own) -> APIRouter:
    """The routes of a publisher's own view."""
    routes = APIRouter()

    @routes.get("/mine", tags=["mine"], summary="What became of my events", responses=_REFUSALS)
    async def show_mine(request: Request) -> Response:
        """Counts per outcome today and in all, per type, late ones (over a day), and the last problems."""
        return await own.overview(request)

    @routes.get(
        "/mine/events/{id:path}", tags=["mine"], summary="What became of one event", responses=_REFUSALS | _NO_EVENT
    )
    async def show_event(request: Request, id: str, source: str = "") -> Response:  # noqa: A002  the path's own word
        """`fate` is where the event stands now, `history` everything that was told of it."""
        return await own.event(request, id, source)

    return routes
