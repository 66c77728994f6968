"""What the door rejects is told as fates too, so that a publisher finds it on the page of its own events.

Best effort: the answer has said it already. It never waits for this, and while Kafka is away it is left out and
counted.
"""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol

from services.contracts.fate import Fate, frames
from services.contracts.topics import BY_NAME
from services.ingest.meters import Meters
from services.ingest.problem import Problem
from services.runtime.kafka import Record, Rejected, Unknown

TOPIC = BY_NAME["fates"].name
WAITING = 200
"""Frames that wait for Kafka at most; more are left out."""
EVENTS = 1_000
"""Of one request so many events at most."""
PROBLEMS = 20
"""Of one event so many problems at most."""
_HEADERS = [("content-type", b"application/cloudevents+json")]


class Publisher(Protocol):
    """What this asks of `runtime.kafka.Publisher`."""

    def publish(self, records: Sequence[Record]) -> Awaitable[None]:
        """Return when all are on disk at the broker. Raises Unknown or Rejected."""
        ...


class Rejections:
    """Frames of fates on their way to Kafka."""

    def __init__(self, publisher: Publisher, meters: Meters) -> None:
        self._publisher, self._meters = publisher, meters
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

    def tell(self, publisher: str, at: datetime.datetime, rejected: Iterable[tuple[Any, list[Problem]]]) -> None:
        """Queue the rejected events of one request; never waits."""
        request = f"door/{uuid.uuid4().hex}"
        for frame in frames("ingest", (_fate(publisher, at, request, *one) for one in rejected)):
            try:
                self._waiting.put_nowait(frame)
            except asyncio.QueueFull:
                self._meters.untold.inc()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            frame = await self._waiting.get()
            try:
                await self._publisher.publish([Record(TOPIC, None, frame, _HEADERS)])
            except (Unknown, Rejected):
                self._meters.untold.inc()


def _fate(publisher: str, at: datetime.datetime, request: str, value: Any, problems: list[Problem]) -> Fate:
    event = value if isinstance(value, dict) else {}
    source, id_, type_ = (_text(event.get(name)) for name in ("source", "id", "type"))
    told = [{"field": p.field, "reason": p.reason, "code": p.code} for p in problems[:PROBLEMS]]
    detail = {"index": problems[0].index, "problems": told}
    return Fate(source, id_, "rejected", publisher, at, f"{request}/{problems[0].index}", type_, detail)


def _text(value: Any) -> str:
    return value[:512].replace("\0", "") if isinstance(value, str) else ""
