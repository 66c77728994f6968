"""Metrics: each is named by the rules, explained once, and has labels whose values are few."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from tests.house.tables import Metric, metric, metrics

LABELS = {
    "type": "registered event types",
    "outcome": "what became of an event",
    "status": "an HTTP status",
    "topic": "topics.py",
    "partition": "topics.py",
    "reason": "why a record was set aside",
    "kind": "the kinds of matter",
    "state": "how a matter of that kind can stand",
    "channel": "channels/register.py",
}
"""Label → where its few values come from."""
OTHER_UNITS = re.compile(r"_(ms|us|milliseconds|minutes|hours|days|kb|mb|gb|percent|pct)(_|$)")
EVERY = metrics()


def defined(code: str, service: str) -> list[Metric]:
    """The metrics that some code of a service defines."""
    return [found for node in ast.walk(ast.parse(code)) if (found := metric(node, service))]


def faults(one: Metric) -> list[str]:
    """What is wrong with the name, labels or words of a metric."""
    unknown = [label for label in one.labels if label not in LABELS]
    return [
        fault
        for fault, wrong in (
            (f"its name begins with hub_{one.service}_", not one.name.startswith(f"hub_{one.service}_")),
            ("its name is lower case with single _", not re.fullmatch(r"[a-z]+(_[a-z]+)+", one.name)),
            ("base units: seconds, bytes", bool(OTHER_UNITS.search(one.name))),
            ("_total is for counters, and for them alone", one.name.endswith("_total") != (one.kind == "counter")),
            ("a histogram ends with its unit",
             one.kind == "histogram" and not one.name.endswith(("_seconds", "_bytes"))),
            (f"labels {unknown} are not in LABELS: say where their few values come from", bool(unknown)),
            ("a sentence begins in upper case and has no full stop", not re.fullmatch(r"[A-Z].*[^.]", one.about)),
        )
        if wrong
    ]  # fmt: skip


def test_there_are_metrics() -> None:
    assert {one.service for one in EVERY} >= {"ingest", "reporting"}


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_a_metric_keeps_the_rules(one: Metric) -> None:
    assert faults(one) == []


def test_a_metric_is_defined_once() -> None:
    assert [name for name, times in Counter(one.name for one in EVERY).items() if times > 1] == []
