"""What the desk and the wall ask besides lists: a search, who can be reached where, how it stood a day ago."""

from __future__ import annotations

import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.runtime import audit, person, web
from services.warning import past, search
from services.warning.api import Desk
from services.warning.commands import DESK
from services.warning.surroundings import Surroundings


class Lookups:
    """Answers from the matters and the people of one bureau."""

    def __init__(self, desk: Desk, around: Surroundings) -> None:
        self._desk, self._around = desk, around

    async def search(self, text: str, who: web.Reader) -> Response:
        """`{items: [{kind, matter}], people: […]}`. Raises 422 for a text that is too short."""
        text = text.strip()
        if len(text) < search.SHORTEST:
            raise web.Refusal(422, f"q: {search.SHORTEST} characters at least")
        regions = self._desk.regions(who)
        async with self._desk.taken() as connection:
            await self._around.follow(connection)
            world = await self._around.world(connection)
            found = await search.matters(connection, text, regions)
        return web.json_answer({"items": found, "people": search.people(world.house, text, regions, world.now)})

    async def people(self, region: str, who: web.Reader) -> Response:
        """`{items, next}`: the persons of a region and below, masked. Raises 404."""
        known = self._desk.bureau.regions
        if region not in known:
            raise web.Refusal(404, f"there is no region {region[:64]}")
        async with self._desk.taken() as connection:
            await self._around.follow(connection)
            world = await self._around.world(connection)
        area = known.subtree(region)
        found = search.of_organisations(world.house, area, self._desk.regions(who), world.now)
        return web.json_answer({"items": list(found), "next": None})

    async def reveal(self, key: str, request: Request) -> Response:
        """`{person_id, name, addresses}` with whole numbers; who asked is audited. Raises 401, 403, 404."""
        who = person.person_of(request.app.state.access, request)
        if who.role not in DESK:
            raise web.Refusal(403, f"numbers are shown to the desk: role {who.role} may not")
        regions = self._desk.regions(web.as_principal(who))
        async with self._desk.taken() as connection:
            await self._around.follow(connection)
            world = await self._around.world(connection)
            found = world.house.people.persons.get(key)
            shown = search.shown(world.house, found) if found else None
            if found is None or shown is None or (regions is not None and shown["region"] not in regions):
                raise web.Refusal(404, f"no such person: {key[:64]}")
            await audit.write(connection, web.actor(request, who.name), "contact.revealed", id=key)
        return web.json_answer({**shown, "addresses": dict(found.addresses)})

    async def standing(self, at: str, who: web.Reader) -> Response:
        """`{at, loops: {loop: {open, overdue, major}}, responses}`. Raises 422."""
        moment = _moment(at)
        async with self._desk.taken() as connection:
            found = await past.standing(connection, moment, self._desk.regions(who))
        return web.json_answer(past.shown(moment, found))


def _moment(text: str) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise web.Refusal(422, "at: a moment like 2026-07-16T03:10:00+08:00") from error
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def router(lookups: Lookups) -> APIRouter:
    """Its routes; they stand before those of the lists, which would take them for keys."""
    routes = APIRouter()

    @routes.get("/search", tags=["lists"], summary="What a text finds: warnings, notices, cases, people")
    async def show_found(who: web.Reader, q: str = "") -> Response:
        return await lookups.search(q, who)

    @routes.get("/people", tags=["duty"], summary="Who can be reached in a region; numbers are masked")
    async def show_people(who: web.Reader, region: str = "") -> Response:
        return await lookups.people(region, who)

    @routes.post("/people/{id}/reveal", tags=["duty"], summary="A person's whole numbers; it is audited who asked")
    async def post_reveal(id: str, request: Request) -> Response:  # noqa: A002  the path's own word
        return await lookups.reveal(id, request)

    @routes.get("/loops/standing", tags=["lists"], summary="How many cases were open and overdue at a moment")
    async def show_standing(who: web.Reader, at: str = "") -> Response:
        return await lookups.standing(at, who)

    return routes
