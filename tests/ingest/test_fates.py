"""Fates, from the request or inbox through the ledger back to the publisher, on real parts."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.contracts import fate
from services.contracts.event import InvalidEvent
from services.contracts.fate import Fate
from services.ingest import mine, stream
from services.reporting import stream as reporting
from services.runtime import outbox
from services.runtime.access import Scope
from services.runtime.consume import PROMPT
from services.runtime.outbox import Outbox
from tests.ingest.conftest import Hub, until
from tests.ingest.scene import event

NOW = datetime.datetime(2023, 8, 1, 12, 0, tzinfo=datetime.UTC)
OWN = Scope(sources=("/bureau/inspections",), rights=("publish", "correct", "retract"))


@contextlib.asynccontextmanager
async def working(hub: Hub) -> AsyncIterator[None]:
    """The streams of ingest and reporting beside the door."""
    count = reporting.build(hub.settings)
    async with stream.build(hub.settings, PROMPT) as (loop, box):
        tasks = [
            asyncio.create_task(outbox.beside(box, loop.run())),
            asyncio.create_task(outbox.beside(Outbox(hub.settings, "reporting"), count.run())),
        ]
        try:
            yield
        finally:
            loop.stop()
            count.stop()
            await asyncio.wait_for(asyncio.gather(*tasks), 15)


class Asked:
    """A publisher's own view."""

    def __init__(self, hub: Hub, header: str) -> None:
        self.hub, self.header = hub, header

    async def get(self, path: str) -> Any:
        answer = await self.hub.client.get(f"/ingest/mine{path}", headers={"authorization": self.header})
        return answer.json() if answer.status_code == 200 else answer.status_code

    async def fate(self, id_: str) -> str:
        found = await self.get(f"/events/{id_}?source=/bureau/inspections/office")
        return str(found["fate"]) if isinstance(found, dict) else str(found)

    async def becomes(self, id_: str, wanted: str) -> None:
        async def is_so() -> bool:
            return await self.fate(id_) == wanted

        try:
            await until(is_so, 15)
        except TimeoutError:
            pytest.fail(f"{id_} is {await self.fate(id_)}, not {wanted}")


async def test_every_fate_comes_back_to_its_publisher_alone(hub: Hub) -> None:
    _, header = await hub.key(OWN, "inspections")
    _, other = await hub.key(OWN, "somebody")
    own, theirs = Asked(hub, header), Asked(hub, other)
    wrong = event(id="mismatch", corrects="plain", data={"hazard_id": "YH-2"})
    back = event(id="back", type="event.retracted", subject="YH-1", corrects="gone", data={"type": "hazard.found"})
    async with working(hub):
        sent = [event(id=id_) for id_ in ("plain", "twice", "clash", "wrong", "gone")]
        assert (await hub.post(sent, header, "application/cloudevents-batch+json")).status_code == 202
        await own.becomes("plain", "accepted")
        assert await own.fate("never-sent") == "404"
        assert await theirs.fate("plain") == "404"
        more = [event(id="twice"), event(id="clash", data={"hazard_id": "YH-1", "level": "major"}),
                event(id="right", corrects="wrong"), back, wrong]  # fmt: skip
        assert (await hub.post(more, header, "application/cloudevents-batch+json")).status_code == 202
        assert (await hub.post(event(id="bad", time="yesterday"), header)).status_code == 422
        for id_, wanted in {"twice": "duplicate", "clash": "conflict", "wrong": "corrected", "gone": "retracted",
                            "mismatch": "quarantined", "bad": "rejected", "right": "accepted"}.items():  # fmt: skip
            await own.becomes(id_, wanted)
        told = await own.get("/events/wrong?source=/bureau/inspections/office")
        assert told["detail"]["by"] == {"source": "/bureau/inspections/office", "id": "right"}
        bad = await own.get("/events/bad?source=/bureau/inspections/office")
        assert bad["detail"]["problems"][0]["code"] == "time_format"
        view = await own.get("")
        assert view["total"] == {"accepted": 8, "duplicate": 1, "conflict": 1, "corrected": 1, "retracted": 1,
                                 "quarantined": 1, "rejected": 1}  # fmt: skip
        assert view["today"] == view["total"]
        assert view["late"] == 8
        assert {p["id"] for p in view["problems"]} == {"clash", "mismatch", "bad"}
        assert (await theirs.get(""))["total"] == {}
        # the fixed event under its old id, and the retraction taken back
        assert (await hub.post(event(id="bad"), header)).status_code == 202
        await own.becomes("bad", "accepted")
        again = event(id="again", corrects="back", data={"hazard_id": "YH-1"})
        assert (await hub.post(again, header)).status_code == 202
        await own.becomes("back", "corrected")


