"""People log in: `POST /session` gives a cookie and a word that every change must carry (CSRF)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Mapping

import asyncpg
import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime import access, metrics, postgres, web
from services.runtime.settings import Settings

LIFETIME = datetime.timedelta(hours=12)
MAX_FAILURES = 5
FAILURE_SECONDS = 60.0
"""After so many failures a name waits so long."""
_NOBODY = access.hash_password(secrets.token_hex(8))


class LogIn(msgspec.Struct, frozen=True):
    """The body of `POST /session`."""

    name: str
    password: str


class Throttle:
    """Failed log-ins by name; at most 10,000 names, the oldest go first."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}

    def check(self, name: str) -> None:
        """Raises 429 while a name must wait."""
        count, last = self._failures.get(name, (0, 0.0))
        left = last + FAILURE_SECONDS - time.monotonic()
        if count >= MAX_FAILURES and left > 0:
            raise web.Refusal(429, "too many failed log-ins", headers={"Retry-After": str(int(left) + 1)})

    def failed(self, name: str) -> None:
        """Count a failure; old ones are forgotten."""
        count, last = self._failures.pop(name, (0, 0.0))
        fresh = time.monotonic() - last > FAILURE_SECONDS
        self._failures[name] = (1 if fresh else count + 1, time.monotonic())
        if len(self._failures) > 10_000:
            del self._failures[next(iter(self._failures))]

    def passed(self, name: str) -> None:
        """Forget a name's failures."""
        self._failures.pop(name, None)


class Sessions:
    """Log-in and log-out over HTTP."""

    def __init__(self, dsn: str, who: access.Access) -> None:
        self.dsn = dsn
        self.access = who
        self.throttle = Throttle()
        self._hashing = asyncio.Semaphore(2)

    async def log_in(self, request: Request) -> Response:
        """`{name, password}` → cookie and `{name, role, region, csrf}`; 401 when they do not fit."""
        sent = _sent(await request.body())
        self.throttle.check(sent.name)
        try:
            connection = await postgres.connect(self.dsn, role="session", command_timeout=5)
        except postgres.NOT_NOW as error:
            raise web.not_now("the database is away") from error
        try:
            return await self._open(connection, sent)
        finally:
            connection.terminate()

    async def _open(self, connection: asyncpg.Connection, sent: LogIn) -> Response:
        row = await connection.fetchrow(
            "SELECT name, role, region, password FROM access.account WHERE name = $1 AND disabled IS NULL", sent.name
        )
        async with self._hashing:  # 16 MiB and 50 ms each
            stored = row["password"] if row else _NOBODY
            fits = await asyncio.to_thread(access.check_password, sent.password, stored)
        if row is None or not fits:
            self.throttle.failed(sent.name)
            await access.audit(connection, sent.name[:64], "session.refused")
            raise web.Refusal(401, "name and password do not fit")
        self.throttle.passed(sent.name)
        token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        expires = datetime.datetime.now(datetime.UTC) + LIFETIME
        await connection.execute("DELETE FROM access.session WHERE expires < now()")
        await connection.execute(
            "INSERT INTO access.session (token, account, csrf, expires) VALUES ($1, $2, $3, $4)",
            hashlib.sha256(token.encode()).digest(), row["name"], csrf, expires,
        )  # fmt: skip
        await access.audit(connection, row["name"], "session.opened")
        await self.access.refresh(connection)
        answer = web.json_answer({"name": row["name"], "role": row["role"], "region": row["region"], "csrf": csrf})
        answer.set_cookie(
            web.SESSION_COOKIE, token, max_age=int(LIFETIME.total_seconds()), httponly=True, samesite="strict"
        )
        return answer

    async def show(self, request: Request) -> Response:
        """Who is logged in."""
        person = self._person(request)
        return web.json_answer({"name": person.name, "role": person.role, "region": person.region, "csrf": person.csrf})

    async def log_out(self, request: Request) -> Response:
        """End the session; needs its CSRF word."""
        person = self._person(request)
        check_csrf(request, person)
        cookie = request.cookies[web.SESSION_COOKIE]
        connection = await postgres.connect(self.dsn, role="session", command_timeout=5)
        try:
            await connection.execute(
                "DELETE FROM access.session WHERE token = $1", hashlib.sha256(cookie.encode()).digest()
            )
            await access.audit(connection, person.name, "session.closed")
            await self.access.refresh(connection)
        finally:
            connection.terminate()
        answer = web.json_answer({})
        answer.delete_cookie(web.SESSION_COOKIE)
        return answer

    def _person(self, request: Request) -> access.Session:
        person = self.access.session(request.cookies.get(web.SESSION_COOKIE))
        if person is None:
            raise web.unauthorized()
        return person


def check_csrf(request: Request, person: access.Session) -> None:
    """Raises 403 unless a change made with a session carries its word in `X-CSRF-Token`."""
    if not secrets.compare_digest(request.headers.get("x-csrf-token", "").encode(), person.csrf.encode()):
        raise web.Refusal(403, "send the session's `csrf` as header X-CSRF-Token")


def _sent(body: bytes) -> LogIn:
    try:
        return msgspec.json.decode(body, type=LogIn)
    except msgspec.ValidationError as error:
        raise web.Refusal(422, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error


def create(settings: Settings, who: access.Access) -> FastAPI:
    """The application with `/session`."""
    sessions = Sessions(settings.postgres_dsn, who)

    async def ready() -> Mapping[str, str]:
        return {"keys": "ok" if who.snapshot is not None else "not read yet: is PostgreSQL up?"}

    app = web.create_app(
        "session", about="Log in and out.", registry=metrics.new_registry(), ready=ready, who=who, body_limit=64 * 1024
    )
    app.add_api_route("/session", sessions.log_in, methods=["POST"], response_model=None, summary="Log in")
    app.add_api_route("/session", sessions.show, methods=["GET"], response_model=None, summary="Who is logged in")
    app.add_api_route("/session", sessions.log_out, methods=["DELETE"], response_model=None, summary="Log out")
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[ASGIApp]:
    """The application, to be given requests for `/session` with or without a root path."""
    who = access.Access(settings.postgres_dsn)
    app = create(settings, who)

    async def rooted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": ""}, receive, send)

    await who.start()
    try:
        yield rooted
    finally:
        await who.stop()
