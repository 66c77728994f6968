"""The world of one process: its clock, the bureau's rules, and who is on duty, kept fresh."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from services.contracts.region import Regions
from services.runtime.bureau import Bureau
from services.warning import before, heard, kinds
from services.warning.before import Life
from services.warning.house import House
from services.warning.world import World

PEOPLE = ("contact", "shift")
"""The kinds of matters that say who can be reached."""
FOLLOWED = (*PEOPLE, "silence")
"""The kinds of matters by which others are judged."""


class Surroundings:
    """Makes the world of a turn."""

    def __init__(self, bureau: Bureau, house: House, now: Callable[[], datetime.datetime], origin: str) -> None:
        self.now = now
        self._bureau, self._written, self._origin = bureau, house, origin
        self._house = house
        self._version: int | None = None
        self._touches = 0
        self._silences: Sequence[Mapping[str, Any]] = ()
        self.life: Life | None = None
        self._secret = b""
        self.kinds = kinds.of(bureau)
        self.reads = frozenset(type_ for kind in self.kinds for type_ in kind.types)
        """The types of event that concern any of them."""

    @property
    def region(self) -> str:
        """The bureau's root."""
        return self._bureau.region

    @property
    def feeds(self) -> frozenset[tuple[str, str]]:
        """Publisher and type of each feed."""
        return frozenset((feed.publisher, feed.type) for feed in self._bureau.feeds)

    @property
    def regions(self) -> Regions:
        """The bureau's tree."""
        return self._bureau.regions

    async def world(self, connection: asyncpg.Connection) -> World:
        """The moment of a turn that begins now."""
        if self._version is None:
            await self.refresh(connection)
        feeds = await heard.read(connection)
        reds = await connection.fetch(REDS)
        red: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in reds:
            red[row["scope"]].append({**msgspec.json.decode(row["shown"]), "state": "in_force"})
        return World(
            self.now(), self._bureau, self._house, self._origin, feeds, self._silences, red, self.life, self._secret
        )  # fmt: skip

    def touched(self, kinds: Collection[str]) -> None:
        """A turn has changed matters of these kinds."""
        if not set(FOLLOWED).isdisjoint(kinds):
            self._version = None
            self._touches += 1

    async def follow(self, connection: asyncpg.Connection) -> None:
        """Notice what another process has changed."""
        self.life = await before.load(connection, self.life)
        version = await connection.fetchval(VERSION, list(FOLLOWED))
        if version != self._version:
            await self.refresh(connection)

    async def refresh(self, connection: asyncpg.Connection) -> None:
        """Read who is on duty, the bureau's folder and over it what the facts say, and what people have silenced."""
        touches = self._touches
        version = await connection.fetchval(VERSION, list(FOLLOWED))
        rows = await connection.fetch(SHOWN, list(FOLLOWED))
        secret = self._secret or await connection.fetchval("SELECT secret FROM warning.link_key")
        self.life = await before.load(connection, self.life)
        # from here on nobody else gets in between: others must not see half of it
        shown = {kind: [msgspec.json.decode(r["shown"]) for r in rows if r["kind"] == kind] for kind in FOLLOWED}
        self._silences, self._secret = shown["silence"], secret
        self._house = self._written.with_facts(shown["contact"], shown["shift"]) if rows else self._written
        self._version = version if touches == self._touches else None


VERSION = "SELECT coalesce(max(version), 0) FROM warning.matter WHERE kind = ANY($1)"
REDS = """
SELECT scope, shown FROM warning.matter
 WHERE kind = 'alert' AND NOT closed AND state = 'in_force' AND shown->>'level' = 'red'"""
SHOWN = """
SELECT kind, shown FROM warning.matter
 WHERE kind = ANY($1) AND scope = 'actual' AND NOT (kind = 'silence' AND closed)"""
