"""The roster of a span of days (排班表): who is at each post when, and where nobody is."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning.gaps import Gap
from services.warning.house import House
from services.warning.house.people import Shift


def roster(
    house: House, begin: datetime.datetime, end: datetime.datetime, wanted: Iterable[str] | None
) -> list[dict[str, Any]]:  # fmt: skip
    """`[{organisation, organisation_name, region, post, post_name, shifts, gaps}]` of every post that has a roster.

    `wanted`: the regions that may be seen; None: all.
    """
    seen = None if wanted is None else frozenset(wanted)
    rows = (_post(house, code, post, begin, end) for code, post in house.people.posts())
    return [row for row in rows if row is not None and (seen is None or row["region"] in seen)]


def _post(
    house: House, code: str, post: str, begin: datetime.datetime, end: datetime.datetime
) -> dict[str, Any] | None:
    turns = house.people.turns(code, post)
    organisation = house.people.organisations.get(code)
    if not turns or organisation is None:
        return None
    return {
        "organisation": code, "organisation_name": organisation.name, "region": organisation.region,
        "post": post, "post_name": house.post(post),
        "shifts": [_shift(house, turn) for turn in turns if turn.from_ < end and begin < turn.to],
        "gaps": [{"from": gap.from_, "to": gap.to} for gap in holes(turns, begin, end)],
    }  # fmt: skip


def _shift(house: House, turn: Shift) -> Mapping[str, Any]:
    person = house.people.persons.get(turn.person)
    return {
        "shift_id": turn.id, "person_id": turn.person, "person": person.name if person else turn.person,
        "from": turn.from_, "to": turn.to,
    }  # fmt: skip


def holes(turns: Sequence[Shift], begin: datetime.datetime, end: datetime.datetime) -> Iterator[Gap]:
    """The times of a span at which a post that has a roster has nobody; before its first shift it had none."""
    covered: datetime.datetime | None = None
    for turn in sorted(turns, key=lambda t: t.from_):
        if covered is not None and covered < turn.from_ and begin < turn.from_ and covered < end:
            yield Gap(max(covered, begin), min(turn.from_, end))
        covered = turn.to if covered is None else max(covered, turn.to)
    if covered is not None and covered < end:
        yield Gap(max(covered, begin), end)
