"""The course of a warning as its papers see it: what the chain came to, one stage after another, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.contracts import codes
from services.warning import said
from services.warning.matter import Fact

CHANGED, ENDED = "warning.level_changed", "warning.ended"
HUB = said.SOURCE
TYPES = frozenset([CHANGED, ENDED])


@dataclass(frozen=True)
class Stage:
    """One revision of a chain."""

    fact: Fact
    fresh: bool
    """It came while it held: nothing later was known yet, and it is no import."""

    @property
    def identifier(self) -> str:
        """Of the message that brought it."""
        return str(self.fact.data.get("basis_alert_id") or self.fact.data.get("revision"))

    @property
    def revision(self) -> int:
        """Its number in the chain."""
        return int(self.fact.data.get("revision") or 1)

    @property
    def level(self) -> str:
        """Of the warning; `none`: lifted."""
        return str(self.fact.data.get("to") or "none")

    @property
    def hazard(self) -> str:
        """A code."""
        return str(self.fact.data.get("hazard") or "other")

    @property
    def hazard_zh(self) -> str:
        """In Chinese."""
        return codes.WEATHER_HAZARD.values.get(self.hazard, self.hazard)

    @property
    def level_zh(self) -> str:
        """In Chinese."""
        return codes.WEATHER_LEVEL.values.get(self.level, self.level)

    @property
    def headline(self) -> str:
        """As the weather service put it, else by hazard and level."""
        return str(self.fact.data.get("headline") or f"{self.hazard_zh}{self.level_zh}预警")

    @property
    def areas(self) -> tuple[dict[str, str], ...]:
        """`{code, name}` of each region concerned."""
        return tuple(dict(area) for area in self.fact.data.get("areas") or ())

    @property
    def where(self) -> str:
        """The names of the regions."""
        return "、".join(str(area.get("name") or area.get("code")) for area in self.areas)


@dataclass(frozen=True)
class Chain:
    """All stages of a chain, and its end."""

    id: str
    stages: tuple[Stage, ...]
    ended: Fact | None

    @property
    def last(self) -> Stage:
        """The one that holds."""
        return self.stages[-1]


def chain_of(facts: Sequence[Fact]) -> Chain | None:
    """The course of the chain that these facts tell of; None: it has not begun."""
    changes = [f for f in facts if f.type == CHANGED]
    if not changes:
        return None
    changes.sort(key=lambda f: (int(f.data.get("revision") or 0), f.time))
    ended = next((f for f in facts if f.type == ENDED), None)
    chain = str(changes[-1].data.get("chain_id") or changes[-1].subject)
    return Chain(chain, tuple(_stages(changes, ended)), ended)


def _stages(changes: Sequence[Fact], ended: Fact | None) -> Iterator[Stage]:
    for at, fact in enumerate(changes):
        later = [*changes[at + 1 :], *([ended] if ended else [])]
        overtaken = any(other.handled <= fact.handled for other in later)
        yield Stage(fact, fact.live and fact.scope != "test" and not overtaken)


def about(fact: Fact) -> str:
    """The chain that a fact speaks of."""
    return str(fact.data.get("chain_id") or fact.subject)


def names(areas: Iterable[dict[str, str]]) -> list[str]:
    """The codes of regions."""
    return [area["code"] for area in areas if area.get("code")]
