"""Contacts (联系人): how a person on duty is reached, as recorded over contacts.csv, and whether it works."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning.house.lists import ending
from services.warning.matter import Fact, Individual, Named, Send, Standing, Where
from services.warning.world import World

SAID = ("name", "organisation", "post", "deputy_id", "channels", "valid_to")
"""What `contact.upserted` may say; what it leaves out stays as it was."""
TESTED = "contact.tested"
REQUESTED = "requested"
"""The result of a test that has only been asked for."""
FRESH = datetime.timedelta(minutes=30)
RECEIPTS = ("handed", "delivered")
WORKS = ("handed", "delivered", "answered", "received", "ok")
"""Results of a test by which a channel reaches the person."""


class Contact:
    """The kind: its key is the person's id. What it shows goes before contacts.csv (`People.with_facts`)."""

    name = "contact"
    types = frozenset(["contact.upserted", "contact.verified", "contact.tested"])

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """Everything about one person."""
        yield Named(str(fact.data.get("person_id") or fact.subject.partition("/")[0]))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the person can be reached now."""
        if not facts or (key not in world.house.people.persons and all(f.type == TESTED for f in facts)):
            return None
        refused = {f.key: why for f in facts if (why := _refusal(f, world))}
        said = _said([f for f in facts if f.key not in refused], world)
        tests = _tests(facts)
        ends = _moment(said.get("valid_to"))
        shown = {
            "person_id": key, **said, "name": said.get("name") or _name(key, world),
            "verified": max((f.time for f in facts if f.type == "contact.verified"), default=None), "tests": tests,
        }  # fmt: skip
        left = ends is not None and ends <= world.now
        return Standing(
            state="left" if left else _state(shown), shown=shown, region=_region(key, said, world), closed=left,
            wake=ends if ends and not left else None, refused=refused, sends=tuple(_sends(key, said, facts, world)),
        )  # fmt: skip


def _refusal(fact: Fact, world: World) -> str:
    """Why a fact changes nothing; empty: it does."""
    organisation, post = fact.data.get("organisation"), fact.data.get("post")
    if fact.type != "contact.upserted":
        return ""
    if organisation and world.house.people.organisation(str(organisation)) is None:
        return f"没有机构 {organisation}: 先写进 organisations.csv"
    if post and world.house.post_key(str(post)) is None:
        return f"没有岗位 {post}: 先写进 routes.toml 的 [posts]"
    return ""


def _said(facts: Sequence[Fact], world: World) -> dict[str, Any]:
    """What the records say together, the later over the earlier; codes for names, moments for days."""
    said: dict[str, Any] = {}
    for fact in (f for f in facts if f.type == "contact.upserted"):
        said |= {name: value for name in SAID if (value := fact.data.get(name)) is not None}
    if known := world.house.people.organisation(str(said.get("organisation") or "")):
        said["organisation"] = known.code
    if said.get("post"):
        said["post"] = world.house.post_key(str(said["post"]))
    if said.get("valid_to"):
        said["valid_to"] = ending(str(said["valid_to"]), world.bureau.timezone).isoformat()
    return said


def _tests(facts: Sequence[Fact]) -> dict[str, Mapping[str, Any]]:
    """Channel → the latest test; who has answered one needs no receipt any more."""
    tests: dict[str, Mapping[str, Any]] = {}
    for f in (f for f in facts if f.type == TESTED):
        channel, result = str(f.data.get("channel")), f.data.get("result")
        if tests.get(channel, {}).get("result") != "answered" or result not in RECEIPTS:
            tests[channel] = {"result": result, "seconds": f.data.get("seconds"), "at": f.time}
    return tests


def _sends(key: str, said: Mapping[str, Any], facts: Sequence[Fact], world: World) -> Iterator[Send]:
    """The message of each test that somebody at the desk has asked for."""
    person = world.house.people.persons.get(key)
    organisation = str(said.get("organisation") or (person.organisation if person else ""))
    to = Individual(key, organisation, str(said.get("post") or (person.post if person else "")))
    for fact in (f for f in facts if f.type == TESTED and f.data.get("result") == REQUESTED and f.live):
        fresh = fact.handled + FRESH
        if fresh > world.now:
            text = world.house.messages.text("contact_test", bureau=world.bureau.short_name)
            yield Send(f"test:{fact.id}", to, (str(fact.data.get("channel")),), text, fresh, urgent=False)


def _state(shown: Mapping[str, Any]) -> str:
    """failing: no channel that was tested works; verified: a person has confirmed it; recorded: neither is known."""
    results = [test["result"] for test in shown["tests"].values() if test["result"] != REQUESTED]
    if results and not any(result in WORKS for result in results):
        return "failing"
    return "verified" if shown["verified"] else "recorded"


def _name(key: str, world: World) -> str | None:
    person = world.house.people.persons.get(key)
    return person.name if person else None


def _region(key: str, said: Mapping[str, Any], world: World) -> str:
    person = world.house.people.persons.get(key)
    code = str(said.get("organisation") or (person.organisation if person else ""))
    organisation = world.house.people.organisation(code)
    return organisation.region if organisation else world.bureau.region


def _moment(value: Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if value else None
