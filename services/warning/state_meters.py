"""What the watch shows to Prometheus of its matters and letters, read from the database when scraped."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class StateMeters(Collector):
    """The state of the watch on one registry; `read` fetches what the next scrape shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families: list[Metric] = []
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What was read last."""
        return self._families

    async def read(self, connection: asyncpg.Connection) -> None:
        """Read how things stand."""
        matters = GaugeMetricFamily("hub_warning_matters_open", "Open matters", labels=["kind", "state"])
        for row in await connection.fetch(OPEN):
            matters.add_metric([row["kind"], row["state"]], row["n"])
        letters = GaugeMetricFamily(
            "hub_warning_letters_waiting", "Messages that no gateway has taken yet", labels=["channel"]
        )
        oldest = GaugeMetricFamily(
            "hub_warning_letter_waiting_seconds", "Age of the oldest message that no gateway has taken",
            labels=["channel"],
        )  # fmt: skip
        for row in await connection.fetch(WAITING):
            letters.add_metric([row["channel"]], row["n"])
            oldest.add_metric([row["channel"]], row["seconds"])
        self._families = [
            matters, letters, oldest,
            GaugeMetricFamily("hub_warning_clock_late_seconds", "How long the longest waiting clock is due",
                              value=await connection.fetchval(LATE)),
            GaugeMetricFamily("hub_warning_outbox_rows", "Events of the watch that are not on Kafka yet",
                              value=await connection.fetchval("SELECT count(*) FROM outbox WHERE refused IS NULL")),
        ]  # fmt: skip

    def forget(self) -> None:
        """Show nothing rather than something old."""
        self._families = []


OPEN = "SELECT kind, state, count(*) AS n FROM matter WHERE NOT closed GROUP BY 1, 2"
WAITING = """
SELECT channel, count(*) AS n, extract(epoch FROM now() - min(made))::float AS seconds
  FROM delivery WHERE state = 'waiting' GROUP BY 1"""
LATE = "SELECT coalesce(extract(epoch FROM now() - min(wake)), 0)::float FROM matter WHERE wake <= now()"
