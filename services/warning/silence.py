"""Silences (静默): a person hides some messages for a time, with a reason; it ends by itself, and says so before."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning.house.lists import local
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.world import World

LONGEST = datetime.timedelta(days=30)
REMINDED = datetime.timedelta(minutes=30)
"""Before its end the desk is told."""
DESK = "bureau_duty"


class Silence:
    """The kind: its key is the silence's id. The latest event of the id holds: it may make it longer, or end it."""

    name = "silence"
    types = frozenset(["silence.created"])

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """Its id."""
        yield Named(str(fact.data.get("id") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """Whether it hides anything now."""
        if not facts:
            return None
        refused = {f.key: why for f in facts if (why := refusal(f, world))}
        valid = [f for f in facts if f.key not in refused]
        if not valid:
            shown = {"id": key, "matchers": {}, "until": facts[-1].time, "refused": refused[facts[-1].key]}
            return Standing("refused", shown, facts[-1].region, closed=True, refused=refused)
        held = Held(key, valid[-1], world)
        return Standing(
            state="over" if held.over else "active", shown=held.shown(valid), region=held.fact.region, closed=held.over,
            says=tuple(held.says()), sends=tuple(held.sends()), wake=held.wake, due=held.until, refused=refused,
        )  # fmt: skip


def refusal(fact: Fact, world: World) -> str:
    """Why it hides nothing; empty: it does. A silence needs an owner, a reason, an end and what it is about."""
    said = fact.data
    missing = [zh for name, zh in NEEDED.items() if not said.get(name)]
    if missing:
        return f"静默缺少{'、'.join(missing)}"
    if said["matchers"].get("level") == "red" or said["matchers"].get("statutory"):
        return "红色预警和法定时限不能静默"
    if local(str(said["until"]), world.bureau.timezone) > fact.time + LONGEST:
        return f"静默最长 {LONGEST.days} 天"
    return ""


NEEDED = {"owner": "责任人", "reason": "理由", "until": "截止时间", "matchers": "范围"}


class Held:
    """A silence at one moment."""

    def __init__(self, key: str, fact: Fact, world: World) -> None:
        self.key, self.fact, self.world = key, fact, world
        self.until = local(str(fact.data["until"]), world.bureau.timezone)

    @property
    def over(self) -> bool:
        """Whether its end has come."""
        return self.until <= self.world.now

    @property
    def wake(self) -> datetime.datetime | None:
        """The reminder, then the end."""
        return min((m for m in (self.until - REMINDED, self.until) if m > self.world.now), default=None)

    def says(self) -> Iterator[Say]:
        """Its end."""
        if self.over:
            end = max(self.until, self.fact.time).astimezone(datetime.UTC)
            yield Say("expired", "silence.expired", {"id": self.key}, end, self.fact.region)

    def sends(self) -> Iterator[Send]:
        """To the desk, before it ends; one that was shorter than that ends without."""
        due = self.until - REMINDED
        if not (due <= self.world.now < self.until and self.fact.time < due):
            return
        text = self.world.house.messages.text(
            "silence_ending", bureau=self.world.bureau.short_name, reason=str(self.fact.data["reason"]),
            until=self.until.astimezone(self.world.bureau.timezone).strftime("%H:%M"),
            hidden=str(self.world.hidden.get(self.key, 0)),
        )  # fmt: skip
        for one in self.world.house.people.targets((self.world.bureau.region,), DESK):
            slot = f"ending:{self.until.isoformat()}:{one.code}"
            yield Send(slot, Post(one.code, DESK), ("sms",), text, self.until, urgent=False)

    def shown(self, facts: Sequence[Fact]) -> Mapping[str, Any]:
        """What its GET gives; how much it has hidden is counted where it is asked."""
        said = self.fact.data
        return {
            "id": self.key, "matchers": said["matchers"], "owner": said["owner"], "reason": said["reason"],
            "until": self.until, "since": facts[0].time, "by": self.fact.publisher, "changes": len(facts) - 1,
        }  # fmt: skip
