"""People: the organisations, who holds which post there, and who is on duty when (organisations, contacts, roster)."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.contracts.region import Regions
from services.warning.matter import Post

LEADER = "duty_leader"
"""The post that is called when nobody stands above another."""
ACCEPT_WITHIN = datetime.timedelta(minutes=15)
"""Whoever is not relieved at the change of shift stays on duty so long; then the duty leader is called about it."""


@dataclass(frozen=True)
class Organisation:
    """A row of organisations.csv."""

    code: str
    name: str
    region: str
    kind: str = ""
    superior: str = ""
    """The code of the organisation above; empty: none."""


@dataclass(frozen=True)
class Person:
    """A row of contacts.csv, or what `contact.upserted` has made of it."""

    id: str
    name: str
    organisation: str
    post: str
    deputy: str
    """The id of who is called when this person does not answer; empty: nobody in particular."""
    addresses: Mapping[str, str]
    """Channel → number or address."""
    valid_to: datetime.datetime | None = None
    """From this moment on the person holds the post no more."""

    def holds(self, now: datetime.datetime) -> bool:
        """Whether the person still holds the post."""
        return self.valid_to is None or now < self.valid_to


@dataclass(frozen=True)
class Shift:
    """A row of roster.csv, or what `duty.shift_assigned` and `duty.shift_swapped` have made of it."""

    id: str
    organisation: str
    post: str
    person: str
    from_: datetime.datetime
    to: datetime.datetime
    relieved: datetime.datetime | None = None
    """When the next shift took over; None: it has not, or nobody has said so."""

    def covers(self, now: datetime.datetime) -> bool:
        """Whether it is this shift's turn by the roster; the next one begins at the moment it ends."""
        return self.from_ <= now < self.to


