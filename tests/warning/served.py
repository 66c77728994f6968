"""The watch as it is served: at work in the process of the test, its API on a port, gateways that call back."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn

from deploy.local.api import Front
from services.runtime import access, accounts, session
from services.runtime.settings import Settings
from services.warning import app as warning
from services.warning.channels.gateway import signature
from tests.warning.watching import Watching, watching


class Served:
    """A watch with its API, and whoever calls it."""

    def __init__(self, watch: Watching, client: httpx.AsyncClient, key: str) -> None:
        self.watch, self.client, self.key = watch, client, key
        self.settings = watch.settings

    async def get(self, path: str, **params: str) -> Any:
        """What somebody with a key reads."""
        answer = await self.client.get(path, params=params, headers={"authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def calls_back(self, path: str, sent: Any, **forged: str) -> httpx.Response:
        """A gateway calls back, signed."""
        body = json.dumps(sent).encode()
        id_, at = str(uuid.uuid4()), str(int(datetime.datetime.now(datetime.UTC).timestamp()))
        secret = self.settings.gateway_secret.get_secret_value()
        headers = {"webhook-id": id_, "webhook-timestamp": at, "webhook-signature": signature(secret, id_, at, body)}
        return await self.client.post(f"/warning{path}", content=body, headers={**headers, **forged})

    async def behaves(self, channel: str, mode: str) -> None:
        """How a test gateway behaves from now on."""
        answer = await self.client.post(f"/warning/testing/gateways/{channel}", json={"mode": mode})
        assert answer.status_code == 200, answer.text

    async def log_in(self, role: str, region: str = "") -> dict[str, str]:
        """The headers of a person with this role."""
        name = f"{role}-{uuid.uuid4().hex[:6]}"
        account = await accounts.add_account(self.watch.connection, name, role, region)
        password = account if isinstance(account, str) else account[1]
        answer = await self.client.post("/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].split(";")[0]
        self.client.cookies.clear()
        headers = {"cookie": cookie, "x-csrf-token": answer.json()["csrf"]}
        async with asyncio.timeout(2):  # every service hears of a session within a second
            while (await self.client.get("/warning/silences", headers=headers)).status_code == 401:
                await asyncio.sleep(0.02)
        return headers

    async def letters(self, **where: str) -> list[dict[str, Any]]:
        """Rows of `delivery` with these columns."""
        rows = await self.watch.connection.fetch("SELECT * FROM delivery ORDER BY made, id")
        return [dict(row) for row in rows if all(row[name] == value for name, value in where.items())]


@contextlib.asynccontextmanager
async def served(settings: Settings, *, patient: bool = False) -> AsyncIterator[Served]:
    """The watch at work and its API on a port; the API's clock is the watch's."""
    async with watching(settings, patient=patient) as watch, contextlib.AsyncExitStack() as stack:
        _, key = await access.add_key(watch.connection, "reader", access.Scope(rights=("read",)))
        front = Front()
        front.apps["/session"] = await stack.enter_async_context(session.running(settings))
        front.apps["/warning"] = await stack.enter_async_context(warning.running(settings, clock=watch.clock))
        await stack.enter_async_context(_serving(front, settings.http_port))
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}", timeout=30, trust_env=False)
        )
        yield Served(watch, client, key)


@contextlib.asynccontextmanager
async def _serving(front: Front, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(front, port=port, lifespan="off", log_level="warning"))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        front.leave()
        server.should_exit = True
        await asyncio.wait_for(task, 10)
