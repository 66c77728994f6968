"""The AsyncAPI document: complete, its pointers lead somewhere, and its examples are what it says.

It has been held against the official JSON Schema of AsyncAPI 3.0.0; these are the rules of it that a change here could
break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.contracts.families import TYPES
from services.contracts.topics import TOPICS
from services.ingest.asyncapi import document
from services.runtime.settings import Settings

NAME = re.compile(r"[\w\d.\-_]+")
CODES = {("", "mode"): {"drone": "无人机巡查"}}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(Settings(kafka_bootstrap="127.0.0.1:9092", topic_prefix="p."), CODES)


def pointers(value: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        yield from (one for inner in value.values() for one in pointers(inner))
    elif isinstance(value, list):
        yield from (one for inner in value for one in pointers(inner))


def at(document: dict[str, Any], pointer: str) -> Any:
    found: Any = document
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_it_is_of_version_3_with_what_every_document_needs(described: dict[str, Any]) -> None:
    assert described["asyncapi"] == "3.0.0"
    assert described["info"].keys() >= {"title", "version"}
    assert described.keys() <= {
        "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components",
    }  # fmt: skip
    assert described["servers"] == {"kafka1": {"host": "127.0.0.1:9092", "protocol": "kafka"}}


def test_every_pointer_leads_somewhere(described: dict[str, Any]) -> None:
    found = set(pointers(described))
    assert found
    assert all(at(described, pointer) for pointer in found)


def test_names_may_stand_where_they_stand(described: dict[str, Any]) -> None:
    components = described["components"]
    names = [*described["channels"], *described["operations"], *components["messages"], *components["schemas"]]
    assert [name for name in names if not NAME.fullmatch(name)] == []


def test_every_topic_and_every_type_is_in_it(described: dict[str, Any]) -> None:
    channels = described["channels"]
    assert {t.name for t in TOPICS} | {"inbox", "receipts"} == channels.keys()
    assert channels["hazards"]["address"] == "p.hazards"
    assert channels["hazards"]["bindings"]["kafka"]["partitions"] == 4
    carried = {name for channel in channels.values() for name in channel["messages"]}
    assert carried >= TYPES.keys() - {"sensor.reading"}
    assert "hazard.found" in channels["inbox"]["messages"]
    assert "config.applied" not in channels["inbox"]["messages"]
    assert channels["inbox"]["address"] == "p.inbox.{publisher}"
    assert channels["inbox"]["parameters"].keys() == {"publisher"}


def test_the_hub_hears_the_inboxes_and_says_the_rest(described: dict[str, Any]) -> None:
    operations = described["operations"]
    assert {o["channel"]["$ref"] for o in operations.values()} == {f"#/channels/{c}" for c in described["channels"]}
    heard = [o["channel"]["$ref"] for o in operations.values() if o["action"] == "receive"]
    assert heard == ["#/channels/inbox"]


def test_a_bureaus_own_codes_are_in_it(described: dict[str, Any]) -> None:
    data = described["components"]["schemas"]["hazard.found"]["properties"]["data"]
    assert data["properties"]["mode"]["x-zh"]["drone"] == "无人机巡查"
    assert described["components"]["messages"]["hazard.found"]["examples"][0]["payload"]["type"] == "hazard.found"
