"""Sensors that are read once a second, and the alarms they raise: the world outside of the line "telemetry".

    python -m bench.readings --port 8000 --key-file FILE --kafka HOST:PORT --rate 8000 --seconds 20

Each request carries the readings of one site. A few sensors a second cross their threshold and come back; what is
measured is the time from the request that carries such a reading to its `alarm.raised` on Kafka.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import load

SITE_SENSORS = 100
CONNECTIONS = 8
CROSSING_SECONDS = 3
"""Every so many seconds one sensor of each site is too high for one reading."""
WARM_SECONDS = 3
LATE_SECONDS = 10
ALARMS = 6
SOURCE = "/bench/sensors"
CROSSING = re.compile(rb'"id":"(x-[^"]+)"')
_encode = msgspec.json.Encoder().encode


def request(key: str, events: list[dict[str, Any]]) -> bytes:
    """One batch for the door."""
    body = _encode(events)
    return (
        b"POST /ingest/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\n"
        b"Content-Type: application/cloudevents-batch+json\r\nContent-Length: %d\r\n\r\n%s"
        % (key.encode(), len(body), body)
    )


def event(type_: str, id_: str, at: float, data: dict[str, Any]) -> dict[str, Any]:
    """An event as a platform of sensors sends it."""
    time_ = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
    return {"specversion": "1.0", "id": id_, "source": SOURCE, "type": type_, "time": time_, "data": data}


def registrations(key: str, run: str, sites: int) -> list[bytes]:
    """Every sensor with its thresholds."""
    thresholds = [{"level": "high", "value": 3.0}, {"level": "highhigh", "value": 3.5},
                  {"level": "low", "value": 0.5}, {"level": "rising", "per_minute": 600}]  # fmt: skip
    return [
        request(key, [
            event("monitor.point_registered", f"{run}-{site}-{n}", time.time(),
                  {"point_id": point(run, site, n), "thresholds": thresholds, "hours_per_day": 24})
            for n in range(SITE_SENSORS)
        ])
        for site in range(sites)
    ]  # fmt: skip


def point(run: str, site: int, n: int) -> str:
    """The number of a sensor."""
    return f"JCD-{run}-{site:03}-{n:03}"


def readings(key: str, run: str, sites: int, seconds: int, begin: float) -> list[bytes]:
    """One request a second for each site."""
    return [request(key, site_at(run, site, second, begin)) for second in range(seconds) for site in range(sites)]


def site_at(run: str, site: int, second: int, begin: float) -> list[dict[str, Any]]:
    """The readings of a site at one moment."""
    crossing = (second // CROSSING_SECONDS) % SITE_SENSORS if (second + site) % CROSSING_SECONDS == 0 else -1
    return [
        event(
            "sensor.reading", f"{'x' if n == crossing else 'r'}-{run}-{site}-{n}-{int(begin)}-{second}", begin + second,
            {"point_id": point(run, site, n), "site_id": f"CS-{run}-{site:03}", "kind": "level", "unit": "m",
             "value": 3.2 if n == crossing else 2.0 + (second + n) % 9 / 100, "quality": "good"},
        )
        for n in range(SITE_SENSORS)
    ]  # fmt: skip


async def listen(kafka: str, heard: dict[str, float]) -> None:
    """Note when each alarm is on Kafka, by the id of the reading that caused it."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka, fetch_max_wait_ms=5)
    consumer.assign([TopicPartition("urgent", ALARMS)])
    async with consumer:
        await consumer.seek_to_end()
        async for record in consumer:
            said = msgspec.json.decode(record.value)
            if said["type"] == "alarm.raised" and "corrects" not in said:
                heard.setdefault(said["cause"].removeprefix(SOURCE + " "), time.perf_counter())


async def main() -> None:
    """Register, warm up, send, tell."""
    options = argparse.ArgumentParser()
    for name in ("port", "seconds"):
        options.add_argument(f"--{name}", type=int, required=True)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--key-file", type=Path, required=True)
    options.add_argument("--kafka", required=True)
    given = options.parse_args()
    key, run = given.key_file.read_text().strip(), uuid.uuid4().hex[:6]
    sites, pace = int(given.rate) // SITE_SENSORS, CONNECTIONS * SITE_SENSORS / given.rate
    await load.send(given.port, registrations(key, run, sites), CONNECTIONS, 0, lambda *_: None)
    heard: dict[str, float] = {}
    listening = asyncio.create_task(listen(given.kafka, heard))
    warm = readings(key, run, sites, WARM_SECONDS, time.time())
    made = readings(key, run, sites, given.seconds, time.time() + WARM_SECONDS)
    await load.send(given.port, warm, CONNECTIONS, pace, lambda *_: None)
    sent_at: dict[str, float] = {}

    def answered(request: bytes, sent: float, _at: float) -> None:
        sent_at.update((id_.decode(), sent) for id_ in CROSSING.findall(request))

    print(json.dumps({"began": True}), flush=True)
    seconds = await load.send(given.port, made, CONNECTIONS, pace, answered)
    end = time.monotonic() + LATE_SECONDS
    while not sent_at.keys() <= heard.keys() and time.monotonic() < end:  # noqa: ASYNC110 Kafka tells when it does
        await asyncio.sleep(0.05)
    listening.cancel()
    if missing := sent_at.keys() - heard.keys():
        raise load.Refused(f"{len(missing)} of {len(sent_at)} alarms never came: {sorted(missing)[:3]}")
    print(json.dumps({
        "readings/s": sites * SITE_SENSORS * given.seconds / seconds, "alarms": len(sent_at),
        **load.percentiles([heard[id_] - at for id_, at in sent_at.items()]),
    }), flush=True)  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main())
