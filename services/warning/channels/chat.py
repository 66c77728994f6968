"""Chat groups and push services by Apprise, for what is not urgent: they promise neither time nor receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.warning.channels.channel import Message

SCHEMES = frozenset(
    ["bark", "dingtalk", "feishu", "lark", "ntfys", "pushplus", "schan", "slack", "tgram", "wecombot", "wxpusher"]
)
"""What an address may begin with: services with a host of their own. `json:` or `file:` could be anything."""


class Chat:
    """Hands letters to Apprise in a thread."""

    batch = 10

    def __init__(self, name: str) -> None:
        self.name = name

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Hand letters over; see `Channel`. Apprise says only whether it worked: else it is tried again."""
        return [await asyncio.to_thread(_notify, message) for message in messages]

    async def check(self) -> None:
        """There is no gateway of its own."""

    async def close(self) -> None:
        """Nothing is kept open."""


def _notify(message: Message) -> str:
    from apprise import Apprise, AppriseAsset  # takes 30 MB and half a second: only for those who use it

    group = Apprise(asset=AppriseAsset(plugin_paths=[], secure_logging=True))
    if message.to.partition("://")[0].lower() not in SCHEMES or not group.add(message.to):
        return "wrong_number"
    return "handed" if group.notify(body=message.text) else "waiting"
