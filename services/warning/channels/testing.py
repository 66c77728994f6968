"""The gateways of a test (HUB_ENVIRONMENT=test): what they were given stands in a table; they fail as they are told."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Callable, Sequence

import asyncpg

from services.runtime import postgres
from services.warning.channels.channel import Message, NotNow

MODES = ("ok", "hang", "500", "silent", "twice")
HANG_SECONDS = 10.0
GIVEN = """
INSERT INTO testing_outbox (message_id, channel, address, text, link, chain, callout, post, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (message_id) DO NOTHING"""


class TestGateway:
    """Takes what it is given; `silent` takes it and never confirms, `twice` confirms twice."""

    __test__ = False
    batch = 500

    def __init__(self, name: str, dsn: str, now: Callable[[], datetime.datetime]) -> None:
        self.name = name
        self._dsn, self._now = dsn, now
        self._connection: asyncpg.Connection | None = None

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Write them down; see `Channel`."""
        try:
            connection = await self._connected()
            mode = await connection.fetchval("SELECT mode FROM testing_gateway WHERE channel = $1", self.name)
            if mode == "hang":
                await asyncio.sleep(HANG_SECONDS)
            if mode in ("hang", "500"):
                raise NotNow(f"{self.name}: {mode}")
            now = self._now()
            await connection.executemany(
                GIVEN,
                [(uuid.UUID(m.id), self.name, m.to, m.text, m.link, m.chain, m.callout, m.post, now) for m in messages],
            )
        except postgres.NOT_NOW as error:
            await self.close()
            raise NotNow(repr(error)) from error
        return ["handed"] * len(messages)

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await postgres.connect(self._dsn, role=f"gateway-{self.name}", command_timeout=10)
            await self._connection.execute("SET search_path TO warning")
        return self._connection

    async def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
