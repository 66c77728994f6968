"""What telemetry must know of other topics: which points are watched, and how much comes in where (surges)."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from services.contracts.event import InvalidEvent
from services.contracts.region import Regions
from services.contracts.topics import BY_NAME
from services.runtime import outbox
from services.runtime.consume import Position, Slice
from services.runtime.outbox import Row
from services.warning import facts, surge, telemetry_store
from services.warning.episode import ALARM, Cause, Episode, Which
from services.warning.facts import Taken
from services.warning.matter import Fact
from services.warning.sensors import Sensors
from services.warning.telemetry_store import REGISTERED, Arrivals

TOPICS = tuple(BY_NAME[name] for name in ("hazards", "services", "urgent", "history"))
SURGE = "surge."
KIND_OF = {type_: kind for kind in surge.KINDS for type_ in kind.types}
WANTED = frozenset([REGISTERED, *KIND_OF])
KNOWN = 100_000
"""So many events are known by identity: one sent again is no second arrival."""
BREATH = 256


@dataclass
class Batch:
    """What one transaction takes."""

    registered: list[Taken] = field(default_factory=list)
    arrived: list[Fact] = field(default_factory=list)


class Monitored:
    """Implements `runtime.consume.Fold`."""

    def __init__(self, sensors: Sensors, regions: Regions, clock: Callable[[], datetime.datetime]) -> None:
        self._sensors, self._regions, self._clock = sensors, regions, clock
        self._arrivals: Arrivals = {}
        self._surges: dict[Which, Episode] = {}
        self._known: dict[bytes, None] = {}
        self.ready = asyncio.Event()
        """The points are known."""

    async def reset(self, connection: asyncpg.Connection, _positions: Sequence[Position]) -> None:
        """Read points and arrivals from the database."""
        self._sensors.register(await telemetry_store.points(connection))
        self._arrivals = await telemetry_store.arrivals(connection, surge.slot(self._clock()) - surge.KNOWN_SLOTS)
        found = await telemetry_store.episodes(connection)
        self._surges = {which: e for which, e in found.items() if which.rule.startswith(SURGE)}
        self._known.clear()
        self.ready.set()

    async def stale(self, _connection: asyncpg.Connection) -> str | None:
        """Nobody else writes what is kept here."""
        return None

    async def prepare(self, slices: list[Slice]) -> Batch:
        """Read what concerns us."""
        batch, now = Batch(), self._clock()
        for piece in slices:
            for n, record in enumerate(piece):
                if n % BREATH == 0:
                    await asyncio.sleep(0)
                try:
                    if facts.type_in(record.value or b"") in WANTED:
                        self._take(facts.read(record.value or b"", now), batch)
                except InvalidEvent as error:
                    piece.never(record, "not_an_event", str(error))
        return batch

    def _take(self, taken: Taken, batch: Batch) -> None:
        fact = taken.fact
        if fact.type == REGISTERED:
            batch.registered.append(telemetry_store.checked(taken))
        elif fact.target is None and not fact.retracts and fact.live and fact.key not in self._known:
            if not str(fact.data.get("rule_id", "")).startswith(SURGE):
                batch.arrived.append(fact)
            self._remember(fact.key)

    def _remember(self, key: bytes) -> None:
        self._known[key] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    async def apply(self, connection: asyncpg.Connection, _slices: list[Slice], prepared: Batch) -> None:
        """Keep registrations and arrivals; raise and end surges."""
        if prepared.registered:
            await telemetry_store.note(connection, prepared.registered)
            keys = [(taken.fact.scope, taken.fact.subject) for taken in prepared.registered]
            self._sensors.register(await telemetry_store.points(connection, keys))
        counted = self._count(prepared.arrived)
        await telemetry_store.arrived(connection, counted)
        changed, rows = self._judge(prepared.arrived)
        await telemetry_store.save(connection, changed)
        await outbox.put(connection, rows)

    # --- surges ---------------------------------------------------------------------------------------------------

    def _areas(self, fact: Fact) -> tuple[str, ...]:
        """The street and the whole: where a surge is looked for."""
        return self._regions.path(self._regions.resolve(fact.region)[0])[:2]

    def _count(self, arrived: Iterable[Fact]) -> Counter[tuple[str, str, str, int]]:
        counted: Counter[tuple[str, str, str, int]] = Counter()
        for fact in arrived:
            for area in self._areas(fact):
                counted[fact.scope, KIND_OF[fact.type].name, area, surge.slot(fact.time)] += 1
        for (scope, kind, area, slot), n in counted.items():
            slots = self._arrivals.setdefault((scope, kind, area), {})
            slots[slot] = slots.get(slot, 0) + n
            if len(slots) > surge.KNOWN_SLOTS + surge.DAY_SLOTS:
                for old in sorted(slots)[: surge.DAY_SLOTS]:
                    del slots[old]
        return counted

    def _judge(self, arrived: Sequence[Fact]) -> tuple[list[Episode], list[Row]]:
        """Look at every place where something came in, the streets first."""
        places: dict[tuple[str, str, str], Fact] = {}
        for fact in arrived:
            places.update({(fact.scope, fact.type, area): fact for area in reversed(self._areas(fact))})
        changed: list[Episode] = []
        rows: list[Row] = []
        for (scope, type_, area), fact in sorted(places.items(), key=lambda p: p[0][2] == self._regions.root):
            episode = self._surges.setdefault(_which(scope, type_, area), Episode(_which(scope, type_, area)))
            if said := self._step(episode, KIND_OF[type_], fact):
                changed.append(episode)
                rows += said
        return changed, rows

    def _step(self, episode: Episode, kind: surge.Kind, fact: Fact) -> list[Row]:
        which, now = episode.which, self._clock()
        slots: Mapping[int, int] = self._arrivals[which.scope, kind.name, which.point]
        slot = surge.slot(fact.recorded)
        expected = surge.usual(slots, slot, self._since(which.scope, kind))
        if expected is None:
            return []
        count = surge.recent(slots, slot)
        if episode.worst:
            episode.touch(float(count), 1)
            return episode.end(now, now) if surge.is_over(count, expected, kind.least) else []
        if not surge.is_surge(count, expected, kind.least) or self._explained(which):
            return []
        episode.worst = 1
        episode.touch(float(count), 1)
        data = {"level": "surge", "value": count, "usual": round(expected, 2), "rule_id": which.rule}
        return [episode.raise_(ALARM, data, Cause(fact.source, fact.id), fact.recorded, which.point, now)]

    def _since(self, scope: str, kind: surge.Kind) -> int:
        """The first slot of which anything of the kind is known."""
        firsts = (min(s) for (of, name, _), s in self._arrivals.items() if of == scope and name == kind.name and s)
        return max(min(firsts, default=0), surge.slot(self._clock()) - surge.KNOWN_SLOTS)

    def _explained(self, which: Which) -> bool:
        """A surge of the whole says nothing new while one of its streets has one."""
        return which.point == self._regions.root and any(
            e.worst for w, e in self._surges.items() if (w.scope, w.rule) == (which.scope, which.rule)
        )


def _which(scope: str, type_: str, area: str) -> Which:
    return Which(scope, area, "", SURGE + KIND_OF[type_].name)
