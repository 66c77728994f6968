"""A change of shift over HTTP (story 7), and a silence that a person makes and ends."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.runtime.settings import Settings
from tests.warning.served import Served, served


@pytest.fixture
async def hub(settings: Settings, topics: list[str]) -> AsyncIterator[Served]:
    async with served(settings) as one:
        yield one


async def desk(hub: Served) -> dict[str, Any]:
    """The bureau's desk as `hub duty now` sees it."""
    items = (await hub.get("/warning/duty/now"))["items"]
    return next(i for i in items if (i["organisation"], i["post"]) == ("JB00", "bureau_duty"))


async def post(hub: Served, path: str, who: dict[str, str], **sent: Any) -> httpx.Response:
    return await hub.client.post(f"/warning{path}", json=sent, headers=who)


async def test_a_shift_is_handed_over_and_accepted(hub: Served) -> None:
    async def stands() -> str | None:
        shift = (await desk(hub))["shift_id"]
        return shift if shift in await hub.watch.matters("shift") else None

    shift = await hub.watch.until(stands)
    to = datetime.datetime.fromisoformat((await desk(hub))["to"])
    hub.watch.clock.advance(seconds=(to - hub.watch.clock.now()).total_seconds() + 16 * 60)

    async def called() -> list[dict[str, Any]]:
        return await hub.letters(kind="shift")

    letters = await hub.watch.until(called)
    assert {(row["organisation"], row["post"]) for row in letters} == {("JB00", "duty_leader")}
    before = await desk(hub)
    assert (before["handover"]["shift_id"], before["handover"]["state"]) == (shift, "late")

    listed = await hub.get(f"/warning/duty/{shift}/handover")
    assert {s["key"] for s in listed["sections"]} >= {"alerts", "callouts", "clocks", "feeds", "log"}
    officer = await hub.log_in("watch")
    early = await post(hub, f"/duty/{shift}/accept", officer)
    assert (early.status_code, early.json()["detail"]) == (409, "尚未交班")
    handed = await post(hub, f"/duty/{shift}/hand_over", officer, open_items=listed["open_items"], notes="加强巡查")
    assert handed.status_code == 200, handed.text
    assert (await post(hub, f"/duty/{shift}/accept", officer)).status_code == 200
    again = await post(hub, f"/duty/{shift}/hand_over", officer)
    assert (again.status_code, again.json()["detail"]) == (409, "已经交过班")

    after = await desk(hub)
    assert (after["handover"], after["shift_id"] != shift) == (None, True)
    one = await hub.get(f"/warning/duty/{shift}")
    assert (one["state"], one["accepted"]["person_id"]) == ("accepted", after["persons"][0]["person_id"])
    assert one["handed_over"]["notes"] == "加强巡查"

    brief = await hub.client.get(f"/warning/duty/{shift}/brief.txt", headers={"authorization": f"Bearer {hub.key}"})
    assert "江滨区应急管理局值班要情" in brief.text
    assert "收到预警\n   无\n" in brief.text

    explained = await hub.get("/warning/routes/explain", level="red", hazard="rainstorm", region="990111003")
    assert explained["reached"]
    nowhere = await hub.client.get(
        "/warning/routes/explain", params={"region": "1"}, headers={"authorization": f"Bearer {hub.key}"}
    )
    assert nowhere.status_code == 404
    scores = await hub.get("/warning/feeds/scoreboard")
    assert {row["publisher"] for row in scores["items"]} == {"weather", "grid", "enforcement", "hotline", "duty"}

    gaps = (await hub.get("/warning/loops", kind="roster_gap"))["items"]
    assert {(row["id"], row["state"]) for row in gaps} == {
        ("roster_gap/JB00/bureau_duty", "covered"), ("roster_gap/JB00/duty_leader", "covered"),
    }  # fmt: skip
    assert (await hub.get("/warning/loops/roster_gap/JB00/bureau_duty"))["gaps"] == []


async def test_whoever_is_relieved_before_the_time_is_off_duty(hub: Served) -> None:
    async def stands() -> dict[str, Any] | None:
        now = await desk(hub)
        return now if now["shift_id"] in await hub.watch.matters("shift") else None

    before = await hub.watch.until(stands)
    shift, officer = before["shift_id"], await hub.log_in("watch")
    following = (await hub.get(f"/warning/duty/{shift}"))["next"]
    soon = await post(hub, f"/duty/{following['shift_id']}/hand_over", officer)
    assert (soon.status_code, soon.json()["detail"].endswith("才当班，尚不能交班")) == (409, True)
    assert (await post(hub, f"/duty/{shift}/hand_over", officer)).status_code == 200
    assert (await desk(hub))["handover"]["state"] == "handed_over"
    assert (await post(hub, f"/duty/{shift}/accept", officer)).status_code == 200
    after = await desk(hub)
    assert after["shift_id"] == following["shift_id"]
    assert (after["handover"] or {}).get("shift_id") != shift
    assert [p["person_id"] for p in after["persons"]] == [following["person_id"]]
    assert after["persons"] != before["persons"]


async def test_a_silence_is_made_and_ended(hub: Served) -> None:
    officer = await hub.log_in("watch")
    until = (hub.watch.clock.now() + datetime.timedelta(hours=2)).isoformat()
    made = await post(hub, "/silences/s1/start", officer, matchers={"kind": "feed"}, reason="检修", until=until)
    assert made.status_code in (200, 202), made.text
    wrong = await post(hub, "/silences/s2/start", officer, matchers={"kind": "feed"}, until="soon")
    assert wrong.status_code == 422
    assert (await post(hub, "/silences/s3/end", officer)).status_code == 404
    assert (await hub.get("/warning/silences/s1/hidden"))["count"] == 0
    told = await hub.watch.connection.fetch("SELECT did, origin FROM access.audit WHERE did LIKE 'silences.%'")
    assert [tuple(row) for row in told] == [("silences.start", "127.0.0.1")] * 2


async def test_the_book_and_the_roster_are_had_and_a_partner_sees_its_own_feeds_only(hub: Served) -> None:
    (leader, *_) = [one for one in (await hub.get("/warning/contacts/book"))["items"] if one["person_id"] == "R001"]
    assert leader["addresses"]["sms"] == "138****0001"
    month = await hub.get("/warning/duty/roster?month=2026-07")
    assert {post["post"] for post in month["items"]} >= {"duty_leader", "bureau_duty"}
    wrong = await hub.client.get("/warning/duty/roster?month=july", headers={"authorization": f"Bearer {hub.key}"})
    assert wrong.status_code == 422
    partner = await hub.log_in("partner")
    statuses = {}
    for path in ("/contacts/book", "/alerts", "/duty/now", "/feeds", "/notices", "/feeds/grid/hazard.found"):
        statuses[path] = (await hub.client.get(f"/warning{path}", headers=partner)).status_code
    refused, own = dict.fromkeys(("/contacts/book", "/alerts", "/duty/now"), 403), {"/feeds": 200, "/notices": 200}
    assert statuses == {**refused, **own, "/feeds/grid/hazard.found": 404}
