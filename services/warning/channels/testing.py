"""The gateways of a test (HUB_ENVIRONMENT=test): what they were given stands in a table; they fail as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import uuid
from collections.abc import Callable, Sequence

import asyncpg
import httpx
import msgspec

from services.runtime import postgres
from services.runtime.settings import Settings
from services.warning.channels.channel import Message, NotNow
from services.warning.channels.gateway import signature

MODES = ("ok", "hang", "500", "silent", "twice")
"""`silent` takes what it is given and never confirms, `twice` confirms twice."""
HANG_SECONDS = 10.0
CONFIRM_SECONDS = 0.5
GIVEN = """
INSERT INTO testing_outbox (message_id, channel, address, text, link, chain, callout, post, at)
SELECT n.*, $8::timestamptz
  FROM (SELECT id, $9::text AS channel, address, text, link, chain, callout, post
          FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
               AS u(id, address, text, link, chain, callout, post)) n
    ON CONFLICT (message_id) DO NOTHING"""
"""What comes twice with one id is given once, as by any gateway."""


class TestGateway:
    """Takes what it is given, and calls back like a gateway."""

    __test__ = False
    batch = 500

    def __init__(self, name: str, settings: Settings, now: Callable[[], datetime.datetime]) -> None:
        self.name = name
        self._settings, self._now = settings, now
        self._pool: asyncpg.Pool | None = None
        self._client = httpx.AsyncClient(timeout=5, trust_env=False)
        self._confirming: set[asyncio.Task[None]] = set()

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Write them down; see `Channel`."""
        mode = await self._mode()
        rows = [(uuid.UUID(m.id), m.to, m.text, m.link, m.chain, m.callout, m.post) for m in messages]
        try:
            async with (await self._connections()).acquire() as connection:
                await connection.execute(GIVEN, *map(list, zip(*rows, strict=True)), self._now(), self.name)
        except postgres.NOT_NOW as error:
            raise NotNow(repr(error)) from error
        if mode != "silent":
            task = asyncio.create_task(self._confirm(messages, 2 if mode == "twice" else 1))
            self._confirming.add(task)
            task.add_done_callback(self._confirming.discard)
        return ["handed"] * len(messages)

    async def check(self) -> None:
        """As it was told to behave. Raises NotNow."""
        await self._mode()

    async def _mode(self) -> str:
        """How it behaves. Raises NotNow where that is badly."""
        try:
            async with (await self._connections()).acquire() as connection:
                found = await connection.fetchval("SELECT mode FROM testing_gateway WHERE channel = $1", self.name)
        except postgres.NOT_NOW as error:
            raise NotNow(repr(error)) from error
        if found == "hang":
            await asyncio.sleep(HANG_SECONDS)
        if found in ("hang", "500"):
            raise NotNow(f"{self.name}: {found}")
        return str(found or "ok")

    async def _confirm(self, messages: Sequence[Message], times: int) -> None:
        """Call back; nobody there who would hear it: a test without an API."""
        await asyncio.sleep(CONFIRM_SECONDS)
        at = self._now().isoformat()
        body = msgspec.json.encode(
            [{"message_id": m.id, "to": m.to, "result": "delivered", "at": at} for m in messages]
        )
        url = f"http://{self._settings.http_host}:{self._settings.http_port}/warning/receipts/{self.name}"
        for _ in range(times):
            with contextlib.suppress(httpx.HTTPError):
                await self._client.post(url, content=body, headers=self._signed(body))

    def _signed(self, body: bytes) -> dict[str, str]:
        id_, at = str(uuid.uuid4()), str(int(datetime.datetime.now(datetime.UTC).timestamp()))
        secret = self._settings.gateway_secret.get_secret_value()
        return {"webhook-id": id_, "webhook-timestamp": at, "webhook-signature": signature(secret, id_, at, body)}

    async def _connections(self) -> asyncpg.Pool:
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self._settings.postgres_dsn, min_size=0, max_size=6, timeout=5, command_timeout=10,
                server_settings={"application_name": f"hub-gateway-{self.name}", "search_path": "warning"},
            )  # fmt: skip
        await self._pool
        return self._pool

    async def close(self) -> None:
        """Let go of the connections."""
        for task in self._confirming:
            task.cancel()
        await self._client.aclose()
        if self._pool is not None:
            self._pool.terminate()
