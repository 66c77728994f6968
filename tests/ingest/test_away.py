"""A door that has lost Kafka finds out by itself that it is there again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from services.ingest import api
from services.runtime.kafka import Record, Unknown


class Away:
    """Is not there when it is looked for twice."""

    asked = 0

    async def publish(self, records: Sequence[Record]) -> None:
        assert not records, "nothing is sent to find out"
        self.asked += 1
        if self.asked < 3:
            raise Unknown("away")


async def test_nobody_need_send_anything_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LOOK_SECONDS", 0.001)
    desk = object.__new__(api.Desk)
    desk.publisher, desk.kafka_state = Away(), "not confirmed: away"
    async with asyncio.timeout(2):
        await desk._look()
    assert (desk.kafka_state, desk.publisher.asked) == ("ok", 3)
