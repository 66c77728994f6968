"""How long the oldest row of an outbox has been seen there: what waits to go to Kafka, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable

import asyncpg


class Waiting:
    """Remembers which row was the oldest, and since when; one per service, asked at each scrape."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._oldest: int | None = None
        self._since = 0.0

    async def seconds(self, connection: asyncpg.Connection) -> float:
        """0 while nothing waits. The schema is that of the connection's search path; refused rows stay and wait not."""
        return self.seen(await connection.fetchval("SELECT min(id) FROM outbox WHERE refused IS NULL"))

    def seen(self, oldest: int | None) -> float:
        """The oldest row is now this one."""
        if oldest != self._oldest:
            self._oldest, self._since = oldest, self._clock()
        return 0.0 if oldest is None else self._clock() - self._since
