"""How deliveries travel, and what the publisher does when the door does not answer."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.cli.year import wire
from services.cli.year.wire import Delivery, Mode, NotAccepted, encode, publish, requests, send_in_runs
from services.ingest import binding

MODES: tuple[Mode, ...] = ("structured", "binary", "batch", "ndjson")


def event(n: int, source: str = "/bureau/grid") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"编号 {n}", "source": source, "type": "hazard.found", "status": "test",
        "time": "2023-06-30T08:00:00+08:00", "datacontenttype": "application/json",
        "data": {"hazard_id": f"YH-{n}", "category": "电气 \"安全\""},
    }  # fmt: skip


def read(request: list[Delivery]) -> list[Any]:
    """What the door reads from a request."""
    headers, body = encode(request)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return [sent.value for sent in binding.read(headers["Content-Type"], raw, body)]


@pytest.mark.parametrize("mode", MODES)
def test_an_event_is_the_same_in_every_mode(mode: Mode) -> None:
    assert read([Delivery(event(1), mode, "grid")]) == [event(1)]


def test_neighbours_of_one_mode_share_a_request() -> None:
    queue = [Delivery(event(n), mode, "grid") for n, mode in enumerate(["batch"] * 3 + ["binary"] * 2 + ["ndjson"] * 2)]
    assert [len(request) for request in requests(queue)] == [3, 1, 1, 2]


def test_a_request_is_never_larger_than_its_mode_allows() -> None:
    queue = [Delivery(event(n), "batch", "grid") for n in range(250)]
    assert [len(request) for request in requests(queue)] == [100, 100, 50]


def test_runs_keep_the_order_and_mix_the_modes() -> None:
    sent = list(send_in_runs([event(n) for n in range(2000)], random.Random(1)))
    assert [delivery.event["id"] for delivery in sent] == [event(n)["id"] for n in range(2000)]
    assert {delivery.mode for delivery in sent} == set(MODES)


def door(answer: Callable[[int], int], taken: list[Any]) -> httpx.AsyncClient:
    """A door whose n-th answer has this status; what it takes is noted."""
    count = 0

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal count
        count += 1
        status = answer(count)
        if status == 0:
            raise httpx.ReadError("gone")
        if status == 202:
            raw = [(name.lower(), value) for name, value in request.headers.raw]
            taken.extend(s.value["id"] for s in binding.read(request.headers["content-type"], raw, request.content))
        return httpx.Response(status, json={"problems": []})

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


QUEUE = [Delivery(event(n), "structured", "grid") for n in range(5)]
IDS = [delivery.event["id"] for delivery in QUEUE]


async def test_a_door_that_is_away_is_asked_again_with_the_same_event() -> None:
    taken: list[Any] = []
    async with door(lambda n: {2: 503, 3: 0, 4: 429}.get(n, 202), taken) as client:
        assert await publish(QUEUE, "http://hub", "key", client) == 5
    assert taken == IDS


async def test_a_refusal_stops_and_tells_why() -> None:
    async with door(lambda n: 403, []) as client:
        with pytest.raises(ExceptionGroup) as raised:
            await publish(QUEUE, "http://hub", "key", client)
    assert raised.group_contains(NotAccepted, match="403")


async def test_sending_resumes_after_what_was_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PATIENCE_SECONDS", 0.0)
    taken: list[Any] = []
    sent: dict[str, int] = {}
    async with door(lambda n: 202 if n <= 2 else 503, taken) as client:
        with pytest.raises(ExceptionGroup):
            await publish(QUEUE, "http://hub", "key", client, sent)
    async with door(lambda n: 202, taken) as client:
        await publish(QUEUE, "http://hub", "key", client, sent)
    assert taken == IDS


async def test_each_publisher_uses_its_own_key() -> None:
    seen: dict[str, str] = {}

    def handle(request: httpx.Request) -> httpx.Response:
        seen[json.loads(request.content)["source"]] = request.headers["authorization"]
        return httpx.Response(202)

    queue = [Delivery(event(1), "structured", "grid"), Delivery(event(2, "/bureau/duty"), "structured", "duty")]
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
        await publish(queue, "http://hub", {"grid": "a", "duty": "b"}, client)
    assert seen == {"/bureau/grid": "Bearer a", "/bureau/duty": "Bearer b"}
