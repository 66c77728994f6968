"""Metrics: a Prometheus registry per service, so that several in one process answer for themselves."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets of a latency histogram."""


def new_registry() -> CollectorRegistry:
    """A registry with what every process shows: CPU, memory, garbage collection."""
    registry = CollectorRegistry(auto_describe=True)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return registry


def page(registry: CollectorRegistry) -> tuple[bytes, str]:
    """The registry as Prometheus reads it: body and content type."""
    return generate_latest(registry), CONTENT_TYPE_LATEST
