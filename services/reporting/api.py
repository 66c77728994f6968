"""What reporting answers: statistics, the events behind them, the account of what was read, what was set aside."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Annotated, Any, cast

import asyncpg
import httpx
import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.reporting import (
    accounting,
    answer,
    aside,
    asof,
    behind,
    catalogue,
    export,
    figure_table,
    inforce,
    ledger,
    origin,
    question,
    recording,
    remembered,
)
from services.reporting.catalogue import Catalogue
from services.reporting.live import Live, TooManyRegions
from services.reporting.meters import Meters
from services.reporting.question import Query, Unclear
from services.reporting.words import (
    ACCOUNTING,
    EVENT,
    EVENTS,
    FIGURE,
    FIGURES,
    LIVE,
    QUARANTINE,
    REDRIVE,
    SEALS,
    SET_ASIDE,
    STATISTICS,
)
from services.runtime import access, audit, postgres, web
from services.runtime.kafka import Publisher, Rejected, Unknown
from services.runtime.person import check_csrf
from services.runtime.settings import Settings

RETRY_SECONDS = 5
CONNECTIONS = 4
_encode = msgspec.json.Encoder(decimal_format="number").encode
Reader = Annotated[access.Principal, Depends(web.reader)]


def connections(dsn: str) -> asyncpg.Pool:
    """Connections to reporting's schema, opened when they are first needed; to be awaited once."""
    return asyncpg.create_pool(
        dsn, min_size=0, max_size=CONNECTIONS, timeout=5, command_timeout=60,
        server_settings={"application_name": "hub-reporting-api", "search_path": "reporting", "jit": "off",
                         **ledger.BY_INDEX},
    )  # fmt: skip


@contextlib.asynccontextmanager
async def taken(pool: asyncpg.Pool, seconds: float = 5) -> AsyncIterator[asyncpg.Connection]:
    """One of them, waited for so long."""
    async with pool.acquire(timeout=seconds) as connection:
        yield cast(asyncpg.Connection, connection)


