"""Who would be called about a warning, by which channel, and when: `hub routes try` and `GET /warning/routes/explain`.

It asks the same routes, people and ladder that a real warning asks, and calls nobody.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from services.contracts import codes
from services.warning.house import House
from services.warning.house.people import Organisation, Person
from services.warning.house.routes import LEVELS, Route, matching
from services.warning.matter import Post

RUNGS = (
    ("post", "", "岗位"),
    ("again", "repeat", "再次"),
    ("deputy", "deputy", "副职"),
    ("superior", "superior", "上级"),
)
"""Rung, the span of the route after which it comes, its Chinese name."""


class Unknown(ValueError):
    """There is no such level, hazard or region: the parameter, and what to do."""

    def __init__(self, parameter: str, todo: str) -> None:
        super().__init__(f"{parameter}: {todo}")
        self.parameter = parameter


def explain(house: House, *, level: str, hazard: str, region: str, now: datetime.datetime) -> dict[str, Any]:
    """`{level, hazard, region, at, reached, routes: [{…, targets: [{…, steps: [{…, persons}]}]}]}`. Raises Unknown."""
    if level not in LEVELS:
        raise Unknown("level", f"one of {', '.join(LEVELS)}")
    if hazard not in codes.WEATHER_HAZARD.values:
        raise Unknown("hazard", f"one of {', '.join(codes.WEATHER_HAZARD.values)}")
    regions = house.people.regions
    if region not in regions:
        raise Unknown("region", f"there is no region {region[:64]}")
    routes = [_route(house, route, region, now) for route in matching(house.routes, level, hazard)]
    return {
        "level": level, "level_name": codes.WEATHER_LEVEL.values[level], "hazard": hazard,
        "hazard_name": codes.WEATHER_HAZARD.values[hazard], "region": region, "region_name": regions.get(region).name,
        "at": now, "reached": any(target["reached"] for route in routes for target in route["targets"]),
        "routes": routes,
    }  # fmt: skip


def _route(house: House, route: Route, region: str, now: datetime.datetime) -> dict[str, Any]:
    return {
        "route": route.key, "route_name": route.zh, "need": route.need, "channels": list(route.channels),
        "freshness_seconds": _seconds(route.freshness), "exhausted_seconds": _seconds(route.exhausted),
        "targets": [
            _target(house, route, organisation, post, now)
            for post in route.posts for organisation in house.people.targets((region,), post)
        ],
    }  # fmt: skip


def _target(
    house: House, route: Route, organisation: Organisation, post: str, now: datetime.datetime
) -> dict[str, Any]:  # fmt: skip
    steps = list(_steps(house, route, organisation.code, post, now))
    return {
        "organisation": organisation.code, "organisation_name": organisation.name, "region": organisation.region,
        "post": post, "post_name": house.post(post), "steps": steps,
        "reached": any(person["channels"] for step in steps for person in step["persons"]),
    }  # fmt: skip


def _steps(
    house: House, route: Route, organisation: str, post: str, now: datetime.datetime
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for rung, span, zh in RUNGS:
        after: datetime.timedelta = getattr(route, span) if span else datetime.timedelta()
        to = Post(organisation, post, "post" if rung == "again" else rung)
        persons = house.people.reach(to, now + after)
        yield {
            "rung": rung, "rung_name": zh, "after_seconds": _seconds(after), "at": now + after,
            "persons": [_person(person, route) for person in persons],
        }  # fmt: skip


def _person(person: Person, route: Route) -> dict[str, Any]:
    """Without the numbers: they are nobody's business here."""
    ways = [channel for channel in route.channels if person.addresses.get(channel)]
    return {"person_id": person.id, "person": person.name, "organisation": person.organisation, "channels": ways}


def _seconds(span: datetime.timedelta) -> int:
    return int(span.total_seconds())
