"""Reads Kafka for reporting: `python -m services.reporting.stream`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal

import uvloop

from services.contracts.topics import CANONICAL
from services.reporting.count import Count
from services.reporting.statistics import definitions
from services.runtime import bureau, log, outbox
from services.runtime.consume import Loop
from services.runtime.outbox import Outbox
from services.runtime.settings import Settings


def build(settings: Settings) -> Loop:
    """The reading loop of reporting, wired."""
    house = bureau.load(settings.bureau)
    fold = Count(settings.postgres_dsn, definitions(house), house.timezone, house)
    return Loop(
        settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="reporting", topics=CANONICAL, fold=fold
    )


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings()
    log.configure("reporting-stream", settings.log_level)
    loop = build(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    steady_memory()
    await outbox.beside(Outbox(settings, "reporting"), loop.run())


def steady_memory() -> None:
    """Leave what the start made out of every later garbage collection, and collect less often.

    Records make no cycles; the default thresholds cost a sixth of the time per event.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
