"""Reporting as it is served: the stream at work, the API behind a real server, pages that are open."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import uvicorn

from deploy.local.api import Front
from services.reporting import app as reporting
from services.runtime import access
from services.runtime.settings import Settings
from tests.reporting.conftest import SHANGHAI, Reader
from tests.reporting.naive import CATALOGUE, DEFINITIONS

NOON = datetime.datetime(2024, 5, 6, 12, tzinfo=SHANGHAI)


async def on(settings: Settings, act: Callable[[asyncpg.Connection], Any]) -> Any:
    """Do something on a connection of its own."""
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        return await act(connection)
    finally:
        await connection.close()


class Page:
    """An open page: what it was told, in order."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Any, float]] = []
        self.ended = asyncio.Event()

    async def read(self, lines: AsyncIterator[str]) -> None:
        """Read until the stream ends."""
        event = ""
        try:
            async for line in lines:
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.messages.append((event, json.loads(line.removeprefix("data: ")), time.monotonic()))
        finally:
            self.ended.set()

    async def until(self, wanted: Callable[[str, Any], bool], seconds: float = 10) -> float:
        """Wait for a message; when it came."""
        async with asyncio.timeout(seconds):
            while True:
                for event, value, at in self.messages:
                    if wanted(event, value):
                        return at
                await asyncio.sleep(0.005)

    async def told(self, key: str, value: Any, period: str = "year") -> float:
        """Wait until a counter has come to a value; when it did."""
        return await self.until(
            lambda event, c: event == "counter" and (c["key"], c["period"], c["value"]) == (key, period, value)
        )

    def counter(self, key: str, period: str) -> Any:
        """The value shown now."""
        shown = None
        for event, value, _ in self.messages:
            for c in value["counters"] if event == "snapshot" else [value] if event == "counter" else []:
                if (c["key"], c["period"]) == (key, period) and not c["labels"]:
                    shown = c["value"]
        return shown


class Hub:
    """Reporting behind a real server."""

    def __init__(self, reader: Reader, key: str) -> None:
        self.reader, self.key = reader, key
        self.url = f"http://127.0.0.1:{reader.settings.http_port}"
        self.now = NOON
        self.app: Any = None

    @contextlib.asynccontextmanager
    async def page(self, query: str = "", key: str = "") -> AsyncIterator[Page]:
        """A page that is open, and has its snapshot."""
        page = Page()
        headers = {"authorization": f"Bearer {key or self.key}"}
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream("GET", f"{self.url}/live{query}", headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            task = asyncio.create_task(page.read(answer.aiter_lines()))
            await page.until(lambda event, _: event == "snapshot")
            try:
                yield page
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def served(reader: Reader) -> AsyncIterator[Hub]:
    """The stream at work, and the API on a port."""
    reader.definitions = DEFINITIONS
    _, key = await on(reader.settings, lambda c: access.add_key(c, "page", access.Scope(rights=("read",))))
    hub = Hub(reader, key)
    async with (
        reporting.running(reader.settings, of=CATALOGUE, clock=lambda: hub.now) as hub.app,
        _serving(hub),
        reader.running(),
    ):
        await reader.caught_up()
        yield hub


@contextlib.asynccontextmanager
async def _serving(hub: Hub) -> AsyncIterator[None]:
    """The application on its port, under the paths of the hub."""
    port = hub.reader.settings.http_port
    front = Front()
    front.apps["/reporting"] = hub.app
    server = uvicorn.Server(uvicorn.Config(front, port=port, lifespan="off", log_level="warning"))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        front.leave()
        server.should_exit = True
        await asyncio.wait_for(task, 10)
