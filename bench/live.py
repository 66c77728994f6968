"""From an accepted event to its number on every open page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import door
from bench.line import Line
from bench.parts import Stage

MOST_MS = 500
PAGES, RATE, SECONDS = 500, 1_000, 20
SOME = "risk_source_patrols,hazards_found,inspections_completed,hotline_tickets,training_sessions"


def lines(stage: Stage, key: Path) -> Iterator[Line]:
    """Pages that show all counters, on a hub that takes a thousand events a second."""
    found = door.outside(stage, "bench.pages", key, RATE * SECONDS, "--pages", str(PAGES), "--rate", str(RATE),
                         "--seconds", str(SECONDS))  # fmt: skip
    yield Line(f"event accepted → number on {PAGES} open pages, p99", found.pop("p99 ms"), "ms", most=MOST_MS,
               details=found)  # fmt: skip
