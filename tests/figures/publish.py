"""Sends a bureau's year to a running hub: `python -m tests.figures.publish BUREAU --key KEY [--url URL] [--done FILE]`.

The key needs `RIGHTS`, the three statuses and the source `/BUREAU`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx

from services.cli.year.making import RIGHTS
from services.cli.year.wire import Delivery
from services.cli.year.wire import publish as publish_with
from tests.figures.year import BUREAUS, year

__all__ = ["RIGHTS", "publish"]


async def publish(
    deliveries: Iterable[Delivery],
    url: str,
    key: str | dict[str, str],
    client: httpx.AsyncClient | None = None,
    sent: dict[str, int] | None = None,
) -> int:
    """Send deliveries in their modes; see `services.cli.year.wire.publish`. Without a client it makes one."""
    if client is not None:
        return await publish_with(deliveries, url, key, client, sent)
    async with httpx.AsyncClient(timeout=30) as own:
        return await publish_with(deliveries, url, key, own, sent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bureau", choices=BUREAUS)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key", required=True)
    parser.add_argument("--done", type=Path, help="remembers what was acknowledged, to go on from there")
    options = parser.parse_args()
    sent = json.loads(options.done.read_text()) if options.done and options.done.exists() else {}
    try:
        asyncio.run(publish(year(options.bureau), options.url, options.key, sent=sent))
    finally:
        if options.done:
            options.done.write_text(json.dumps(sent))
        sys.stdout.write(f"{sum(sent.values())} acknowledged\n")


if __name__ == "__main__":
    main()