class Desk:
    """Answers from one database, for one bureau."""

    def __init__(
        self, settings: Settings, of: Catalogue, pool: asyncpg.Pool, meters: Meters,
        clock: Callable[[], datetime.datetime], live: Live,
    ) -> None:  # fmt: skip
        self.settings, self.catalogue, self.pool, self.meters, self.clock = settings, of, pool, meters, clock
        self.live = live
        self.publisher = Publisher(settings)
        self.answers = remembered.Answers()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection in one snapshot of the database. Raises 503 while the database is away."""
        try:
            async with (
                taken(self.pool) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away or busy") from error

    @contextlib.asynccontextmanager
    async def _for(self, query: Query) -> AsyncIterator[asyncpg.Connection]:
        """A connection whose tally is that of the moment asked for."""
        if not query.from_ledger:
            async with self.reading() as connection:
                yield connection
            return
        try:
            async with asof.known(self.settings.postgres_dsn, self.catalogue, query) as connection:
                yield connection
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away or busy") from error

    def query(self, key: str, request: Request, who: access.Principal, also: Sequence[str] = ()) -> Query:
        """What a request asks for. Raises Refusal."""
        now = self.clock()
        home = default_region(self.catalogue, who)
        parameters = request.query_params.multi_items()
        with refusing():
            query = question.parse(key, parameters, self.catalogue, self.catalogue.today(now), home, also)
        if not may_see(self.catalogue, who, query.region):
            raise web.Refusal(403, f"{who.name} may see {', '.join(who.regions)}, not {query.region}")
        return query

    async def figure(self, key: str, request: Request, who: access.Principal) -> Response:
        """One figure."""
        query = self.query(key, request, who)
        with self.meters.figure_seconds.time(), refusing():
            if query.from_ledger:
                return shown(await self._from_ledger(query))
            now = self.clock()
            async with self._for(query) as connection:
                return shown(await answer.answer(connection, self.catalogue, query, now))

    async def _from_ledger(self, query: Query) -> dict[str, Any]:
        """A figure that the tally does not hold: worked out once, until something comes that it depends on."""
        now = query.known_at or self.clock()
        async with self.reading() as connection:
            version = await inforce.version(connection, remembered.types(self.catalogue, query))
        at = (remembered.question(query), self.catalogue.today(self.clock()), version)
        if (known := self.answers.get(at)) is None:
            async with self._for(query) as connection:
                known = await answer.answer(connection, self.catalogue, query, self.clock())
            self.answers.keep(at, known)
        return {**known, "as_of": now}

    async def events(self, key: str, request: Request, who: access.Principal) -> Response:
        """The events behind a figure."""
        query = self.query(key, request, who, also=("cursor", "limit"))
        with refusing():
            at = behind.cursor(request.query_params.get("cursor", ""))
            size = behind.limit(request.query_params.get("limit", ""))
            async with self._for(query) as connection:
                return shown(await behind.page(connection, self.catalogue, query, at, size))

    async def event(self, source: str, id_: str, who: access.Principal) -> Response:
        """One event and what caused it. Raises 404."""
        async with self.reading() as connection:
            found = await origin.traced(connection, source, id_, lambda region: may_see(self.catalogue, who, region))
        if found is None:
            raise web.Refusal(404, f"the ledger holds no event {id_[:64]} of {source[:64]}")
        return shown({"event": found[0], "causes": found[1:]})

    def statistics(self) -> Response:
        """All definitions that can be asked for."""
        rows = [row for rows in self.catalogue.rows.values() for row in rows]
        return shown({"items": [catalogue.described(row) for row in rows], "next": None})

    async def stream(self, request: Request, who: access.Principal) -> Response:
        """An open stream of counters, for as long as whoever opened it may read them."""
        region = request.query_params.get("region") or default_region(self.catalogue, who)
        keys = frozenset(",".join(request.query_params.getlist("keys")).split(",")) - {""}
        if region not in self.catalogue.regions:
            raise web.Refusal(404, f"there is no region {region[:64]}")
        if unknown := sorted(keys - self.catalogue.rows.keys()):
            raise web.Refusal(404, f"there are no statistics {', '.join(unknown)[:200]}")
        if not may_see(self.catalogue, who, region):
            raise web.Refusal(403, f"{who.name} may see {', '.join(who.regions)}, not {region}")

        def allowed() -> bool:
            now = web.principal(request)
            return now is not None and "read" in now.rights and may_see(self.catalogue, now, region)

        try:
            return await self.live.open(region, keys or None, allowed)
        except (TooManyRegions, *postgres.NOT_NOW) as error:
            raise web.not_now(f"no stream now: {error}") from error

    async def record(self, request: Request) -> Response:
        """Publish figures that a person records; 202 when they are on disk at the broker."""
        who = recorder(request)
        sent = await _sent(request)
        judged = recording.judge(sent, self.catalogue, who.name, self.clock())
        problems = [one for one in judged if isinstance(one, recording.Problem)]
        problems += _outside(sent, self.catalogue, who) if not problems else []
        if problems:
            raise web.Refusal(422, "nothing was recorded: see problems", problems)
        if request.query_params.get("check", "").lower() in ("true", "1", "yes"):
            return shown({"accepted": [], "problems": [], "checked": len(judged)})
        accepted = [one for one in judged if isinstance(one, recording.Accepted)]
        try:
            if who.kind == "person":
                async with taken(self.pool) as connection:
                    await audit.write(connection, web.actor(request, who.name), "figures.recorded", rows=len(accepted))
            await self.publisher.publish([one.record for one in accepted])
        except (Unknown, Rejected, *postgres.NOT_NOW) as error:
            raise web.not_now("the broker or the database is away: send again") from error
        items = [{"index": n, "id": one.id, "source": recording.SOURCE} for n, one in enumerate(accepted)]
        return shown({"accepted": items, "problems": []}, 202)

    async def redrive(self, id_: int, request: Request) -> Response:
        """Send a record that was set aside through the door again; the door's answer says what came of it."""
        authorization = request.headers.get("authorization")
        if not authorization:
            raise web.Refusal(403, "the door needs a key: send it as Authorization")
        try:
            async with taken(self.pool) as connection:
                said = await aside.redrive(connection, id_, self.settings, authorization)
        except LookupError as error:
            raise web.Refusal(404, f"nothing was set aside under {id_}") from error
        except aside.NotAnEvent as error:
            raise web.Refusal(409, str(error)) from error
        except (httpx.TransportError, *postgres.NOT_NOW) as error:
            raise web.not_now(f"the door or the database does not answer ({type(error).__name__})") from error
        kind = said.headers.get("content-type", "application/json")
        return Response(said.content, said.status_code, media_type=kind)


def recorder(request: Request) -> access.Principal:
    """Who may record figures: a clerk, or a key with the right `correct`. Raises 401 or 403."""
    who = web.principal(request)
    if who is None:
        raise web.unauthorized()
    if who.kind == "person":
        person = request.app.state.access.session(request.cookies.get(web.SESSION_COOKIE))
        check_csrf(request, person)
    if who.role not in ("clerk", "administrator") and "correct" not in who.rights:
        raise web.Refusal(403, f"{who.name} may not record figures: needs the role clerk or the right `correct`")
    return who


