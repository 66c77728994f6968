"""Handing over goes first, but not for ever."""

from __future__ import annotations

import datetime
from typing import Any, cast

from services.warning.callout.handing import PATIENCE_SECONDS, Handing


class Letters:
    """Answers whether some wait."""

    waiting = True

    async def fetchval(self, _sql: str, _now: datetime.datetime) -> bool:
        return self.waiting


async def test_what_is_told_waits_for_the_letters_as_long_as_patience_lasts() -> None:
    letters, at = Letters(), [100.0]
    connection: Any = cast(Any, letters)
    handing = Handing(lambda: datetime.datetime.now(datetime.UTC), lambda: at[0])
    assert await handing.goes_first(connection)
    at[0] += PATIENCE_SECONDS
    assert not await handing.goes_first(connection)
    letters.waiting = False
    assert not await handing.goes_first(connection)
    letters.waiting = True
    assert await handing.goes_first(connection)
