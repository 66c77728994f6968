"""Counters on open pages: over real HTTP, from Kafka to the page."""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.runtime import access, sse
from tests.records import publish, record
from tests.reporting import naive
from tests.reporting.conftest import Reader
from tests.reporting.naive import CATALOGUE, SHANGHAI
from tests.reporting.served import NOON, Hub, on, served


@pytest.fixture
async def hub(reader: Reader) -> AsyncIterator[Hub]:
    """The stream at work, and the API on a port."""
    async with served(reader) as hub:
        yield hub


async def test_a_fact_is_on_the_page_within_half_a_second(hub: Hub) -> None:
    async with hub.page() as page:
        (_, snapshot, _), *_ = page.messages
        assert {c["period"] for c in snapshot["counters"]} == {"day", "month", "year"}
        assert page.counter("found", "year") == 0
        for n in range(3):
            await publish(hub.reader.settings, [record(subject=f"h{n}", at=NOON, data={"level": "major"})])
            published = time.monotonic()
            shown = await page.told("found", n + 1)
            assert shown - published < 0.5
        counter = next(
            v for e, v, _ in page.messages if e == "counter" and (v["key"], v["period"]) == ("found", "month")
        )
        as_of = counter.pop("as_of")
        assert counter == {
            "key": "found",
            "period": "month",
            "from": "2024-05-01",
            "to": "2024-05-31",
            "region": "990111",
            "labels": {},
            "value": 1,
        }
        assert datetime.datetime.fromisoformat(as_of).tzinfo
        assert page.counter("major_pct", "day") == 100


async def test_every_counter_is_the_figure_of_its_period(hub: Hub) -> None:
    hub.now = datetime.datetime(2023, 7, 1, 0, 30, tzinfo=SHANGHAI)
    chains = naive.stream(seed=3, size=300)
    first, *rest = [naive.records(chains[n::5], seed=n) for n in range(5)]
    await publish(hub.reader.settings, first)
    await hub.reader.caught_up()
    async with hub.page() as page, hub.page("?region=990111002") as street:
        for some in rest:
            await publish(hub.reader.settings, some)
        await hub.reader.caught_up()
        await asyncio.sleep(1.5)
        for shown, region in ((page, "990111"), (street, "990111002")):
            wanted = await _figures(hub, region)
            assert {at: shown.counter(*at) for at in wanted} == wanted


async def _figures(hub: Hub, region: str) -> dict[tuple[str, str], Any]:
    """What the API answers for each counter."""
    periods = {
        "day": ("2023-07-01", "2023-07-01"),
        "month": ("2023-07-01", "2023-07-31"),
        "year": ("2023-01-01", "2023-12-31"),
    }
    found = {}
    headers = {"authorization": f"Bearer {hub.key}"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers) as client:
        for key in CATALOGUE.rows.keys() - {"posts"}:
            for name, (first, last) in periods.items():
                answer = await client.get(
                    f"/reporting/statistics/{key}", params={"from": first, "to": last, "region": region}
                )
                if answer.json()["coverage"] == "live":
                    found[key, name] = answer.json()["value"]
    return found


async def test_a_page_is_told_only_what_it_asked_for_and_may_see(hub: Hub) -> None:
    _, town = await on(hub.reader.settings, lambda c: access.add_key(
        c, "town", access.Scope(rights=("read",), regions=("990111001",))))  # fmt: skip
    await asyncio.sleep(1)
    async with hub.page("?keys=fines,found") as page, hub.page(key=town) as street:
        await publish(hub.reader.settings, [
            record("penalty.imposed", "c1", {"amount_cny": "12.5"}, at=NOON, region="990111001"),
            record("drill.completed", "d1", {"participants": 3}, at=NOON, region="990111002"),
        ])  # fmt: skip
        await page.told("fines", "12.50")
        await street.told("fines", "12.50")
        await asyncio.sleep(0.6)
        assert {v["key"] for e, v, _ in page.messages if e == "counter"} == {"fines"}
        assert {v["region"] for e, v, _ in street.messages if e == "counter"} == {"990111001"}
        assert street.counter("drill_last", "day") is None
    async with httpx.AsyncClient(base_url=hub.url, headers={"authorization": f"Bearer {town}"}) as client:
        assert (await client.get("/live?region=990111")).status_code == 403
        assert (await client.get("/live?keys=nothing")).status_code == 404
        assert (await client.get("/live", headers={"authorization": "Bearer no"})).status_code == 401


async def test_the_stream_ends_when_the_key_is_revoked_and_at_shutdown(hub: Hub) -> None:
    key, token = await on(hub.reader.settings, lambda c: access.add_key(c, "guest", access.Scope(rights=("read",))))
    await asyncio.sleep(1)
    async with hub.page() as page, hub.page(key=token) as guest:
        began = time.monotonic()
        await on(hub.reader.settings, lambda c: access.revoke(c, key.id))
        await asyncio.wait_for(guest.ended.wait(), 2)
        assert time.monotonic() - began < 1.3
        assert not page.ended.is_set()
        hub.app.state.leave()
        await asyncio.wait_for(page.ended.wait(), 1)


async def test_the_stream_goes_on_when_the_database_was_away(hub: Hub) -> None:
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'hub-reporting-live'"
    async with hub.page() as page:
        assert await hub.reader.connection.fetchval(f"{cut} AND datname = current_database()") == 1
        await publish(hub.reader.settings, [record(at=NOON)])
        await page.told("found", 1)
        await publish(hub.reader.settings, [record(subject="h2", at=NOON)])
        await page.told("found", 2)


async def test_a_new_day_begins_at_nought(hub: Hub) -> None:
    async with hub.page() as page:
        await publish(hub.reader.settings, [record(at=NOON)])
        await page.told("found", 1, "day")
        hub.now = NOON + datetime.timedelta(days=1)
        await page.told("found", 0, "day")
        assert page.counter("found", "month") == 1


async def test_one_that_does_not_keep_up_is_told_to_come_again() -> None:
    client = sse.Client("all")
    fan = sse.Fan()
    fan.open(client, b"first")
    for n in range(sse.QUEUE + 5):
        fan.send({"all": b"%d " % n})
    assert fan.clients == set()
    assert fan.resyncs == 1
    assert await client.next() == sse.RESYNC
    assert await client.next() == b""


async def test_five_hundred_pages_cost_one_reading(hub: Hub) -> None:
    pages = [sse.Client(("990111", None)) for _ in range(500)]
    async with hub.page() as page:
        fan: sse.Fan = hub.app.state.leave.__self__
        fan.clients.update(pages)
        before = await _readings(hub)
        await publish(hub.reader.settings, [record(at=NOON)])
        await page.told("found", 1)
        await asyncio.sleep(0.3)
        assert await _readings(hub) - before <= 3
        chunks = {await asyncio.wait_for(p.next(), 1) for p in pages}
        assert len(chunks) == 1
        assert b"event: counter" in chunks.pop()
        fan.clients.difference_update(pages)


async def _readings(hub: Hub) -> float:
    async with httpx.AsyncClient() as client:
        page = (await client.get(f"{hub.url}/reporting/metrics")).text
    name = "hub_reporting_live_requery_seconds_count"
    return float(next(line.split()[1] for line in page.splitlines() if line.startswith(name)))
