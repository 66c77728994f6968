"""The book of contacts (通讯录): everybody who holds a post, how they are reached, and whether that works.

Numbers are masked; who looks at one is written down (`POST /people/{id}/reveal`).
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from services.warning.house import House
from services.warning.house.people import Person
from services.warning.lists import masked

LEFT, UNREACHABLE = "left", "unreachable"


def book(
    house: House, told: Mapping[str, Mapping[str, Any]], now: datetime.datetime, wanted: Collection[str] | None
) -> list[dict[str, Any]]:
    """Everybody in the regions that may be seen (None: all), by organisation, post and name.

    `told`: the matters of kind `contact` by person.
    """
    rows = (_row(house, person, told.get(person.id, {}), now) for person in house.people.persons.values())
    seen = (row for row in rows if wanted is None or row["region"] in wanted)
    return sorted(seen, key=lambda row: (row["organisation"], row["post"], row["name"]))


def _row(house: House, person: Person, told: Mapping[str, Any], now: datetime.datetime) -> dict[str, Any]:
    organisation = house.people.organisations.get(person.organisation)
    deputy = house.people.persons.get(person.deputy)
    on_duty = house.people.on_duty(person.organisation, person.post, now) if person.holds(now) else []
    return {
        "person_id": person.id, "name": person.name, "organisation": person.organisation,
        "organisation_name": organisation.name if organisation else person.organisation,
        "region": organisation.region if organisation else house.people.regions.root,
        "post": person.post, "post_name": house.post(person.post), "deputy": deputy.name if deputy else None,
        "addresses": {channel: masked(address) for channel, address in person.addresses.items() if address},
        "valid_to": person.valid_to, "on_duty": person in on_duty, "verified": told.get("verified"),
        "tests": told.get("tests") or {}, "state": _state(person, told, now),
    }  # fmt: skip


def _state(person: Person, told: Mapping[str, Any], now: datetime.datetime) -> str:
    """left, unreachable (no number at all), or what the matter says: recorded, verified, failing."""
    if not person.holds(now):
        return LEFT
    return str(told.get("state") or "recorded") if any(person.addresses.values()) else UNREACHABLE


def channels_masked(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A contact as its GET gives it: its numbers masked."""
    return {**shown, "channels": [*_masked(shown["channels"])]} if shown.get("channels") else dict(shown)


def _masked(channels: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in channels:
        yield {**one, "address": masked(str(one.get("address") or ""))}
