"""A case: which steps its facts make, which of them were refused and why, and which wait for what must come before."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.contracts import glossary
from services.contracts.clock import Calendar
from services.warning.loops import limits
from services.warning.loops.rows import Loop, Step
from services.warning.matter import Fact

PATIENCE = datetime.timedelta(hours=24)
"""So long a step waits for what must come before it."""


@dataclass(frozen=True)
class Move:
    """A step that was taken."""

    step: Step
    fact: Fact
    view: Mapping[str, Any]
    """The fact's data, as far as it concerns this case."""

    @property
    def at(self) -> datetime.datetime:
        """When it counts: when it happened, but not before the hub was told; of imports, when it happened."""
        if not self.fact.live:
            return self.fact.time
        return max(self.fact.time, self.fact.first or self.fact.recorded)


@dataclass(frozen=True)
class Waiting:
    """A step that is not legal: until when it waits, and why."""

    move: Move
    until: datetime.datetime
    reason: str


@dataclass
class Case:
    """One case of a loop, as far as its facts tell."""

    loop: Loop
    id: str
    moves: list[Move] = field(default_factory=list)
    """The first is its opening."""
    waiting: list[Waiting] = field(default_factory=list)
    position: Step | None = None
    named: set[str] = field(default_factory=set)
    """Members of the opening event's list that were named."""
    links: dict[str, str] = field(default_factory=dict)
    """Field → value that later steps may name instead of the case."""

    def refused(self, now: datetime.datetime) -> list[Waiting]:
        """The steps that have waited long enough; those that only join a case which others open are let be."""
        return [one for one in self.waiting if one.until <= now and not one.move.step.joins]

    @property
    def opening(self) -> Move:
        """The step that opened it."""
        return self.moves[0]

    @property
    def closing(self) -> Move | None:
        """The step that closed it first."""
        return next((move for move in self.moves if move.step.closes), None)

    @property
    def live(self) -> bool:
        """Whether anything of it came by other ways than imports."""
        return any(move.fact.live for move in self.moves)

    @property
    def labels(self) -> dict[str, Any]:
        """What every event about it carries."""
        view = self.opening.view
        return {name: view[name] for name in self.loop.labels if view.get(name) not in (None, "")}

    def reason(self, move: Move, calendar: Calendar) -> str:
        """Why a step is not legal now; an empty text: it is."""
        step = move.step
        if missing := [name for name in step.needs if move.view.get(name) in (None, "", [])]:
            return "缺少" + "、".join(_zh(name) for name in missing)
        if step.opens or self.position is None:
            return "" if step.opens else f"尚无「{self.loop.steps[0].zh}」"
        if step.in_time and (due := self._gone(step.in_time, move, calendar)):
            return f"期限 {due:%Y-%m-%d %H:%M} 已过"
        if step.after and self.position.name not in step.after:
            wanted = "」或「".join(self.loop.step(name).zh for name in step.after)
            return f"须在「{wanted}」之后，现为「{self.position.zh}」"
        return "" if step.after or not self.position.closes else f"已办结（{self.position.zh}）"

    def _gone(self, clock: str, move: Move, calendar: Calendar) -> datetime.datetime | None:
        """The limit that had run out when a step was taken."""
        held = [one for one in limits.runs(self.loop, self.moves, calendar) if one.clock.name == clock]
        return held[-1].due if held and held[-1].done is None and not held[-1].in_time(move) else None

    def take(self, move: Move) -> None:
        """A legal step is taken."""
        if move.step.link and (value := move.view.get(move.step.link)):
            self.links[move.step.link] = str(value)
        if self._repeats(move) or not self._complete(move):
            return
        self.moves.append(move)
        if not move.step.stays:
            self.position = move.step

    def _repeats(self, move: Move) -> bool:
        """It changes nothing: the case is there, or was opened already."""
        if self.position is None or move.step.stays:
            return False
        return move.step.opens or move.step == self.position

    def _complete(self, move: Move) -> bool:
        """A step that many must take is taken with the last of them."""
        if not move.step.each:
            return True
        name, _, listed = move.step.each.partition(" in ")
        self.named.add(str(move.view.get(name)))
        return {str(one) for one in self.opening.view.get(listed) or ()} <= self.named


def walk(loop: Loop, id_: str, facts: Iterable[Fact], calendar: Calendar) -> Case:
    """The case that facts in force, by time, make."""
    case = Case(loop, id_)
    for fact in facts:
        for view in views(loop, id_, fact):
            if moves := [Move(step, fact, view) for step in loop.steps if _means(step, fact, view)]:
                _try(case, moves, calendar)
    return case


def _means(step: Step, fact: Fact, view: Mapping[str, Any]) -> bool:
    return any(one.meets(fact.type, view) for one in step.on)


def _try(case: Case, moves: Sequence[Move], calendar: Calendar) -> None:
    """Take the first legal one of the steps that a fact may be; none: it waits, or is refused at once."""
    reasons = [case.reason(move, calendar) for move in moves]
    legal = next((move for move, reason in zip(moves, reasons, strict=True) if not reason), None)
    if legal is None:
        case.waiting.append(Waiting(moves[0], _until(case, moves[0]), reasons[0]))
        return
    case.take(legal)
    _again(case, calendar)


def _until(case: Case, move: Move) -> datetime.datetime:
    never = case.position is not None and (move.step.strict or case.position.closes)
    return move.at if never else max(move.at, move.fact.recorded) + PATIENCE


def _again(case: Case, calendar: Calendar) -> None:
    """The case has moved: try what waits, the oldest first, as often as something moves."""
    moved = True
    while moved:
        moved = False
        for one in case.waiting:
            in_time = one.until > case.moves[-1].at
            if in_time and not case.reason(one.move, calendar):
                case.waiting.remove(one)
                case.take(one.move)
                moved = True
                break


def views(loop: Loop, id_: str, fact: Fact) -> Iterator[Mapping[str, Any]]:
    """What a fact says about one case: its data, or that of the members of a list that name the case."""
    seen: list[Mapping[str, Any]] = []
    for step in loop.steps:
        for name, view in _named(loop, step, fact):
            if name in (id_, None) and view not in seen:
                seen.append(view)
                yield view


def cases(loop: Loop, step: Step, fact: Fact) -> list[str]:
    """The cases that a fact names for a step."""
    return [name for name, view in _named(loop, step, fact) if name is not None and _means(step, fact, view)]


def _named(loop: Loop, step: Step, fact: Fact) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Each case with what the fact says about it; None: the case whose link the fact names."""
    if fact.type not in (one.type for one in step.on):
        return
    inside, member = step.member
    listed = fact.data.get(inside or step.case)
    if inside and isinstance(listed, list) and listed:
        for one in (o for o in listed if isinstance(o, dict) and o.get(member)):
            yield str(one[member]), {**fact.data, **one}
    elif not inside and isinstance(listed, list):
        yield from ((str(one), fact.data) for one in listed)
    elif step.via:
        yield None, fact.data
    elif not step.case and (name := next((fact.data[f] for f in loop.case if fact.data.get(f)), fact.subject)):
        yield str(name), fact.data


def linked(step: Step, fact: Fact) -> str:
    """The link by which a fact finds cases that it does not name; an empty text: none."""
    if not step.via or fact.type not in (one.type for one in step.on) or fact.data.get(step.member[0]):
        return ""
    return f"{step.via}={fact.data[step.via]}" if fact.data.get(step.via) else ""


def _zh(name: str) -> str:
    return glossary.TERMS[name].zh if name in glossary.TERMS else name
