"""Stories 8, 9 and 10: a hazard with a limit, a listed hazard, an accident nobody reports upward; on real parts."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from services.reporting import app as reporting
from services.reporting import catalogue
from services.reporting.statistics import definitions
from services.runtime import access, bureau
from services.runtime.settings import ROOT, Settings
from tests.reporting.conftest import Reader, reader
from tests.warning.watching import Watching, watching

__all__ = ["reader"]
BUREAU = bureau.load(ROOT / "bureaus" / "example")
ZONE = ZoneInfo("Asia/Shanghai")
STREET = "990111003"
DAY = datetime.timedelta(days=1)


@dataclass
class Hub:
    """The watch and the count at work."""

    watch: Watching
    reader: Reader
    client: httpx.AsyncClient

    def day(self, days: int = 0) -> datetime.date:
        """The local day now, or so many later."""
        return (self.watch.clock.now() + days * DAY).astimezone(ZONE).date()

    async def tell(self, *facts: tuple[str, str, dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
        """Events that happen now; returns them when all that follows is said and counted."""
        records = [self.watch.fact(type_, subject, data, region=STREET, **more) for type_, subject, data in facts]
        await self.watch.publish(*records)
        await self.settled()
        return records

    async def advance(self, **by: float) -> None:
        """Move the clock, and wait for all that follows."""
        self.watch.clock.advance(**by)
        await self.settled()

    async def settled(self) -> None:
        """Everything said is counted, too."""
        await self.watch.settled()
        await self.reader.caught_up()

    async def case(self, key: str) -> dict[str, Any]:
        """A case as its GET gives it."""
        return (await self.watch.matters("loop"))[key]

    async def said(self, key: str) -> list[str]:
        """The types of what is in force of what the watch has said of a case."""
        rows = await self.watch.connection.fetch(
            "SELECT type FROM effect WHERE kind = 'loop' AND matter = $1 AND digest <> '' AND type <> ''", key
        )
        return [row["type"] for row in rows]

    async def figure(self, key: str, **query: Any) -> dict[str, Any]:
        """One figure."""
        answer = await self.client.get(f"/statistics/{key}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def texts(self) -> list[tuple[str, str]]:
        """Who was sent what: post and text."""
        rows = await self.watch.connection.fetch("SELECT post, organisation, text FROM delivery ORDER BY made, id")
        return [(row["post"], row["text"]) for row in rows]


@pytest.fixture
async def hub(settings: Settings, topics: list[str], reader: Reader) -> AsyncIterator[Hub]:
    reader.definitions = definitions(BUREAU)
    async with watching(settings, patient=True) as watch, reader.running():
        _, token = await access.add_key(watch.connection, "desk", access.Scope(rights=("read",)))
        async with (
            reporting.running(settings, of=catalogue.of(BUREAU), clock=watch.clock.now) as app,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client,
        ):
            client.headers["authorization"] = f"Bearer {token}"
            watch.clock.advance(hours=(9 - watch.clock.now().astimezone(ZONE).hour) % 24)  # people are told by day
            yield Hub(watch, reader, client)


async def test_a_hazard_with_fifteen_days(hub: Hub) -> None:
    due, longer = hub.day(15), hub.day(30)
    month = {"from": hub.day(-1).isoformat(), "to": due.isoformat()}
    order = {"order_id": "o1", "hazard_ids": ["h1"], "due": due.isoformat()}
    approved = {"hazard_id": "h2", "new_due": longer.isoformat(), "approver": "张三", "reason": "设备未到"}
    await hub.tell(
        ("hazard.found", "h1", {"hazard_id": "h1", "level": "major", "enterprise_id": "JB02", "due": due.isoformat()}),
        ("hazard.found", "h2", {"hazard_id": "h2", "due": due.isoformat()}),
        ("hazard.found", "h3", {"hazard_id": "h3", "due": due.isoformat()}),
        ("rectification.order_issued", "o1", order),
        ("rectification.order_issued", "o2", {"order_id": "o2", "hazard_ids": ["h2"]}),
    )
    assert (await hub.case("hazard/h1"))["state"] == "open"
    await hub.advance(days=12)
    reminded = {post for post, text in await hub.texts() if "隐患整改「h1」" in text}
    assert reminded == {"street_duty", "street_leader", "duty_leader"}  # all that JB02 has
    without = {"hazard_id": "h1", "new_due": longer.isoformat(), "reason": "设备未到"}
    refused, *_ = await hub.tell(
        ("hazard.extended", "h1", without), ("hazard.extended", "h2", approved),
        ("hazard.rectified", "h3", {"hazard_id": "h3"}), ("hazard.closed", "h3", {"hazard_id": "h3"}),
    )  # fmt: skip
    assert [one["event"] for one in (await hub.case("hazard/h1"))["refused"]] == [refused["id"]]
    assert "loop.refused" in await hub.said("hazard/h1")

    await hub.advance(days=4)
    case = await hub.case("hazard/h1")
    assert (case["state"], case["clocks"][0]["overdue"]) == ("overdue", True)
    assert (await hub.case("hazard/h2"))["state"] == "open"
    late = {post for post, text in await hub.texts() if "尚未完成" in text and "隐患整改「h1」" in text}
    assert "street_duty" in late
    assert (await hub.figure("limits_overdue", **{"label.loop": "hazard"}))["value"] == 1

    await hub.tell(("recheck.completed", "o1", {"order_id": "o1", "results": [{"hazard_id": "h1", "passed": False}]}))
    assert (await hub.case("hazard/h1"))["state"] == "overdue"
    await hub.tell(("recheck.completed", "o1", {"order_id": "o1", "results": [{"hazard_id": "h1", "passed": True}]}))
    case = await hub.case("hazard/h1")
    assert (case["state"], case["on_time"]) == ("closed", False)
    assert (await hub.case("hazard/h3"))["on_time"] is True
    await hub.tell(("recheck.completed", "o2", {"order_id": "o2", "passed": True}))
    assert (await hub.case("hazard/h2"))["state"] == "closed"
    assert (await hub.figure("limits_due", **month, **{"label.loop": "hazard"}))["value"] == 2
    assert (await hub.figure("hazard_closure_rate_pct", **month))["value"] == 50  # h1 is below the line only


async def test_listing_and_reports_upward(hub: Hub) -> None:
    learned = hub.watch.clock.now()
    up = {"incident_id": "i1", "seq": 1, "method": "phone", "to": "市应急局"}
    passed = {"order_id": "o", "results": [{"hazard_id": "h1", "passed": True}]}
    accident = {"accident_id": "a1", "incident_id": "i1", "deaths": 2, "learned_at": learned.isoformat()}
    listed = {"hazard_id": "h1", "level": "major", "due": hub.day(60).isoformat()}
    await hub.tell(("accident.reported", "a1", accident), ("hazard.listed", "h1", listed))
    (bold,) = await hub.tell(("hazard.delisted", "h1", {"hazard_id": "h1"}))
    (refused,) = (await hub.case("listed/h1"))["refused"]
    assert "须在「复查通过」之后" in refused["reason"]
    assert refused["event"] == bold["id"]

    await hub.advance(minutes=31)
    assert (await hub.case("incident/i1"))["state"] == "overdue"
    assert any("电话上报" in text for post, text in await hub.texts() if post == "duty_leader")
    await hub.tell(("incident.reported_up", "i1", up), at=learned + datetime.timedelta(minutes=10))
    phone = next(c for c in (await hub.case("incident/i1"))["clocks"] if c["clock"] == "phone")
    assert (phone["overdue"], phone["on_time"]) == (False, False)
    span = {"from": hub.day(-1).isoformat(), "to": hub.day().isoformat()}
    assert (await hub.figure("phone_reports_up_on_time_pct", **span))["value"] == 0

    await hub.advance(days=3)
    await hub.tell(("recheck.completed", "o", passed))
    assert (await hub.figure("hazards_under_listing"))["value"] == 1
    await hub.advance(seconds=1)
    await hub.tell(("hazard.delisted", "h1", {"hazard_id": "h1"}))
    today, before = ({"from": day.isoformat(), "to": day.isoformat()} for day in (hub.day(), hub.day(-1)))
    assert (await hub.figure("hazards_under_listing", **today))["value"] == 0
    assert (await hub.figure("hazards_under_listing", **before))["value"] == 1
    assert (await hub.figure("steps_refused", **{"label.loop": "listed"}))["value"] == 1
    assert (await hub.figure("hazards_delisted"))["value"] == 1, "the one that was refused does not count"


async def test_corrected_early_and_imported(hub: Hub) -> None:
    past = {"hazard_id": "h1", "due": hub.day(-1).isoformat()}
    long_ago = hub.watch.clock.now() - 10 * DAY
    (found, *_) = await hub.tell(("hazard.found", "h1", past), at=long_ago)
    await hub.tell(*(("hazard.rectified", h, {"hazard_id": h}) for h in ("early", "lonely")))
    span = {"from": hub.day(-20).isoformat(), "to": hub.day(40).isoformat()}
    overdue = {**span, "label.loop": "hazard"}
    assert (await hub.figure("limits_overdue", **overdue))["value"] == 1
    assert (await hub.case("hazard/early"))["state"] == "unopened"

    right = {"hazard_id": "h1", "due": hub.day(20).isoformat()}
    more = {"corrects": found["id"], "correctssource": found["source"]}
    await hub.tell(("hazard.found", "h1", right), at=long_ago, **more)
    await hub.tell(("hazard.found", "early", {"hazard_id": "early"}))
    assert (await hub.case("hazard/h1"))["state"] == "open"
    assert (await hub.case("hazard/early"))["step"] == "rectified"
    assert (await hub.figure("limits_overdue", **overdue))["value"] == 0
    await hub.advance(days=22)
    assert (await hub.figure("limits_overdue", **overdue))["value"] == 1
    assert sorted(await hub.said("hazard/h1")) == ["loop.due", "loop.due_soon", "loop.opened", "loop.overdue"]
    assert "loop.refused" in await hub.said("hazard/lonely")
    assert (await hub.figure("steps_refused"))["value"] == 1

    told = len(await hub.texts())
    then = datetime.datetime(2023, 3, 1, 10, tzinfo=ZONE)
    imported = {"hazard_id": "old", "due": "2023-03-16"}
    await hub.tell(("hazard.found", "old", imported), at=then, lane="history")
    await hub.tell(("hazard.rectified", "old", {"hazard_id": "old"}), at=then + 20 * DAY, lane="history")
    march = {"from": "2023-03-01", "to": "2023-03-31"}
    assert (await hub.figure("limits_due", **march, **{"label.loop": "hazard"}))["value"] == 1
    assert (await hub.figure("hazard_closure_rate_pct", **march))["value"] == 0
    assert len(await hub.texts()) == told
