"""Letters that were handed over leave one line for each case and result, not one for each letter."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import structlog

from services.warning.callout.send import Sender


def test_a_line_for_each_case_and_result() -> None:
    rows: list[Any] = [{"id": n, "chain": "台/1" if n < 3 else "", "matter": "hazard:YH-1"} for n in range(4)]
    outcomes: Any = {0: ("handed", ""), 1: ("handed", ""), 2: ("waiting", "away"), 3: ("handed", "")}
    sender: Any = Sender("", SimpleNamespace(name="sms"), SimpleNamespace())  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as lines:
        sender._trace(rows, outcomes)
    assert {(line["trace"], line["result"], line["letters"]) for line in lines} == {
        ("台/1", "handed", 2), ("台/1", "waiting", 1), ("hazard:YH-1", "handed", 1)
    }  # fmt: skip
    assert {line["event"] for line in lines} == {"sender.told"}
