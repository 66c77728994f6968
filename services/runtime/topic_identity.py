"""Which Kafka, which topic: cluster id and topic ids, by which a log is told from another one under the same name.

aiokafka asks for metadata in version 5; topic ids came with version 10, so the request is spelt out here (version 12,
KIP-516).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_REQUEST_TIMEOUT_MS = 5000
_LEADER_NOT_AVAILABLE, _UNKNOWN_TOPIC = 5, 3
_ABSENT = {_LEADER_NOT_AVAILABLE, _UNKNOWN_TOPIC}


class Uuid(AbstractType):  # type: ignore[misc]
    """16 bytes."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """As they are."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """As they are."""
        return data.read(16)


class _MetadataResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(
            ("node_id", Int32), ("host", CompactString()), ("port", Int32), ("rack", CompactString()),
            ("tags", TaggedFields))),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        ("topics", CompactArray(
            ("error_code", Int16), ("name", CompactString()), ("topic_id", Uuid), ("is_internal", Boolean),
            ("partitions", CompactArray(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
                ("replicas", CompactArray(Int32)), ("isr", CompactArray(Int32)), ("offline", CompactArray(Int32)),
                ("tags", TaggedFields))),
            ("authorized_operations", Int32), ("tags", TaggedFields))),
        ("tags", TaggedFields),
    )  # fmt: skip


class _MetadataStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", Uuid), ("name", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataStruct]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        return request_struct_class([(bytes(16), name, {}) for name in self._names], False, False, {})


@dataclass(frozen=True)
class TopicState:
    """What the cluster says of one topic."""

    id: str
    """32 hexadecimal digits; another one after the topic was deleted and made again."""
    partitions: int
    led: bool
    """Every partition has a leader: it can be written and read."""


@dataclass(frozen=True)
class Cluster:
    """What the cluster says of itself; topics that do not exist are absent."""

    id: str
    topics: dict[str, TopicState]


async def describe(bootstrap: str, names: list[str]) -> Cluster:
    """Ask for these topics (none of them is created by asking). Raises KafkaError when there is no answer."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        await client.bootstrap()
        answer = await client.send(client.get_random_node(), _MetadataRequest(names))
    finally:
        await asyncio.wait_for(client.close(), _REQUEST_TIMEOUT_MS / 1000)
    return Cluster(answer.cluster_id, {row[1]: _state(row) for row in answer.topics if row[0] not in _ABSENT})


async def topic_ids(bootstrap: str, names: list[str]) -> tuple[str, dict[str, str]]:
    """Cluster id, and the id of each topic that exists: together with the partition they name one log."""
    cluster = await describe(bootstrap, names)
    return cluster.id, {name: state.id for name, state in cluster.topics.items()}


def _state(row: tuple[Any, ...]) -> TopicState:
    error, _name, id_, _internal, partitions, *_ = row
    if error:
        raise for_code(error)(f"topic {_name}")
    return TopicState(id_.hex(), len(partitions), all(leader >= 0 for _error, _partition, leader, *_ in partitions))
