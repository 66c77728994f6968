"""How deliveries travel: the four ways of sending events over HTTP, mixed as by platforms of different ages."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

Mode = Literal["structured", "binary", "batch", "ndjson"]

BATCH, LINES = 100, 500
"""Events at most in one batch, and in one NDJSON body."""
PATIENCE_SECONDS = 120.0
"""How long one request is tried again before the hub counts as gone."""
_CONTENT = {
    "structured": "application/cloudevents+json",
    "batch": "application/cloudevents-batch+json",
    "ndjson": "application/x-ndjson",
    "binary": "application/json",
}
_RUNS: tuple[tuple[Mode, int, int], ...] = (
    ("batch", 20, 400), ("ndjson", 30, 300), ("structured", 1, 12), ("binary", 1, 12),
)  # fmt: skip
"""A platform sends this way for so many events in a row."""


@dataclass(frozen=True)
class Delivery:
    """One event on its way: what is sent, how, and by which platform."""

    event: dict[str, Any]
    mode: Mode
    publisher: str


class NotAccepted(RuntimeError):
    """The door refused a request, or did not answer for too long."""


def send_in_runs(events: Iterable[dict[str, Any]], rng: random.Random) -> Iterator[Delivery]:
    """Deliveries in the given order; each publisher keeps a mode for some while."""
    runs: dict[str, tuple[Mode, int]] = {}
    for event in events:
        publisher = event["source"].rpartition("/")[2]
        mode, left = runs.get(publisher, ("batch", 0))
        if left == 0:
            mode, low, high = rng.choice(_RUNS)
            left = rng.randint(low, high)
        runs[publisher] = (mode, left - 1)
        yield Delivery(event, mode, publisher)


async def publish(
    deliveries: Iterable[Delivery],
    url: str,
    key: str | Mapping[str, str],
    client: httpx.AsyncClient,
    sent: MutableMapping[str, int] | None = None,
) -> int:
    """Send all deliveries, each publisher's in order, publishers side by side; returns how many were acknowledged.

    `key` is one key for all or one for each publisher. 503, 429 and broken connections are tried again with the
    same ids. `sent` counts what each publisher has had acknowledged: given again, sending resumes there. Raises
    `NotAccepted` for any other answer.
    """
    sent = {} if sent is None else sent
    queues: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        queues.setdefault(delivery.publisher, []).append(delivery)
    async with asyncio.TaskGroup() as group:
        for publisher, queue in queues.items():
            own = key if isinstance(key, str) else key[publisher]
            group.create_task(_publish_one(publisher, queue, f"{url.rstrip('/')}/ingest/events", own, client, sent))
    return sum(sent.values())


async def _publish_one(
    publisher: str, queue: list[Delivery], url: str, key: str, client: httpx.AsyncClient, sent: MutableMapping[str, int]
) -> None:
    for request in requests(queue[sent.setdefault(publisher, 0) :]):
        headers, body = encode(request)
        await _post(client, url, {**headers, "Authorization": f"Bearer {key}"}, body)
        sent[publisher] += len(request)


def requests(queue: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    """Neighbours that travel in one request."""
    limit = {"batch": BATCH, "ndjson": LINES}
    together: list[Delivery] = []
    for delivery in queue:
        if together and (delivery.mode != together[0].mode or len(together) >= limit.get(delivery.mode, 1)):
            yield together
            together = []
        together.append(delivery)
    if together:
        yield together


def encode(request: list[Delivery]) -> tuple[dict[str, str], bytes]:
    """Headers and body of one request."""
    mode, events = request[0].mode, [delivery.event for delivery in request]
    headers = {"Content-Type": _CONTENT[mode]}
    if mode == "binary":
        attributes = {k: v for k, v in events[0].items() if k not in ("data", "datacontenttype")}
        return headers | {f"ce-{k}": _header(v) for k, v in attributes.items()}, _json(events[0]["data"])
    if mode == "batch":
        return headers, _json(events)
    return headers, b"\n".join(map(_json, events))


def _header(value: str) -> str:
    """CloudEvents HTTP binding 3.1.3.2: outside printable ASCII, and blank, quote and percent, percent-encoded."""
    return quote(value, safe="!#$&'()*+,/:;<=>?@[\\]^`{|}~")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


async def _post(client: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> None:
    """Send one request until the door has taken it."""
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + PATIENCE_SECONDS, 0.05
    while True:
        try:
            answer = await client.post(url, headers=headers, content=body)
        except httpx.TransportError as error:
            reason = repr(error)
        else:
            if answer.status_code == httpx.codes.ACCEPTED:
                return
            reason = f"{answer.status_code} {answer.text[:2000]}"
            if answer.status_code not in (429, 503):
                raise NotAccepted(reason)
        if loop.time() > until:
            raise NotAccepted(f"not taken for {PATIENCE_SECONDS:.0f} s, last: {reason}")
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1.0)
