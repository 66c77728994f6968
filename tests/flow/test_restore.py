"""Backup and restore of a whole hub: it catches up, nobody is called twice; an emptied Kafka begins anew."""

from __future__ import annotations

import datetime
import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.test_up import Hub, until
from tests.flow.test_tables import key

pytestmark = pytest.mark.slow
BATCH = {"content-type": "application/cloudevents-batch+json"}
STATION = "99011141600000"
KNOWN_LATER = ("due", "changed", "version", "next", "unclaimed")
"""Of a matter: what only the passing of time, or the process that folded it, makes different."""


@pytest.fixture
def hub(tmp_path: Path, ports: Callable[[], int]) -> Iterator[Hub]:
    running = Hub(tmp_path, ports(), environment="test").up()
    yield running
    if not running.ended():
        running.end()


class Asking:
    """Sends to a hub and asks it, by keys of its own."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        own = ("--source", "/safety", "--right", "publish", "--right", "read")
        self.safety = key(hub, "safety", *own)
        self.weather = key(hub, "weather", "--source", "/weather", "--type", "weather.*")

    def get(self, path: str, **query: str) -> Any:
        headers = {"Authorization": f"Bearer {self.safety}"}
        answer = httpx.get(self.hub.url + path, params=query, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, token: str, *events: dict[str, Any]) -> None:
        headers = BATCH | {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{self.hub.url}/ingest/events", json=list(events), headers=headers, timeout=30,
                            trust_env=False)  # fmt: skip
        assert answer.status_code == 202, answer.text
        until(self.read_up, 60)

    def hazards(self, count: int) -> None:
        self.send(
            self.safety, *(event("/safety", "hazard.found", {"hazard_id": uuid.uuid4().hex}) for _ in range(count))
        )

    def read_up(self) -> bool:
        """Both services have read as far as the logs went a second ago, twice."""
        first, _, second = self._accounts(), time.sleep(1.2), self._accounts()
        return all(b["next"] == a["next"] == a["end"] for b, a in zip(first, second, strict=True))

    def _accounts(self) -> list[dict[str, Any]]:
        return [row for service in ("reporting", "warning") for row in self.get(f"/{service}/accounting")["rows"]]

    def found(self) -> int:
        day = {"from": "2020-01-01", "to": "2029-12-31"}
        return int(self.get("/reporting/statistics/hazards_found", **day)["value"] or 0)

    def picture(self) -> dict[str, Any]:
        lists = {name: self.get(f"/warning/{name}", limit="200")["items"] for name in ("alerts", "callouts", "notices")}
        bare = {name: [{k: v for k, v in one.items() if k not in KNOWN_LATER} for one in items]
                for name, items in lists.items()}  # fmt: skip
        warnings = self.get("/reporting/statistics/weather_alerts", **{"from": "2020-01-01", "to": "2029-12-31"})
        return {**bare, "hazards": self.found(), "warnings": warnings["value"]}

    def outbox(self) -> list[Any]:
        """What the gateways were given about warnings; each morning they are given a test, too."""
        return [one for one in self.get("/warning/testing/outbox")["items"] if one["chain"]]


def event(source: str, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": source, "type": type_, "time": now, "data": data}


def red() -> dict[str, Any]:
    identifier = f"{STATION}_{uuid.uuid4().hex[:14]}"
    now = datetime.datetime.now(datetime.UTC).isoformat()
    data = {
        "identifier": identifier, "chain_id": f"{STATION}/{identifier}", "msg_type": "issue", "event_code": "11B03",
        "hazard": "rainstorm", "level": "red", "headline": "暴雨红色预警", "sender_code": STATION,
        "areas": [{"code": "990111000000", "name": "江滨区"}], "effective": now,
    }  # fmt: skip
    return event("/weather", "weather.alert_received", data)


def told(messages: list[Any]) -> set[tuple[str, str, str]]:
    """Who was told what, by which channel."""
    return {(one["channel"], one["to"], one["text"].partition("http")[0]) for one in messages}


def ran(hub: Hub, *arguments: str) -> dict[str, Any]:
    done = hub.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_restored_it_catches_up_and_calls_nobody_and_without_kafka_it_begins_anew(hub: Hub, tmp_path: Path) -> None:
    ask = Asking(hub)
    ask.hazards(50)
    made = ran(hub, "backup", str(tmp_path / "backups"))
    ask.send(ask.weather, red())
    ask.hazards(20)
    until(lambda: len(ask.outbox()) > 3, 20)
    sent = ask.outbox()
    links = {one["callout"]: one["link"] for one in sent if one["link"]}
    for link in links.values():
        assert httpx.post(link, json={"answer": "received"}, timeout=30, trust_env=False).status_code == 200
    until(lambda: {one["state"] for one in ask.get("/warning/callouts")["items"]} == {"answered"}, 30)
    until(ask.read_up, 30)
    before = ask.picture()
    assert before["hazards"] == 70
    assert before["callouts"]
    hub.end()

    refused = hub.run("restore", made["folder"])
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    ran(hub, "restore", made["folder"], "--replace")
    hub.up()
    until(ask.read_up, 60)
    until(lambda: ask.picture() == before, 30)
    time.sleep(3)
    assert told(ask.outbox()).isdisjoint(told(sent)), (
        "the gateways of the test were put back, too, and told nobody twice"
    )
    assert httpx.get(next(iter(links.values())), timeout=30, trust_env=False).status_code == 200
    assert ran(hub, "verify")["verified"]

    hub.end()
    shutil.rmtree(hub.folder / "kafka")
    hub.up()
    until(lambda: "hub epoch" in hub.run("epoch").stdout, 30)
    assert hub.run("epoch", "--yes").returncode == 0
    until(ask.read_up, 60)
    ask.hazards(1)
    assert ask.found() == 71
    assert told(ask.outbox()).isdisjoint(told(sent))
    assert ran(hub, "verify")["verified"]
