"""Wires the count's API: bureau, keys, database.

A process that carries several services enters `async with running(settings) as app` for each; a process of its own is
`uvicorn --factory services.reporting.app:create`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fastapi import FastAPI

from services.reporting import catalogue
from services.reporting.api import Desk, connections, router, taken
from services.reporting.catalogue import Catalogue
from services.reporting.live import Live
from services.reporting.meters import Meters
from services.reporting.recheck import Recheck
from services.reporting.report import api as editions
from services.reporting.report.api import Editions
from services.runtime import accounting, bureau, metrics, postgres, web
from services.runtime.access import Access
from services.runtime.clock import Clock
from services.runtime.settings import Settings

ABOUT = "The count of the hub: one figure for any period, the events behind it, and the account of what was read."


def create(
    settings: Settings | None = None,
    of: Catalogue | None = None,
    clock: Callable[[], datetime.datetime] | None = None,
) -> FastAPI:
    """The application; its lifespan follows the keys and the stream, and holds the connections. Raises Mistakes.

    `app.state.leave()` ends the open streams: a server that is about to stop would wait for them.
    """
    settings = settings or Settings()
    moving = Clock(settings)
    clock = clock or moving.now
    house = bureau.load(settings.bureau)
    of = of or catalogue.of(house)
    who = Access(settings.postgres_dsn)
    pool = connections(settings.postgres_dsn)
    meters = Meters(metrics.new_registry())
    live = Live(settings.postgres_dsn, of, meters, clock)
    desk = Desk(settings, of, pool, meters, clock, live)
    recheck = Recheck(settings.postgres_dsn, of, settings.data_dir / "seals", clock)

    async def ready() -> Mapping[str, str]:
        configuration = {"configuration": f"ok, {house.hash[:16]}"}
        return {**await accounting.ready(pool), **configuration, "live": "ok" if live.state == "ok" else live.state}

    async def scraped() -> None:
        meters.forget()
        with contextlib.suppress(*postgres.NOT_NOW):
            async with taken(pool) as connection:
                await meters.read(connection)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await pool
        await moving.start()
        await who.start()
        running = {"live": live.run(), "relay": live.relay.run(), "fan": live.fan.run(), "recheck": recheck.run()}
        tasks = [asyncio.create_task(one, name=name) for name, one in running.items()]
        try:
            yield
        finally:
            live.fan.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await desk.publisher.close()
            await who.stop()
            await moving.stop()
            pool.terminate()

    app = web.create_app(
        "reporting", about=ABOUT, registry=meters.registry, ready=ready, who=who, lifespan=lifespan,
        before_scrape=scraped,
    )  # fmt: skip
    app.state.leave = live.fan.close
    app.include_router(router(desk))
    app.include_router(editions.router(Editions(desk, house)))
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings, **options: Any) -> AsyncIterator[FastAPI]:
    """The application with its lifespan entered, ready to be mounted under /reporting."""
    app = create(settings, **options)
    async with app.router.lifespan_context(app):
        yield app
