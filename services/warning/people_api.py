"""What administration asks of people: the book of contacts, and the roster of a month."""

from __future__ import annotations

import datetime
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from services.runtime import access, web
from services.warning.book import book
from services.warning.roster import roster
from services.warning.world import World

Take = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Gives a connection for `async with`."""
See = Callable[[access.Principal], frozenset[str] | None]
"""The regions that somebody may see; None: all."""
MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
TOLD = "SELECT key, told FROM warning.told WHERE kind = 'contact' AND scope = 'actual'"


class PeopleDesk:
    """Answers from the house of one bureau, with what was recorded since."""

    def __init__(self, world: Callable[[asyncpg.Connection], Awaitable[World]], taken: Take, see: See) -> None:
        self._world, self._taken, self._see = world, taken, see

    async def book(self, who: access.Principal) -> Response:
        """`{items, next}`: everybody, numbers masked."""
        async with self._taken() as connection:
            world = await self._world(connection)
            told = {row["key"]: msgspec.json.decode(row["told"]) for row in await connection.fetch(TOLD)}
        return web.json_answer({"items": book(world.house, told, world.now, self._see(who)), "next": None})

    async def roster(self, month: str, who: access.Principal) -> Response:
        """`{month, from, to, items}`: each post with a roster, its shifts and gaps in a month. Raises 422."""
        async with self._taken() as connection:
            world = await self._world(connection)
        begin, end = _span(month, world)
        items = roster(world.house, begin, end, self._see(who))
        return web.json_answer({"month": f"{begin:%Y-%m}", "from": begin, "to": end, "items": items})


def _span(month: str, world: World) -> tuple[datetime.datetime, datetime.datetime]:
    zone = world.bureau.timezone
    found = MONTH.fullmatch(month or f"{world.now.astimezone(zone):%Y-%m}")
    if found is None:
        raise web.Refusal(422, "month: like 2026-07")
    year, number = int(found[1]), int(found[2])
    begin = datetime.datetime(year, number, 1, tzinfo=zone)
    end = datetime.datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return begin, end


def router(desk: PeopleDesk) -> APIRouter:
    """Its routes; they stand before those of the lists, which would take them for keys."""
    routes = APIRouter()

    @routes.get("/contacts/book", tags=["duty"], summary="Everybody who holds a post; numbers masked")
    async def show_book(who: web.Reader) -> Response:
        return await desk.book(who)

    @routes.get("/duty/roster", tags=["duty"], summary="Who is at each post in a month, and where nobody is")
    async def show_roster(who: web.Reader, month: str = "") -> Response:
        return await desk.roster(month, who)

    return routes
