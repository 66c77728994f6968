"""Finds what somebody at the desk types: a hazard, an enterprise, a warning, a notice's number, a telephone."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator
from typing import Any

import asyncpg
import msgspec

from services.warning.house import House
from services.warning.house.people import Person
from services.warning.lists import masked

KINDS = ("alert", "notice", "response", "loop")
MOST, SHORTEST, DIGITS = 30, 2, 4
"""Answers of each sort; letters that are looked for; digits by which a number is found."""


async def matters(connection: asyncpg.Connection, text: str, regions: Collection[str] | None) -> list[dict[str, Any]]:
    """`[{kind, matter}]` whose key, number, heading or enterprise holds the text; open ones first, then the newest."""
    like = f"%{_escaped(text)}%"
    rows = await connection.fetch(FOUND, list(KINDS), like, regions and sorted(regions), MOST)
    return [{"kind": row["kind"], "matter": msgspec.json.decode(row["told"])} for row in rows]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def people(house: House, text: str, regions: Collection[str] | None, now: datetime.datetime) -> list[dict[str, Any]]:
    """Persons by name, organisation or number, their numbers masked."""
    found = (person for person in house.people.persons.values() if person.holds(now) and _is_meant(house, person, text))
    seen = (one for person in found if (one := shown(house, person)) and _may_see(one["region"], regions))
    return [one for one, _ in zip(seen, range(MOST), strict=False)]


def of_organisations(
    house: House, area: Collection[str], regions: Collection[str] | None, now: datetime.datetime
) -> Iterator[dict[str, Any]]:
    """The persons of all organisations in an area, by organisation and post, their numbers masked."""
    for person in sorted(house.people.persons.values(), key=lambda one: (one.organisation, one.post, one.id)):
        one = shown(house, person)
        if person.holds(now) and one["region"] in area and _may_see(one["region"], regions):
            yield one


def shown(house: House, person: Person) -> dict[str, Any]:
    """Who it is, where, and how reached, masked."""
    organisation = house.people.organisation(person.organisation)
    return {
        "person_id": person.id, "name": person.name, "organisation": person.organisation,
        "organisation_name": organisation.name if organisation else person.organisation,
        "region": organisation.region if organisation else "", "post": person.post,
        "post_name": house.post(person.post),
        "addresses": {channel: masked(address) for channel, address in person.addresses.items() if address},
    }  # fmt: skip


def _is_meant(house: House, person: Person, text: str) -> bool:
    organisation = house.people.organisation(person.organisation)
    words = (person.id, person.name, organisation.name if organisation else "")
    digits = "".join(one for one in text if one.isdigit())
    by_number = len(digits) >= DIGITS and any(digits in address for address in person.addresses.values())
    return by_number or any(text in word for word in words if word)


def _may_see(region: str, regions: Collection[str] | None) -> bool:
    return regions is None or region in regions


FOUND = """
SELECT t.kind, t.told FROM told t JOIN (
  SELECT kind, scope, key, closed, version FROM matter m
   WHERE kind = ANY($1) AND scope = 'actual' AND ($3::text[] IS NULL OR region = ANY($3))
     AND (key ILIKE $2 OR shown->>'document_no' ILIKE $2 OR shown->>'headline' ILIKE $2
          OR shown->>'enterprise_id' ILIKE $2 OR shown->>'matter' ILIKE $2
          OR EXISTS (SELECT FROM name n WHERE (n.kind, n.scope, n.matter) = (m.kind, m.scope, m.key)
                                          AND n.name ILIKE $2))
   ORDER BY closed, version DESC LIMIT $4) AS m USING (kind, scope, key)
 ORDER BY m.closed, m.version DESC"""
