"""People log in: `POST /session` gives a cookie and a word that every change must carry (CSRF)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TypeVar

import asyncpg
import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime import access, access_api, accounts, audit, metrics, web
from services.runtime.audit import Actor
from services.runtime.person import connected, person_of
from services.runtime.settings import Settings

LIFETIME = datetime.timedelta(hours=12)
DISPLAY_LIFETIME = datetime.timedelta(days=36_500)
"""A wall is never logged out; it ends when its account's rights do."""
COOKIE_LIFETIME = datetime.timedelta(days=400)
"""No browser keeps a cookie longer; a wall's is given again whenever it asks who it is."""
MAX_FAILURES, MAX_OF_ADDRESS, MAX_OF_NAME = 5, 30, 50
"""Failures of one name from one address, of an address, and of a name from anywhere …"""
FAILURE_SECONDS = 60.0
"""… after which it waits so long: a stranger elsewhere cannot lock a duty officer out."""
LEAST_PASSWORD = 10
_NOBODY = accounts.hash_password(secrets.token_hex(8))


class LogIn(msgspec.Struct, frozen=True):
    """The body of `POST /session`."""

    name: str
    password: str


class NewPassword(msgspec.Struct, frozen=True):
    """The body of `POST /session/password`."""

    password: str
    new: str


class Throttle:
    """Failures by name; at most 10,000 names, the oldest go first."""

    def __init__(self, most: int = MAX_FAILURES) -> None:
        self.most = most
        self._failures: dict[str, tuple[int, float]] = {}

    def check(self, name: str) -> None:
        """Raises 429 while a name must wait."""
        count, last = self._failures.get(name, (0, 0.0))
        left = last + FAILURE_SECONDS - time.monotonic()
        if count >= self.most and left > 0:
            raise web.Refusal(429, "too many failed log-ins", headers={"Retry-After": str(int(left) + 1)})

    def failed(self, name: str) -> bool:
        """Count a failure; old ones are forgotten. True: from now on the name must wait."""
        count, last = self._failures.pop(name, (0, 0.0))
        count = 1 if time.monotonic() - last > FAILURE_SECONDS else count + 1
        self._failures[name] = (count, time.monotonic())
        if len(self._failures) > 10_000:
            del self._failures[next(iter(self._failures))]
        return count == self.most

    def passed(self, name: str) -> None:
        """Forget a name's failures."""
        self._failures.pop(name, None)


class Guesses:
    """Failed log-ins of a name from one address, of an address, and of a name from anywhere."""

    def __init__(self) -> None:
        self._pairs, self._addresses, self._names = map(Throttle, (MAX_FAILURES, MAX_OF_ADDRESS, MAX_OF_NAME))

    def check(self, by: Actor) -> None:
        """Raises 429 while the name or the address must wait."""
        for throttle, key in self._of(by):
            throttle.check(key)

    def failed(self, by: Actor) -> bool:
        """Count a failure. True: from now on somebody must wait."""
        full = [throttle.failed(key) for throttle, key in self._of(by)]
        return any(full)

    def passed(self, by: Actor) -> None:
        """Forget the failures of the name from this address."""
        self._pairs.passed(_pair(by))

    def _of(self, by: Actor) -> Iterator[tuple[Throttle, str]]:
        yield self._pairs, _pair(by)
        yield self._addresses, by.origin
        yield self._names, by.name


def _pair(by: Actor) -> str:
    return f"{by.origin} {by.name}"


