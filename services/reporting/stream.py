"""Reads Kafka for reporting: `python -m services.reporting.stream`."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import uvloop

from services.contracts.topics import CANONICAL
from services.reporting.count import Count
from services.reporting.statistics import definitions
from services.runtime import bureau, log
from services.runtime.consume import Loop
from services.runtime.settings import Settings


def build(settings: Settings) -> Loop:
    """The reading loop of reporting, wired."""
    house = bureau.load(settings.bureau)
    fold = Count(settings.postgres_dsn, definitions(house), house.timezone)
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
    await loop.run()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
