"""What the watch answers: lists, one matter, commands of people, the account of what was read."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts import check, identity
from services.runtime import access, accounting, audit, postgres, web
from services.runtime.bureau import Bureau
from services.runtime.kafka import Publisher, Record, Rejected, Unknown
from services.runtime.person import person_of
from services.runtime.settings import Settings
from services.warning import callbacks, commands, link, lists, message_api, notice_api
from services.warning.book import channels_masked
from services.warning.callbacks import Callbacks
from services.warning.channels import testing
from services.warning.commands import Command
from services.warning.link import Links
from services.warning.lists import LISTS, OF_LOOP, Asked
from services.warning.loops import rows
from services.warning.loops.command import NoSuchStep, event_of
from services.warning.meters import Meters

CONNECTIONS = 6
WAIT_SECONDS = 2.0
"""A command's outcome is waited for so long; later it is asked for."""
LOOK_SECONDS = 0.03


def connections(dsn: str) -> asyncpg.Pool:
    """Connections to the schema of the watch, opened when they are first needed; to be awaited once."""
    return asyncpg.create_pool(
        dsn, min_size=0, max_size=CONNECTIONS, timeout=5, command_timeout=15,
        server_settings={"application_name": "hub-warning-api", "search_path": "warning", "jit": "off"},
    )  # fmt: skip


