"""Duty (值班): a shift from its assignment to its hand-over, with what was taken, logged and called in it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning.house.lists import local
from services.warning.house.people import ACCEPT_WITHIN, LEADER, People
from services.warning.house.people import Shift as Turn
from services.warning.matter import Fact, Named, Post, Send, Standing, Where
from services.warning.relief import ACCEPTED, FORGOTTEN, HANDED, Relief
from services.warning.world import World

ASSIGNED = ("duty.shift_assigned", "duty.shift_swapped")
LATE_FRESH = datetime.timedelta(minutes=60)
MUTED_MOST = datetime.timedelta(minutes=5)
"""Nobody silences the alarm for longer."""
AHEAD = datetime.timedelta(days=14)
"""Shifts are shown so long before they begin."""
SHOWN = 200
"""Entries of a log shown."""


class Shift:
    """The kind: its key is the shift's id. What it shows goes before roster.csv (`People.with_facts`)."""

    name = "shift"
    types = frozenset([
        *ASSIGNED, HANDED, ACCEPTED, "duty.alert_taken", "duty.logged", "duty.roll_called", "duty.brief_issued",
        "duty.muted",
    ])  # fmt: skip

    def seeds(self, world: World) -> Iterator[str]:
        """The shifts of the roster that run or come soon: they stand without any fact."""
        for shift in world.house.people.roster.values():
            if shift.to + ACCEPT_WITHIN > world.now and shift.from_ < world.now + AHEAD:
                yield shift.id

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """The shift; a hand-over and its acceptance concern the one before and the next, too."""
        people = world.house.people
        key = str(fact.data.get("shift_id") or fact.subject)
        if key not in people.shifts and fact.type not in ASSIGNED:
            key = _running(fact, world) or key
        yield Named(key)
        turn = people.shifts.get(key) if fact.type in (HANDED, ACCEPTED) else None
        if turn is not None:
            yield from (Named(one.id) for one in (people.before(turn), people.after(turn)) if one)

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the shift stands now."""
        duty = Duty(key, facts, world)
        if not facts and duty.turn is None:
            return None
        return Standing(
            state=duty.state, shown=duty.shown(), region=duty.region, closed=duty.closed, sends=tuple(duty.sends()),
            wake=duty.wake, due=duty.turn.to if duty.turn else None, refused=duty.refused,
        )  # fmt: skip


def _running(fact: Fact, world: World) -> str | None:
    """The bureau's shift in which something happened that names none: at that post, else at any."""
    people = world.house.people
    turns = [s for s in people.shifts.values() if s.covers(fact.time) and _of_the_bureau(s, people)]
    at_post = [s for s in turns if s.post == fact.data.get("post")]
    others = [s for s in turns if s.post != LEADER]
    return next((s.id for s in [*at_post, *others]), None)


def _of_the_bureau(turn: Turn, people: People) -> bool:
    organisation = people.organisations.get(turn.organisation)
    return organisation is not None and organisation.region == people.regions.root


