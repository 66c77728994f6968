"""Room on the disk: what the door still takes when it runs short (design, section 4), so that a warning has room."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from services.contracts.topics import BY_NAME
from services.runtime import web

URGENT_ONLY, NOTHING = 0.07, 0.03
"""Below the first share only what is urgent is taken, below the second nothing."""
LOOK_SECONDS = 1.0
RETRY_SECONDS = 60


class Room:
    """Looks at the disk at most once a second."""

    def __init__(self, look: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self._share, self._looked = 1.0, float("-inf")

    def check(self, topics: Collection[str]) -> None:
        """Raises 503 for what there is no room for."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            self._share, self._looked = self._look(), self._clock()
        if self._share >= URGENT_ONLY or not topics:
            return
        if self._share < NOTHING:
            raise web.not_now(f"the disk is full ({self._share:.1%} free): nothing is taken; make room", RETRY_SECONDS)
        if any(BY_NAME[topic].lane != "urgent" for topic in topics):
            raise web.not_now(
                f"the disk is nearly full ({self._share:.1%} free): only urgent facts are taken; make room",
                RETRY_SECONDS,
            )
