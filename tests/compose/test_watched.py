"""A running hub, scraped by a real Prometheus: every panel draws something, and an alert comes back as an alarm."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from deploy.grafana import boards
from tests.compose.stack import PORTS, Stack, events, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why := why_not()), reason=why)]
PROMETHEUS = f"http://127.0.0.1:{PORTS['HUB_PROMETHEUS_PORT']}"
EMPTY_WHEN_QUIET = {
    query for query in boards.queries() if "outcome" in query or "sum by (kind)" in query or "histogram" in query
}
"""What only draws something after an event, or a matter, of its kind."""


@pytest.fixture(scope="module")
def hub() -> Iterator[Stack]:
    stack = Stack(("--profile", "observability"))
    stack.down()
    plain = Stack()
    plain.up()
    stack.key = plain.key
    stack.compose("up", "--detach", "--wait", "--no-build", "prometheus", "alertmanager")
    yield stack
    stack.down()


async def test_every_panel_draws_something(hub: Stack) -> None:
    hub.exec("hub-api", "hub", "publish", "/dev/stdin", stdin=json.dumps(events(5)))
    async with httpx.AsyncClient(base_url=PROMETHEUS, trust_env=False) as prometheus:
        end = time.monotonic() + 60
        missing = set(boards.queries())
        while missing - EMPTY_WHEN_QUIET and time.monotonic() < end:
            await asyncio.sleep(2)
            missing = {query for query in missing if not await _asked(prometheus, query)}
        assert missing - EMPTY_WHEN_QUIET == set()


async def _asked(prometheus: httpx.AsyncClient, query: str) -> bool:
    """Does the query draw anything? It must be one that Prometheus understands."""
    answer = await prometheus.get("/api/v1/query", params={"query": query})
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return bool(answer.json()["data"]["result"])


async def test_an_alert_comes_back_through_the_door(hub: Stack) -> None:
    hub.compose("stop", "warning-stream")
    try:
        assert await _alarm(hub, 150), "no alarm of the rule alertmanager"
    finally:
        hub.compose("start", "warning-stream")


async def _alarm(hub: Stack, seconds: float) -> bool:
    """Has the door taken an alarm?"""
    end = time.monotonic() + seconds
    async with hub.client() as client:
        while time.monotonic() < end:
            page = (await client.get("/ingest/metrics")).text
            if 'hub_ingest_events_total{outcome="accepted",type="alarm.raised"}' in page:
                return True
            await asyncio.sleep(2)
    return False