class Sessions:
    """Log-in and log-out over HTTP."""

    def __init__(self, dsn: str, who: access.Access) -> None:
        self.dsn = dsn
        self.access = who
        self.throttle = Guesses()
        self._hashing = asyncio.Semaphore(2)

    async def log_in(self, request: Request) -> Response:
        """`{name, password}` → cookie and `{name, role, region, csrf}`; 401 when they do not fit."""
        sent = _sent(await request.body(), LogIn)
        by = web.actor(request, sent.name[:64])
        self.throttle.check(by)
        async with connected(self.dsn) as connection:
            return await self._open(connection, request, sent, by)

    async def _open(self, connection: asyncpg.Connection, request: Request, sent: LogIn, by: Actor) -> Response:
        row = await connection.fetchrow(
            "SELECT name, role, region, password, granted FROM access.account WHERE name = $1 AND disabled IS NULL",
            sent.name,
        )
        if not await self._fits(sent.password, row):
            await self._refuse(connection, by)
        assert row is not None  # noqa: S101  no password fits nobody
        self.throttle.passed(by)
        if row["granted"] is None:
            await audit.write(connection, by, "session.refused", reason="nothing granted")
            raise web.Refusal(403, "no rights have been granted to this account yet: a granter does that")
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        lifetime = DISPLAY_LIFETIME if row["role"] == accounts.WALL else LIFETIME
        await connection.execute("DELETE FROM access.session WHERE expires < now()")
        await connection.execute(
            "INSERT INTO access.session (token, account, csrf, expires) VALUES ($1, $2, $3, now() + $4)",
            hashlib.sha256(token.encode()).digest(), row["name"], csrf, lifetime,
        )  # fmt: skip
        await audit.write(connection, by, "session.opened")
        await self.access.refresh(connection)
        told = {"name": row["name"], "role": row["role"], "region": row["region"], "csrf": csrf}
        return _with_cookie(web.json_answer(told), request, token, lifetime)

    async def _fits(self, password: str, row: asyncpg.Record | None) -> bool:
        async with self._hashing:  # 16 MiB and 50 ms each
            stored = row["password"] if row else _NOBODY
            return await asyncio.to_thread(accounts.check_password, password, stored) and row is not None

    async def _refuse(self, connection: asyncpg.Connection, by: Actor) -> None:
        must_wait = self.throttle.failed(by)
        await audit.write(connection, by, "session.throttled" if must_wait else "session.refused")
        raise web.Refusal(401, "name and password do not fit")

    async def change_password(self, request: Request) -> Response:
        """`{password, new}`: a person's own password; it ends every other session of theirs."""
        person = person_of(self.access, request)
        sent = _sent(await request.body(), NewPassword)
        by = web.actor(request, person.name)
        self.throttle.check(by)
        if len(sent.new) < LEAST_PASSWORD:
            raise web.Refusal(422, f"a password has at least {LEAST_PASSWORD} characters")
        async with connected(self.dsn) as connection:
            row = await connection.fetchrow("SELECT password FROM access.account WHERE name = $1", person.name)
            if not await self._fits(sent.password, row):
                await self._refuse(connection, by)
            cookie = hashlib.sha256(request.cookies[web.SESSION_COOKIE].encode()).digest()
            await accounts.change_password(connection, person.name, sent.new, keep=cookie, by=by)
            await self.access.refresh(connection)
        return web.json_answer({})

    async def show(self, request: Request) -> Response:
        """Who is logged in."""
        person = person_of(self.access, request, change=False)
        told = {"name": person.name, "role": person.role, "region": person.region, "csrf": person.csrf}
        answer = web.json_answer(told | ({"publisher": person.publisher} if person.publisher else {}))
        if person.role == accounts.WALL:
            _with_cookie(answer, request, request.cookies[web.SESSION_COOKIE], DISPLAY_LIFETIME)
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session; needs its CSRF word."""
        person = person_of(self.access, request)
        cookie = request.cookies[web.SESSION_COOKIE]
        async with connected(self.dsn) as connection:
            await connection.execute(
                "DELETE FROM access.session WHERE token = $1", hashlib.sha256(cookie.encode()).digest()
            )
            await audit.write(connection, web.actor(request, person.name), "session.closed")
            await self.access.refresh(connection)
        answer = web.json_answer({})
        answer.delete_cookie(web.SESSION_COOKIE)
        return answer


def _with_cookie(answer: Response, request: Request, token: str, lifetime: datetime.timedelta) -> Response:
    """What was asked for over TLS never travels without it."""
    seconds = int(min(lifetime, COOKIE_LIFETIME).total_seconds())
    tls = request.url.scheme == "https"
    answer.set_cookie(web.SESSION_COOKIE, token, max_age=seconds, httponly=True, samesite="strict", secure=tls)
    return answer


T = TypeVar("T")


def _sent(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise web.Refusal(422, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error


def create(settings: Settings, who: access.Access) -> FastAPI:
    """The application with `/session` and `/access`."""
    sessions = Sessions(settings.postgres_dsn, who)

    async def ready() -> Mapping[str, str]:
        return {"keys": "ok" if who.snapshot is not None else "not read yet: is PostgreSQL up?"}

    app = web.create_app(
        "session", about="Log in and out; accounts, keys and the audit.", registry=metrics.new_registry(), ready=ready,
        who=who, body_limit=64 * 1024,
    )  # fmt: skip
    app.add_api_route("/session", sessions.log_in, methods=["POST"], response_model=None, summary="Log in")
    app.add_api_route("/session", sessions.show, methods=["GET"], response_model=None, summary="Who is logged in")
    app.add_api_route("/session", sessions.log_out, methods=["DELETE"], response_model=None, summary="Log out")
    app.add_api_route(
        "/session/password", sessions.change_password, methods=["POST"], response_model=None,
        summary="Change one's own password",
    )  # fmt: skip
    app.include_router(access_api.router(settings.postgres_dsn, who))
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The application, to be given requests for `/session` and `/access` with or without a root path."""
    who = access.Access(settings.postgres_dsn)
    app = create(settings, who)

    async def rooted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": ""}, receive, send)

    await who.start()
    try:
        yield rooted
    finally:
        await who.stop()
