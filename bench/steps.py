"""Where the reader's microseconds go: each step of preparing a batch, timed alone on the bench's events.

python -m bench.steps [--events 20000]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from bench import events
from services.contracts import event as contract
from services.contracts import identity
from services.reporting import ledger
from services.reporting.count import Count, seal
from services.reporting.tally import Increments, Series, Tally
from services.runtime.consume import Position, Slice
from services.runtime.memory import settle

ROUNDS = 15


@dataclass
class Kept:
    """A record as the loop hands it over."""

    offset: int
    value: bytes


def best(work: Callable[[], Any], count: int) -> float:
    """Microseconds per event, the best of a few rounds."""
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent) / count * 1e6


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--events", type=int, default=20_000)
    total = options.parse_args().events
    settle()
    records = [Kept(n, events.record(event)) for n, (_, event) in enumerate(islice(events.stream(1_000_000), total))]
    count = len(records)
    decoded = [contract.decode(r.value) for r in records]
    entries = [ledger.entry(1, r.offset, r.value) for r in records]
    fresh = list({e.key: e for e in entries}.values())
    tally = Tally(events.DEFINITIONS, ZoneInfo("Asia/Shanghai"), Series())

    def counted() -> None:
        into = Increments()
        for e in entries:
            tally.count(e.event, e.type, e.key, into)

    def rows() -> ledger.Rows:
        made = ledger.Rows()
        for e in fresh:
            made.add(e, 1)
        return made

    async def sent(made: ledger.Rows) -> int:
        return sum([len(chunk) async for chunk in made.chunks()])

    async def prepared() -> None:
        fold = Count("", events.DEFINITIONS, ZoneInfo("Asia/Shanghai"))
        fold._recent, fold._types, fold._new_types, fold._awaited = [{}, {}], {}, [], set()
        fold._tally = tally
        piece = Slice(Position(1, "hazards", 0, 1, 0, 0, None), 0, count, records)  # type: ignore[arg-type]
        await fold.prepare([piece])

    made, digests = rows(), [e.digest for e in decoded]
    where = Position(1, "hazards", 0, 1, 0, 0, None)
    steps: dict[str, Callable[[], Any]] = {
        "decode": lambda: [contract.decode(r.value) for r in records],
        "identity": lambda: [identity.key(e.source, e.id) for e in decoded],
        "entry (both, and target)": lambda: [ledger.entry(1, r.offset, r.value) for r in records],
        "count": counted,
        "row": rows,
        "COPY image": lambda: asyncio.run(sent(made)),
        "seal": lambda: seal(b"", where, 0, count, digests),
        "SHA-256 of the last record": lambda: hashlib.sha256(records[-1].value).digest(),
        "prepare, all of it": lambda: asyncio.run(prepared()),
    }
    for name, work in steps.items():
        print(f"{name:28} {best(work, count):6.2f} µs")


if __name__ == "__main__":
    main()
