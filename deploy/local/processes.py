"""The register of the hub's own processes: what a supervisor starts here, and what a container each runs elsewhere."""

from __future__ import annotations

API = ("hub-api", "deploy.local.api")
"""The APIs and the pages, on one port."""
STREAMS = (
    ("ingest-stream", "services.ingest.stream"),
    ("reporting-stream", "services.reporting.stream"),
    ("warning-stream", "services.warning.stream"),
    ("warning-backlog", "services.warning.backlog"),
    ("warning-telemetry", "services.warning.telemetry"),
)
"""Each stream is a process of its own; the database knows it as `hub-` and its name."""
