"""The demonstration in containers: the fictional bureau's past year, then one fact after the other.

`python -m deploy.compose.demo`; refuses a hub that holds facts of another origin, as `hub demo` does.
"""

from __future__ import annotations

import asyncio
import sys

from deploy.local import CannotStart
from services.cli import feed, running
from services.cli.demo import STATE
from services.runtime import postgres
from services.runtime.settings import Settings

SENT = "SELECT EXISTS (SELECT FROM access.key WHERE name <> ALL ('{admin,alertmanager}'))"
"""Has anybody been given a key? Those of the command line and of Alertmanager are made by setup."""


async def must_be_demo(settings: Settings) -> None:
    """Refuse a hub to which others send. Raises CannotStart."""
    if (running.home_of(settings) / STATE).exists():
        return
    connection = await postgres.connect(settings.postgres_dsn, role="demo")
    try:
        if await connection.fetchval(SENT):
            raise CannotStart("这里已有正式数据，不能混入演示数据：换一个项目名（docker compose -p demo）再启动")
    finally:
        await connection.close()


async def main() -> None:
    """Feed until stopped."""
    settings = Settings()
    await must_be_demo(settings)
    await feed.feed(settings)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except CannotStart as error:
        sys.exit(f"hub: {error}")
