"""Wires the watch's API: bureau, people and keys, Kafka, database.

A process that carries several services enters `async with running(settings) as app` for each; a process of its own is
`uvicorn --factory services.warning.app:create`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import asyncpg
from fastapi import FastAPI

from services.runtime import accounting, bureau, metrics, postgres, web
from services.runtime.access import Access
from services.runtime.clock import Clock
from services.runtime.settings import Settings
from services.warning import desk_api, duty_api, house, people_api, telemetry_meters
from services.warning.api import Desk, connections, router
from services.warning.duty_api import DutyDesk
from services.warning.meters import Meters
from services.warning.people_api import PeopleDesk
from services.warning.reading_meters import ReadingMeters
from services.warning.state_meters import StateMeters
from services.warning.surroundings import Surroundings

ABOUT = "The watch of the hub: what is in force, open and due; who must be told; who has answered."


def create(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The application; its lifespan follows the keys and holds the connections. Raises BureauMistakes."""
    settings = settings or Settings()
    folder = bureau.load(settings.bureau)
    who = Access(settings.postgres_dsn)
    clock = clock or Clock(settings)
    pool = connections(settings.postgres_dsn)
    desk = Desk(settings, folder, pool, clock.now)

    async def ready() -> Mapping[str, str]:
        return await accounting.ready(pool)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await pool
        await clock.start()
        await who.start()
        try:
            yield
        finally:
            await desk.publisher.close()
            await who.stop()
            await clock.stop()
            pool.terminate()

    registry = metrics.new_registry()
    meters = (StateMeters(registry), ReadingMeters(registry), telemetry_meters.Meters(registry))

    async def scraped() -> None:
        for one in meters:
            one.forget()
        with contextlib.suppress(*postgres.NOT_NOW):
            async with pool.acquire(timeout=2) as connection:
                for one in meters:
                    await one.read(cast(asyncpg.Connection, connection))

    app = web.create_app(
        "warning", about=ABOUT, registry=registry, ready=ready, who=who, lifespan=lifespan, before_scrape=scraped
    )
    people = Surroundings(folder, house.load(folder), clock.now, settings.origin)
    on_duty = DutyDesk(people, desk.taken)
    app.include_router(people_api.router(PeopleDesk(on_duty.world, desk.taken, desk.regions)))
    app.include_router(duty_api.router(on_duty))
    app.include_router(desk_api.router(desk_api.Lookups(desk, people)))
    app.include_router(router(desk, Meters(registry)))
    return app


@contextlib.asynccontextmanager
async def running(settings: Settings, **options: Any) -> AsyncIterator[FastAPI]:
    """The application with its lifespan entered, ready to be mounted under /warning."""
    app = create(settings, **options)
    async with app.router.lifespan_context(app):
        yield app
