"""Open pages, and events that come in meanwhile: the world outside of the line "live", in one process of its own.

    python -m bench.pages --port 8000 --key-file FILE --pages 500 --rate 1000 --seconds 20

A counter counts each event of one type. When it shows n more than at the start, the n-th event accepted since then is
on the page; the time between is what is measured, for every page.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import json
import re
import time
from pathlib import Path
from typing import cast

import uvloop

from bench import load
from bench.load import Refused

TYPE = b'"type":"patrol.completed"'
COUNTER = re.compile(rb'"key":"risk_source_patrols","period":"year"[^}]*"labels":\{\},"value":(\d+)')
CONNECTIONS, BATCH = 8, 10
WARM_SECONDS = 3
SETTLE_SECONDS = 5


class Page(asyncio.Protocol):
    """One open stream: when it showed which value."""

    def __init__(self, request: bytes) -> None:
        self.seen: list[tuple[int, float]] = []
        self.bytes = 0
        self.ended: str | None = None
        self._request, self._rest = request, b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the counter in what is whole."""
        now = time.perf_counter()
        if not self.bytes and data[9:12] != b"200":
            raise Refused(data[:1000].decode("utf-8", "replace"))
        self.bytes += len(data)
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        found = COUNTER.findall(whole)
        if found:
            self.seen.append((int(found[-1]), now))
        elif b"event: resync" in whole:
            self.ended = "told to resync"

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream has ended."""
        self.ended = self.ended or f"ended: {exc!r}"

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


def waits(accepted: list[float], pages: list[Page], base: int) -> list[float]:
    """Seconds from the acceptance of each event to its showing, page by page."""
    found = []
    for page in pages:
        values = [value - base for value, _ in page.seen]
        for n, at in enumerate(accepted, 1):
            shown = bisect.bisect_left(values, n)
            if shown == len(values):
                raise Refused(f"event {n} of {len(accepted)} never came to a page")
            found.append(max(0.0, page.seen[shown][1] - at))
    return found


async def main() -> None:
    """Open the pages, send, tell."""
    options = argparse.ArgumentParser()
    for name in ("port", "pages", "seconds"):
        options.add_argument(f"--{name}", type=int, required=True)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--key-file", type=Path, required=True)
    options.add_argument("--keys", default="", help="only these counters")
    given = options.parse_args()
    key, loop = given.key_file.read_text().strip(), asyncio.get_running_loop()
    path = f"/live?keys={given.keys}" if given.keys else "/live"
    request = f"GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    made = [load.requests(int(given.rate * s), BATCH, key, time.time_ns() + s) for s in (WARM_SECONDS, given.seconds)]
    accepted: list[float] = []

    def answered(sent: bytes, _began: float, at: float) -> None:
        accepted.extend([at] * sent.count(TYPE))

    pace = CONNECTIONS * BATCH / given.rate
    await load.send(given.port, made[0], CONNECTIONS, pace, lambda *_: None)
    await asyncio.sleep(SETTLE_SECONDS)
    pages = [(await loop.create_connection(lambda: Page(request), "127.0.0.1", given.port))[1]
             for _ in range(given.pages)]  # fmt: skip
    while not all(page.seen for page in pages):  # noqa: ASYNC110 pages tell nobody
        await asyncio.sleep(0.1)
    base = max(page.seen[-1][0] for page in pages)
    print(json.dumps({"began": True}), flush=True)
    before = sum(page.bytes for page in pages)
    seconds = await load.send(given.port, made[1], CONNECTIONS, pace, answered)
    await asyncio.sleep(SETTLE_SECONDS)
    if lost := [page.ended for page in pages if page.ended]:
        raise Refused(f"{len(lost)} of {len(pages)} pages: {lost[0]}")
    print(json.dumps({
        "events/s": int(given.rate * given.seconds) / seconds, **load.percentiles(waits(accepted, pages, base)),
        "MB/s to pages": (sum(page.bytes for page in pages) - before) / seconds / 1e6,
    }), flush=True)  # fmt: skip
    for page in pages:
        page.close()


if __name__ == "__main__":
    uvloop.run(main())