class Duty:
    """A shift at one moment."""

    def __init__(self, key: str, facts: Sequence[Fact], world: World) -> None:
        self.key, self.facts, self.world = key, facts, world
        self.people = world.house.people
        self.said = _said(key, facts, world)
        self.turn = _turn(key, self.said)
        relief = Relief(key, self.turn, facts, self.people, world.bureau.timezone)
        self.next, self.refused = relief.next, relief.refused
        self.handed_over, self.accepted, self.took_over = relief.handed_over, relief.accepted, relief.took_over

    def _of(self, type_: str) -> list[Fact]:
        return [f for f in self.facts if f.type == type_]

    # --- how it stands --------------------------------------------------------------------------------------------

    @property
    def changes_hands(self) -> bool:
        """Whether somebody else takes over at the bureau's own desk."""
        return self.turn is not None and self.people.changes_hands(self.turn)

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be done."""
        if self.accepted is not None:
            return True
        if self.turn is None:
            return False
        waits = self.changes_hands and self.world.now < self.turn.to + FORGOTTEN
        return self.turn.to <= self.world.now and not waits

    @property
    def state(self) -> str:
        """recorded (its times are not known), planned, on_duty, handed_over, waiting, late, accepted or over."""
        if self.accepted is not None:
            return "accepted"
        if self.turn is None:
            return "recorded"
        if self.closed:
            return "over"
        if self.handed_over is not None:
            return "late" if self.late else "handed_over"
        if self.world.now < self.turn.from_ and self.took_over is None:
            return "planned"
        return "on_duty" if self.world.now < self.turn.to else "late" if self.late else "waiting"

    @property
    def late(self) -> bool:
        """Whether nobody took over in time."""
        return (
            self.turn is not None and self.changes_hands and self.accepted is None
            and self.turn.to + ACCEPT_WITHIN <= self.world.now
        )  # fmt: skip

    @property
    def wake(self) -> datetime.datetime | None:
        """When time alone changes how it stands."""
        ends = [self.muted_until] if self.muted_until else []
        if self.turn is not None and self.accepted is None:
            ends += [self.turn.from_, self.turn.to, self.turn.to + ACCEPT_WITHIN, self.turn.to + FORGOTTEN]
        return min((moment for moment in ends if moment > self.world.now), default=None)

    @property
    def muted_until(self) -> datetime.datetime | None:
        """Until when the desk makes no sound, five minutes at most; None: it does."""
        if (fact := self.muted) is None:
            return None
        most = fact.time + MUTED_MOST
        until = min(_moment(fact.data.get("until"), self.world) or most, most)
        return until if until > self.world.now else None

    @property
    def muted(self) -> Fact | None:
        """The last mute."""
        return next(reversed(self._of("duty.muted")), None)

    @property
    def region(self) -> str:
        """Of the organisation, else the bureau."""
        organisation = self.people.organisation(str(self.said.get("organisation") or ""))
        return organisation.region if organisation else self.world.bureau.region

    # --- sent -----------------------------------------------------------------------------------------------------

    def sends(self) -> Iterator[Send]:
        """To the duty leader, when nobody takes over."""
        if self.turn is None or self.next is None or not self.late:
            return
        fresh = self.turn.to + ACCEPT_WITHIN + LATE_FRESH
        if fresh <= self.world.now:
            return
        text = self.world.house.messages.text(
            "handover_late", bureau=self.world.bureau.short_name, post=self.world.house.post(self.turn.post),
            person=self._name(self.next.person), since=self._clock(self.turn.to),
        )  # fmt: skip
        for organisation in self.people.leading():
            yield Send(
                f"handover_late:{organisation.code}", Post(organisation.code, LEADER), ("voice", "sms"), text, fresh
            )

    def _clock(self, moment: datetime.datetime) -> str:
        return moment.astimezone(self.world.bureau.timezone).strftime("%H:%M")

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        return {
            "id": self.key, "shift_id": self.key, **self.said, "person": self._name(str(self.said.get("person_id"))),
            "assigned": any(f.type in ASSIGNED for f in self.facts),
            "post_name": self.world.house.post(str(self.said.get("post") or "")),
            "next": self.next and {
                "shift_id": self.next.id, "person_id": self.next.person, "person": self._name(self.next.person),
            },
            "changes_hands": self.changes_hands, "muted_until": self.muted_until,
            "muted_by": self.muted.publisher if self.muted and self.muted_until else None,
            "handed_over": self.handed_over and {
                **_of_fact(self.handed_over, ("open_items", "notes")), "by": self.handed_over.publisher,
            },
            "accepted": _taken(self.accepted), "took_over": _taken(self.took_over),
            "taken": self._entries("duty.alert_taken", ("refers_to", "post", "person_id")),
            "log": self._entries("duty.logged", ("kind", "text", "refers_to")),
            "roll": self._entries("duty.roll_called", ("unit", "answered_seconds")),
            "briefs": self._entries("duty.brief_issued", ("notes",)),
        }  # fmt: skip

    def _entries(self, type_: str, names: Sequence[str]) -> list[dict[str, Any]]:
        return [{**_of_fact(f, names), "by": f.publisher, "event": f.id} for f in self._of(type_)[-SHOWN:]]

    def _name(self, person: str) -> str:
        known = self.people.persons.get(person)
        return known.name if known else person


def _of_fact(fact: Fact, names: Sequence[str]) -> dict[str, Any]:
    return {**{name: fact.data.get(name) for name in names}, "at": fact.time}


def _taken(fact: Fact | None) -> dict[str, Any] | None:
    return None if fact is None else {**_of_fact(fact, ("person_id",)), "by": fact.publisher}


def _said(key: str, facts: Sequence[Fact], world: World) -> dict[str, Any]:
    """Who, where and when: roster.csv, and over it what was assigned and swapped; moments as ISO texts."""
    row = world.house.people.roster.get(key)
    said: dict[str, Any] = {"organisation": None, "post": None, "person_id": None, "from": None, "to": None}
    if row is not None:
        said = {
            "organisation": row.organisation,
            "post": row.post,
            "person_id": row.person,
            "from": row.from_,
            "to": row.to,
        }
    for fact in (f for f in facts if f.type in ASSIGNED):
        said |= {name: fact.data[name] for name in ("person_id", "organisation") if fact.data.get(name)}
        said |= {n: moment for n in ("from", "to") if (moment := _moment(fact.data.get(n), world))}
        if post := fact.data.get("post"):
            said["post"] = world.house.post_key(str(post)) or str(post)
    person = world.house.people.persons.get(str(said["person_id"]))
    organisation = world.house.people.organisation(str(said["organisation"] or (person.organisation if person else "")))
    if organisation is not None:
        said["organisation"] = organisation.code
    return said


def _turn(key: str, said: Mapping[str, Any]) -> Turn | None:
    """The shift, when enough is known of it."""
    if not all(said.values()):
        return None
    return Turn(key, said["organisation"], said["post"], said["person_id"], said["from"], said["to"])


def _moment(value: Any, world: World) -> datetime.datetime | None:
    """A moment of an event's data, as the door has let it in."""
    return local(str(value), world.bureau.timezone) if value else None
