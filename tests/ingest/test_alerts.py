"""Alertmanager's notifications become alarms: raised once, closed once, whatever is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.ingest.door import Admitted
from services.ingest.formats import alertmanager
from services.runtime.access import Scope
from tests.ingest import scene
from tests.ingest.conftest import Hub

FIRING: dict[str, Any] = {
    "status": "firing", "fingerprint": "c0ffee", "startsAt": "2023-07-31T12:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z",
    "labels": {"alertname": "HubStreamSilent", "severity": "critical", "job": "hub-reporting"},
    "annotations": {"summary": "figures stand still"}, "generatorURL": "http://prometheus/graph",
}  # fmt: skip
RESOLVED = FIRING | {"status": "resolved", "endsAt": "2023-07-31T12:05:00Z"}
ONLY_ALARMS = Scope(("/hub/alertmanager",), types=("alarm.*",))


def notification(*alerts: dict[str, Any]) -> bytes:
    return json.dumps({"version": "4", "receiver": "hub", "status": "firing", "alerts": alerts}).encode()


def test_an_alert_is_one_alarm_from_its_beginning_to_its_end() -> None:
    raised, closed = alertmanager.read(notification(FIRING, RESOLVED), "/a")
    assert (raised["type"], closed["type"]) == ("alarm.raised", "alarm.closed")
    assert raised["subject"] == closed["subject"] == raised["data"]["alarm_id"]
    assert raised["data"]["level"] == "critical"
    assert (raised["time"], closed["time"]) == (FIRING["startsAt"], RESOLVED["endsAt"])
    assert raised["id"] != closed["id"]


def test_the_door_takes_what_comes_of_it() -> None:
    for event in alertmanager.read(notification(FIRING, RESOLVED), scene.OWN.sources[0]):
        assert isinstance(scene.admit(event), Admitted)


def test_a_repetition_is_the_same_event_whatever_it_measures_now() -> None:
    (again,) = alertmanager.read(notification(FIRING | {"endsAt": "2023-07-31T12:09:00Z"}), "/a")
    assert [again] == alertmanager.read(notification(FIRING), "/a")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"alerts": [{"status": 1}]}', b'{"alerts": {}}'])
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(alertmanager.Unreadable):
        alertmanager.read(body, "/a")


async def test_over_http_with_a_key_for_alarms_alone(hub: Hub) -> None:
    _, header = await hub.key(ONLY_ALARMS, "alertmanager")

    async def send(body: bytes, header: str = header) -> int:
        answer = await hub.client.post("/ingest/alertmanager", content=body, headers={"authorization": header})
        return answer.status_code

    assert [await send(notification(FIRING)) for _ in range(2)] == [202, 202]
    assert await send(notification(RESOLVED)) == 202
    assert await send(b"[]") == 400
    assert await send(notification(FIRING), "Bearer no") == 401
    told = {record["id"]: record for record in await hub.records() if record["source"] == "/hub/alertmanager"}
    assert sorted(record["type"] for record in told.values()) == ["alarm.closed", "alarm.raised"]
