"""Reads Kafka for reporting: `python -m services.reporting.stream`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

import uvloop

from services.contracts.topics import CANONICAL
from services.reporting import catalogue
from services.reporting.count import Count
from services.reporting.report.press import Press
from services.reporting.statistics import definitions
from services.runtime import bureau, log, memory, outbox
from services.runtime.clock import Clock
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
    loop, moving = build(settings), Clock(settings)
    house = bureau.load(settings.bureau)
    press = Press(settings, house, catalogue.of(house), moving.now)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, loop.stop)
    memory.settle()
    await moving.start()
    await outbox.beside(Outbox(settings, "reporting"), printed(press.run(), loop.run()))


async def printed(pressing: Coroutine[Any, Any, None], reading: Coroutine[Any, Any, None]) -> None:
    """Cut and print editions for as long as it is read; either one's error ends both."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pressing, name="press")
        await reading
        task.cancel()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
