"""Clocks of a case: each limit that was in force, until when, and whether what it asks for was done by then."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.contracts.clock import Calendar
from services.contracts.fields import ISO_DATE, moment
from services.warning.loops.rows import Clock, Loop

if TYPE_CHECKING:
    from services.warning.loops.case import Move

DAYTIME = range(8, 20)
"""Hours at which people are told of limits that run out with a day."""
END = datetime.timedelta(microseconds=1)
"""A day ends so much before the next begins."""


@dataclass(frozen=True)
class Run:
    """One limit of one clock: an extension ends it and begins the next."""

    clock: Clock
    number: int
    opening: Move
    start: datetime.datetime
    """From when this limit held."""
    due: datetime.datetime
    end: datetime.datetime | None
    """When another limit took its place."""
    done: Move | None

    @property
    def fell(self) -> bool:
        """Whether the limit was in force when it ran out."""
        return self.end is None or self.due < self.end

    @property
    def on_time(self) -> bool:
        """Whether it was done by then."""
        return self.done is not None and self.in_time(self.done)

    def in_time(self, move: Move) -> bool:
        """Whether a step was taken before the limit ran out.

        The hub judges by when it was told. Of a case that it was told of after the limit only the times are left,
        which is enough where the law does not set the limit.
        """
        told_late = self.opening.at > self.due and not self.clock.statutory
        return (move.fact.time if told_late else move.at) <= self.due

    def open_at(self, at: datetime.datetime) -> bool:
        """Whether the limit held at a moment and nothing had been done."""
        return self.start <= at and (self.end is None or at < self.end) and (self.done is None or self.done.at > at)

    def warnings(self, calendar: Calendar) -> Iterator[tuple[str, datetime.datetime]]:
        """When to warn before it runs out."""
        for length in self.clock.warn:
            at = calendar.before(self.due, length)
            if self.open_at(at) and at < self.due:
                yield str(length), at

    def told(self, at: datetime.datetime, calendar: Calendar) -> datetime.datetime:
        """When people are told what is due then: a limit that runs out with a day wakes nobody."""
        local, due = (moment.astimezone(calendar.zone) for moment in (at, self.due))
        of_days = (due + END).time() == datetime.time.min
        if self.clock.night or not of_days or local.hour in DAYTIME:
            return at
        day = local.date() + datetime.timedelta(days=local.hour >= DAYTIME.stop)
        return datetime.datetime.combine(day, datetime.time(DAYTIME.start), calendar.zone)

    def days(self) -> int | None:
        """How many days what was asked for took."""
        return None if self.done is None else (self.done.fact.time - self.opening.fact.time).days


def runs(loop: Loop, moves: Sequence[Move], calendar: Calendar) -> list[Run]:
    """Every limit that the steps of a case have set going."""
    if not moves:
        return []
    return [run for clock in loop.clocks if _concerns(clock, moves[0]) for run in _runs(clock, moves, calendar)]


def _concerns(clock: Clock, opening: Move) -> bool:
    return all(term.holds(opening.view) for term in clock.where)


def _runs(clock: Clock, moves: Sequence[Move], calendar: Calendar) -> Iterator[Run]:
    done = _done(clock, moves)
    found = list(_limits(clock, moves, calendar))
    for n, (start, due) in enumerate(found):
        if done is None or n == 0 or start < done.at:
            end = found[n + 1][0] if n + 1 < len(found) else None
            yield Run(clock, n + 1, moves[0], start, due, None if done and end and end >= done.at else end, done)


def _limits(
    clock: Clock, moves: Sequence[Move], calendar: Calendar
) -> Iterator[tuple[datetime.datetime, datetime.datetime]]:
    """From when which limit held, the first from the step that starts the clock."""
    begun = next((n for n, move in enumerate(moves) if move.step.name in clock.from_), None)
    if begun is None:
        return
    first = moves[begun]
    written = [due for move in moves[: begun + 1] if (due := _written(clock, move, calendar))]
    if written:
        yield first.at, written[-1]
    elif clock.limit:
        begin = _moment(first.view.get(clock.start), calendar) or first.fact.time if clock.start else first.fact.time
        yield first.at, calendar.after(begin, clock.limit)
    for move in moves[begun + 1 :]:
        if due := _written(clock, move, calendar):
            yield move.at, due


def _written(clock: Clock, move: Move, calendar: Calendar) -> datetime.datetime | None:
    """The limit that a step writes down."""
    fields = (field for step, field in clock.due if step == move.step.name)
    return next((due for field in fields if (due := _moment(move.view.get(field), calendar))), None)


def _done(clock: Clock, moves: Sequence[Move]) -> Move | None:
    """The step that did it: the first after the last that undid it; closing the case ends every clock."""
    begun = next((n for n, move in enumerate(moves) if move.step.name in clock.from_), len(moves))
    undone = max((n for n, move in enumerate(moves) if move.step.name in clock.again), default=begun - 1)
    after = moves[max(begun, undone + 1) :]
    return next((move for move in after if move.step.name in clock.until or move.step.closes), None)


def _moment(value: Any, calendar: Calendar) -> datetime.datetime | None:
    """The moment that a field says; a date alone is its end."""
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        return calendar.end(datetime.date.fromisoformat(value))
    found = moment(value)
    return found.astimezone(calendar.zone) if found else None
