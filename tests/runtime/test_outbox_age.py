"""An outbox whose oldest row stays grows old; one that is emptied, or goes on, does not."""

from __future__ import annotations

from services.runtime.outbox_age import Waiting


def test_only_a_row_that_stays_makes_it_old() -> None:
    now = 0.0
    waiting = Waiting(lambda: now)
    assert waiting.seen(None) == 0
    assert waiting.seen(7) == 0
    now = 9.0
    assert waiting.seen(7) == 9
    assert waiting.seen(8) == 0
    assert waiting.seen(None) == 0