async def test_a_correction_that_came_before_its_target(hub: Hub) -> None:
    _, header = await hub.key(OWN, "inspections")
    own = Asked(hub, header)
    async with working(hub):
        await hub.post(event(id="new", corrects="old"), header)
        await own.becomes("new", "accepted")
        await hub.post(event(id="old"), header)
        await own.becomes("old", "corrected")
        back = event(id="b", type="event.retracted", subject="YH-1", corrects="new", data={"type": "hazard.found"})
        await hub.post(back, header)
        await own.becomes("new", "retracted")


async def test_nobody_asks_without_a_key(hub: Hub) -> None:
    assert (await hub.client.get("/ingest/mine")).status_code == 401
    _, header = await hub.key(Scope(sources=("*",)), "many")
    assert await Asked(hub, header).get("/events/x") == 422


async def test_old_fates_go_in_small_steps_and_whether_an_event_counts_stays(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.connection.execute("SET search_path TO ingest")
    old = NOW - mine.KEPT - datetime.timedelta(days=1)
    told = [("reporting", name) for name in ("duplicate", "conflict", "corrected", "retracted", "quarantined")]
    told += [("warning", "refused"), ("ingest", "rejected"), ("ingest", "quarantined")]
    for n, (service, name) in enumerate(told):
        for at in (old, NOW - mine.KEPT):
            counts = mine.Counts(datetime.UTC)
            await mine.tell(hub.connection, service, [a_fate(name, n, at=at, cause=str(at))], counts)
    monkeypatch.setattr(mine, "PRUNE", 3)
    assert [await mine.prune(hub.connection, NOW) for _ in range(2)] == [True, False]
    left = await hub.connection.fetch("SELECT service, fate FROM fate WHERE at = $1 ORDER BY n", old)
    assert [tuple(row) for row in left] == [told[n] for n in (2, 3, 4, 5)]
    assert await hub.connection.fetchval("SELECT count(*) FROM fate") == len(told) + 4


# --- pure -------------------------------------------------------------------------------------------------------------


def a_fate(name: str, n: int = 0, **more: Any) -> Fate:
    return Fate(**{"source": "/a", "id": f"e-{n}", "fate": name, "publisher": "p", "at": NOW, "cause": str(n), **more})


def test_frames_hold_fates_in_order_and_their_ids_follow_from_what_they_hold() -> None:
    fates = [a_fate("duplicate", n) for n in range(250)]
    framed = list(fate.frames("reporting", fates))
    assert len(framed) == 3
    assert [f for frame in framed for f in fate.read(frame)[1]] == fates
    assert fate.read(framed[0])[0] == "reporting"
    assert list(fate.frames("reporting", fates)) == framed
    assert len(list(fate.frames("ingest", [a_fate("rejected", detail={"x": "y" * 200_000})] * 3))) == 3


@pytest.mark.parametrize("record", [b"", b"\xff", b"{}", b'{"id":"1","source":"s","data":{"items":[{}]}}',
                                    next(fate.frames("x", [a_fate("lost")]))])  # fmt: skip
def test_what_are_no_fates_is_said(record: bytes) -> None:
    with pytest.raises(InvalidEvent):
        fate.read(record)


@pytest.mark.parametrize(
    ("told", "accepted", "stands"),
    [
        ([], False, None),
        ([], True, "accepted"),
        ([("ingest", "rejected")], False, "rejected"),
        ([("ingest", "rejected")], True, "accepted"),
        ([("ingest", "rejected"), ("ingest", "quarantined")], False, "quarantined"),
        ([("reporting", "duplicate")], True, "duplicate"),
        ([("reporting", "conflict"), ("reporting", "duplicate")], True, "conflict"),
        ([("reporting", "corrected"), ("reporting", "duplicate")], True, "corrected"),
        ([("reporting", "corrected"), ("reporting", "accepted")], True, "accepted"),
        ([("reporting", "corrected"), ("reporting", "retracted")], True, "retracted"),
        ([("warning", "refused")], True, "refused"),
    ],
)
def test_where_an_event_stands(told: list[tuple[str, str]], accepted: bool, stands: str | None) -> None:
    fates = [{"service": service, "fate": name, "detail": {}} for service, name in told]
    found = mine.verdict(fates, is_accepted=accepted)
    assert (found and found["fate"]) == stands
