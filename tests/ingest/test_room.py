"""A disk that runs full takes what is urgent for as long as it can."""

from __future__ import annotations

import pytest

from services.ingest.room import LOOK_SECONDS, NOTHING, URGENT_ONLY, Room
from services.runtime import web


@pytest.mark.parametrize(
    ("share", "topic", "taken"),
    [
        (URGENT_ONLY, "hazards", True), (URGENT_ONLY - 0.01, "hazards", False), (URGENT_ONLY - 0.01, "history", False),
        (URGENT_ONLY - 0.01, "telemetry", False), (URGENT_ONLY - 0.01, "urgent", True), (NOTHING, "urgent", True),
        (NOTHING - 0.01, "urgent", False),
    ],
)  # fmt: skip
def test_what_is_taken_depends_on_what_is_left(share: float, topic: str, taken: bool) -> None:
    room = Room(lambda: share)
    if taken:
        room.check({topic})
        return
    with pytest.raises(web.Refusal, match="make room") as refused:
        room.check({topic, "urgent"})
    assert refused.value.status_code == 503


def test_the_disk_is_looked_at_once_a_second() -> None:
    looks, at = [0.01, 0.5], [0.0]
    room = Room(lambda: looks.pop(0), lambda: at[0])
    for later in (0.0, LOOK_SECONDS / 2):
        at[0] = later
        with pytest.raises(web.Refusal):
            room.check({"urgent"})
    at[0] = LOOK_SECONDS
    room.check({"hazards"})
