"""What exists: a register folds events into the state of each thing, at any instant (contract, section 3).

Pure: facts in, stays out. A stay is a state of one thing from one instant to another; what was removed or has expired
has no stay.
"""

from __future__ import annotations

import bisect
import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.contracts.fields import ISO_DATE, moment
from services.contracts.identity import canonical
from services.reporting.definition import Condition, matches, plain_conditions

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
ACTS = (REMOVED, ADDED, CHANGED)
"""What an event may do with a thing; of several that fit the first is meant."""
FOREVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """A type of event, and under which conditions it is meant."""

    event: str
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Register:
    """One row of registers.toml, checked."""

    name: str
    key: str
    """The data field that names the thing."""
    added: tuple[Step, ...]
    changed: tuple[Step, ...] = ()
    removed: tuple[Step, ...] = ()
    expires: str = ""
    """The field of the state that says how long it is valid: a date (that day included) or an instant."""
    zh: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types of event that it folds."""
        return tuple(dict.fromkeys(step.event for act in ACTS for step in self.steps(act)))

    def steps(self, act: str) -> tuple[Step, ...]:
        """What does this with a thing."""
        return {ADDED: self.added, CHANGED: self.changed, REMOVED: self.removed}[act]

    def act(self, type_: str, attributes: Mapping[str, Any], data: Mapping[str, Any]) -> str:
        """What an event does with its thing; empty: nothing."""
        fitting = (
            act
            for act in ACTS
            for step in self.steps(act)
            if step.event == type_ and matches(step.where, attributes, data)
        )
        return next(fitting, "")

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change when the same events would give another state."""
        acts = [[[s.event, plain_conditions(s.where)] for s in self.steps(act)] for act in ACTS]
        return hashlib.sha256(canonical([self.key, *acts, self.expires])).hexdigest()[:16]


class Fact(NamedTuple):
    """What one event says of one thing. Facts are ordered by time, ties by recordedtime."""

    time: datetime.datetime
    recorded: datetime.datetime
    event: bytes
    """The event's key in the ledger."""
    act: str
    thing: str
    region: str
    named: bool
    """Whether the publisher named the region; else the hub filled it in, and a named one stays."""
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """A thing as it stood."""

    thing: str
    region: str
    fields: Mapping[str, Any]
    story: list[bytes] = field(repr=False, compare=False)
    """The events of its life, also later ones: `events` are those that this state is made of."""
    length: int = 0

    @property
    def events(self) -> list[bytes]:
        """The keys of the events that it is made of."""
        return self.story[: self.length]


class Stay(NamedTuple):
    """From an instant up to, not including, another."""

    since: datetime.datetime
    until: datetime.datetime
    state: State


class History:
    """All stays of a register, by thing."""

    def __init__(self, stays: Mapping[str, list[Stay]]) -> None:
        self._stays = stays

    def __iter__(self) -> Iterator[Stay]:
        return (stay for stays in self._stays.values() for stay in stays)

    def at(self, thing: str, time: datetime.datetime) -> State | None:
        """The state of a thing at an instant, what happened in it included; None: it does not exist then."""
        stays = self._stays.get(thing, ())
        n = bisect.bisect_right(stays, time, key=lambda stay: stay.since) - 1
        return stays[n].state if n >= 0 and time < stays[n].until else None


def fold(facts: Iterable[Fact], expires: str, zone: ZoneInfo) -> History:
    """The history that facts make, in whatever order they come."""
    things: dict[str, _Thing] = {}
    for fact in sorted(facts, key=lambda f: f[:3]):
        if fact.thing not in things:
            things[fact.thing] = _Thing()
        things[fact.thing].take(fact)
    return History({name: list(_stays(thing.states, expires, zone)) for name, thing in things.items()})


@dataclass
class _Thing:
    """One thing while its facts come in order."""

    states: list[tuple[datetime.datetime, State | None]] = field(default_factory=list)
    state: State | None = None
    waiting: list[Fact] = field(default_factory=list)
    """Changes of what is not there: they wait until it is added."""

    def take(self, fact: Fact) -> None:
        """Its next fact."""
        if fact.act == REMOVED:
            self._remove(fact)
        elif fact.act == CHANGED and self.state is None:
            self.waiting.append(fact)
        else:
            waiting, self.waiting = self.waiting, []
            for one in (fact, *waiting):
                self._change(one)
            self.states.append((fact.time, self.state))

    def _remove(self, fact: Fact) -> None:
        self.waiting.clear()
        if self.state is not None:
            self.state = None
            self.states.append((fact.time, None))

    def _change(self, fact: Fact) -> None:
        """Fields that are present overwrite; so does a region that was named."""
        old = self.state or State(fact.thing, "", {}, [])
        region = fact.region if fact.named or not old.region else old.region
        old.story.append(fact.event)
        self.state = State(fact.thing, region, {**old.fields, **fact.fields}, old.story, len(old.story))


def _stays(states: list[tuple[datetime.datetime, State | None]], expires: str, zone: ZoneInfo) -> Iterator[Stay]:
    ends = [*(since for since, _ in states[1:]), FOREVER]
    for (since, state), end in zip(states, ends, strict=False):  # of what was only changed nothing is known: no state
        if state is not None:
            until = min(end, _expiry(state.fields.get(expires), zone)) if expires else end
            if since < until:
                yield Stay(since, until, state)


def _expiry(value: Any, zone: ZoneInfo) -> datetime.datetime:
    """The instant from which something valid to a date (inclusive) or instant is no longer; FOREVER: it says none."""
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        try:
            day = datetime.date.fromisoformat(value) + _DAY
        except (ValueError, OverflowError):
            return FOREVER
        return datetime.datetime.combine(day, datetime.time(), zone)
    return moment(value) or FOREVER
