"""A stored warning is served again: as it came, and in the other formats."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.contracts import identity
from services.contracts.alert import model, reading
from services.contracts.alert.meaning import meaning
from services.contracts.alert.place import Ground
from services.contracts.region import Region, Regions
from services.ingest import cap as door
from services.runtime.settings import Settings
from tests.contracts.alert.messages import IDENTIFIER, OWN, guotu
from tests.warning.served import Served, served

GROUND = Ground(Regions([Region("990111", "江滨区", "")]))


@pytest.fixture
async def hub(settings: Settings, topics: list[str]) -> AsyncIterator[Served]:
    async with served(settings) as one:
        yield one


def as_accepted(hub: Served, body: bytes) -> dict[str, Any]:
    """The record that the door makes of a message."""
    event = json.loads(json.dumps(door._event(meaning(reading.parse(body), GROUND), body, "", {}, "")))
    now = hub.watch.clock.now().isoformat()
    return {**event, "recordedtime": now, "publisher": "weather", "digest": identity.digest(event),
            "datacontenttype": "application/json"}  # fmt: skip


async def test_as_it_came_and_in_the_other_formats(hub: Served) -> None:
    body = guotu()
    ack = guotu(f"{IDENTIFIER}9", kind="Ack", references=f"99011141600000,{IDENTIFIER},2026-07-16 03:10:00+08:00")
    taken, kept = as_accepted(hub, body), as_accepted(hub, ack)
    await hub.watch.publish(taken, {**taken, "id": "other-way", "source": "/other"}, kept)

    async def known() -> bool:
        answer = await hub.client.get(f"/warning/messages/{kept['id']}.cap", headers=reader)
        return answer.status_code == 200

    reader = {"authorization": f"Bearer {hub.key}"}
    await hub.watch.until(known)
    own = await hub.client.get(f"/warning/messages/{IDENTIFIER}.guotu", headers=reader)
    assert (own.content, own.headers["content-type"]) == (body, "application/xml")
    cap = await hub.client.get(f"/warning/messages/{IDENTIFIER}.cap", headers=reader)
    assert cap.content == reading.RENDER["cap"](reading.parse(body))
    assert cap.headers["content-type"] == "application/cap+xml"
    told = await hub.client.get(f"/warning/messages/{IDENTIFIER}.json", headers=reader)
    assert model.from_json(told.content) == reading.parse(body)
    assert (await hub.client.get(f"/warning/messages/{kept['id']}.guotu", headers=reader)).content == ack
    assert (await hub.client.get("/warning/messages/other-way.guotu", headers=reader)).content == body

    for path, status in (("nothing.cap", 404), (f"{IDENTIFIER}.pdf", 422), (IDENTIFIER, 404)):
        assert (await hub.client.get(f"/warning/messages/{path}", headers=reader)).status_code == status, path
    assert (await hub.client.get(f"/warning/messages/{IDENTIFIER}.cap")).status_code == 401
    elsewhere = await hub.log_in("watch", "990111001")
    assert (await hub.client.get(f"/warning/messages/{IDENTIFIER}.cap", headers=elsewhere)).status_code == 404


async def test_a_chain_is_found_under_every_name_that_its_senders_were_told(hub: Served) -> None:
    one, other = f"{OWN}_1", f"{OWN}_2"
    bodies = guotu(one, kind="Update", references=other), guotu(other, kind="Update", references=one)
    records = [as_accepted(hub, body) for body in bodies]
    for record in records:
        await hub.watch.publish(record)
        await hub.watch.settled()
    merged, merely_told = (record["data"]["chain_id"] for record in records)
    assert merged != merely_told
    assert (await hub.get(f"/warning/alerts/{merely_told}"))["id"] == merged
