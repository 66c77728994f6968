"""Facts as they lie on Kafka, and as a matter sees them: only those in force."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from services.contracts import corrections, event, identity
from services.contracts.corrections import Member
from services.contracts.event import Event, InvalidEvent
from services.warning.matter import Fact, Gone

RETRACTED = "event.retracted"


class Taken(NamedTuple):
    """A fact with its record."""

    fact: Fact
    record: bytes


def read(record: bytes, handled: datetime.datetime) -> Taken:
    """The fact in a record. Raises InvalidEvent with the reason."""
    found = event.decode(record)
    try:
        content = msgspec.json.decode(found.data)
    except msgspec.DecodeError as error:
        raise InvalidEvent(f"its data is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidEvent("its data is not an object")
    return Taken(_fact(found, content, handled), record)


def _fact(found: Event, content: dict[str, Any], handled: datetime.datetime) -> Fact:
    retracts = found.type == RETRACTED
    target = identity.key(found.correctssource or found.source, found.corrects) if found.corrects else None
    return Fact(
        key=identity.key(found.source, found.id), type=str(content.get("type", "")) if retracts else found.type,
        source=found.source, id=found.id, subject=found.subject, time=found.time, recorded=found.recordedtime,
        handled=handled, region=found.region, scope=scope_of(found.status, found.drill), drill=found.drill,
        lane=found.lane, publisher=found.publisher, data=content, target=target, retracts=retracts,
    )  # fmt: skip


def scope_of(status: str, drill: str) -> str:
    """What keeps real matters, tests and each exercise apart."""
    return f"{status}:{drill}" if status == "exercise" else status


def status_of(scope: str) -> tuple[str, str]:
    """Status and drill of a scope."""
    status, _, drill = scope.partition(":")
    return status, drill


class _Inner(msgspec.Struct):
    type: str = ""


class _Head(msgspec.Struct):
    type: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


_head = msgspec.json.Decoder(_Head).decode
_inner = msgspec.json.Decoder(_Inner).decode


def type_in(record: bytes) -> str:
    """The type that a record counts as, read cheaply. Raises InvalidEvent."""
    try:
        head = _head(record)
        return _inner(head.data).type if head.type == RETRACTED else head.type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not an event: {error}") from error


def in_force(facts: Iterable[Fact]) -> list[Fact]:
    """The facts that count, by time of happening, then of acceptance."""
    known = list(facts)
    if any(fact.target is not None for fact in known):
        counting = corrections.judge(map(_member, known)).counting
        versions = {fact.key: fact for fact in known}
        known = [_dated(fact, versions) for fact in known if fact.key in counting]
    return sorted(known, key=lambda fact: (fact.time, fact.recorded, fact.key))


def taken_back(facts: Iterable[Fact], counting: Collection[bytes]) -> list[Gone]:
    """What was retracted and does not count, with its retraction."""
    known = {fact.key: fact for fact in facts}
    return [
        Gone(target, fact) for fact in known.values()
        if fact.retracts and fact.target and (target := known.get(fact.target)) and target.key not in counting
    ]  # fmt: skip


def _dated(fact: Fact, versions: Mapping[bytes, Fact]) -> Fact:
    """A correction with the moment at which the hub first heard of what it corrects."""
    first, seen = fact, {fact.key}
    while (target := first.target) is not None and target in versions and target not in seen:
        seen.add(target)
        first = versions[target]
    return fact if first is fact else dataclasses.replace(fact, first=first.recorded)


def _member(fact: Fact) -> Member:
    return Member(
        fact.key, fact.target, fact.type, fact.subject, fact.scope, fact.retracts, fact.recorded, fact.source, fact.id
    )
