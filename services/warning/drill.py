"""Drills (演练): while one runs, the messages of its exercise go to those who take part, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.warning.matter import Fact, Named, Standing, Where
from services.warning.world import World

STARTED, SUSPENDED = "drill.started", "drill.suspended"
OVER = ("drill.ended", "drill.completed")


class Drill:
    """The kind: its key is the drill's id."""

    name = "drill"
    types = frozenset(["drill.planned", STARTED, SUSPENDED, *OVER, "drill.evaluated"])

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """Everything about one drill."""
        yield Named(str(fact.data.get("drill_id") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the drill stands now."""
        if not facts:
            return None
        told = {fact.type: fact for fact in facts}
        state = _state(facts)
        names = [str(p) for f in facts if f.type == STARTED for p in f.data.get("participants") or ()]
        running = state == "running"
        shown = {
            "id": key, "drill_id": key, "state": state, "took_part": names,
            "participants": sorted(_codes(names, world)) if running else [],
            "started": told[STARTED].time if STARTED in told else None,
            "ended": next((told[t].time for t in OVER if t in told), None),
            "score": told["drill.evaluated"].data.get("score") if "drill.evaluated" in told else None,
        }  # fmt: skip
        return Standing(state, shown, facts[-1].region, closed=state == "ended")


def _state(facts: Sequence[Fact]) -> str:
    """planned, running, suspended or ended; a real start alone opens the way for messages."""
    state = "planned"
    for fact in facts:
        if fact.type == STARTED:
            state = "running" if fact.live else "ended"
        elif fact.type == SUSPENDED:
            state = "suspended"
        elif fact.type in OVER:
            state = "ended"
    return state


def _codes(names: Iterable[str], world: World) -> Iterator[str]:
    """The organisations by code, the persons by id, whichever way they were named."""
    people = world.house.people
    for name in names:
        organisation = people.organisation(name)
        if organisation:
            yield organisation.code
        elif name in (world.bureau.name, world.bureau.short_name):
            yield from (one.code for one in people.organisations.values() if one.region == world.bureau.region)
        yield from (p.id for p in people.persons.values() if name in (p.id, p.name))
