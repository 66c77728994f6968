"""What the life before must have said and sent about a matter, found out by folding it as of then: pure functions.

What it said is on Kafka, under an id that follows from matter, slot and turn. What it sent is what the fold would have
sent at any moment at which it learnt something, up to the last thing that it said.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from services.contracts import event
from services.warning import facts, letter, said
from services.warning.before import Life, slot_of
from services.warning.letter import Letter
from services.warning.matter import Fact, Kind, Regretting, Say, Send, Standing
from services.warning.store import Effect, Id

if TYPE_CHECKING:
    from services.warning.turn import Matter
    from services.warning.world import World

BEFORE = "before"
"""Digest of what the life before sent; of what it said with another content than would be said now."""
MOMENTS = 100
"""The last moments of a matter at which it is folded."""
PAST = "past"
"""State of a letter that was made before a restore; what became of it is not known."""
NO_TIME = datetime.datetime.fromtimestamp(0, datetime.UTC)


class Where(NamedTuple):
    """The last time that the life before said something in a slot of a matter."""

    slot: str
    """Of the id."""
    turn: int
    say: Say | None
    """What would be said there now."""
    region: str


class Recalled(NamedTuple):
    """A letter of the life before, and what became of it."""

    letter: Letter
    handed: datetime.datetime | None
    result: str | None


def said_last(matter: Matter, standing: Standing | None, life: Life) -> Iterator[tuple[tuple[Id, str], Where]]:
    """`(matter, slot)` → where the life before went on with what this matter says, or has said."""
    says: dict[str, Say | None] = {slot: None for slot, one in matter.effects.items() if one.type}
    says.update((say.slot, say) for say in (standing.says if standing else ()))
    for slot, say in says.items():
        turn = before = matter.effects[slot].turn if slot in matter.effects else 0
        while _id(matter.id, slot, turn + 1) in life.said:
            turn += 1
        if turn > before:
            region = (say.region if say else "") or (standing.region if standing else "")
            yield (matter.id, slot), Where(_id(matter.id, slot, turn), turn, say, region)


def effect(matter: Matter, slot: str, where: Where, record: bytes, world: World) -> Effect:
    """The slot as the life before left it."""
    found = event.decode(record)
    fact = facts.read(record, found.recordedtime).fact
    say = where.say
    digest = "" if fact.retracts else BEFORE
    if say is not None and not fact.retracts and _same(say, fact, where.region or world.bureau.region):
        digest = said.digest_of(say, where.region or world.bureau.region)
    old = matter.effects.get(slot)
    lane, cause = (say.lane, say.cause) if say else (old.lane, old.cause) if old else (fact.lane, None)
    return Effect(fact.id, digest, where.turn, fact.type, fact.subject, lane, cause)


def sends(kind: Kind, matter: Matter, world: World) -> Iterator[tuple[Send, World]]:
    """What it must have sent, and the world as of then. A matter that it had not come to is not among them."""
    life = world.life
    if life is None or life.settled:
        return
    seen: set[str] = set(matter.effects)
    for moment in _moments(matter, life):
        then = dataclasses.replace(world, now=moment)
        for send in (one for one in _sent(kind, matter, then, life) if one.slot not in seen):
            seen.add(send.slot)
            yield send, then


def _sent(kind: Kind, matter: Matter, then: World, life: Life) -> Iterator[Send]:
    """What the fold of that moment sends, if that life had come to it; and what it regrets."""
    known = [fact for fact in matter.facts.values() if fact.recorded <= then.now]
    counting = facts.in_force(known)
    standing = kind.fold(matter.id[2], counting, then)
    if standing is not None and all(_was_said(matter, say, life) for say in standing.says):
        yield from standing.sends
    if isinstance(kind, Regretting):
        yield from kind.regrets(matter.id[2], facts.taken_back(known, {fact.key for fact in counting}), then)


def letters(matter: Matter, send: Send, then: World) -> list[Recalled]:
    """Its letters, made again: the same ids, the same links; and what the facts tell of them."""
    became = {
        str(fact.data["message_id"]): fact for fact in matter.facts.values()
        if fact.type == "callout.attempted" and fact.source == said.SOURCE and fact.data.get("message_id")
    }  # fmt: skip
    made = [one for one in letter.letters(matter.id, send, then) if isinstance(one, Letter)]
    return [_recalled(one, became.get(str(one.id))) for one in made]


def _recalled(one: Letter, told: Fact | None) -> Recalled:
    result = str(told.data.get("result")) if told else ""
    state = {"": PAST, "wrong_number": "failed", "failed": "failed"}.get(result, "handed")
    handed = told.time if told and state == "handed" else None
    return Recalled(one._replace(state=state), handed, result if state == "failed" else None)


def _moments(matter: Matter, life: Life) -> Sequence[datetime.datetime]:
    known = {fact.recorded for fact in matter.facts.values() if fact.recorded <= life.until}
    return [*sorted(known)[-MOMENTS:], life.until]


def _was_said(matter: Matter, say: Say, life: Life) -> bool:
    return say.slot in matter.effects or _id(matter.id, say.slot, 1) in life.said


def _id(matter: Id, slot: str, turn: int) -> str:
    return slot_of(said.id_of(matter, slot, turn, NO_TIME))


def _same(say: Say, fact: Fact, region: str) -> bool:
    record = said.record(say, id_=fact.id, scope=fact.scope, region=region, now=fact.recorded)
    again = facts.read(record, fact.recorded).fact
    return _content(again) == _content(fact)


def _content(fact: Fact) -> tuple[str, datetime.datetime, str, Mapping[str, Any]]:
    return fact.type, fact.time, fact.region, fact.data