class Desk:
    """Answers from one database, for one bureau."""

    def __init__(
        self, settings: Settings, bureau: Bureau, pool: asyncpg.Pool, now: Callable[[], datetime.datetime]
    ) -> None:
        self.settings, self.bureau, self.pool, self.now = settings, bureau, pool, now
        self.publisher = Publisher(settings)

    @contextlib.asynccontextmanager
    async def taken(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection. Raises 503 while the database is away."""
        try:
            async with self.pool.acquire(timeout=5) as connection:
                yield cast(asyncpg.Connection, connection)
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away or busy") from error

    # --- lists ----------------------------------------------------------------------------------------------------

    async def list(self, path: str, request: Request, who: access.Principal) -> Response:
        """`{items, next}`."""
        asked = self._asked(path, request, who)
        async with self.taken() as connection:
            try:
                found = await lists.page(connection, asked)
            except lists.BadCursor as error:
                raise web.Refusal(422, str(error)) from error
            if path == "alerts":
                await _count_answers(connection, asked.scope, found["items"])
        if path == "contacts":
            found["items"] = [*map(channels_masked, found["items"])]
        return web.json_answer(found)

    async def one(self, path: str, key: str, request: Request, who: access.Principal) -> Response:
        """One matter. Raises 404."""
        async with self.taken() as connection:
            found = await self._matter(connection, path, key, request, who)
        return web.json_answer(channels_masked(found) if path == "contacts" else found)

    async def notice(self, key: str, request: Request, who: access.Principal) -> dict[str, Any]:
        """A notice as its GET gives it. Raises 404."""
        async with self.taken() as connection:
            return await self._matter(connection, "notices", key, request, who)

    async def _matter(
        self, connection: asyncpg.Connection, path: str, key: str, request: Request, who: access.Principal
    ) -> dict[str, Any]:
        own = _own(path, who)
        found = await lists.one(connection, path, key, _scope(request))
        seen = None if own else self.regions(who)
        if found is not None and own and found["publisher"] != who.publisher:
            found = None
        concerned = found is not None and (
            seen is None or found["region"] in seen
            or (path == "notices" and notice_api.concerns(found, seen, self.bureau.regions))
        )  # fmt: skip
        if found is None or not concerned:
            raise web.Refusal(404, f"no such thing among {path}: {key[:200]}")
        if path == "alerts":
            await _count_answers(connection, _scope(request), [found])
        elif path == "notices":
            await notice_api.attach(connection, found, self.bureau.regions)
        return found

    async def deliveries(self, request: Request, _who: access.Principal) -> Response:
        """Who was sent what."""
        asked = request.query_params
        async with self.taken() as connection:
            found = await lists.deliveries(
                connection, scope=_scope(request), chain=asked.get("chain", ""), callout=asked.get("callout", ""),
                state=asked.get("state", ""), cursor=asked.get("cursor", ""), size=_size(request),
                channel=asked.get("channel", ""),
            )  # fmt: skip
        return web.json_answer(found)

    def _asked(self, path: str, request: Request, who: access.Principal) -> Asked:
        asked = request.query_params
        own = _own(path, who)
        regions = None if own else self.regions(who)
        if region := asked.get("region"):
            if region not in self.bureau.regions:
                raise web.Refusal(404, f"there is no region {region[:64]}")
            subtree = self.bureau.regions.subtree(region)
            regions = subtree if regions is None else regions & subtree
        prefix = own or OF_LOOP.get(path) or (f"{asked['kind']}/" if asked.get("kind") else "")
        above = notice_api.above(regions, self.bureau.regions) if path == "notices" and regions else ()
        return Asked(
            LISTS[path], regions, above, _scope(request), asked.get("state", ""), prefix,
            asked.get("chain", ""), _time(asked.get("due_before")), _flag(asked.get("open")), asked.get("cursor", ""),
            _size(request),
        )  # fmt: skip

    def regions(self, who: access.Principal) -> frozenset[str] | None:
        """The regions that somebody may see; None: all."""
        if not who.regions or self.bureau.region in who.regions:
            return None
        known = [code for code in who.regions if code in self.bureau.regions]
        return frozenset().union(*(self.bureau.regions.subtree(code) for code in known))

    async def accounting(self) -> Response:
        """Per partition: what was read, and what became of it."""
        async with self.taken() as connection:
            return web.json_answer(await accounting.rows(connection))

    # --- commands -------------------------------------------------------------------------------------------------

    async def command(self, path: str, key: str, verb: str, request: Request) -> Response:
        """Publish what a person decides, and wait for its outcome."""
        person = self._person(request)
        found = commands.BY_PATH.get((path, verb))
        if found is None:
            verbs = ", ".join(c.verb for c in commands.COMMANDS if c.list == path)
            raise web.Refusal(404, f"{path} have no {verb[:64]}; there are: {verbs or 'none'}")
        if person.role not in found.roles:
            raise web.Refusal(403, f"{found.about}: role {person.role} may not; one of {', '.join(found.roles)} may")
        sent = _sent(await request.body())
        who = web.as_principal(person)
        if found.opens:
            matter = {"id": key, "region": self._place(sent.pop("region", ""), who)}
        else:
            async with self.taken() as connection:
                matter = await self._matter(connection, path, key, request, who)
        if path == "loops":
            found, sent = self._step(found, key, sent)
        async with self.taken() as connection:
            told = {"id": matter["id"], **({"command": sent["id"]} if "id" in sent else {})}
            await audit.write(connection, web.actor(request, person.name), f"{path}.{verb}", **told)
        return await self._publish(found, matter, sent, person.name, _scope(request))

    def _place(self, region: object, who: access.Principal) -> str:
        """Where a matter is opened: the region that was sent, else that of whoever opens it. Raises 403, 404."""
        region = str(region or next(iter(who.regions), self.bureau.region))
        if region not in self.bureau.regions:
            raise web.Refusal(404, f"there is no region {region[:64]}")
        seen = self.regions(who)
        if seen is not None and region not in seen:
            raise web.Refusal(403, f"{who.name} may not speak for {region}")
        return region

    def _step(self, found: Command, key: str, sent: dict[str, Any]) -> tuple[Command, dict[str, Any]]:
        """The event by which a case takes a step."""
        id_ = {"id": sent.pop("id")} if "id" in sent else {}
        try:
            type_, written = event_of(rows.of(self.bureau), key, sent)
        except NoSuchStep as error:
            raise web.Refusal(422, str(error)) from error
        return found._replace(type=type_), {**written, **id_}

    def _person(self, request: Request) -> access.Session:
        return person_of(request.app.state.access, request)

    async def _publish(
        self, found: Command, matter: dict[str, Any], sent: dict[str, Any], who: str, scope: str
    ) -> Response:
        id_ = str(sent.pop("id", "") or uuid.uuid4())
        content = found.make(matter, sent, who)
        problems = [
            {"index": 0, "id": id_, "field": f, "reason": r, "code": c}
            for f, r, c in check.check_data(found.type, content)
        ]
        if problems:
            raise web.Refusal(422, "see problems", problems)
        record = commands.event(
            found.type, content, id_=id_, who=who, scope=scope, region=matter["region"], now=self.now()
        )
        await self.say(record)
        return await self._outcome(id_, found.type)

    async def say(self, *records: Record) -> None:
        """Put events on Kafka. Raises 503 when that is not sure."""
        try:
            await asyncio.shield(asyncio.ensure_future(self.publisher.publish(records)))
        except (Unknown, Rejected) as error:
            raise web.not_now("not confirmed by Kafka; send again with the same id") from error

    async def _outcome(self, id_: str, type_: str) -> Response:
        key = identity.key(commands.SOURCE, id_)
        end = asyncio.get_running_loop().time() + WAIT_SECONDS
        while asyncio.get_running_loop().time() < end:
            if (answer := await self._known(id_, key, type_)) is not None:
                return answer
            await asyncio.sleep(LOOK_SECONDS)
        return web.json_answer({"command": id_}, 202)

    async def _known(self, id_: str, key: bytes, type_: str = "") -> Response | None:
        async with self.taken() as connection:
            row = await connection.fetchrow("SELECT refused FROM handled WHERE key = $1", uuid.UUID(bytes=key))
        if row is None:
            return None
        if row["refused"]:
            return web.problem(409, row["refused"], command=id_)
        return web.json_answer({"event": {"id": id_, "source": commands.SOURCE, "type": type_}, "outcome": "accepted"})

    async def outcome(self, id_: str) -> Response:
        """What became of a command; 202 while it is not known."""
        return await self._known(id_, identity.key(commands.SOURCE, id_)) or web.json_answer({"command": id_}, 202)

    # --- test -----------------------------------------------------------------------------------------------------

    async def outbox(self, request: Request) -> Response:
        """What the gateways of a test were given, in order."""
        after = request.query_params.get("after", "")
        async with self.taken() as connection:
            rows = await connection.fetch(OUTBOX, int(after) if after.isdigit() else 0, lists.MOST * 10)
        items = [{**{k: v for k, v in row.items() if k != "address"}, "to": row["address"]} for row in rows]
        return web.json_answer({"items": items, "next": str(rows[-1]["n"]) if rows else after or None})

    async def gateway(self, channel: str, request: Request) -> Response:
        """How a gateway of a test behaves from now on."""
        mode = _sent(await request.body()).get("mode")
        if mode not in testing.MODES:
            raise web.Refusal(422, f"mode: one of {', '.join(testing.MODES)}")
        async with self.taken() as connection:
            await connection.execute(
                "INSERT INTO testing_gateway VALUES ($1, $2) ON CONFLICT (channel) DO UPDATE SET mode = excluded.mode",
                channel, mode,
            )  # fmt: skip
        return web.json_answer({"channel": channel, "mode": mode})


OUTBOX = """
SELECT n, message_id, channel, address, text, link, chain, callout, post, at FROM testing_outbox
 WHERE n > $1 ORDER BY n LIMIT $2"""
ANSWERED = """
SELECT shown->>'chain' AS chain, count(*) AS called, count(*) FILTER (WHERE state = 'answered') AS answered,
       min((shown->>'opened')::timestamptz) FILTER (WHERE NOT closed) AS waiting_since
  FROM matter WHERE kind = 'callout' AND scope = $1 AND shown->>'chain' = ANY($2) GROUP BY 1"""


async def _count_answers(connection: asyncpg.Connection, scope: str, alerts: list[dict[str, Any]]) -> None:
    """How many of those called about each alert have answered."""
    rows = await connection.fetch(ANSWERED, scope, [alert["id"] for alert in alerts])
    told = {row["chain"]: {k: v for k, v in row.items() if k != "chain"} for row in rows}
    for alert in alerts:
        alert["callouts"] = told.get(alert["id"], {"called": 0, "answered": 0, "waiting_since": None})


def _own(path: str, who: access.Principal) -> str:
    """How the keys of what a partner may see begin, wherever it lies; empty: all of its region. Raises 403."""
    if "own" not in who.rights or path == "notices":
        return ""
    if path != "feeds":
        raise web.Refusal(403, f"{who.name} sees only its own feeds and the notices to it")
    return f"{who.publisher}/"


def _scope(request: Request) -> str:
    """`?status=exercise&drill=…` has lists of its own."""
    status, drill = request.query_params.get("status", "actual"), request.query_params.get("drill", "")
    return f"{status}:{drill}" if status == "exercise" else status


def _size(request: Request) -> int:
    text = request.query_params.get("limit", str(lists.PAGE))
    if not (text.isdecimal() and len(text) < 10 and 0 < int(text) <= lists.MOST):
        raise web.Refusal(422, f"limit: 1 to {lists.MOST}")
    return int(text)


def _time(text: str | None) -> datetime.datetime | None:
    if not text:
        return None
    try:
        found = datetime.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise web.Refusal(422, "due_before: a moment like 2026-07-01T08:00:00+08:00") from error
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _flag(text: str | None) -> bool | None:
    return None if text is None else text.lower() in ("true", "1", "yes")


def _sent(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise web.Refusal(400, "send a JSON object")
    return found


def router(desk: Desk, meters: Meters) -> APIRouter:
    """The routes of the watch."""
    routes = APIRouter()
    callbacks.add_routes(routes, Callbacks(desk, meters))
    link.add_routes(routes, Links(desk, meters))
    notice_api.add_routes(routes, desk.bureau, desk.notice)
    message_api.add_routes(routes, desk.taken, desk.regions)

    @routes.get("/accounting", tags=["operations"], summary="What was read, per partition")
    async def show_accounting(_who: web.Reader) -> Response:
        return await desk.accounting()

    @routes.get("/deliveries", tags=["callout"], summary="Who was sent what")
    async def show_deliveries(request: Request, who: web.Reader) -> Response:
        return await desk.deliveries(request, who)

    @routes.get("/commands/{id}", tags=["commands"], summary="What became of a command")
    async def show_command(id: str, _who: web.Concerned) -> Response:  # noqa: A002  the path's own word
        return await desk.outcome(id)

    if desk.settings.environment == "test":
        _add_testing(routes, desk)

    @routes.get("/{list}", tags=["lists"], summary=f"One of {', '.join(LISTS)}")
    async def show_list(list: str, request: Request, who: web.Concerned) -> Response:  # noqa: A002
        return await desk.list(_known_list(list), request, who)

    @routes.get("/{list}/{id:path}", tags=["lists"], summary="One of them")
    async def show_one(list: str, id: str, request: Request, who: web.Concerned) -> Response:  # noqa: A002
        return await desk.one(_known_list(list), id, request, who)

    @routes.post("/{list}/{id:path}/{verb}", tags=["commands"], summary="A person's decision")
    async def post_command(list: str, id: str, verb: str, request: Request) -> Response:  # noqa: A002
        return await desk.command(_known_list(list), id, verb, request)

    return routes


def _known_list(name: str) -> str:
    if name not in LISTS:
        raise web.Refusal(404, f"no list {name[:64]}; there are: {', '.join(LISTS)}, deliveries")
    return name


def _add_testing(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/testing/outbox", tags=["testing"], summary="What the gateways of a test were given")
    async def show_outbox(request: Request) -> Response:
        return await desk.outbox(request)

    @routes.post("/testing/gateways/{channel}", tags=["testing"], summary="How a gateway of a test behaves")
    async def set_gateway(channel: str, request: Request) -> Response:
        return await desk.gateway(channel, request)