async def _sent(request: Request) -> list[Any]:
    """The figures of a request: a table, a JSON list, or one JSON object."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        found = figure_table.read(body) if kind in figure_table.FORMATS else msgspec.json.decode(body)
    except figure_table.Unreadable as error:
        raise web.Refusal(400, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error
    sent = found if isinstance(found, list) else [found]
    if not 1 <= len(sent) <= recording.MAX:
        raise web.Refusal(422, f"1 to {recording.MAX} figures in one request, not {len(sent)}")
    return sent


def _outside(sent: list[Any], of: Catalogue, who: access.Principal) -> list[recording.Problem]:
    """The figures of regions that somebody may not speak for."""
    regions = [item.get("region", of.regions.root) for item in sent]
    return [
        recording.Problem(n, "region", f"{who.name} may record for {', '.join(who.regions)} only", "region_not_allowed")
        for n, region in enumerate(regions)
        if not may_see(of, who, region)
    ]


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Questions without an answer become problems."""
    try:
        yield
    except Unclear as unclear:
        raise web.Refusal(unclear.status, str(unclear), unclear.problems) from unclear
    except answer.NotCounted as error:
        raise web.not_now(str(error), RETRY_SECONDS, progress=error.progress) from error


def shown(value: Any, status: int = 200) -> Response:
    """JSON in which exact numbers are numbers."""
    return Response(_encode(value), status, media_type="application/json")


def default_region(of: Catalogue, who: access.Principal) -> str:
    """The region meant when none is named: the whole bureau, or the only one that somebody may see."""
    return who.regions[0] if len(who.regions) == 1 and who.regions[0] in of.regions else of.regions.root


def may_see(of: Catalogue, who: access.Principal, region: str) -> bool:
    """Whether a region lies within one of those that somebody may see."""
    return not who.regions or any(of.regions.within(region, own) for own in who.regions)


def sees_all(of: Catalogue, who: access.Principal) -> None:
    """Raises 403 for somebody whose view is limited to some regions: what was set aside has none."""
    if not may_see(of, who, of.regions.root):
        raise web.Refusal(403, f"{who.name} may see {', '.join(who.regions)} only")


def router(desk: Desk) -> APIRouter:
    """The routes of reporting."""
    routes = APIRouter()
    _figures(routes, desk)
    _account(routes, desk)
    _set_aside(routes, desk)
    return routes


def _figures(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/statistics", tags=["figures"], **STATISTICS)
    async def list_statistics(_who: Reader) -> Response:
        return desk.statistics()

    @routes.get("/statistics/{key}", tags=["figures"], **FIGURE)
    async def figure(key: str, request: Request, who: Reader) -> Response:
        return await desk.figure(key, request, who)

    @routes.get("/statistics/{key}/events", tags=["figures"], **EVENTS)
    async def events(key: str, request: Request, who: Reader) -> Response:
        return await desk.events(key, request, who)

    @routes.get("/events", tags=["figures"], **EVENT)
    async def one_event(who: Reader, source: str = "", id: str = "") -> Response:  # noqa: A002  the envelope's word
        return await desk.event(source, id, who)

    @routes.post("/figures", tags=["figures"], **FIGURES)
    async def record(request: Request) -> Response:
        return await desk.record(request)

    @routes.get("/live", tags=["figures"], **LIVE)
    async def live(request: Request, who: Reader) -> Response:
        return await desk.stream(request, who)


def _account(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/accounting", tags=["account"], **ACCOUNTING)
    async def account(_who: Reader, recount: bool = False) -> Response:
        async with desk.reading() as connection:
            return shown(await accounting.rows(connection, recount=recount))

    @routes.get("/seals", tags=["account"], **SEALS)
    async def seals(_who: Reader) -> Response:
        async with desk.reading() as connection:
            now = desk.clock()
            return shown({"items": await export.heads(connection), "next": None, "as_of": now})


def _set_aside(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/quarantine", tags=["account"], **QUARANTINE)
    async def list_quarantine(who: Reader, cursor: int = 0, limit: int = 100, all: bool = False) -> Response:  # noqa: A002
        sees_all(desk.catalogue, who)
        async with desk.reading() as connection:
            return shown(await aside.page(connection, cursor, min(max(limit, 1), 1000), open_=not all))

    @routes.get("/quarantine/{id}", tags=["account"], **SET_ASIDE)
    async def show_quarantine(id: int, who: Reader) -> Response:  # noqa: A002
        sees_all(desk.catalogue, who)
        async with desk.reading() as connection:
            found = await aside.one(connection, id)
        if found is None:
            raise web.Refusal(404, f"nothing was set aside under {id}")
        return shown(found)

    @routes.post("/quarantine/{id}/redrive", tags=["account"], **REDRIVE)
    async def redrive(id: int, request: Request, who: Reader) -> Response:  # noqa: A002
        sees_all(desk.catalogue, who)
        return await desk.redrive(id, request)
