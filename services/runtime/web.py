"""How a service answers over HTTP: problems, limits, security headers, health, metrics and docs that work offline."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, Response
from prometheus_client import CollectorRegistry
from starlette._utils import get_route_path
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from services.runtime import access, log, metrics
from services.runtime.accounts import PARTNER
from services.runtime.audit import Actor

MIB = 1024 * 1024
SESSION_COOKIE = "hub_session"
Ready = Callable[[], Awaitable[Mapping[str, str]]]
"""Answers part → `ok…` or what is wrong with it."""
_logger = log.get("web")

TITLES = {
    400: "Not parseable", 401: "No valid key", 403: "Not allowed", 404: "No such thing", 405: "Method not allowed",
    408: "Too slow", 409: "Not possible now", 413: "Too large", 415: "Unsupported media type",
    422: "Not valid", 429: "Too many", 500: "Our fault", 503: "Not now",
}  # fmt: skip


class Refusal(HTTPException):
    """An answer other than success, raised anywhere below a handler. `detail` says what to do."""

    def __init__(
        self,
        status: int,
        detail: str,
        problems: Sequence[Any] = (),
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.problems = problems
        self.members = members


def not_now(detail: str, seconds: int = 1, problems: Sequence[Any] = (), **members: Any) -> Refusal:
    """503 with Retry-After."""
    return Refusal(503, detail, problems, headers={"Retry-After": str(seconds)}, **members)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON by msgspec: structs, dates and decimals (as text) included."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def problem(
    status: int,
    detail: str = "",
    problems: Sequence[Any] = (),
    *,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """An RFC 9457 answer; `problems` are all that is wrong, further members stand beside it."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail, **members}
    return Response(
        msgspec.json.encode(body | {"problems": list(problems)}), status, headers, "application/problem+json"
    )


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it
    problems, members = getattr(error, "problems", ()), getattr(error, "members", {})
    return problem(error.status_code, str(error.detail), problems, headers=error.headers, **members)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it
    problems = [
        {"field": ".".join(str(p) for p in e["loc"][1:]), "reason": e["msg"], "code": e["type"]} for e in error.errors()
    ]
    return problem(422, "see problems", problems)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it: the client has hung up


async def _keys_not_loaded(_request: Request, _error: Exception) -> Response:
    return problem(503, "the keys have not been read yet: is PostgreSQL up?", headers={"Retry-After": "1"})


async def _unexpected(request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(4)
    _logger.error("web.unexpected", reference=reference, path=request.url.path, exc_info=error)
    detail = f"an error of the hub; its log has it under {reference}"
    # Starlette answers this outside of all middleware.
    return problem(500, detail, headers=SECURITY_HEADERS, reference=reference)


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    HTTPException: _refused,
    RequestValidationError: _invalid,
    ClientDisconnect: _gone,
    access.NotLoaded: _keys_not_loaded,
    Exception: _unexpected,
}

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
TLS_ALONE = "max-age=31536000; includeSubDomains"
"""Strict-Transport-Security, on what was asked for over TLS (RFC 6797, 7.2: never over plain HTTP)."""


class SecurityHeaders:
    """Puts the security headers on every answer that does not set them itself. Pure ASGI."""

    headers: Mapping[str, str] = SECURITY_HEADERS

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", TLS_ALONE)
            await send(message)

        return await self.app(scope, receive, guarded)


class BodyLimit:
    """Refuses a body over `limit` bytes with 413, counted as it arrives. Pure ASGI."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limit:
                raise too_large(self.limit)
            return message

        return await self.app(scope, counted, send)


class Express:
    """Answers one route before FastAPI's routing, validation and telemetry, which cost more than the answer itself.

    The route stands in the application too, for `/openapi.json`. Pure ASGI.
    """

    def __init__(self, app: ASGIApp, method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self.app = app
        self.method = method
        self.path = path
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != self.method or get_route_path(scope) != self.path:
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        try:
            response = await self.answer(request)
        except (HTTPException, ClientDisconnect, access.NotLoaded) as error:
            handler = next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)
            response = await handler(request, error)
        return await response(scope, receive, send)


def too_large(limit: int, what: str = "a request body") -> Refusal:
    """413 naming the limit in bytes."""
    size = f"{limit // MIB} MB" if limit % MIB == 0 else f"{limit // 1024} KB"
    return Refusal(413, f"{what} may be up to {size} ({limit} bytes)", limit=limit)


class Budget:
    """Bytes that may be in work at once over all requests; over it the answer is 503."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> None:
        """Count bytes in. Raises a 503 Refusal when there are too many."""
        if self.used + size > self.limit:
            raise not_now(f"more than {self.limit // MIB} MB are in work; send again")
        self.used += size

    def give(self, size: int) -> None:
        """Count bytes out."""
        self.used -= size


