"""The door's clock moves with `hub clock`: the stamp, and what lies too far in the future."""

from __future__ import annotations

import datetime
from typing import Any

from services.runtime import clock
from tests.ingest.conftest import Hub, until
from tests.ingest.scene import event


async def test_the_door_stamps_by_the_clock_of_the_hub(hub: Hub) -> None:
    _, header = await hub.key()
    ahead = datetime.timedelta(days=12)
    then = datetime.datetime.now(datetime.UTC) + ahead
    sent: dict[str, Any] = event(time=then.isoformat())
    assert (await hub.post(sent, header)).status_code == 422
    await clock.advance(hub.connection, ahead)

    async def accepted() -> bool:
        return (await hub.post(sent, header)).status_code == 202

    await until(accepted, 1)
    (record,) = await hub.records()
    recorded = datetime.datetime.fromisoformat(record["recordedtime"])
    assert abs(recorded - then) < datetime.timedelta(minutes=1)
