"""Nothing is taken that is later than what another partition still has to give."""

from __future__ import annotations

from dataclasses import dataclass

from services.runtime.in_step import PATIENCE_SECONDS, InStep


@dataclass
class Timed:
    timestamp: int


def at(*times: int) -> list[Timed]:
    return [Timed(time) for time in times]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_when_no_log_goes_on_everything_is_taken() -> None:
    step: InStep[str, Timed] = InStep(Clock())
    step.add("a", at(1, 5))
    step.add("b", at(9))
    assert step.due([]) == {"a": at(1, 5), "b": at(9)}
    assert not step.holding


def test_what_is_later_than_a_log_that_goes_on_is_held() -> None:
    step: InStep[str, Timed] = InStep(Clock())
    step.add("a", at(1, 3, 8))
    step.add("b", at(2, 4))
    assert step.due(["b"]) == {"a": at(1, 3), "b": at(2, 4)}
    step.add("b", at(9, 9))
    assert step.due([]) == {"a": at(8), "b": at(9, 9)}


def test_a_log_that_gave_nothing_yet_is_waited_for_but_not_for_ever() -> None:
    clock = Clock()
    step: InStep[str, Timed] = InStep(clock)
    step.add("a", at(1))
    assert step.due(["b"]) == {}
    clock.now = PATIENCE_SECONDS + 1
    assert step.due(["b"]) == {"a": at(1)}
