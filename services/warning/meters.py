"""What the watch's API counts for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter


class Meters:
    """The metrics of call-backs and links on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.receipts = Counter(
            "hub_warning_receipts_total", "Receipts of gateways by what became of them", ["outcome"], registry=registry
        )
        self.replies = Counter(
            "hub_warning_replies_total", "Replies of people by what became of them", ["outcome"], registry=registry
        )
        self.links = Counter(
            "hub_warning_links_total", "Links that were opened or answered, by what became of it", ["outcome"],
            registry=registry,
        )  # fmt: skip
