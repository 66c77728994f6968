"""The kind `loop`: a case of a loop, named `loop/case_id`; what it says, whom it reminds, when it wakes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.contracts.clock import Calendar
from services.warning.house.people import People
from services.warning.loops import case, limits, rows
from services.warning.loops.case import Case, Move, Waiting
from services.warning.loops.limits import Run
from services.warning.loops.rows import Loop, Loops
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Under, Where
from services.warning.world import World

DESK = "bureau_duty"
STILL = datetime.timedelta(days=7)
"""What is overdue is told within this time after the limit, as long as it is not done."""


class LoopKind:
    """Folds the cases of every loop."""

    name = "loop"

    def __init__(self, loops: Loops | None = None) -> None:
        self._loops = loops
        self.types = (loops or rows.shipped()).types

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """The cases that a fact names, and those that are linked with it."""
        found: dict[Where, None] = {}
        for loop, step in self._of(world).by_type.get(fact.type, ()):
            found.update((Named(f"{loop.key}/{id_}"), None) for id_ in case.cases(loop, step, fact))
            if link := case.linked(step, fact):
                found[Under(f"{loop.key}:{link}")] = None
        return list(found)

    def types_of(self, key: str, world: World) -> frozenset[str]:
        """The events that concern a case: those of its loop."""
        name = key.partition("/")[0]
        by_type = self._of(world).by_type
        return frozenset(t for t, pairs in by_type.items() if any(loop.key == name for loop, _ in pairs)) or self.types

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How a case stands; None when nothing of it counts."""
        name, _, id_ = key.partition("/")
        loop = self._of(world).rows.get(name)
        if loop is None or not facts:
            return None
        calendar = calendar_of(world)
        walked = case.walk(loop, id_, facts, calendar)
        if walked.moves:
            return Telling(walked, world, calendar).standing()
        return _unopened(walked, world) if walked.waiting else None

    def _of(self, world: World) -> Loops:
        return self._loops or rows.of(world.bureau)


def calendar_of(world: World) -> Calendar:
    """The working days of the bureau."""
    return Calendar(world.bureau.timezone, world.bureau.holidays, world.bureau.workdays)


def _unopened(walked: Case, world: World) -> Standing | None:
    """Steps of a case that nobody has opened wait for a day; imports are let be."""
    waiting = [one for one in walked.waiting if one.move.fact.live and not one.move.step.joins]
    if not waiting:
        return None
    refused = [one for one in waiting if one.until <= world.now]
    shown = {**_head(walked), "case_id": walked.id, "waiting": len(waiting) - len(refused)}
    return Standing(
        "unopened", shown, waiting[0].move.fact.region, closed=len(refused) == len(waiting),
        says=[_refusal(walked, one, {}) for one in refused],
        wake=min((one.until for one in waiting if one.until > world.now), default=None),
        refused={one.move.fact.key: one.reason for one in refused},
    )  # fmt: skip


