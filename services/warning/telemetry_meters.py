"""What telemetry shows to Prometheus: its process answers nobody, so it is read from the database when scraped."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Meters(Collector):
    """Telemetry's metrics on one registry; `read` fetches what the next scrape shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._families: list[Metric] = []
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What was read last."""
        return self._families

    async def read(self, connection: asyncpg.Connection) -> None:
        """Read what was counted until some seconds ago; a process that was killed has lost its last seconds."""
        totals = {row["name"]: row["total"] for row in await connection.fetch("SELECT * FROM telemetry.meter")}
        readings = CounterMetricFamily("hub_warning_readings", "Readings of sensors, by what became of them",
                                       labels=["outcome"])  # fmt: skip
        frames = CounterMetricFamily("hub_warning_frames", "Frames of readings, handled or quarantined",
                                     labels=["outcome"])  # fmt: skip
        alarms = CounterMetricFamily("hub_warning_alarms", "Alarms that readings and silence have raised",
                                     labels=["type"])  # fmt: skip
        families = {"readings": readings, "frames": frames, "alarms": alarms}
        for name, total in sorted(totals.items()):
            family, _, label = name.partition(".")
            if family in families:
                families[family].add_metric([label], total)
        self._families = [*families.values(), *await _now(connection)]

    def forget(self) -> None:
        """Show nothing rather than something old."""
        self._families = []


async def _now(connection: asyncpg.Connection) -> list[Metric]:
    return [
        GaugeMetricFamily("hub_warning_episodes_open", "Sensors, devices and areas that are not normal now",
                          value=await connection.fetchval(OPEN)),
        GaugeMetricFamily("hub_warning_points", "Monitoring points that have ever sent a reading",
                          value=await connection.fetchval("SELECT count(*) FROM telemetry.seen")),
        GaugeMetricFamily("hub_warning_points_offline", "Monitoring points that are offline",
                          value=await connection.fetchval(f"{OPEN} AND rule = 'silence'")),
    ]  # fmt: skip


OPEN = "SELECT count(*) FROM telemetry.episode WHERE worst > 0"
