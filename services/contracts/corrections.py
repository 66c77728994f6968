"""Chains of corrections: which member is in force, whatever the order of arrival (contract, section 2)."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Member:
    """An event as far as its chain is concerned."""

    key: bytes
    target: bytes | None
    """The key of what it corrects or takes back."""
    type: str
    """The type it counts as: a retraction counts as the type it takes back."""
    subject: str
    status: str
    retracts: bool
    recorded: datetime.datetime
    source: str
    id: str

    @property
    def rank(self) -> tuple[datetime.datetime, str, str]:
        """Of several heads the highest is in force."""
        return (self.recorded, self.source, self.id)

    def fits(self, target: Member) -> bool:
        """Whether this may correct that: the same type, subject and status."""
        return (self.type, self.subject, self.status) == (target.type, target.subject, target.status)


@dataclass(frozen=True)
class Verdict:
    """What the members of some chains come to."""

    counting: frozenset[bytes]
    """The events that count."""
    misfits: Mapping[bytes, str]
    """The corrections that do not fit, with the reason; they count nothing."""
    superseded: Mapping[bytes, Member] = field(default_factory=dict)
    """Members that nothing corrects, but of which another one of the chain is in force."""


class Standing(NamedTuple):
    """What an event is now."""

    fate: str
    """accepted, corrected, retracted or quarantined."""
    by: bytes | None = None
    """The key of the event that made it so."""


ACCEPTED = Standing("accepted")


def standings(members: Iterable[Member], verdict: Verdict) -> dict[bytes, Standing]:
    """What each of these judged events is now; a retraction in force is accepted like any other."""
    known = {member.key: member for member in members}
    above = dict(verdict.superseded)
    for member in sorted(known.values(), key=lambda m: m.rank):
        if member.target in known and member.key not in verdict.misfits:
            above[member.target] = member
    return {key: Standing("quarantined") if key in verdict.misfits else _standing(above.get(key)) for key in known}


def _standing(above: Member | None) -> Standing:
    if above is None:
        return ACCEPTED
    return Standing("retracted" if above.retracts else "corrected", above.key)


def judge(members: Iterable[Member]) -> Verdict:
    """Decide which of these events count.

    A target that has not come yet holds its corrections together all the same: of those one counts. Circles are cut
    at the link that was recorded last.
    """
    known = {member.key: member for member in members}
    parent: dict[bytes, bytes] = {}
    corrected: set[bytes] = set()
    misfits: dict[bytes, str] = {}
    for member in sorted(known.values(), key=lambda m: m.rank):
        if member.target is None:
            continue
        reason = _misfit(member, known.get(member.target), member.key in corrected, parent)
        if reason:
            misfits[member.key] = reason
        else:
            parent[member.key] = member.target
            corrected.add(member.target)
    winners: dict[Chain, Member] = {}
    heads: dict[bytes, Chain] = {}
    for key in known.keys() - misfits.keys() - corrected:
        head = known[key]
        chain = heads[key] = (_root(key, parent), head.type, head.subject, head.status)
        if chain not in winners or winners[chain].rank < head.rank:
            winners[chain] = head
    superseded = {key: winners[chain] for key, chain in heads.items() if winners[chain].key != key}
    return Verdict(frozenset(w.key for w in winners.values() if not w.retracts), misfits, superseded)


Chain = tuple[bytes, str, str, str]
"""The first member (it may not have come yet), type, subject and status: what the members of a chain share."""


def _misfit(member: Member, target: Member | None, is_corrected: bool, parent: Mapping[bytes, bytes]) -> str | None:
    if member.target == member.key:
        return "it corrects itself"
    if target is None:
        return None
    if not member.fits(target):
        return "its target has another type, subject or status"
    if is_corrected and _root(target.key, parent) == member.key:
        return "the chain would close into a circle"
    return None


def _root(key: bytes, parent: Mapping[bytes, bytes]) -> bytes:
    while key in parent:
        key = parent[key]
    return key
