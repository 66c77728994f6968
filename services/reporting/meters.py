"""What reporting shows to Prometheus: read from the database when it is scraped, so that any process may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import asyncpg
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.reporting import accounting
from services.runtime import metrics
from services.runtime.outbox_age import Waiting

OUTCOMES = ("handled", "duplicate", "quarantine")


class Meters(Collector):
    """Reporting's metrics on one registry; `read` fetches what the next scrape shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._families: list[Metric] = []
        self._outbox = Waiting()
        self.figure_seconds = Histogram(
            "hub_reporting_figure_seconds", "Working out one figure", buckets=metrics.SECONDS, registry=registry
        )
        self.clients = Gauge("hub_reporting_live_clients", "Open live streams", registry=registry)
        self.requery_seconds = Histogram(
            "hub_reporting_live_requery_seconds", "Reading the counters that moved", buckets=metrics.SECONDS,
            registry=registry,
        )  # fmt: skip
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What was read last."""
        return self._families

    async def read(self, connection: asyncpg.Connection) -> None:
        """Read the totals of the database."""
        account = (await accounting.rows(connection))["rows"]
        told = await accounting.reader(connection)
        self._families = [
            _events(account),
            _lag(account),
            *_reader(told),
            _gauge("hub_reporting_unexplained_records", "Records read and not accounted for; must be 0",
                   sum(abs(row["unexplained"]) for row in account)),
            await _quarantine(connection),
            _gauge("hub_reporting_outbox_waiting_seconds", "Since the oldest event of the outbox is there",
                   await self._outbox.seconds(connection)),
            _gauge("hub_reporting_definitions_uncounted", "New statistics still being counted from the ledger",
                   await connection.fetchval("SELECT count(*) FROM definition WHERE counted IS NULL")),
            *await _recheck(connection),
        ]  # fmt: skip

    def forget(self) -> None:
        """Show nothing rather than something old."""
        self._families = []


def _events(account: list[dict[str, int]]) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "hub_reporting_events", "Records read, by what became of them", labels=["topic", "outcome"]
    )
    totals: dict[tuple[str, str], int] = {}
    for row in account:
        for outcome in OUTCOMES:
            at = (str(row["topic"]), outcome)
            totals[at] = totals.get(at, 0) + row[outcome]
    for labels, total in totals.items():
        family.add_metric(labels, total)
    return family


def _lag(account: list[dict[str, int]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "hub_reporting_lag_records", "Records on Kafka not read yet", labels=["topic", "partition"]
    )
    for row in account:
        if row["end"] is not None:
            family.add_metric([str(row["topic"]), str(row["partition"])], max(0, row["end"] - row["next"]))
    return family


def _reader(told: accounting.Reader | None) -> Iterator[GaugeMetricFamily]:
    if told is not None:
        yield _gauge("hub_reporting_reader_age_seconds", "Since the stream last told of itself", told.age_seconds)
        yield _gauge("hub_reporting_partitions_stopped", "Partitions that stand still", len(told.stopped))


async def _recheck(connection: asyncpg.Connection) -> list[GaugeMetricFamily]:
    """What the last comparison of tally and ledger found; nothing before the first."""
    row = await connection.fetchrow(
        "SELECT differences, extract(epoch FROM now() - at)::float AS age FROM recheck ORDER BY at DESC LIMIT 1"
    )
    if row is None:
        return []
    return [
        _gauge("hub_reporting_tally_difference", "Rows of the tally that differ from the ledger; must be 0",
               row["differences"]),
        _gauge("hub_reporting_recheck_age_seconds", "Since tally and ledger were last compared", row["age"]),
    ]  # fmt: skip


async def _quarantine(connection: asyncpg.Connection) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "hub_reporting_quarantine_records", "Records set aside and not sent again", labels=["reason"]
    )
    for row in await connection.fetch("SELECT reason, count(*) AS n FROM quarantine WHERE redriven IS NULL GROUP BY 1"):
        family.add_metric([row["reason"]], row["n"])
    return family


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
