"""What the door counts for Prometheus."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.contracts.event import Type
from services.runtime import metrics


class Meters:
    """The door's metrics on one registry."""

    def __init__(self, registry: CollectorRegistry, types: Mapping[str, Type]) -> None:
        self.registry = registry
        self._types = types
        self._events = Counter(
            "hub_ingest_events_total", "Events by type and outcome at the door", ["type", "outcome"], registry=registry
        )
        self.requests = Counter(
            "hub_ingest_requests_total", "Requests with events by status", ["status"], registry=registry
        )
        self.publish_seconds = Histogram(
            "hub_ingest_publish_seconds", "From handing records to Kafka until they are on disk there",
            buckets=metrics.SECONDS, registry=registry,
        )  # fmt: skip
        self.bytes_in_flight = Gauge(
            "hub_ingest_bytes_in_flight", "Bytes of bodies read and not yet answered", registry=registry
        )
        self.keys_age = Gauge("hub_ingest_keys_age_seconds", "How old the snapshot of keys is", registry=registry)

        self.spool_waiting = Gauge(
            "hub_ingest_spool_waiting", "Warnings on disk that wait for the broker", registry=registry
        )
        self.untold = Counter(
            "hub_ingest_untold_total", "Frames of rejections that Kafka did not take for fates", registry=registry
        )

    def events(self, outcome: str, types: Iterable[object]) -> None:
        """Count events of these types; what is not registered counts as `unknown`, so that labels stay few."""
        known = (name if isinstance(name, str) and name in self._types else "unknown" for name in types)
        for name, number in Tally(known).items():
            self._events.labels(name, outcome).inc(number)
