"""What ingest shows to Prometheus of its stream, its outbox and its host; read when scraped."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.runtime import accounting, disk
from services.runtime.outbox_age import Waiting

ASK_SECONDS = 3600.0
"""So often the origin is asked for its certificate."""


class ReadingMeters(Collector):
    """The stream's account and the host's room on one registry; `read` fetches what the next scrape shows."""

    def __init__(self, registry: CollectorRegistry, folder: Path, origin: str = "") -> None:
        self._folder, self._origin = folder, origin
        self._families: list[Metric] = []
        self._outbox = Waiting()
        self._expires: float | None = None
        self._asked = -ASK_SECONDS
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What was read last, and what is so now."""
        return [*self._families, _gauge("hub_ingest_disk_free_ratio", "Free part of the disk with the hub's own folder",
                                        disk.free(self._folder))]  # fmt: skip

    async def read(self, connection: asyncpg.Connection) -> None:
        """Read how the stream does, and now and then until when the origin's certificate is valid."""
        told = await accounting.reader(connection)
        skew = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8") - time.time()
        self._families = [
            _gauge("hub_ingest_outbox_waiting_seconds", "Since the oldest event of the outbox is there",
                   await self._outbox.seconds(connection)),
            _gauge("hub_ingest_clock_skew_seconds", "The database's clock minus ours", skew),
        ]  # fmt: skip
        if told is not None:
            self._families += [
                _gauge("hub_ingest_reader_age_seconds", "Since the stream last told of itself", told.age_seconds),
                _gauge("hub_ingest_partitions_stopped", "Partitions that stand still", len(told.stopped)),
            ]
        if (until := await self._certificate()) is not None:
            self._families.append(
                _gauge("hub_ingest_certificate_expires_timestamp_seconds",
                       "Until when the certificate of the origin is valid", until)
            )  # fmt: skip

    def forget(self) -> None:
        """Show nothing rather than something old."""
        self._families = []

    async def _certificate(self) -> float | None:
        where = urlsplit(self._origin)
        if where.scheme == "https" and where.hostname and time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            self._expires = await expires(where.hostname, where.port or 443)
        return self._expires


async def expires(host: str, port: int) -> float | None:
    """Until when a server's certificate is valid, in seconds since the epoch; None: it cannot be had, or is not."""
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except (OSError, TimeoutError):
        return None
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return float(ssl.cert_time_to_seconds(certificate["notAfter"]))


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
