"""Asks every gateway each three minutes whether it works; what has changed is told as `channel.tested`."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import Sequence

import asyncpg
import structlog

from services.runtime import outbox, postgres
from services.warning.callout.record import spoken
from services.warning.channels.channel import Channel, Never, NotNow
from services.warning.matter import Say
from services.warning.surroundings import Surroundings

log = structlog.get_logger(__name__)
EVERY = datetime.timedelta(minutes=3)
SECONDS = 10.0
LOOK_SECONDS = 1.0


class Prober:
    """Runs beside the senders until it is cancelled."""

    def __init__(self, dsn: str, channels: Sequence[Channel], around: Surroundings) -> None:
        self._dsn, self._channels, self._around = dsn, channels, around
        self._known: dict[str, str] = {}

    async def run(self) -> None:
        """For ever; whatever may pass is tried again."""
        while True:
            try:
                await self._follow()
            except postgres.NOT_NOW as error:
                log.warning("prober.not_now", error=repr(error))
                await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role="warning-prober", command_timeout=30)
        try:
            await connection.execute("SET search_path TO warning")
            last: datetime.datetime | None = None
            while True:
                now = self._around.now()
                if last is None or now >= last + EVERY:
                    await self._round(connection, now)
                    last = now
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            connection.terminate()

    async def _round(self, connection: asyncpg.Connection, now: datetime.datetime) -> None:
        results = await asyncio.gather(*map(_checked, self._channels))
        rows = []
        for channel, (result, seconds) in zip(self._channels, results, strict=True):
            if self._known.get(channel.name) != result:
                content = {"channel": channel.name, "result": result, "seconds": seconds}
                say = Say(f"health:{now.isoformat()}", "channel.tested", content, now, self._around.region)
                rows.append(spoken(say, ("channel", "actual", channel.name), now))
        async with connection.transaction():
            await outbox.put(connection, rows)
        self._known = {c.name: result for c, (result, _) in zip(self._channels, results, strict=True)}


async def _checked(channel: Channel) -> tuple[str, float]:
    """`ok` or `failed`, and the seconds that it took."""
    began = time.monotonic()
    result = "ok"
    try:
        async with asyncio.timeout(SECONDS):
            await channel.check()
    except (NotNow, Never, TimeoutError):
        result = "failed"
    return result, round(time.monotonic() - began, 1)
