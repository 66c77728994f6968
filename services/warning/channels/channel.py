"""What every channel is: it takes letters and says of each what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One letter as a gateway gets it. Handed over twice it has the same id: a gateway sends it once."""

    id: str
    to: str
    text: str
    link: str
    chain: str
    callout: str
    post: str
    at: str


class NotNow(Exception):
    """The gateway is away or busy: the letters are tried again."""


class Never(Exception):
    """The gateway will never take these letters: they have failed."""


class Channel(Protocol):
    """Hands letters over."""

    name: str
    batch: int
    """Letters in one call at most."""

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """What became of each: `handed`, `failed`, `wrong_number`, or `waiting` for one that is tried again.

        Raises NotNow or Never for all of them.
        """

    async def check(self) -> None:
        """Whether it would take letters now; sends none. Raises NotNow or Never."""

    async def close(self) -> None:
        """Let go of connections."""