async def read_body(request: Request, limit: int, seconds: float, take: Callable[[int], None]) -> bytes:
    """The body of a request, counted while it arrives.

    Raises Refusal 413 over `limit` bytes, 408 when it has not arrived in `seconds`, and what `take` raises for a
    chunk; ClientDisconnect when the client hangs up in the middle.
    """
    if int(request.headers.get("content-length") or 0) > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                take(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(
            408, f"the body has not arrived in {seconds:g} seconds", headers={"Connection": "close"}
        ) from None
    return b"".join(chunks)


def create_app(
    title: str,
    *,
    about: str,
    registry: CollectorRegistry,
    ready: Ready,
    who: access.Access | None = None,
    body_limit: int | None = MIB,
    lifespan: Lifespan[FastAPI] | None = None,
    before_scrape: Callable[[], Awaitable[None]] | None = None,
    express: tuple[str, str, Callable[[Request], Awaitable[Response]]] | None = None,
) -> FastAPI:
    """A service's FastAPI application with everything that all services have.

    Health, metrics, offline docs, problem answers, security headers and a limit on bodies (None: the handlers
    limit them themselves). `who` is found again as `request.app.state.access`. `before_scrape` reads what metrics show
    of the database; `express` is a method, path and handler for `Express`.
    """
    app = FastAPI(title=title, description=about, version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.access = who
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    if body_limit is not None:
        app.add_middleware(BodyLimit, limit=body_limit)
    if express is not None:
        method, path, answer = express
        app.add_middleware(Express, method=method, path=path, answer=answer)
    app.add_middleware(SecurityHeaders)
    _add_health(app, ready)
    _add_metrics(app, registry, before_scrape)
    _add_docs(app, title)
    return app


def _add_health(app: FastAPI, ready: Ready) -> None:
    @app.get("/health/live", tags=["operations"], summary="The process answers")
    async def live() -> Response:
        return json_answer({"status": "ok"})

    @app.get("/health/ready", tags=["operations"], summary="All parts it needs are there; 503 names those that are not")
    async def is_ready() -> Response:
        parts = await ready()
        good = all(state.startswith("ok") for state in parts.values())
        return json_answer({"status": "ok" if good else "not ready", "parts": parts}, 200 if good else 503)


def _add_metrics(
    app: FastAPI, registry: CollectorRegistry, before_scrape: Callable[[], Awaitable[None]] | None
) -> None:
    @app.get("/metrics", tags=["operations"], summary="Prometheus metrics")
    async def show() -> Response:
        if before_scrape is not None:
            await before_scrape()
        body, kind = metrics.page(registry)
        return Response(body, media_type=kind)


_DOCS_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="docs/swagger-ui.css"><div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></html>"""
_DOCS_START = 'SwaggerUIBundle({url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null});'


def _swagger_folder() -> Path | None:
    """Where the wheel `fastapi-offline` keeps Swagger UI; None when it is not installed."""
    found = importlib.util.find_spec("fastapi_offline")
    return Path(found.submodule_search_locations[0]) / "static" if found and found.submodule_search_locations else None


def _add_docs(app: FastAPI, title: str) -> None:
    folder = _swagger_folder()
    if folder is None:
        return

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(_DOCS_PAGE.format(title=title))

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_DOCS_START, media_type="text/javascript")

    @app.get("/docs/{file}", include_in_schema=False)
    async def asset(file: str) -> Response:
        if file not in ("swagger-ui.css", "swagger-ui-bundle.js"):
            raise Refusal(404, "no such file")
        return FileResponse(folder / file, headers={"Cache-Control": "public, max-age=86400"})


def principal(request: Request) -> access.Principal | None:
    """Who asks: by key (any rights) or by session; None when neither is valid."""
    who: access.Access = request.app.state.access
    header = request.headers.get("authorization")
    return _by_key(who, header) if header else _by_session(who, request.cookies.get(SESSION_COOKIE))


def _by_key(who: access.Access, header: str) -> access.Principal | None:
    key = who.authenticate(header)
    if key is None:
        return None
    return access.Principal(key.name, "key", key.scope.regions, rights=key.scope.rights)


def _by_session(who: access.Access, cookie: str | None) -> access.Principal | None:
    person = who.session(cookie)
    if person is None:
        return None
    return as_principal(person)


def as_principal(person: access.Session) -> access.Principal:
    """A logged-in person; a partner reads only what is its own."""
    rights = ("own",) if person.role == PARTNER else ("read",)
    regions = (person.region,) if person.region else ()
    return access.Principal(person.name, "person", regions, person.role, rights, person.publisher)


def actor(request: Request, name: str) -> Actor:
    """Who acts, for the audit: from the client's address."""
    return Actor(name, request.client.host if request.client else "")


def unauthorized() -> Refusal:
    """401 that says how to authenticate."""
    return Refusal(
        401,
        "send `Authorization: Bearer hub_…` with a key that is not revoked, or log in with POST /session",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def reader(request: Request) -> access.Principal:
    """FastAPI dependency: a key with the right `read`, or a logged-in person. Raises 401 or 403."""
    found = principal(request)
    if found is None:
        raise unauthorized()
    if "read" not in found.rights:
        _logger.warning("web.refused", who=found.name, kind=found.kind, path=request.url.path)
        what = "reads only what is its own: GET /ingest/mine" if found.kind == "person" else "has not the right `read`"
        raise Refusal(403, f"{'the key of ' if found.kind == 'key' else ''}{found.name} {what}")
    return found


async def concerned(request: Request) -> access.Principal:
    """FastAPI dependency: a reader, or a partner, whom the handler shows only what is its own. Raises 401 or 403."""
    found = principal(request)
    return found if found is not None and "own" in found.rights else await reader(request)


Reader = Annotated[access.Principal, Depends(reader)]
"""A handler's argument `who: web.Reader` lets only readers in and says who it is."""
Concerned = Annotated[access.Principal, Depends(concerned)]
"""The same, and partners too."""
