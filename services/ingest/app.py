"""Wires the door: bureau, keys, Kafka, API.

Starlette does not run the lifespan of a mounted application: a process that carries several services enters
`async with running(settings) as app` for each; a process of its own is `uvicorn --factory services.ingest.app:create`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast

import asyncpg
from fastapi import FastAPI
from starlette.types import Lifespan

from services.contracts.alert.place import Ground
from services.contracts.families import TYPES
from services.ingest import alerts, asyncapi, cap, own, tables
from services.ingest.api import Desk, records_of, router
from services.ingest.cap import CapDesk
from services.ingest.door import Door
from services.ingest.meters import Meters
from services.ingest.reading_meters import ReadingMeters
from services.ingest.spool import Spool
from services.runtime import bureau, disk, metrics, postgres, web
from services.runtime.access import Access
from services.runtime.clock import Clock
from services.runtime.kafka import Publisher
from services.runtime.settings import Settings

ABOUT = "The door of the hub: every fact enters here, as a CloudEvent. 202 = on disk at the broker."


def create(settings: Settings | None = None, clock: Callable[[], datetime.datetime] | None = None) -> FastAPI:
    """The application; its lifespan follows the keys and closes the publisher. Raises BureauMistakes."""
    settings = settings or Settings()
    moving = Clock(settings)
    clock = clock or moving.now
    folder = bureau.load(settings.bureau)
    who = Access(settings.postgres_dsn)
    pool = own.connections(settings.postgres_dsn)
    publisher = Publisher(settings)
    meters = Meters(metrics.new_registry(), TYPES)
    desk = Desk(
        Door(folder.regions, folder.extra_codes), who, publisher, meters, clock, partial(disk.free, settings.data_dir)
    )

    spool = Spool(settings.data_dir / "ingest" / "spool", publisher, records_of)
    ground = Ground(folder.regions, folder.map)

    async def ready() -> Mapping[str, str]:
        return {"kafka": desk.kafka_state, "keys": _keys_state(who)}

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await pool
        await moving.start()
        await who.start()
        tasks = [
            asyncio.create_task(desk.rejections.run(), name="rejections"),
            asyncio.create_task(spool.run(), name="spool"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            pool.terminate()
            await who.stop()
            await moving.stop()
            await publisher.close()

    reading = ReadingMeters(meters.registry, settings.data_dir, settings.origin)

    async def scraped() -> None:
        reading.forget()
        with contextlib.suppress(*postgres.NOT_NOW):
            async with pool.acquire(timeout=2) as connection:
                await reading.read(cast(asyncpg.Connection, connection))

    app = build(desk, ready, lifespan, scraped)
    app.include_router(own.router(own.Own(who, pool, folder, clock)))
    app.include_router(tables.router(tables.TableDesk(desk, folder, own.audited(pool))))
    app.state.cap = CapDesk(desk, ground, folder.issuers, spool)
    app.include_router(cap.router(app.state.cap))
    app.include_router(alerts.router(desk))
    app.include_router(asyncapi.router(settings, folder.extra_codes))
    return app


def build(
    desk: Desk,
    ready: web.Ready,
    lifespan: Lifespan[FastAPI] | None = None,
    scraped: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The application around a desk; `scraped` reads what metrics show of the database."""
    app = web.create_app(
        "ingest", about=ABOUT, registry=desk.meters.registry, ready=ready, who=desk.access, body_limit=None,
        lifespan=lifespan, express=("POST", "/events", desk.post), before_scrape=scraped,
    )  # fmt: skip
    app.include_router(router(desk))
    return app


def _keys_state(who: Access) -> str:
    """The door works with the last snapshot while PostgreSQL is away; without any it cannot."""
    if who.snapshot is None:
        return "not read yet: is PostgreSQL up?"
    return "ok" if who.age_seconds < 5 else f"ok, as of {who.age_seconds:.0f} s ago"


@contextlib.asynccontextmanager
async def running(settings: Settings, **options: Any) -> AsyncIterator[FastAPI]:
    """The application with its lifespan entered, ready to be mounted under /ingest."""
    app = create(settings, **options)
    async with app.router.lifespan_context(app):
        yield app
