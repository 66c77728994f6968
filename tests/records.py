"""Records of canonical topics as the door would write them, for tests that begin behind the door."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from services.contracts import identity
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.runtime.settings import Settings

NOON = datetime.datetime(2023, 6, 1, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))


def record(
    type_: str = "hazard.found", subject: str = "h1", data: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """An event with the hub's attributes; `at` (datetime) and `recorded` set its times."""
    at = more.pop("at", NOON)
    recorded = more.pop("recorded", datetime.datetime.now(datetime.UTC))
    sent = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": "/town/a", "type": type_, "subject": subject,
        "time": at.isoformat(), "region": "990111", "status": "actual", "data": data or {}, **more,
    }  # fmt: skip
    return {**sent, "digest": identity.digest(sent), "publisher": "town-a",
            "recordedtime": recorded.isoformat(timespec="microseconds")}  # fmt: skip


def correction(of: dict[str, Any], data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An event that replaces another."""
    same = {"type_": of["type"], "subject": of["subject"], "status": of["status"]}
    return record(**{**same, **more}, data=data, corrects=of["id"], correctssource=of["source"])


def retraction(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event that takes another back."""
    type_ = of["data"]["type"] if of["type"] == "event.retracted" else of["type"]
    same = {"subject": of["subject"], "status": of["status"]}
    return record("event.retracted", data={"type": type_, "reason": "error"}, corrects=of["id"],
                  correctssource=of["source"], **{**same, **more})  # fmt: skip


async def publish(settings: Settings, records: list[dict[str, Any] | bytes], topic: str = "hazards") -> None:
    """Write records to their topics, in order and acknowledged; raw bytes go to `topic`, partition 0."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    try:
        for one in records:
            if isinstance(one, bytes):
                await producer.send(settings.topic_prefix + topic, one, key=b"x", partition=0)
                continue
            type_ = TYPES[one["data"]["type"] if one["type"] == "event.retracted" else one["type"]]
            to = topic_of(type_, one.get("lane", ""))
            await producer.send(
                settings.topic_prefix + to.name, msgspec.json.encode(one), key=one["subject"].encode(),
                partition=partition_of(type_, to),
            )  # fmt: skip
        await producer.flush()
    finally:
        await producer.stop()