class Telling:
    """What follows from an open or closed case at one moment."""

    def __init__(self, walked: Case, world: World, calendar: Calendar) -> None:
        self.case, self.world, self.calendar, self.now = walked, world, calendar, world.now
        self.loop: Loop = walked.loop
        self.runs = limits.runs(walked.loop, walked.moves, calendar)
        self.labels = walked.labels
        self.region = walked.opening.fact.region
        self.lane = "" if walked.live else "history"

    def standing(self) -> Standing:
        """How it stands now."""
        refused = self.case.refused(self.now)
        return Standing(
            state=self.state, shown=self.shown(refused), region=self.region, closed=self.case.closing is not None,
            says=[*self.says(), *(_refusal(self.case, one, self.labels) for one in refused)],
            sends=tuple(self.sends()) if self.case.live else (), wake=self.wake, due=self.due,
            parents=[f"{self.loop.key}:{field}={value}" for field, value in self.case.links.items()],
            refused={one.move.fact.key: one.reason for one in refused},
        )  # fmt: skip

    @property
    def state(self) -> str:
        """`closed`, `overdue` or `open`."""
        if self.case.closing:
            return "closed"
        return "overdue" if any(run.done is None and run.fell and run.due <= self.now for run in self.runs) else "open"

    @property
    def due(self) -> datetime.datetime | None:
        """The nearest limit of what is not done."""
        return min((run.due for run in self.runs if run.done is None and run.end is None), default=None)

    @property
    def wake(self) -> datetime.datetime | None:
        """When time alone changes something."""
        moments = [one.until for one in self.case.waiting]
        for run in self.runs:
            own = [run.due, max(run.due, self.case.opening.at)] if run.fell else []
            own += [at for _, at in run.warnings(self.calendar)]
            own += [later] if (later := self._later(run)) else []
            moments += [*own, *(run.told(at, self.calendar) for at in own)]
        return min((at for at in moments if at > self.now), default=None)

    def _later(self, run: Run) -> datetime.datetime | None:
        """When somebody else is told that it is still not done."""
        late = run.done is None and run.fell and run.clock.later
        return self.calendar.after(run.due, run.clock.later) if late and run.clock.later else None

    # --- said -----------------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """Opened, moved, due soon, due, overdue, closed: each as it was when it happened."""
        first, closing = self.case.opening, self.case.closing
        yield self._say("opened", "loop.opened", first.fact.time, first, step=first.step.name, due=self._due_at(first))
        counted: dict[str, int] = {}
        for move in self.case.moves[1:]:
            n = counted[move.step.name] = counted.get(move.step.name, 0) + 1
            due = self._due_at(move)
            yield self._say(
                f"moved:{move.step.name}:{n}", "loop.moved", move.fact.time, move, step=move.step.name, due=due
            )
        for run in self.runs:
            yield from self._of_clock(run)
        if closing:
            judged = [run.on_time for run in self.runs if run.fell]
            days = self.calendar.days(first.fact.time, closing.fact.time)
            on_time = all(judged) if judged else None
            yield self._say(
                "closed", "loop.closed", closing.fact.time, closing, step=closing.step.name, on_time=on_time, days=days
            )

    def _of_clock(self, run: Run) -> Iterator[Say]:
        name, slot = run.clock.name, f"{run.clock.name}:{run.number}"
        for length, at in run.warnings(self.calendar):
            if at <= self.now:
                yield self._say(f"due_soon:{slot}:{length}", "loop.due_soon", at, None, step=name, due=run.due)
        if run.fell and run.due <= self.now:
            days = run.days() if run.on_time else None
            yield self._say(
                f"due:{slot}", "loop.due", run.due, None, step=name, due=run.due, on_time=run.on_time, days=days
            )
            if not run.on_time:
                yield self._say(f"overdue:{slot}", "loop.overdue", run.due, None, step=name, due=run.due)

    def _say(
        self, slot: str, type_: str, time: datetime.datetime, move: Move | None, *,
        due: datetime.datetime | None = None, **more: Any,
    ) -> Say:  # fmt: skip
        imported = self.lane if move is None else "" if move.fact.live else "history"
        written = {**self.labels, "loop": self.loop.key, "case_id": self.case.id, **more}
        if due:
            written["due"] = due.isoformat(timespec="seconds")
        return Say(slot, type_, written, time, self.region, lane=imported)

    def _due_at(self, move: Move) -> datetime.datetime | None:
        """The nearest limit as it was known when a step was taken."""
        moves = self.case.moves[: self.case.moves.index(move) + 1]
        held = limits.runs(self.loop, moves, self.calendar)
        return min((run.due for run in held if run.done is None and run.end is None), default=None)

    # --- sent -----------------------------------------------------------------------------------------------------

    def sends(self) -> Iterator[Send]:
        """Reminders before a limit, at it, and after it, of what is not done."""
        for run in self.runs:
            slot = f"{run.clock.name}:{run.number}"
            for length, at in run.warnings(self.calendar):
                if run.open_at(self.now):
                    yield from self._tell("loop_before", f"before:{slot}:{length}", run, run.clock.before, at, run.due)
            if run.done is None and run.fell:
                at = max(run.due, self.case.opening.at)
                yield from self._tell("loop_at", f"at:{slot}", run, run.clock.at, at, at + STILL)
                if later := self._later(run):
                    at = max(later, self.case.opening.at)
                    yield from self._tell("loop_after", f"after:{slot}", run, run.clock.after, at, later + STILL)

    def _tell(
        self, text: str, slot: str, run: Run, posts: Sequence[str], at: datetime.datetime, fresh: datetime.datetime
    ) -> Iterator[Send]:
        """One message to each post, when its moment has come and not passed."""
        if not run.told(at, self.calendar) <= self.now < fresh:
            return
        words = self.world.house.messages.text(text, **self._words(run))
        told = dict.fromkeys(to for post in posts for to in self._posts(post)) or self._desk() if posts else ()
        for to in told:
            yield Send(f"{slot}:{to.organisation}:{to.post}", to, ("sms",), words, fresh, urgent=run.clock.statutory)

    def _posts(self, written: str) -> Iterator[Post]:
        """The organisation that a field names, at the post or, without it, at all it has; else those whose places
        hold the case's."""
        field, _, post = written.rpartition(":")
        people: People = self.world.house.people
        if field:
            named = self.case.opening.view.get(field)
            organisation = people.organisation(str(named)) if named else None
            held = [p for code, p in people.posts() if organisation and code == organisation.code]
            yield from (Post(organisation.code, p) for p in ([post] if post in held else held) if organisation)
            return
        regions = self.world.bureau.regions
        for one in people.targets((self.region,), post):
            if self.region in regions and regions.within(self.region, one.region):
                yield Post(one.code, post)

    def _desk(self) -> list[Post]:
        """The bureau's own duty room: for what would reach nobody."""
        root = self.world.bureau.region
        found = self.world.house.people.targets((root,), DESK)
        return [Post(one.code, DESK) for one in found if one.region == root]

    def _words(self, run: Run) -> dict[str, str]:
        late = self.calendar.days(run.due, self.now)
        return {
            "bureau": self.world.bureau.short_name,
            "loop": self.loop.zh,
            "case": self.case.id,
            "clock": run.clock.zh,
            "due": f"{run.due.astimezone(self.calendar.zone):%m月%d日%H:%M}",
            "late": f"{late}天" if late else "今日",
            "step": self.case.position.zh if self.case.position else "",
        }

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self, refused: Sequence[Waiting]) -> dict[str, Any]:
        """What its GET gives."""
        first, closing = self.case.opening, self.case.closing
        due_at = {run.clock.name: run for run in self.runs}
        return {
            **_head(self.case), **self.labels,
            "step": self.case.position and self.case.position.name,
            "step_zh": self.case.position and self.case.position.zh,
            "opened": first.fact.time, "closed": closing and closing.fact.time,
            "on_time": all(run.on_time for run in self.runs if run.fell) if closing and self.runs else None,
            "drill": first.fact.drill or None,
            "steps": [_taken(move) for move in self.case.moves],
            "clocks": [self._clock(run) for run in due_at.values()],
            "refused": [_waits(one) for one in refused],
            "waiting": [_waits(one) for one in self.case.waiting if one.until > self.now],
        }  # fmt: skip

    def _clock(self, run: Run) -> dict[str, Any]:
        overdue = run.done is None and run.fell and run.due <= self.now
        return {
            "clock": run.clock.name, "zh": run.clock.zh, "due": run.due, "done": run.done and run.done.fact.time,
            "overdue": overdue, "on_time": run.on_time if run.done or overdue else None,
            "statutory": run.clock.statutory,
        }  # fmt: skip


def _head(walked: Case) -> Mapping[str, Any]:
    return {
        "loop": walked.loop.key, "zh": walked.loop.zh, "case_id": walked.id, "statutory": walked.loop.statutory
    }  # fmt: skip


def _taken(move: Move) -> dict[str, Any]:
    return {
        "step": move.step.name, "zh": move.step.zh, "time": move.fact.time, "told": move.at, "source": move.fact.source,
        "event": move.fact.id,
    }  # fmt: skip


def _waits(one: Waiting) -> dict[str, Any]:
    return {
        "step": one.move.step.name, "zh": one.move.step.zh, "time": one.move.fact.time, "until": one.until,
        "reason": one.reason, "source": one.move.fact.source, "event": one.move.fact.id,
    }  # fmt: skip


def _refusal(walked: Case, one: Waiting, labels: Mapping[str, Any]) -> Say:
    fact = one.move.fact
    written = {
        **labels, "loop": walked.loop.key, "case_id": walked.id, "step": one.move.step.name, "reason": one.reason
    }  # fmt: skip
    lane = "" if fact.live else "history"
    return Say(f"refused:{fact.key.hex()}", "loop.refused", written, one.until, fact.region, lane=lane)
