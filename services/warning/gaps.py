"""Gaps in the roster (排班空缺) of the next fortnight: each is a case that closes when somebody is put on."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.warning.house.people import LEADER
from services.warning.house.people import Shift as Turn
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.world import World

LOOP = "roster_gap"
AHEAD = datetime.timedelta(days=14)
FRESH = datetime.timedelta(hours=12)
DAYTIME = range(8, 20)
"""Hours of the day at which the duty leader is told: a gap to come wakes nobody."""


class Gap(NamedTuple):
    """Nobody is on the roster of a post."""

    from_: datetime.datetime
    to: datetime.datetime | None
    """None: nor is anybody later."""


def gaps(turns: Sequence[Turn], now: datetime.datetime, until: datetime.datetime) -> Iterator[Gap]:
    """The times between the shifts that are not over and begin before `until`; before the first shift is none."""
    covered: datetime.datetime | None = None
    for turn in sorted(turns, key=lambda t: t.from_):
        if covered is not None and covered < turn.from_ and turn.from_ > now and covered < until:
            yield Gap(covered, turn.from_)
        covered = turn.to if covered is None else max(covered, turn.to)
    if covered is not None and covered < until:
        yield Gap(covered, None)


class RosterGap:
    """The kind: its key is `roster_gap/ORGANISATION/POST`. It remembers by what it has said itself."""

    name = LOOP
    types = frozenset(["loop.opened", "loop.closed"])

    def seeds(self, world: World) -> Iterator[str]:
        """Every post that has a roster."""
        people = world.house.people
        return (f"{LOOP}/{code}/{post}" for code, post in people.posts() if people.turns(code, post))

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """What was said of this post's gaps."""
        if fact.data.get("loop") == LOOP:
            yield Named(f"{LOOP}/{str(fact.data.get('case_id')).rpartition('/')[0]}")

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """Which gaps there are now."""
        _, code, post = key.split("/", 2)
        found = list(gaps(world.house.people.turns(code, post), world.now, world.now + AHEAD))
        place = f"{code}/{post}"
        post_ = _Post(place, world, {f"{place}/{_minute(gap.from_)}": gap for gap in found})
        organisation = world.house.people.organisation(code)
        return Standing(
            state="gap" if found else "covered", shown=post_.shown(),
            region=organisation.region if organisation else world.bureau.region, says=tuple(post_.says(facts)),
            sends=tuple(post_.sends()), due=found[0].from_ if found else None, closed=not found,
        )  # fmt: skip


class _Post:
    """The gaps of one post at one moment, by the id of their case."""

    def __init__(self, key: str, world: World, now: Mapping[str, Gap]) -> None:
        self.key, self.world, self.gaps = key, world, now
        self.code, _, self.post = key.partition("/")

    def says(self, facts: Sequence[Fact]) -> Iterator[Say]:
        """Each case is opened once; it closes when its gap is gone, and what was said stays said."""
        opened = {str(f.data.get("case_id")): f for f in facts if f.type == "loop.opened"}
        closed = {str(f.data.get("case_id")): f for f in facts if f.type == "loop.closed"}
        for case, fact in opened.items():
            yield _again(f"opened:{case}", fact)
            if case not in self.gaps:
                yield _again(f"closed:{case}", closed[case]) if case in closed else self._closed(case, fact)
        for case, gap in self.gaps.items():
            if case not in opened:
                data = {"loop": LOOP, "case_id": case, "step": "assign", "due": _text(gap.from_)}
                yield Say(f"opened:{case}", "loop.opened", data, self._now)

    def _closed(self, case: str, opened: Fact) -> Say:
        due = datetime.datetime.fromisoformat(str(opened.data.get("due")))
        days = round((self._now - opened.time).total_seconds() / 86_400, 1)
        data = {"loop": LOOP, "case_id": case, "step": "assigned", "on_time": self._now <= due, "days": days}
        return Say(f"closed:{case}", "loop.closed", data, self._now)

    @property
    def _now(self) -> datetime.datetime:
        return self.world.now.astimezone(datetime.UTC)

    def sends(self) -> Iterator[Send]:
        """To the duty leader, by day."""
        if self.world.now.astimezone(self.world.bureau.timezone).hour not in DAYTIME:
            return
        for case, gap in self.gaps.items():
            text = self.world.house.messages.text(
                "roster_gap", bureau=self.world.bureau.short_name, post=self._name, to=self._local(gap.to),
                **{"from": self._local(gap.from_)},
            )  # fmt: skip
            for one in self.world.house.people.leading():
                slot = f"told:{case}:{one.code}"
                yield Send(slot, Post(one.code, LEADER), ("sms",), text, self.world.now + FRESH, urgent=False)

    @property
    def _name(self) -> str:
        organisation = self.world.house.people.organisation(self.code)
        return f"{organisation.name if organisation else self.code}{self.world.house.post(self.post)}"

    def _local(self, moment: datetime.datetime | None) -> str:
        return moment.astimezone(self.world.bureau.timezone).strftime("%m月%d日%H:%M") if moment else "以后"

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        return {
            "id": f"{LOOP}/{self.key}", "loop": LOOP, "organisation": self.code, "post": self.post,
            "title": f"{self._name}排班空缺",
            "gaps": [{"case_id": case, "from": gap.from_, "to": gap.to} for case, gap in self.gaps.items()],
        }  # fmt: skip


def _again(slot: str, fact: Fact) -> Say:
    """What was said, as it was said: nothing new."""
    return Say(slot, fact.type, fact.data, fact.time, fact.region)


def _text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _minute(moment: datetime.datetime) -> str:
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%dT%H:%MZ}"
