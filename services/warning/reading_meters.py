"""What the watch shows to Prometheus of its reading: how far, what is set aside, what waits to be said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.runtime import accounting
from services.runtime.outbox_age import Waiting


class ReadingMeters(Collector):
    """The account of the watch on one registry; `read` fetches what the next scrape shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families: list[Metric] = []
        self._outbox = Waiting()
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What was read last."""
        return self._families

    async def read(self, connection: asyncpg.Connection) -> None:
        """Read the account of the schema."""
        account = await accounting.rows(connection)
        told = await accounting.reader(connection)
        aside = GaugeMetricFamily(
            "hub_warning_quarantine_records", "Records set aside and not sent again", labels=["reason"]
        )
        for row in await connection.fetch(ASIDE):
            aside.add_metric([row["reason"]], row["n"])
        self._families = [
            GaugeMetricFamily("hub_warning_unexplained_records", "Records read and not accounted for; must be 0",
                              value=account["unexplained"]),
            GaugeMetricFamily("hub_warning_lag_records", "Records on Kafka that the watch has not read yet",
                              value=sum(max(0, r["end"] - r["next"]) for r in account["rows"] if r["end"] is not None)),
            GaugeMetricFamily("hub_warning_outbox_waiting_seconds", "Since the oldest event of the outbox is there",
                              value=await self._outbox.seconds(connection)),
            aside, *_reader(told),
        ]  # fmt: skip

    def forget(self) -> None:
        """Show nothing rather than something old."""
        self._families = []


def _reader(told: accounting.Reader | None) -> Iterator[Metric]:
    if told is not None:
        yield GaugeMetricFamily("hub_warning_reader_age_seconds", "Since the streams last told of themselves",
                                value=told.age_seconds)  # fmt: skip
        yield GaugeMetricFamily("hub_warning_partitions_stopped", "Partitions that stand still",
                                value=len(told.stopped))  # fmt: skip


ASIDE = "SELECT reason, count(*) AS n FROM quarantine WHERE redriven IS NULL GROUP BY 1"
