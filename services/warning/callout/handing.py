"""Whether letters are still to be handed over: what is told about them can wait for it, and not the other way round."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

import asyncpg

PATIENCE_SECONDS = 20.0
"""What was decided is told no later than this after it first had to wait (of 50,000 messages within a minute)."""


class Handing:
    """Asked again and again by one who has something to tell."""

    def __init__(self, now: Callable[[], datetime.datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._now, self._clock = now, clock
        self._since: float | None = None

    async def goes_first(self, connection: asyncpg.Connection) -> bool:
        """Whether to wait still: letters that nobody has tried to hand over yet, and patience is left."""
        if not await connection.fetchval(WAITING, self._now()):
            self._since = None
            return False
        self._since = self._clock() if self._since is None else self._since
        return self._clock() - self._since < PATIENCE_SECONDS


WAITING = """
SELECT EXISTS (SELECT FROM warning.delivery WHERE state = 'waiting' AND tries = 0 AND next <= $1)"""
