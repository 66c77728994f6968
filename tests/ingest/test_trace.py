"""What is urgent leaves a line at the door that carries its case, and no more than that."""

from __future__ import annotations

import structlog

from services.contracts.topics import BY_NAME
from services.ingest import api
from services.ingest.door import Admitted


def admitted(topic: str, case: str) -> Admitted:
    return Admitted(0, "1", "/s", "weather.alert_received", topic, None, case.encode(), b"{}")


def test_a_line_for_each_urgent_case() -> None:
    assert api.URGENT in BY_NAME
    with structlog.testing.capture_logs() as lines:
        api._trace([admitted("urgent", "台/1"), admitted("urgent", "台/1"), admitted("hazards", "YH-1")])
    assert [(line["event"], line["trace"]) for line in lines] == [("door.accepted", "台/1")]


def test_a_flood_is_not_a_flood_of_lines() -> None:
    with structlog.testing.capture_logs() as lines:
        api._trace([admitted("urgent", str(n)) for n in range(1000)])
    assert len(lines) == api.MAX_TRACES
