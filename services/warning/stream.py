"""Reads Kafka's urgent lane for the watch, keeps the clocks, and sends: `python -m services.warning.stream`."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import uvloop

from services.contracts.topics import BY_NAME
from services.runtime import bureau, log, memory
from services.runtime.clock import Clock
from services.runtime.consume import Loop, Pace
from services.runtime.outbox import Outbox
from services.runtime.settings import Settings
from services.warning import house
from services.warning.before import Before
from services.warning.callout.handing import Handing
from services.warning.callout.record import Recorder
from services.warning.callout.send import Sender
from services.warning.channels.prober import Prober
from services.warning.channels.register import channels
from services.warning.clockwork import Clockwork
from services.warning.surroundings import Surroundings
from services.warning.watch import Watch

URGENT = (BY_NAME["urgent"],)
BATCH = 200
"""Records of a turn: what the first warnings of many have to tell is handed over while the others are folded."""


def surroundings(settings: Settings, clock: Clock) -> Surroundings:
    """What matters are judged by. Raises BureauMistakes."""
    folder = bureau.load(settings.bureau)
    origin = settings.origin or f"http://{settings.http_host}:{settings.http_port}"
    return Surroundings(folder, house.load(folder), clock.now, origin)


def build(settings: Settings, around: Surroundings) -> Loop:
    """The loop of the urgent lane, wired."""
    return Loop(
        settings,
        settings.postgres_dsn,
        settings.kafka_bootstrap,
        schema="warning",
        topics=URGENT,
        fold=Watch(around, Before(settings)),
        batch=BATCH,
        in_step=False,
        pace=Pace(BATCH // 2, 0.05),
    )


async def run(settings: Settings, clock: Clock, stop: asyncio.Event) -> None:
    """Everything of the urgent lane, until told to stop."""
    around = surroundings(settings, clock)
    loop = build(settings, around)
    ways = channels(settings, clock.now)
    senders = [Sender(settings.postgres_dsn, one, around) for one in ways]
    prober = Prober(settings.postgres_dsn, ways, around)
    async with asyncio.TaskGroup() as group:
        outbox = Outbox(settings, "warning", Handing(around.now).goes_first)
        beside = [outbox.run(), Clockwork(settings, around).run(), prober.run(),
                  Recorder(settings.postgres_dsn, around).run(), *(s.run() for s in senders)]  # fmt: skip
        tasks = [group.create_task(one) for one in beside]
        stopping = group.create_task(_when(stop, loop))
        await loop.run()
        for task in [*tasks, stopping]:
            task.cancel()


async def _when(stop: asyncio.Event, loop: Loop) -> None:
    await stop.wait()
    loop.stop()


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings()
    log.configure("warning-stream", settings.log_level)
    memory.settle()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    clock = Clock(settings)
    await clock.start()
    try:
        await run(settings, clock, stop)
    finally:
        await clock.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
