"""The load on the door: a process of its own that costs as little as possible, for it shares the cores.

    python -m bench.load --port 8000 --key-file FILE --connections 8 --batch 100 --events 200000 [--rate 1000]

Requests are made before the clock starts; answers are only looked at as far as their status and length.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from bench import events

WARM = 0.1
"""Share of the events sent before the clock starts."""
_encode = msgspec.json.Encoder().encode


Answered = Callable[[bytes, float, float], None]
"""Told of a request that was accepted: the request, when it was sent, when it was answered."""


class Refused(Exception):
    """The door did not take what was sent."""


class Sender(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, requests: Iterator[bytes], answered: Answered, pace: float) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._answered, self._pace = requests, answered, pace
        self._request, self._missing, self._head = b"", 0, b""
        self._sent = self._due = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, at a moment of its own when there is a pace."""
        self._transport = cast(asyncio.Transport, transport)
        self._due = time.perf_counter() + random.random() * self._pace
        self._next()

    def _next(self) -> None:
        """The next request, not before it is due."""
        ahead = self._due - time.perf_counter()
        if self._pace and ahead > 0:
            asyncio.get_running_loop().call_later(ahead, self._send)
        else:
            self._send()

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._due += self._pace
        self._request = request
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        if not self._missing:
            self._head += data
            head, found, rest = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            if head[9:12] != b"202":
                self._end(Refused(self._head[:1000].decode("utf-8", "replace")))
                return
            self._missing, self._head = _length(head), b""
            data = rest
        self._missing -= len(data)
        if not self._missing:
            self._answered(self._request, self._sent, time.perf_counter())
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """All sent, or cut off."""
        self._end(exc)

    def _end(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error) if error else self.ended.set_result(None)
        self._transport.abort()


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0])


def requests(total: int, batch: int, key: str, seed: int) -> list[bytes]:
    """HTTP requests that carry so many new events."""
    rng = random.Random(seed)
    made = []
    for first in range(0, total, batch):
        some = [{**events.sent(n, total, rng)[1], "time": _now()} for n in range(first, min(first + batch, total))]
        kind = b"cloudevents-batch+json" if batch > 1 else b"cloudevents+json"
        body = _encode(some if batch > 1 else some[0])
        made.append(
            b"POST /ingest/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\n"
            b"Content-Type: application/%s\r\nContent-Length: %d\r\n\r\n%s" % (key.encode(), kind, len(body), body)
        )
    return made


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


async def send(port: int, made: list[bytes], connections: int, pace: float, answered: Answered) -> float:
    """Send all over so many connections; seconds in all."""
    todo, loop = iter(made), asyncio.get_running_loop()
    began = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: Sender(todo, answered, pace), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(sender.ended for _, sender in opened))
    return time.perf_counter() - began


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median and the slowest of a hundred, in ms."""
    ordered = sorted(seconds)
    return {"p50 ms": ordered[len(ordered) // 2] * 1e3, "p99 ms": ordered[len(ordered) * 99 // 100] * 1e3}


async def main() -> None:
    """Warm up, send, tell."""
    options = argparse.ArgumentParser()
    for name in ("port", "connections", "batch", "events"):
        options.add_argument(f"--{name}", type=int, required=True)
    options.add_argument("--key-file", type=Path, required=True)
    options.add_argument("--rate", type=float, default=0.0, help="events per second; 0: as many as go")
    given = options.parse_args()
    key = given.key_file.read_text().strip()
    pace = given.connections * given.batch / given.rate if given.rate else 0.0
    seed = time.time_ns()
    warm = requests(int(given.events * WARM), given.batch, key, seed)
    made = requests(given.events, given.batch, key, seed + 1)
    waits: list[float] = []
    await send(given.port, warm, given.connections, pace, lambda *_: None)
    print(json.dumps({"began": True}), flush=True)
    seconds = await send(given.port, made, given.connections, pace, lambda _, sent, at: waits.append(at - sent))
    print(json.dumps({"events/s": given.events / seconds, **percentiles(waits)}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
