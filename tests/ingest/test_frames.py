"""Readings at the door: they share records, up to 100 of one site, and can be neither corrected nor taken back."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contracts import frame
from services.contracts.topics import BY_NAME
from services.ingest.api import records_of
from services.ingest.door import Admitted
from services.runtime.kafka import named
from tests.ingest.conftest import Hub
from tests.ingest.scene import ALL, KEY, admit, codes, event

TOPIC = BY_NAME["telemetry"]


def reading(n: int, **place: Any) -> dict[str, Any]:
    data = {"point_id": f"P{n % 3}", "value": n / 10, "kind": "level", **place}
    return event(id=f"r{n}", type="sensor.reading", data=data)


def admitted(raw: dict[str, Any]) -> Admitted:
    one = admit(raw)
    assert isinstance(one, Admitted)
    return one


def test_the_key_of_a_reading_is_its_site_or_what_else_names_the_place() -> None:
    assert admitted(reading(1, site_id="CS-1", hazard_source_id="WXY-1")).key == b"CS-1"
    assert admitted(reading(1, hazard_source_id="WXY-1")).key == b"WXY-1"
    assert admitted(reading(1)).key == b"P1"
    assert admitted(event()).key == b"YH-1"


def test_readings_share_records_and_other_events_do_not() -> None:
    some = [admitted(reading(n, site_id="CS-1")) for n in range(150)]
    records = records_of([*some[:70], admitted(event()), *some[70:]])
    assert [r.topic for r in records] == ["hazards", "telemetry", "telemetry"]
    read = [one for r in records[1:] for one in frame.read(r.value).readings]
    assert [one.id for one in read] == [f"r{n}" for n in range(150)]
    assert (read[7].point, read[7].data.value, read[7].source) == ("P1", 0.7, "/bureau/inspections/office")
    assert [len(frame.read(r.value).readings) for r in records[1:]] == [100, 50]


def test_what_is_not_kept_can_be_neither_corrected_nor_taken_back() -> None:
    assert ("corrects", "correction") in codes(event(**reading(1), corrects="r0"))
    taken_back = event(type="event.retracted", subject="P1", corrects="r0", data={"type": "sensor.reading"})
    assert ("corrects", "correction") in codes(taken_back, ALL)
    assert ("corrects", "correction") not in codes(event(type="x.y", corrects="r0"), KEY)


async def test_a_batch_of_readings_is_few_records_on_kafka(hub: Hub) -> None:
    batch = 250
    _, header = await hub.key()
    body = [{**reading(n, site_id=f"CS-{n % 2}"), "source": "/a"} for n in range(batch)]
    answer = await hub.post(body, header, kind="application/cloudevents-batch+json")
    assert answer.status_code == 202
    assert len(answer.json()["accepted"]) == batch
    records = await read_frames(hub, 4)
    sizes = sorted((r.key.decode(), len(frame.read(r.value).readings)) for r in records)
    assert sizes == [("CS-0", 25), ("CS-0", 100), ("CS-1", 25), ("CS-1", 100)]
    assert await hub.records() == []


async def read_frames(hub: Hub, number: int) -> list[Any]:
    """The records of the topic of frames, once there are so many."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=hub.settings.kafka_bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(named(hub.settings, TOPIC), p) for p in range(TOPIC.partitions)])
    found: list[Any] = []
    async with consumer:
        while len(found) < number:
            for records in (await consumer.getmany(timeout_ms=5_000)).values():
                found += records
    return found
