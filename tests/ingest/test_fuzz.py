"""Whatever is sent, over HTTP, the answer is never a 5xx and follows the API's own description."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest import api
from services.ingest.app import build
from services.ingest.binding import BATCH, NDJSON, STRUCTURED
from services.ingest.meters import Meters
from services.runtime import metrics
from services.runtime.access import Access, Snapshot
from services.runtime.kafka import Record, Unknown
from tests.ingest.scene import ALL, DOOR, KEY, NOW, event

KINDS = st.sampled_from([STRUCTURED, BATCH, NDJSON, "application/json", "text/plain", "", f"{STRUCTURED}; charset=x"])
SCRAPS = st.sampled_from([*b'{}[],:"', 0x0A, 0xFF]).map(lambda byte: bytes([byte])) | st.sampled_from(
    [b"\\u0000", b"\\ud800", b"1e999", b"1e99999999999999999999", b"null", b"-0", b"NaN", msgspec.json.encode(event())]
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(SCRAPS, max_size=12).map(b"".join),
    st.lists(st.dictionaries(st.sampled_from([*event()]), st.text(max_size=9) | st.integers()), max_size=4).map(
        msgspec.json.encode
    ),
)
NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=':"(),/;<=>?@[\\]{}'), min_size=1)
LATIN = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))
HEADERS = st.dictionaries(
    st.sampled_from(["id", "source", "type", "time", "specversion"]) | NAMES.map(str.lower),
    st.sampled_from(["1.0", "%", "%ff", "%00", '"', '""', "hazard.found", ""]) | LATIN,
    max_size=6,
)


class Kafka:
    """Takes everything, or says `Unknown`."""

    def __init__(self) -> None:
        self.away = False
        self.records: list[Record] = []

    async def publish(self, records: Sequence[Record]) -> None:
        if self.away:
            raise Unknown("away")
        self.records += records


@pytest.fixture
def kafka_fake() -> Kafka:
    return Kafka()


@pytest.fixture
def app(kafka_fake: Kafka) -> Any:
    who = Access("")
    who.snapshot = Snapshot(1, {k.id: k for k in (ALL, KEY)}, {})
    who.authenticate = lambda header: ALL if header == "Bearer all" else None  # type: ignore[method-assign]
    meters = Meters(metrics.new_registry(), DOOR.types)
    desk = api.Desk(DOOR, who, kafka_fake, meters, lambda: NOW.astimezone(datetime.UTC))

    async def ready() -> dict[str, str]:
        return {}

    return build(desk, ready)


@pytest.fixture
async def client(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield client


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=KINDS, body=BODIES, headers=HEADERS, partial=st.sampled_from(["", "?partial=true", "?partial=%ff"]))
async def test_no_body_or_header_breaks_the_door(
    client: httpx.AsyncClient, kind: str, body: bytes, headers: dict[str, str], partial: str
) -> None:
    raw = [(b"authorization", b"Bearer all"), (b"content-type", kind.encode())]
    raw += [(b"ce-" + name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await client.post(f"/events{partial}", content=body, headers=raw)
    assert answer.status_code in (202, 400, 403, 413, 415, 422), answer.text
    assert answer.json()


async def test_when_kafka_does_not_confirm_the_answer_is_send_again(
    client: httpx.AsyncClient, kafka_fake: Kafka
) -> None:
    headers = {"authorization": "Bearer all", "content-type": STRUCTURED}
    kafka_fake.away = True
    answer = await client.post("/events", json=event(), headers=headers)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "same ids" in answer.json()["detail"]
    kafka_fake.away = False
    assert (await client.post("/events", json=event(), headers=headers)).status_code == 202
    shown = (await client.get("/metrics")).text
    assert 'hub_ingest_events_total{outcome="unknown",type="hazard.found"} 1.0' in shown


def test_the_api_keeps_to_its_own_description(app: Any) -> None:
    """Schemathesis over `/openapi.json`: no 5xx, and only answers that are described."""
    described = schemathesis.openapi.from_asgi("/openapi.json", app)
    for operation in described.get_all_operations():
        _fuzz(operation.ok())


def _fuzz(operation: Any) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        answer = case.call(headers={"Authorization": "Bearer all"})
        assert answer.status_code < 500
        assert str(answer.status_code) in {*operation.definition.raw["responses"], "404", "405", "422", "307"}

    run()
