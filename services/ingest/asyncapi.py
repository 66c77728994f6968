"""What the hub says and hears on Kafka, as an AsyncAPI 3.0 document made from the registers of types and topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from services.contracts import schema
from services.contracts.event import Origin, Type
from services.contracts.families import TYPES
from services.contracts.schema import NamedCodes
from services.contracts.topics import CANONICAL, DAY_MS, TOPICS, Topic, inbox_of, receipts_of, topic_of
from services.runtime.settings import Settings

VERSION = "3.0.0"
EVENT = "application/cloudevents+json"
JSON = "application/json"
ABOUT = """Facts of a bureau for emergency management, as CloudEvents 1.0 in structured mode. Partners write to their \
inbox and read their receipts; the canonical topics carry what the hub has accepted."""
STAMPED = """Beside what the publisher sent a record has `recordedtime`, `publisher` and `digest`, of a derived event \
also `cause`. The key is `subject`: the story of one thing stays in order."""
_OBJECT = {"type": "object"}
ASIDE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "receipt": ("What became of one record of an inbox", {
        "type": "object", "required": ["id", "source", "offset", "outcome"],
        "properties": {
            "id": {"type": "string"}, "source": {"type": "string"}, "offset": {"type": "integer"},
            "outcome": {"enum": ["accepted", "duplicate", "conflict", "quarantined"]}, "reason": {"type": "string"},
        }}),
    "fates": ("Outcomes other than accepted, in frames", _OBJECT),
    "set_aside": ("A record that could not be read, and why", _OBJECT),
    "frame": ("Up to 100 sensor readings of one site", _OBJECT),
}  # fmt: skip
"""Messages that are no events: what each is, and its schema."""
CARRIES = {"fates": "fates", "quarantine": "set_aside", "telemetry": "frame"}
"""Topic → the message on it, where that is no event."""


def document(settings: Settings, extra_codes: NamedCodes) -> dict[str, Any]:
    """The whole document, with a bureau's own codes."""
    channels = {topic.name: _channel(settings, topic) for topic in TOPICS}
    channels["inbox"] = _partners(settings, inbox_of("{publisher}"), _taken_from_partners())
    channels["receipts"] = _partners(settings, receipts_of("{publisher}"), ["receipt"])
    return {
        "asyncapi": VERSION,
        "id": "urn:emergency-hub",
        "info": {"title": "Emergency hub on Kafka", "version": "1", "description": ABOUT},
        "defaultContentType": EVENT,
        **_servers(settings),
        "channels": channels,
        "operations": _operations(channels),
        "components": {
            "messages": {**{name: _event(name) for name in TYPES}, **{name: _other(name) for name in ASIDE}},
            "schemas": {name: _payload(name, extra_codes) for name in TYPES},
        },
    }


def router(settings: Settings, extra_codes: NamedCodes) -> APIRouter:
    """`GET /asyncapi.json`; it is the same for as long as the bureau folder is."""
    routes = APIRouter()
    content = msgspec.json.encode(document(settings, extra_codes))

    @routes.get("/asyncapi.json", tags=["register"], summary="Topics, inboxes and messages as AsyncAPI 3.0")
    async def show() -> Response:
        return Response(content, media_type=JSON)

    return routes


def _servers(settings: Settings) -> dict[str, Any]:
    hosts = [host for host in settings.kafka_bootstrap.split(",") if host]
    rows = {f"kafka{n}": {"host": host, "protocol": "kafka"} for n, host in enumerate(hosts, 1)}
    return {"servers": rows} if rows else {}


def _taken_from_partners() -> list[str]:
    return [name for name, type_ in TYPES.items() if Origin.PARTNER in type_.origins]


def _carried(topic: Topic) -> list[str]:
    """The messages on a topic."""
    if topic.name in CARRIES:
        return [CARRIES[topic.name]]
    if topic.lane == "history":
        return [name for name, type_ in TYPES.items() if _fact(type_)]
    return [name for name, type_ in TYPES.items() if _of_any_topic(type_) or topic_of(type_) == topic]


def _of_any_topic(type_: Type) -> bool:
    """A retraction goes where what it takes back went."""
    return type_.family == "event"


def _fact(type_: Type) -> bool:
    return _of_any_topic(type_) or topic_of(type_) in CANONICAL


def _channel(settings: Settings, topic: Topic) -> dict[str, Any]:
    about = f"{topic.about}. {STAMPED}" if topic in CANONICAL else topic.about
    return _addressed(settings, topic, _carried(topic), about)


def _partners(settings: Settings, topic: Topic, messages: Iterable[str]) -> dict[str, Any]:
    parameters = {"publisher": {"description": "the name of the key: `hub keys add NAME --kafka`"}}
    return {**_addressed(settings, topic, messages, topic.about), "parameters": parameters}


def _addressed(settings: Settings, topic: Topic, messages: Iterable[str], about: str) -> dict[str, Any]:
    address = settings.topic_prefix + topic.name
    keeping = {"retention.ms": topic.retention_days * DAY_MS}
    binding = {"partitions": topic.partitions, "topicConfiguration": keeping, "bindingVersion": "0.5.0"}
    return {
        "address": address,
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": binding},
    }


def _operations(channels: Iterable[str]) -> dict[str, Any]:
    """Seen from the hub: it receives on the inboxes, and sends on all other topics."""
    return {
        ("hear_" if channel == "inbox" else "say_") + channel: {
            "action": "receive" if channel == "inbox" else "send",
            "channel": {"$ref": f"#/channels/{channel}"},
        }
        for channel in channels
    }


def _event(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": TYPES[name].zh,
        "contentType": EVENT,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "`subject`"}, "bindingVersion": "0.5.0"}},
        "examples": [{"name": name, "payload": schema.example_event(name)}],
    }


def _other(name: str) -> dict[str, Any]:
    title, payload = ASIDE[name]
    return {"name": name, "title": title, "contentType": JSON, "payload": payload}


def _payload(name: str, extra_codes: NamedCodes) -> dict[str, Any]:
    """The schema without what points into it: readers of AsyncAPI resolve every pointer from the document's root."""
    found = schema.json_schema(name, extra_codes)
    properties = {**found["properties"], "data": found["$defs"]["data"]}
    kept = {key: value for key, value in found.items() if key not in ("$schema", "$id", "$defs", "examples")}
    return {**kept, "properties": properties}
