"""The console: a letter that is read at the desk; `GET /warning/deliveries?channel=console` shows it with its text."""

from __future__ import annotations

from collections.abc import Sequence

from services.runtime import postgres
from services.warning.channels.channel import Message, NotNow
from services.warning.store import MOVED


class Console:
    """The letters lie in the database already: the pages are told to look."""

    batch = 500

    def __init__(self, name: str, dsn: str) -> None:
        self.name = name
        self._dsn = dsn

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Tell the pages; see `Channel`."""
        await self.check()
        return ["handed"] * len(messages)

    async def check(self) -> None:
        """Whether the pages can be told. Raises NotNow."""
        try:
            connection = await postgres.connect(self._dsn, role="warning-console-channel", command_timeout=5)
        except postgres.NOT_NOW as error:
            raise NotNow(repr(error)) from error
        try:
            await connection.execute(f'NOTIFY "{MOVED}"')
        except postgres.NOT_NOW as error:
            raise NotNow(repr(error)) from error
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Nothing is kept open."""