class People:
    """Whom a post reaches at a moment."""

    def __init__(
        self, organisations: Iterable[Organisation], persons: Iterable[Person], shifts: Iterable[Shift],
        regions: Regions, written: Mapping[str, Shift] | None = None,
    ) -> None:  # fmt: skip
        self.organisations = {one.code: one for one in organisations}
        self.persons = {one.id: one for one in persons}
        self.shifts = {one.id: one for one in sorted(shifts, key=lambda s: (s.from_, s.id))}
        self.regions = regions
        self.roster: Mapping[str, Shift] = self.shifts if written is None else written
        """The shifts of roster.csv alone."""
        self._codes = {one.name: one.code for one in reversed(self.organisations.values())}
        self._holders: dict[tuple[str, str], list[Person]] = defaultdict(list)
        self._turns: dict[tuple[str, str], list[Shift]] = defaultdict(list)
        for person in self.persons.values():
            self._holders[person.organisation, person.post].append(person)
        for shift in self.shifts.values():
            self._turns[shift.organisation, shift.post].append(shift)
        self._targets: dict[tuple[frozenset[str], str], list[Organisation]] = {}

    def organisation(self, code: str) -> Organisation | None:
        """An organisation by its code, or by its name."""
        return self.organisations.get(code) or self.organisations.get(self._codes.get(code, ""))

    def posts(self) -> list[tuple[str, str]]:
        """Every organisation's code with each post that it has."""
        return list(dict.fromkeys([*self._holders, *self._turns]))

    def turns(self, organisation: str, post: str) -> list[Shift]:
        """The shifts of a post, by their beginning."""
        return self._turns.get((organisation, post), [])

    def after(self, shift: Shift) -> Shift | None:
        """The shift that takes over from this one: it begins when this one ends."""
        return next((one for one in self.turns(shift.organisation, shift.post) if one.from_ == shift.to), None)

    def before(self, shift: Shift) -> Shift | None:
        """The shift from which this one takes over."""
        return next((one for one in self.turns(shift.organisation, shift.post) if one.to == shift.from_), None)

    def changes_hands(self, shift: Shift) -> bool:
        """Whether somebody else takes over at the bureau's own desk; a leader and a street do so by themselves."""
        after, organisation = self.after(shift), self.organisations.get(shift.organisation)
        at_home = organisation is not None and organisation.region == self.regions.root
        return at_home and shift.post != LEADER and after is not None and after.person != shift.person

    def begins(self, shift: Shift) -> datetime.datetime:
        """When a shift goes on duty: by the roster, or as soon as it has taken over."""
        before = self.before(shift)
        return min(shift.from_, before.relieved) if before and before.relieved else shift.from_

    def _ends(self, shift: Shift) -> datetime.datetime:
        """When a shift goes off duty: once it is relieved; nobody waits for that longer than a while."""
        return shift.relieved or shift.to + (ACCEPT_WITHIN if self.changes_hands(shift) else datetime.timedelta())

    def running(self, organisation: str, post: str, now: datetime.datetime) -> list[Shift]:
        """The shifts on duty at a post, the latest first: at a change both, until the one is relieved."""
        return [s for s in reversed(self.turns(organisation, post)) if self.begins(s) <= now < self._ends(s)]

    def targets(self, areas: Collection[str], post: str) -> list[Organisation]:
        """The organisations with that post whose region lies within one of the areas, or holds it."""
        wanted = (frozenset(areas), post)
        if wanted not in self._targets:
            self._targets[wanted] = [
                one for one in self.organisations.values()
                if self._has(one.code, post) and any(self._concerned(one.region, area) for area in wanted[0])
            ]  # fmt: skip
        return self._targets[wanted]

    def _has(self, organisation: str, post: str) -> bool:
        return (organisation, post) in self._holders or (organisation, post) in self._turns

    def _concerned(self, region: str, area: str) -> bool:
        known = self.regions
        return region in known and area in known and (known.within(region, area) or known.within(area, region))

    def on_duty(self, organisation: str, post: str, now: datetime.datetime) -> list[Person]:
        """Whoever the roster names; nobody there: everybody who holds the post."""
        turns = [self.persons.get(shift.person) for shift in self.running(organisation, post, now)]
        named = list(dict.fromkeys(person.id for person in turns if person and person.holds(now)))
        return [self.persons[id_] for id_ in named] or self._holding(organisation, post, now)

    def _holding(self, organisation: str, post: str, now: datetime.datetime) -> list[Person]:
        return [person for person in self._holders.get((organisation, post), ()) if person.holds(now)]

    def reach(self, post: Post, now: datetime.datetime) -> list[Person]:
        """Whom a rung of the ladder reaches; nobody: an empty list, for the caller to show."""
        if post.rung == "deputy":
            return self._deputies(post.organisation, post.post, now)
        if post.rung == "superior":
            return self._superiors(post.organisation, post.post, now)
        return self.on_duty(post.organisation, post.post, now)

    def _deputies(self, organisation: str, post: str, now: datetime.datetime) -> list[Person]:
        """The deputies of who is on duty; none named: the others who hold the post."""
        called = self.on_duty(organisation, post, now)
        named = {p.deputy: self.persons[p.deputy] for p in called if p.deputy in self.persons}
        deputies = [person for person in named.values() if person.holds(now)]
        return deputies or [p for p in self._holding(organisation, post, now) if p not in called]

    def _superiors(self, organisation: str, post: str, now: datetime.datetime) -> list[Person]:
        """The same post of the organisation above; where it has none, the bureau's duty leader."""
        below = self.organisations.get(organisation)
        above = self.on_duty(below.superior, post, now) if below and below.superior else []
        return above or [p for one in self.leading() for p in self.on_duty(one.code, LEADER, now)]

    def leading(self) -> list[Organisation]:
        """The organisations of the bureau itself that have a duty leader."""
        return [o for o in self.organisations.values() if o.region == self.regions.root and self._has(o.code, LEADER)]

    def with_facts(self, contacts: Iterable[Mapping[str, Any]], shifts: Iterable[Mapping[str, Any]]) -> People:
        """These people with what has been recorded since: the `shown` of matters of kind `contact` and `shift`."""
        persons = dict(self.persons)
        for shown in contacts:
            id_ = str(shown["person_id"])
            persons[id_] = self._changed(persons.get(id_) or Person(id_, id_, "", "", "", {}), shown)
        turns = dict(self.shifts)
        told = {str(shown["shift_id"]): shown for shown in shifts}
        for key, shown in told.items():
            if shift := self._assigned(turns.get(key), shown, persons):
                turns[shift.id] = shift
        for key, shown in told.items():
            _relieve(turns, key, shown, told, persons)
        return People(self.organisations.values(), persons.values(), turns.values(), self.regions, self.roster)

    def _changed(self, person: Person, shown: Mapping[str, Any]) -> Person:
        said: dict[str, Any] = {name: str(shown[name]) for name in ("name", "post") if shown.get(name)}
        if shown.get("organisation"):
            said["organisation"] = self._code(str(shown["organisation"]))
        if shown.get("deputy_id") is not None:
            said["deputy"] = str(shown["deputy_id"])
        if shown.get("channels"):
            said["addresses"] = {str(c["kind"]): str(c["address"]) for c in shown["channels"]}
        if shown.get("valid_to"):
            said["valid_to"] = _moment(shown["valid_to"])
        return replace(person, **said)

    def _assigned(
        self, before: Shift | None, shown: Mapping[str, Any], persons: Mapping[str, Person]
    ) -> Shift | None:  # fmt: skip
        """A shift as recorded; what is not said stays as before. None: nothing was, or too little is known of it."""
        if not shown.get("assigned", True):
            return None
        person = persons.get(str(shown.get("person_id") or (before.person if before else "")))
        from_ = _moment(shown.get("from")) or (before.from_ if before else None)
        to = _moment(shown.get("to")) or (before.to if before else None)
        if person is None or from_ is None or to is None:
            return None
        organisation = str(shown.get("organisation") or (before.organisation if before else person.organisation))
        post = str(shown.get("post") or (before.post if before else person.post))
        return Shift(str(shown["shift_id"]), self._code(organisation), post, person.id, from_, to)

    def _code(self, organisation: str) -> str:
        known = self.organisation(organisation)
        return known.code if known else organisation


def _relieve(
    turns: dict[str, Shift], key: str, shown: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]],
    persons: Mapping[str, Person],
) -> None:  # fmt: skip
    """Who has accepted a hand-over is on duty, be it another than was on the roster; a later swap goes before."""
    accepted = shown.get("accepted")
    if not accepted or key not in turns:
        return
    turns[key] = replace(turns[key], relieved=_moment(accepted["at"]))
    after, person = str((shown.get("next") or {}).get("shift_id")), str(accepted.get("person_id"))
    if after in turns and person in persons and not told.get(after, {}).get("assigned"):
        turns[after] = replace(turns[after], person=person)


def _moment(value: Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) and value else None
