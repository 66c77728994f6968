"""What the desk asks about people: who would be called, who is on duty, what a shift hands over, its brief."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from services.contracts import codes
from services.runtime import web
from services.warning import brief, discipline, handover, lists
from services.warning.explain import Unknown, explain
from services.warning.feed import scoreboard
from services.warning.handover import Told
from services.warning.surroundings import Surroundings
from services.warning.world import World

Take = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]
"""Gives a connection for `async with`."""
LISTED = (*handover.KINDS, "shift")


class DutyDesk:
    """Answers from the matters and the house of one bureau."""

    def __init__(self, around: Surroundings, taken: Take) -> None:
        self._around, self._taken = around, taken

    async def explain(self, asked: Mapping[str, str]) -> Response:
        """Who would be called. Raises 404, 422."""
        async with self._taken() as connection:
            world = await self.world(connection)
        try:
            found = explain(
                world.house, level=asked.get("level", "red"), hazard=asked.get("hazard", "rainstorm"),
                region=asked.get("region") or world.bureau.region, now=_moment(asked.get("at", ""), world),
            )  # fmt: skip
        except Unknown as error:
            raise web.Refusal(404 if error.parameter == "region" else 422, str(error)) from error
        return web.json_answer(found)

    async def now_on_duty(self) -> Response:
        """`{items, next}`: every post, and who is there."""
        async with self._taken() as connection:
            world = await self.world(connection)
            shifts = (await _open(connection, world))["shift"]
        return web.json_answer({"items": handover.on_duty(world.house, shifts, world.now), "next": None})

    async def handover(self, key: str) -> Response:
        """The list of a hand-over. Raises 404."""
        async with self._taken() as connection:
            world = await self.world(connection)
            shift = await self._shift(connection, key)
            found = await _open(connection, world)
        return web.json_answer(handover.filled(shift, found, world.now))

    async def brief(self, key: str, form: str) -> Response:
        """The brief of a shift as html, txt or json. Raises 404."""
        async with self._taken() as connection:
            world = await self.world(connection)
            shift = await self._shift(connection, key)
            happened = await _happened(connection, shift, world.now)
            found = await _open(connection, world)
        one = brief.brief(shift, world.bureau.name, happened, found, world.now, world.bureau.timezone)
        if form == "html":
            return HTMLResponse(brief.page(one))
        return PlainTextResponse(brief.plain(one)) if form == "txt" else web.json_answer(brief.model(one))

    async def scoreboard(self) -> Response:
        """`{items, next}`: publishers, who kept silent longest first."""
        async with self._taken() as connection:
            rows = await connection.fetch(FEEDS)
        items = scoreboard([msgspec.json.decode(row["told"]) for row in rows])
        return web.json_answer({"items": items, "next": None})

    async def hidden(self, key: str) -> Response:
        """`{id, count, items}`: what a silence has hidden, a hundred of them."""
        async with self._taken() as connection:
            rows = await connection.fetch(HIDDEN, f"{discipline.HIDDEN}{key}")
        items = [{name: row[name] for name in ("kind", "matter", "slot")} for row in rows[: lists.PAGE]]
        return web.json_answer({"id": key, "count": len(rows), "items": items})

    async def _shift(self, connection: asyncpg.Connection, key: str) -> Told:
        shift = await lists.one(connection, "duty", key)
        if shift is None:
            raise web.Refusal(404, f"no such shift: {key[:200]}")
        return shift

    async def world(self, connection: asyncpg.Connection) -> World:
        """The moment now, with what was recorded of people."""
        await self._around.follow(connection)
        return await self._around.world(connection)


def _moment(text: str, world: World) -> datetime.datetime:
    try:
        at = datetime.datetime.fromisoformat(text.replace(" ", "+")) if text else world.now
    except ValueError as error:
        raise web.Refusal(422, "at: a moment like 2026-07-16T03:10:00+08:00") from error
    return at.astimezone(world.bureau.timezone) if at.tzinfo else at.replace(tzinfo=world.bureau.timezone)


FEEDS = "SELECT told FROM told WHERE kind = 'feed' AND scope = 'actual' ORDER BY key"
HIDDEN = "SELECT kind, matter, slot FROM effect WHERE scope = 'actual' AND digest = $1 ORDER BY kind, matter, slot"
OPEN = "SELECT kind, told FROM told WHERE kind = ANY($1) AND scope = 'actual' AND NOT closed"
HAPPENED = """
SELECT kind, told FROM told WHERE kind = ANY($1) AND scope = 'actual'
   AND coalesce(told->>'opened', told->>'issued', told->>'reported', told->>'received')::timestamptz
       BETWEEN $2 AND $3
 ORDER BY key LIMIT 500"""


async def _open(connection: asyncpg.Connection, world: World) -> dict[str, list[Told]]:
    """The open matters by kind, with the Chinese names of posts."""
    found: dict[str, list[Told]] = {kind: [] for kind in LISTED}
    for row in await connection.fetch(OPEN, list(LISTED)):
        told = msgspec.json.decode(row["told"])
        found[row["kind"]].append({**told, "post_name": world.house.post(str(told.get("post") or ""))})
    return found


async def _happened(connection: asyncpg.Connection, shift: Told, now: datetime.datetime) -> dict[str, Sequence[str]]:
    """What began in the shift, a line each, by kind."""
    if not shift.get("from") or not shift.get("to"):
        return {}
    from_, to = (datetime.datetime.fromisoformat(shift[name]) for name in ("from", "to"))
    kinds = [kind for kind, _ in brief.HAPPENED]
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for row in await connection.fetch(HAPPENED, kinds, from_, min(to, now)):
        found[row["kind"]].append(_line(msgspec.json.decode(row["told"])))
    return dict(found)


STATES_ZH = {
    "in_force": "生效中", "valid": "生效中", "ended": "已解除", "calling": "正在叫应", "escalated": "未应，已升级",
    "answered": "已应", "exhausted": "无人应答", "superseded": "已变更", "lifted": "已解除", "open": "进行中",
    "closed": "已办结", "drafted": "拟稿", "submitted": "待批准", "issued": "已下发", "acknowledged": "已签收",
    "overdue": "逾期未签收", "started": "已启动",
}  # fmt: skip
"""How things stand, as the brief says it."""


def _line(told: Told) -> str:
    level = codes.WEATHER_LEVEL.values.get(str(told.get("highest") or told.get("level")), "")
    what = told.get("headline") or told.get("title") or told["id"]
    state = str(told.get("outcome") or told.get("state") or "")
    parts = (told.get("organisation_name"), what, level, STATES_ZH.get(state, state))
    return " ".join(str(part) for part in parts if part)


def router(desk: DutyDesk) -> APIRouter:
    """Its routes; they stand before those of the lists, which would take them for keys."""
    routes = APIRouter()

    @routes.get("/routes/explain", tags=["callout"], summary="Who would be called about a warning, and when")
    async def show_explanation(request: Request, _who: web.Reader) -> Response:
        return await desk.explain(request.query_params)

    @routes.get("/duty/now", tags=["duty"], summary="Who is on duty at every post")
    async def show_now(_who: web.Reader) -> Response:
        return await desk.now_on_duty()

    @routes.get("/feeds/scoreboard", tags=["feeds"], summary="Publishers, by how they keep their promises")
    async def show_scoreboard(_who: web.Reader) -> Response:
        return await desk.scoreboard()

    @routes.get("/silences/{id}/hidden", tags=["discipline"], summary="What a silence has hidden")
    async def show_hidden(id: str, _who: web.Reader) -> Response:  # noqa: A002  the path's own word
        return await desk.hidden(id)

    @routes.get("/duty/{id}/handover", tags=["duty"], summary="What a shift hands over, filled in")
    async def show_handover(id: str, _who: web.Reader) -> Response:  # noqa: A002  the path's own word
        return await desk.handover(id)

    @routes.get("/duty/{id}/brief.{form}", tags=["duty"], summary="The brief of a shift: json, html, txt")
    async def show_brief(id: str, form: Literal["json", "html", "txt"], _who: web.Reader) -> Response:  # noqa: A002
        return await desk.brief(id, form)

    return routes
