"""Streets that a red warning would not reach: nobody of the street's own can be called by any channel of the route."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence

from services.contracts import codes
from services.contracts.region import Region, Regions
from services.contracts.rows import Mistake
from services.warning.house.people import Organisation, People
from services.warning.house.routes import Route, matching

KINDS = ("street", "town", "township", "park")
"""What counts as a street, where it does not lie within another one."""
FILE = "organisations.csv"


def mistakes(
    routes: Sequence[Route], people: People, posts: Mapping[str, str], lines: Mapping[str, int]
) -> Iterator[Mistake]:
    """One for each street, with all hazards whose red warning calls nobody there."""
    now = datetime.datetime.now(datetime.UTC)
    for street in streets(people.regions, now.date()):
        hazards = [h for h in codes.WEATHER_HAZARD.values if not reached(routes, people, street.code, h, now)]
        if hazards:
            own = next((o.code for o in people.organisations.values() if o.region == street.code), "")
            yield _mistake(street, own, hazards, routes, posts, lines)


def _mistake(
    street: Region, own: str, hazards: Sequence[str], routes: Sequence[Route], posts: Mapping[str, str],
    lines: Mapping[str, int],
) -> Mistake:  # fmt: skip
    wanted = dict.fromkeys(posts[p] for h in hazards for route in matching(routes, "red", h) for p in route.posts)
    named = "、".join(codes.WEATHER_HAZARD.values[h] for h in hazards)
    what = f"{street.name}({street.code})的红色预警叫不到本地任何人: {named}"
    if not wanted:
        return Mistake(FILE, lines.get(own, 1), what, "在 routes.toml 补上 red 的路由")
    return Mistake(
        FILE, lines.get(own, 1), what,
        f"在 {FILE} 写上它的机构, 在 contacts.csv 给机构的 {'、'.join(wanted)} 补上有号码的人",
    )  # fmt: skip


def streets(regions: Regions, on: datetime.date) -> Iterator[Region]:
    """The streets, towns and parks of that day that lie in no other of these."""
    for code in regions:
        held = regions.get(code, on)
        above = regions.get(held.parent, on).kind if held.parent else ""
        if held.kind in KINDS and above not in KINDS and held.first <= on <= held.last:
            yield held


def reached(
    routes: Sequence[Route], people: People, street: str, hazard: str, now: datetime.datetime
) -> bool:  # fmt: skip
    """Whether a red warning calls anybody of the street's own."""
    return any(
        set(person.addresses) & set(route.channels)
        for route in matching(routes, "red", hazard)
        for post in route.posts
        for organisation in people.targets([street], post)
        if _own(organisation, people.regions)
        for person in people.on_duty(organisation.code, post, now)
    )


def _own(organisation: Organisation, regions: Regions) -> bool:
    """Whether it is of the street rather than of the bureau as a whole."""
    return organisation.region != regions.root
