"""The process `hub-api`: one uvicorn on one port that carries the services' APIs under their prefixes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import json
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

import uvicorn
import uvloop

from services.console import app as console
from services.runtime import bureau, log, memory, session, web
from services.runtime.settings import Settings

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

SERVICES = (
    ("/ingest", "services.ingest.app"),
    ("/warning", "services.warning.app"),
    ("/reporting", "services.reporting.app"),
)
"""Prefix and module of each service; the module has `async with running(settings) as app`."""
SESSION = "/session"
"""Where people log in; it belongs to no service (`services.runtime.session`)."""
CONSOLE = "/"
"""The pages; they have several paths, and belong to no service."""
ACCESS = "/access"
"""Accounts, keys and audit: answered where people log in."""
PATHS = {ACCESS: SESSION, "/live": "/reporting", "/n": "/warning", **dict.fromkeys(console.FIRST, CONSOLE)}
"""Paths without a prefix, and the service that answers them."""
GRACE_SECONDS = 3
"""What open requests get after SIGTERM; without a limit one open event stream would hold the process for ever."""


def present() -> list[tuple[str, str]]:
    """The services that this release has."""
    return [(prefix, module) for prefix, module in SERVICES if exists(module)]


def exists(module: str) -> bool:
    """Has this release that module?"""
    return importlib.util.find_spec(module) is not None


class Front:
    """Gives each request to the service whose prefix its path begins with; knows nothing else."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
        """Answer one request."""
        prefix = "/" + scope["path"].split("/", 2)[1] if "path" in scope else ""
        app = self.apps.get(PATHS.get(prefix, prefix))
        if app is None:
            await _no_such_path(send, scope, sorted(self.apps.keys() - {SESSION, CONSOLE}))
            return
        root = "" if prefix in PATHS else prefix
        await app({**scope, "root_path": scope.get("root_path", "") + root}, receive, send)

    def leave(self) -> None:
        """Have the services end what would stay open for ever."""
        leave(self.apps.values())


def leave(apps: Iterable[App]) -> None:
    """Have them end what would stay open for ever."""
    for app in apps:
        getattr(getattr(app, "state", None), "leave", lambda: None)()


async def _no_such_path(send: Callable[[Any], Any], scope: Scope, prefixes: list[str]) -> None:
    """RFC 9457: nothing is here; what there is."""
    if scope["type"] != "http":
        return
    body = {"type": "about:blank", "title": "Not Found", "status": 404,
            "detail": f"Nothing at {scope['path']}. There are: {', '.join(p + '/docs' for p in prefixes)}"}  # fmt: skip
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(content)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in web.SECURITY_HEADERS.items()]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class Services:
    """The services of this release behind a front; they can be exchanged for fresh ones while requests come in."""

    def __init__(self, front: Front, settings: Settings) -> None:
        self.front, self.settings = front, settings
        self.asked = asyncio.Event()
        """Set when another bureau folder is in force."""
        self._open = contextlib.AsyncExitStack()

    async def enter(self) -> None:
        """Start all of them, then let requests in. Raises what keeps one from starting; then nothing has changed."""
        apps: dict[str, App] = {}
        async with contextlib.AsyncExitStack() as stack:
            for prefix, name in present():
                running = importlib.import_module(name).running
                apps[prefix] = await stack.enter_async_context(running(self.settings))
            apps[CONSOLE] = await stack.enter_async_context(console.running(self.settings))
            self.front.apps.update(apps)
            self._open = stack.pop_all()

    async def renew(self) -> None:
        """Whenever asked: start anew, end the old ones when their open requests have had their time."""
        while True:
            await self.asked.wait()
            self.asked.clear()
            apps, before = dict(self.front.apps), self._open
            try:
                await self.enter()
            except bureau.BureauMistakes as error:
                log.get("api").error("api.not_renewed", mistakes=str(error))
                continue
            leave(apps[prefix] for prefix, _ in present())
            await asyncio.sleep(GRACE_SECONDS)
            await before.aclose()

    async def close(self) -> None:
        """End all of them."""
        await self._open.aclose()


class Server(uvicorn.Server):
    """uvicorn that leaves the signals to us: its own handler raises them again and ends us before we have closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield

    def leave(self, front: Front) -> None:
        """Stop accepting, finish what is open, end."""
        self.should_exit = True
        front.leave()


async def serve(settings: Settings) -> None:
    """Run all services of this release until SIGTERM or SIGINT."""
    front = Front()
    server = Server(
        uvicorn.Config(
            front,
            host=settings.http_host,
            port=settings.http_port,
            loop="uvloop",
            http="httptools",
            lifespan="off",
            access_log=False,
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.leave, front)
    services = Services(front, settings)
    async with session.running(settings) as front.apps[SESSION]:
        await services.enter()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, services.asked.set)
        memory.settle()
        renewing = asyncio.create_task(services.renew(), name="renew")
        renewing.add_done_callback(lambda _: server.leave(front))
        try:
            await server.serve()
        finally:
            await ended(renewing)
            await services.close()
    log.get("api").info("api.closed")


async def ended(task: asyncio.Task[None]) -> None:
    """End a task that never ends by itself. Raises what ended it, if something did."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Entry of `python -m deploy.local.api`."""
    settings = Settings()
    log.configure("hub-api", settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


if __name__ == "__main__":
    main()
