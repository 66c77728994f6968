"""Reads the lanes that can wait, normal and history, for the watch: `python -m services.warning.backlog`.

A process of its own and of lower priority, in small batches: whatever is to be worked off, a red warning goes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal

import uvloop

from services.contracts.topics import CANONICAL
from services.runtime import log, memory, priority
from services.runtime.clock import Clock
from services.runtime.consume import Loop, Pace
from services.runtime.settings import Settings
from services.warning.before import Before
from services.warning.stream import URGENT, surroundings
from services.warning.surroundings import Surroundings
from services.warning.watch import Watch

PATIENT = tuple(topic for topic in CANONICAL if topic not in URGENT)
BATCH = 100
"""Records of a turn: some 20 ms of work, the longest that the urgent lane waits for its own. Not more, for while it
holds the turn it may have to wait for a core itself."""
NICE = 4
PACE = Pace(BATCH // 2, 0.25, share=1 / 3)
"""A flood at the door is worked off after it, not instead of it: a case that opens is a fact more for everybody."""


def build(settings: Settings, around: Surroundings) -> Loop:
    """The loop of the patient lanes, wired."""
    return Loop(
        settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="warning", topics=PATIENT,
        fold=Watch(around, Before(settings)), role="backlog", batch=BATCH, in_step=False, pace=PACE,
    )  # fmt: skip


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings()
    log.configure("warning-backlog", settings.log_level)
    priority.give_way(NICE)
    clock = Clock(settings)
    await clock.start()
    loop = build(settings, surroundings(settings, clock))
    memory.settle()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    try:
        await loop.run()
    finally:
        await clock.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
