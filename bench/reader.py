"""Reporting's reader with the bench's statistics: what `services.reporting.stream` runs, with other rows."""

from __future__ import annotations

import asyncio
import cProfile
import os
import signal
from zoneinfo import ZoneInfo

import uvloop

from bench.events import DEFINITIONS
from services.contracts.topics import CANONICAL
from services.reporting.count import Count
from services.runtime.consume import Loop
from services.runtime.memory import settle
from services.runtime.settings import Settings


async def main() -> None:
    """Read until SIGTERM."""
    settings = Settings()
    loop = Loop(
        settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="reporting", topics=CANONICAL,
        fold=Count(settings.postgres_dsn, DEFINITIONS, ZoneInfo("Asia/Shanghai")),
    )  # fmt: skip
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, loop.stop)
    settle()
    await loop.run()


if __name__ == "__main__":
    profile = os.environ.get("HUB_PROFILE")
    with cProfile.Profile() if profile else open(os.devnull) as profiler:  # noqa: PTH123
        uvloop.run(main())
    if profile:
        profiler.dump_stats(profile)  # type: ignore[union-attr]
