"""Telemetry: readings a second through the door to the alarm, and how fast a backlog of frames is worked off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec

from bench import door, readings
from bench.line import Line
from bench.parts import Ended, Stage, per_event
from services.contracts import identity
from services.contracts.frame import frames
from services.runtime.kafka import Publisher, Record

RATE, SECONDS = 8_000, 20
BACKLOG = 800_000
MODULE = "services.warning.telemetry"
WAIT_SECONDS = 120


def lines(stage: Stage, key: Path) -> Iterator[Line]:
    """The hub's API runs already; this starts the process that watches."""
    stage.start("telemetry", MODULE)
    found = door.outside(stage, "bench.readings", key, RATE * SECONDS, "--rate", str(RATE), "--seconds", str(SECONDS),
                         "--kafka", stage.settings.kafka_bootstrap)  # fmt: skip
    yield Line(f"telemetry, {RATE:,} readings/s through the door in batches of 100", found.pop("readings/s"),
               "readings/s", least=0.99 * RATE, details=found)  # fmt: skip
    yield backlog(stage)


def backlog(stage: Stage) -> Line:
    """What lies on Kafka already, in full frames; some sensors of its first and last second cross a threshold."""
    stage.end("telemetry")
    begin, last = float(int(time.time())), BACKLOG // RATE - 1
    asyncio.run(fill(stage, begin))
    before = stage.cpu()
    stage.start("telemetry", MODULE)
    started = time.perf_counter()
    _until(stage, begin, 1)
    first = time.perf_counter()
    _until(stage, begin + last, _crossings(last))
    seconds = time.perf_counter() - first
    costs = per_event({**before, "telemetry": 0.0}, stage.cpu(), BACKLOG)
    details = {"s from start to first alarm": first - started, **costs}
    return Line("telemetry, from a backlog of frames", BACKLOG / seconds, "readings/s", least=RATE, details=details)


def _crossings(second: int) -> int:
    """How many sensors cross a threshold in this second."""
    sites = range(RATE // readings.SITE_SENSORS)
    return sum(any(e["id"].startswith("x") for e in readings.site_at("", site, second, 0)) for site in sites)


async def fill(stage: Stage, begin: float) -> None:
    """Frames as the door makes them, of the sensors that are known (site by site, second by second)."""
    publisher = Publisher(stage.settings, 30)
    connection = await asyncpg.connect(stage.settings.postgres_dsn)
    point = await connection.fetchval("SELECT max(point) FROM telemetry.point_fact")
    await connection.close()
    run, sites = point.split("-")[1], RATE // readings.SITE_SENSORS
    try:
        for second in range(BACKLOG // RATE):
            records = [r for site in range(sites) for r in _frames(run, site, second, begin)]
            await publisher.publish(records)
    finally:
        await publisher.close()


def _frames(run: str, site: int, second: int, begin: float) -> list[Record]:
    sent = readings.site_at(run, site, second, begin)
    now = sent[0]["time"]
    stamped = (
        (one["data"]["site_id"].encode(), msgspec.json.encode({
            **one, "subject": one["data"]["point_id"], "region": "990111", "status": "actual", "recordedtime": now,
            "publisher": "bench", "digest": identity.digest(one),
        }))
        for one in sent
    )  # fmt: skip
    return [Record("telemetry", key, value) for key, value in frames(stamped)]


def _until(stage: Stage, since: float, sensors: int) -> None:
    """Until so many sensors have changed because of readings since then."""
    end = time.monotonic() + WAIT_SECONDS
    while asyncio.run(_changed(stage, since)) < sensors:
        stage.check()
        if time.monotonic() > end:
            raise Ended("telemetry does not get on")
        time.sleep(0.02)


async def _changed(stage: Stage, since: float) -> int:
    connection = await asyncpg.connect(stage.settings.postgres_dsn)
    try:
        found = await connection.fetchval("SELECT count(*) FROM telemetry.episode WHERE at >= to_timestamp($1)", since)
        return int(found)
    finally:
        await connection.close()
