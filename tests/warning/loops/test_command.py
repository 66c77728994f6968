"""Steps that a person takes by hand are the events that the loop asks for."""

from __future__ import annotations

import pytest

from services.contracts.check import check_data
from services.warning.loops import rows
from services.warning.loops.command import NoSuchStep, event_of
from tests.warning.loops.scene import KIND, fact, stands, world

LOOPS = rows.shipped()


def test_a_step_by_hand_is_the_event_of_the_step() -> None:
    sent = {"step": "extended", "new_due": "2023-07-01", "approver": "张三"}
    assert event_of(LOOPS, "hazard/h1", sent) == (
        "hazard.extended", {"hazard_id": "h1", "new_due": "2023-07-01", "approver": "张三"}
    )  # fmt: skip
    assert event_of(LOOPS, "hazard/h1", {"step": "passed", "order_id": "o1"}) == (
        "recheck.completed", {"order_id": "o1", "results": [{"hazard_id": "h1", "passed": True}]}
    )  # fmt: skip
    up = event_of(LOOPS, "incident/i1", {"step": "phoned", "to": "市局"})
    assert up == ("incident.reported_up", {"incident_id": "i1", "method": "phone", "to": "市局"})


@pytest.mark.parametrize(
    ("loop", "step"), [(loop.key, step.name) for loop in LOOPS.rows.values() for step in loop.steps if not step.opens]
)
def test_every_step_of_every_loop_can_be_taken_by_hand(loop: str, step: str) -> None:
    type_, written = event_of(LOOPS, f"{loop}/c1", {"step": step})
    assert check_data(type_, written) == []
    one = fact(type_, "01 10:00", **written)
    assert any(f"{loop}/c1" == getattr(where, "name", "") for where in KIND.where(one, world("02 00:00")))


def test_a_step_that_is_none_is_named() -> None:
    with pytest.raises(NoSuchStep, match="acknowledged, dispatched, closed"):
        event_of(LOOPS, "alarm/a1", {"step": "eaten"})
    with pytest.raises(NoSuchStep):
        event_of(LOOPS, "alarm/a1", {"step": "raised"})
    closed = fact("alarm.closed", "01 11:00", **event_of(LOOPS, "alarm/a1", {"step": "closed"})[1])
    assert stands("alarm/a1", "01 12:00", fact("alarm.raised", "01 10:00", alarm_id="a1"), closed).closed
