"""Server-sent events to many clients: each message is encoded once, and its bytes go to everybody who wants it.

A client that does not keep up is told `resync` and let go: it comes again and begins with a fresh snapshot. Format:
HTML Living Standard, section 9.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import msgspec
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from services.runtime import log

QUEUE = 256
"""Messages that wait for one client at most."""
HEARTBEAT_SECONDS = 5.0
CHECK_SECONDS = 0.5
"""How often it is asked whether a client may still listen."""
STALLED_SECONDS = 20.0
"""A client that takes nothing for so long is let go."""
RETRY = b"retry: 2000\n\n"
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
_encode = msgspec.json.Encoder(decimal_format="number").encode
_logger = log.get("sse")


def message(event: str, value: Any) -> bytes:
    """One message: name and a JSON value."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), _encode(value))


RESYNC = message("resync", {})


class Client:
    """One open stream: what waits for it, and which messages it wants."""

    def __init__(self, audience: Hashable, allowed: Callable[[], bool] = lambda: True) -> None:
        self.audience = audience
        self.allowed = allowed
        """Asked again and again while the stream is open: a key may be revoked."""
        self._waiting: list[bytes] = []
        self._ended = False
        self._news = asyncio.Event()

    def put(self, chunk: bytes) -> bool:
        """Queue a message; False when there is no room: then the client is told to resync and the stream ends."""
        full = len(self._waiting) >= QUEUE
        if full:
            self._waiting = []
            chunk, self._ended = RESYNC, True
        self._waiting.append(chunk)
        self._news.set()
        return not full

    def end(self) -> None:
        """Close the stream after what is queued."""
        self._ended = True
        self._news.set()

    async def next(self) -> bytes:
        """All that waits; nothing at the end."""
        if not self._waiting and not self._ended:
            await self._news.wait()
        self._news.clear()
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)


class Fan:
    """The open streams of one process."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.resyncs = 0
        """Clients that did not keep up."""
        self._closing = False

    def open(self, client: Client, first: bytes) -> EventStream:
        """Let a client in; `first` is its snapshot."""
        client.put(RETRY + first)
        self.clients.add(client)
        if self._closing:
            client.end()
        return EventStream(self, client)

    def send(self, chunks: Mapping[Hashable, bytes]) -> None:
        """Give each client the chunk of its audience."""
        for client in list(self.clients):
            if (chunk := chunks.get(client.audience)) and not client.put(chunk):
                self.resyncs += 1
                self.clients.discard(client)

    def close(self) -> None:
        """End all streams: the process is about to."""
        self._closing = True
        for client in list(self.clients):
            client.end()

    async def run(self) -> None:
        """Heartbeats, and an end for those who may not listen any more."""
        beat = 0.0
        while True:
            for client in list(self.clients):
                if not client.allowed():
                    client.end()
            if beat <= 0:
                beat = HEARTBEAT_SECONDS
                chunk = message("heartbeat", {"at": datetime.datetime.now(datetime.UTC)})
                self.send(dict.fromkeys({client.audience for client in self.clients}, chunk))
            await asyncio.sleep(CHECK_SECONDS)
            beat -= CHECK_SECONDS


class EventStream(Response):
    """The answer that never ends by itself."""

    def __init__(self, fan: Fan, client: Client) -> None:
        super().__init__(headers=HEADERS)
        self._fan, self._client = fan, client

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send what comes until either side ends."""
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        gone = asyncio.ensure_future(self._gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while chunk := await self._client.next():
                async with asyncio.timeout(STALLED_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _logger.info("sse.stalled")
        finally:
            self._fan.clients.discard(self._client)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _gone(self, receive: Receive) -> None:
        """Wait until the client hangs up."""
        with contextlib.suppress(asyncio.CancelledError):
            while (await receive())["type"] != "http.disconnect":
                pass
            self._client.end()
