"""The house: whom a warning calls (routes), who can be reached (people), and in which words (messages)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.region import Regions
from services.contracts.rows import Mistake, Mistakes
from services.runtime import issuers
from services.runtime.bureau import Bureau, Found, Reading
from services.runtime.issuers import Issuers
from services.warning.house import lists, measures, messages, routes, unreached
from services.warning.house.lists import Lists
from services.warning.house.messages import Messages
from services.warning.house.people import People
from services.warning.house.routes import Route
from services.warning.loops import rows as loops

DEFAULTS = Path(__file__).parent / "defaults"
"""What holds where a bureau says nothing."""
TIMEZONE = ZoneInfo("Asia/Shanghai")
"""For checking a folder whose own cannot be read."""


@dataclass(frozen=True)
class House:
    """The rules and the people of one bureau."""

    routes: tuple[Route, ...]
    posts: Mapping[str, str]
    """Post → Chinese name."""
    people: People
    messages: Messages
    issuers: Issuers

    def route(self, key: str) -> Route:
        """The route of this key; of one that is no longer there the first, so that what has begun goes on."""
        return next((route for route in self.routes if route.key == key), self.routes[0])

    def may_call(self, message: Mapping[str, Any]) -> bool:
        """Whether a message's issuer may call people without anybody's confirmation."""
        return self.issuers.may_call(message)

    def post(self, key: str) -> str:
        """The Chinese name of a post."""
        return self.posts.get(key, key)

    def post_key(self, said: str) -> str | None:
        """The post that a key or a Chinese name means; None: there is none."""
        return said if said in self.posts else next((key for key, zh in self.posts.items() if zh == said), None)

    def with_facts(self, contacts: Iterable[Mapping[str, Any]], shifts: Iterable[Mapping[str, Any]]) -> House:
        """This house with what has been recorded of contacts and shifts."""
        return replace(self, people=self.people.with_facts(contacts, shifts))


def load(bureau: Bureau) -> House:
    """The house of a bureau. Raises Mistakes with everything that is wrong."""
    found = Found()
    house, _ = _read(bureau.folder, bureau.regions, bureau.timezone, found)
    found.add(*measures.check(bureau.folder))
    if found.mistakes or house is None:
        raise Mistakes(found.mistakes)
    return house


def check(folder: Path, reading: Reading) -> list[Mistake]:
    """Every mistake in the files of the house, and every street that a red warning would not reach."""
    found = Found()
    bureau = reading.bureau
    house, listed = _read(folder, bureau.regions if bureau else None, bureau.timezone if bureau else TIMEZONE, found)
    if house is not None and not found.mistakes and listed.organisations:
        found.add(*unreached.mistakes(house.routes, house.people, house.posts, listed.lines))
    found.add(*measures.check(folder))
    return sorted(found.mistakes)


def _read(
    folder: Path, regions: Regions | None, timezone: ZoneInfo, found: Found
) -> tuple[House | None, Lists]:  # fmt: skip
    called = routes.read(routes.documents(folder, DEFAULTS, routes.FILE, found), found)
    texts = messages.read(routes.documents(folder, DEFAULTS, messages.FILE, found), found)
    found.add(*loops.check(folder, called.posts))
    listed = lists.read(folder, called.posts, regions, timezone, found)
    if regions is None:
        return None, listed
    people = People(listed.organisations.values(), listed.persons.values(), listed.shifts.values(), regions)
    warners, _ = issuers.read(folder, regions.root)
    return House(called.rows, called.posts, people, texts, warners), listed
