"""One turn of the watch: facts come in, or time passes; every matter concerned is folded anew, and what follows is
written down in the same transaction. What the watch says is a fact for its own matters at once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.runtime.outbox import Row
from services.warning import discipline, facts, recall, said
from services.warning.facts import Taken
from services.warning.letter import Echo, Letter, letters
from services.warning.matter import Fact, Kind, Named, Regretting, Say, Send, Standing, Under, Where
from services.warning.store import Effect, Id, Store
from services.warning.world import World

RECEIPT = "callout.attempted"
"""With a `message_id` it says what became of a letter."""
BREATH = 32
"""Matters folded before others get their turn: about 3 ms."""
WAVES = 12
"""What is said may lead to more that is said; so many times at most, or the rules run in a circle."""


class Circle(Exception):
    """The kinds answer each other without end: a fault of ours."""


@dataclass
class Matter:
    """A matter as this turn has it."""

    id: Id
    facts: dict[bytes, Fact] = field(default_factory=dict)
    effects: dict[str, Effect] = field(default_factory=dict)
    standing: Standing | None = None
    was_closed: bool = False
    fresh: set[bytes] = field(default_factory=set)
    """Facts that came in this turn."""


class Turn:
    """What one transaction does. Nothing is written before `finish`."""

    def __init__(self, store: Store, world: World, kinds: Sequence[Kind]) -> None:
        self._store, self._world = store, world
        self._kinds = {kind.name: kind for kind in kinds}
        self._readers: Mapping[str, list[Kind]] = _readers(kinds)
        self._matters: dict[Id, Matter] = {}
        self._taken: dict[bytes, tuple[Taken, list[Id]]] = {}
        self._places: dict[bytes, list[Id]] = defaultdict(list)
        self._names: dict[Id, str] = {}
        self._near: dict[Id, str] = {}
        """Names and situations that facts of this turn have told: two that refer to each other may come together."""
        self._children: dict[Id, list[Id]] = {}
        self.rows: list[Row] = []
        self.letters: list[Letter | Echo] = []
        self.refused: dict[bytes, tuple[Fact, str]] = {}
        self.changed: dict[Id, dict[str, Effect]] = defaultdict(dict)
        self.ended: list[Id] = []
        self.receipts: list[Fact] = []
        self.recalled: list[recall.Recalled] = []
        self.duplicates = 0

    # --- in -------------------------------------------------------------------------------------------------------

    async def take(self, taken: Sequence[Taken]) -> None:
        """Facts from Kafka; those that were taken in before change nothing."""
        first = {one.fact.key: one for one in reversed(taken)}
        fresh = await self._store.handle(list(first), self._world.now)
        self.duplicates += len(taken) - len(fresh)
        new = [one for one in taken if first[one.fact.key] is one and one.fact.key in fresh]
        self.receipts += [one.fact for one in new if _is_receipt(one.fact)]
        if self._world.life and not self._world.life.settled:
            self._note_alone(await self._place(new))
        else:
            await self._waves(new)

    async def wake(self, ids: Iterable[Id]) -> None:
        """Time alone may have changed how these stand."""
        wanted = list(ids)
        await self._load(wanted)
        await self._adopt(wanted)
        spoken = await self._fold(wanted)
        await self._store.handle([one.fact.key for one in spoken], self._world.now)
        await self._waves(spoken)

    async def recall(self, ids: Iterable[Id]) -> None:
        """What the life before must have sent, up to the last thing that it said, is not sent again."""
        wanted = list(ids)
        await self._load(wanted)
        for id_ in wanted:
            matter = self._matters[id_]
            for send, then in recall.sends(self._kinds[id_[0]], matter, self._world):
                self._effect(matter, send.slot, Effect("", recall.BEFORE, 1, "", "", "", None))
                self.recalled += recall.letters(matter, send, then)

    async def finish(self) -> None:
        """Write everything down."""
        await self._store.recall(self.recalled)
        await self._store.finish(
            self._matters.values(), self._taken.values(), self._names, self.changed, self.ended, self.letters,
            self.rows, self.refused, self.receipts, self._world,
        )  # fmt: skip

    @property
    def kinds_touched(self) -> set[str]:
        """The kinds of the matters that were folded."""
        return {id_[0] for id_ in self._matters}

    # --- waves ----------------------------------------------------------------------------------------------------

    async def _waves(self, wave: list[Taken]) -> None:
        for _ in range(WAVES):
            if not wave:
                return
            touched = await self._place(wave)
            await self._adopt(touched)
            wave = await self._fold(touched)
            await self._store.handle([one.fact.key for one in wave], self._world.now)
        raise Circle(f"after {WAVES} waves there was still more to say: {[t.fact.type for t in wave][:5]}")

    async def _place(self, wave: Sequence[Taken]) -> list[Id]:
        """Put each fact to the matters that it concerns; these are in memory afterwards."""
        wheres = [(one, kind, w) for one in wave for kind in self._readers.get(one.fact.type, ())
                  for w in kind.where(one.fact, self._world)]  # fmt: skip
        await self._learn(wheres)
        chained = await self._chained(wave)
        touched: dict[Id, list[Taken]] = {}
        for one, kind, where in wheres:
            for id_ in self._ids(kind.name, one.fact.scope, where):
                touched.setdefault(id_, []).append(one)
        for one, id_ in chained:
            touched.setdefault(id_, []).append(one)
        await self._load(touched)
        for id_, ones in touched.items():
            for one in ones:
                self._put(id_, one)
        return list(touched)

    def _put(self, id_: Id, one: Taken) -> None:
        matter = self._matters[id_]
        if one.fact.key not in matter.facts:
            matter.facts[one.fact.key] = one.fact
            matter.fresh.add(one.fact.key)
            self._taken.setdefault(one.fact.key, (one, []))[1].append(id_)
            self._places[one.fact.key].append(id_)

    async def _learn(self, wheres: Sequence[tuple[Taken, Kind, Where]]) -> None:
        """Read which matters the names and parents mean."""
        names = {(kind.name, one.fact.scope, n) for one, kind, w in wheres if isinstance(w, Named) and w.also
                 for n in (w.name, *w.also)}  # fmt: skip
        self._names.update(await self._store.names(names - self._names.keys()))
        parents = {(kind.name, one.fact.scope, w.parent if isinstance(w, Under) else w.situation)
                   for one, kind, w in wheres if isinstance(w, Under) or w.joins}  # fmt: skip
        self._children = await self._store.children(parents) if parents else {}

    def _ids(self, kind: str, scope: str, where: Where) -> Iterable[Id]:
        if isinstance(where, Under):
            return self._under(kind, scope, where.parent)
        if not where.also:
            return [(kind, scope, where.name)]
        names = [(kind, scope, n) for n in (where.name, *where.also)]
        found = next(filter(None, (known.get(n) for known in (self._names, self._near) for n in names)), None)
        if found is None and where.joins:
            found = self._open(kind, scope, where.situation)
        self._near.update(dict.fromkeys([*names, (kind, scope, where.situation)], found or where.name))
        return [(kind, scope, found or where.name)]

    def _under(self, kind: str, scope: str, parent: str) -> list[Id]:
        here = {id_ for id_, m in self._matters.items()
                if id_[:2] == (kind, scope) and m.standing and parent in m.standing.parents}  # fmt: skip
        return sorted(here | set(self._children.get((kind, scope, parent), ())))

    def _open(self, kind: str, scope: str, situation: str) -> str | None:
        """The key of the matter that is open in a situation, the last by name; None: there is none."""
        if near := self._near.get((kind, scope, situation)):
            return near
        matters = ((id_, self._matters.get(id_)) for id_ in self._under(kind, scope, situation))
        still = [id_[2] for id_, m in matters if m is None or m.standing is None or not m.standing.closed]
        return still[-1] if still else None

    async def _chained(self, wave: Sequence[Taken]) -> list[tuple[Taken, Id]]:
        """A correction goes where its target went, a target where its corrections wait."""
        found = []
        targets = {one.fact.target for one in wave if one.fact.target}
        places = await self._store.places(targets, {one.fact.key for one in wave})
        for one in wave:
            for key in filter(None, (one.fact.target, one.fact.key)):
                found += [(one, id_) for id_ in [*places.get(key, ()), *self._places.get(key, ())]]
        return found

    async def _load(self, ids: Iterable[Id]) -> None:
        missing = [id_ for id_ in ids if id_ not in self._matters]
        if not missing:
            return
        loaded = await self._store.load(missing)
        if silences := [key for kind, _, key in missing if kind == "silence"]:
            self._world.hidden.update(await self._store.hidden(silences))
        for id_ in missing:
            known, effects, was_closed = loaded.get(id_, ({}, {}, True))
            self._matters[id_] = Matter(id_, known, effects, was_closed=was_closed)

    # --- folding --------------------------------------------------------------------------------------------------

    async def _fold(self, ids: Iterable[Id]) -> list[Taken]:
        """Fold these matters; what they say now. Others get their turn in between: senders hand letters over."""
        spoken: list[Taken] = []
        for n, id_ in enumerate(ids):
            if n % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            matter = self._matters[id_]
            counting, kind = facts.in_force(matter.facts.values()), self._kinds[id_[0]]
            matter.standing = kind.fold(id_[2], counting, self._world)
            spoken += self._say(matter, {fact.key for fact in counting})
            self._end(matter)
            if isinstance(kind, Regretting):
                gone = facts.taken_back(matter.facts.values(), {fact.key for fact in counting})
                self._regret(matter, kind.regrets(id_[2], gone, self._world))
            if matter.standing is not None:
                self._send(matter, matter.standing)
                self._note(matter, matter.standing)
        return spoken

    def _note_alone(self, ids: Iterable[Id]) -> None:
        """While the life before is read only how things stand is noted: the clock folds them when all is known."""
        life = self._world.life
        for id_ in ids:
            matter = self._matters[id_]
            standing = self._kinds[id_[0]].fold(id_[2], facts.in_force(matter.facts.values()), self._world)
            if life and standing is not None:
                matter.standing = dataclasses.replace(standing, wake=life.until)
                self._note(matter, matter.standing)

    async def _adopt(self, ids: Iterable[Id]) -> None:
        """What the life before has said in the slots of these matters counts as said."""
        if self._world.life is None or self._world.life.settled:
            return
        matters = [self._matters[id_] for id_ in ids]
        found: dict[tuple[Id, str], recall.Where] = {}
        for matter in matters:
            standing = self._kinds[matter.id[0]].fold(matter.id[2], facts.in_force(matter.facts.values()), self._world)
            found.update(recall.said_last(matter, standing, self._world.life))
        records = await self._store.said_before(found.values())
        for (id_, slot), where in found.items():
            matter = self._matters[id_]
            self._effect(matter, slot, recall.effect(matter, slot, where, records[where.slot], self._world))

    def _note(self, matter: Matter, standing: Standing) -> None:
        self._names.update(((*matter.id[:2], name), matter.id[2]) for name in standing.names)
        for key, why in standing.refused.items():
            parked = f"refused:{key.hex()}" in self.changed.get(matter.id, ())  # so long, and only now refused
            if key in matter.fresh or (parked and key in matter.facts):
                self.refused[key] = (matter.facts[key], why)

    def _end(self, matter: Matter) -> None:
        """What waits to be sent for a matter that is over, or never was, is not sent."""
        over = matter.standing is None or matter.standing.closed
        if over and not matter.was_closed:
            self.ended.append(matter.id)
        matter.was_closed = over

    def _say(self, matter: Matter, counting: set[bytes]) -> list[Taken]:
        says = {say.slot: say for say in (matter.standing.says if matter.standing else ())}
        region = matter.standing.region if matter.standing else self._world.bureau.region
        spoken = [one for say in says.values() if (one := self._said(matter, say, region))]
        for slot, effect in list(matter.effects.items()):
            if effect.type and effect.digest and slot not in says and (effect.cause not in counting):
                spoken.append(self._taken_back(matter, slot, effect, region))
        return spoken

    def _said(self, matter: Matter, say: Say, region: str) -> Taken | None:
        before = matter.effects.get(say.slot)
        if before and before.digest and say.cause is not None and not say.grows:
            return None
        digest = said.digest_of(say, region)
        if before and before.digest == digest:
            return None
        turn = before.turn + 1 if before else 1
        id_ = said.id_of(matter.id, say.slot, turn, say.time)
        corrects = before.id if before and before.digest else ""
        record = said.record(
            say, id_=id_, scope=matter.id[1], region=region, now=self._world.now, corrects=corrects,
            cause=_name(matter, say.cause),
        )  # fmt: skip
        subject = subject_of(TYPES[say.type], say.data) or ""
        self._effect(matter, say.slot, Effect(id_, digest, turn, say.type, subject, say.lane, say.cause))
        self.rows.append(said.row(record, say.type, subject, say.lane))
        return facts.read(record, self._world.now)

    def _taken_back(self, matter: Matter, slot: str, effect: Effect, region: str) -> Taken:
        turn = effect.turn + 1
        id_ = said.id_of(matter.id, slot, turn, self._world.now)
        record = said.retraction(
            effect.type, effect.subject, id_=id_, corrects=effect.id, scope=matter.id[1], region=region,
            now=self._world.now, lane=effect.lane,
        )  # fmt: skip
        self._effect(matter, slot, Effect(id_, "", turn, effect.type, effect.subject, effect.lane, effect.cause))
        self.rows.append(said.row(record, effect.type, effect.subject, effect.lane))
        return facts.read(record, self._world.now)

    def _send(self, matter: Matter, standing: Standing) -> None:
        for send in standing.sends:
            if send.slot not in matter.effects:
                hidden = self._silence(matter, standing)
                digest = f"{discipline.HIDDEN}{hidden}" if hidden else "sent"
                self._effect(matter, send.slot, Effect("", digest, 1, "", "", "", None))
                if not hidden:
                    self.letters += letters(matter.id, send, self._world)

    def _regret(self, matter: Matter, sends: Iterable[Send]) -> None:
        """What was a mistake is said to be one, be the matter still there or not; no silence hides it."""
        for send in sends:
            if send.slot not in matter.effects:
                self._effect(matter, send.slot, Effect("", "sent", 1, "", "", "", None))
                self.letters += letters(matter.id, send, self._world)

    def _silence(self, matter: Matter, standing: Standing) -> str | None:
        """The silence that hides what this matter sends."""
        world = self._world
        if not world.silences or matter.id[0] == "silence" or matter.id[1] != "actual":
            return None
        told = discipline.about(matter.id, standing)
        return discipline.silence_of(told, world.silences, world.bureau.regions, world.now)

    def _effect(self, matter: Matter, slot: str, effect: Effect) -> None:
        matter.effects[slot] = effect
        self.changed[matter.id][slot] = effect


def _is_receipt(fact: Fact) -> bool:
    """What the hub itself says about a letter of its own."""
    return fact.type == RECEIPT and fact.source == said.SOURCE and bool(fact.data.get("message_id"))


def _name(matter: Matter, cause: bytes | None) -> str:
    fact = matter.facts.get(cause) if cause else None
    return f"{fact.source} {fact.id}" if fact else ""


def _readers(kinds: Sequence[Kind]) -> dict[str, list[Kind]]:
    readers: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        for type_ in kind.types:
            readers[type_].append(kind)
    return readers
