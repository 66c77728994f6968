"""Stories 12, 15 and 16 through a whole hub: by mistake actual, a register over two years, an accident that grew."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.deploy.test_up import Hub
from tests.flow.test_tables import key

EVENT = {"content-type": "application/cloudevents-batch+json"}
STATUSES = ("--status", "actual", "--status", "exercise")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]) -> Iterator[Hub]:
    running = Hub(tmp_path_factory.mktemp("stories"), ports()).up()
    yield running
    running.end()


@pytest.fixture(scope="module")
def tokens(hub: Hub) -> dict[str, str]:
    """Who sends and asks: a bureau's own system, and one that may correct others' facts."""
    own = ("--right", "publish", "--right", "retract", "--right", "read")
    return {
        "safety": key(hub, "safety", "--source", "/safety", *own, *STATUSES),
        "health": key(hub, "health", "--source", "/health", "--right", "publish", "--right", "correct"),
    }


@pytest.fixture
async def client(hub: Hub, tokens: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {tokens['safety']}"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, timeout=60) as client:
        yield client


def event(type_: str, data: dict[str, Any], at: str, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": "/safety", "type": type_,
        "time": f"{at}T09:00:00+08:00", "data": data, **more,
    }  # fmt: skip


async def send(client: httpx.AsyncClient, *events: dict[str, Any], token: str = "") -> None:
    """Through the door, and until all that was accepted is in the ledger."""
    headers = EVENT | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = await client.post("/ingest/events", json=list(events), headers=headers)
    assert answer.status_code == 202, answer.text
    want = {(e["source"], e["id"]) for e in events}
    async with asyncio.timeout(60):
        while want and not await _read_to_the_end(client):
            await asyncio.sleep(0.1)


async def _read_to_the_end(client: httpx.AsyncClient) -> bool:
    """Whether the reader has read as far as the logs went a second ago, asked twice so that it has looked again."""
    before = (await client.get("/reporting/accounting")).json()
    await asyncio.sleep(1.2)
    after = (await client.get("/reporting/accounting")).json()
    assert after["unexplained"] == 0
    return all(b["next"] == a["next"] == a["end"] for b, a in zip(before["rows"], after["rows"], strict=False))


async def figure(client: httpx.AsyncClient, name: str, year: int, **query: str) -> dict[str, Any]:
    asked = {"from": f"{year}-01-01", "to": f"{year}-12-31", **query}
    answer = await client.get(f"/reporting/statistics/{name}", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_was_sent_as_actual_by_mistake_counts_as_the_exercise_it_was(
    hub: Hub, client: httpx.AsyncClient
) -> None:
    wrong = event("incident.reported", {"incident_id": "T-1", "deaths": 2}, "2022-05-01")
    await send(client, wrong)
    assert (await figure(client, "incidents_reported", 2022))["value"] == 1
    taken_back = event("event.retracted", {"type": "incident.reported", "reason": "error"}, "2022-05-01",
                       subject="T-1", corrects=wrong["id"])  # fmt: skip
    exercise = event("incident.reported", wrong["data"], "2022-05-01", status="exercise", drill="YL-1")
    await send(client, taken_back, exercise)
    assert (await figure(client, "incidents_reported", 2022))["value"] in (0, None)
    for drill in ({}, {"drill": "YL-1"}):
        assert (await figure(client, "incidents_reported", 2022, status="exercise", **drill))["value"] == 1
    recounted = await asyncio.to_thread(hub.run, "recount")
    assert recounted.returncode == 0, recounted.stdout + recounted.stderr
    told = (await client.get(f"/ingest/mine/events/{wrong['id']}", params={"source": "/safety"})).json()
    assert told["fate"] == "retracted"


async def test_a_register_is_reported_as_it_stands_though_nobody_registered_this_year(
    client: httpx.AsyncClient,
) -> None:
    teams = [event("team.registered", {"team_id": f"DW-{n}", "members": 10, "level": "district"}, "2021-03-01")
             for n in range(53)]  # fmt: skip
    grown = [event("team.updated", {"team_id": f"DW-{n}", "members": 12}, "2022-06-01") for n in range(5)]
    await send(client, *teams)
    await send(client, *grown)
    for year, strength in ((2021, 530), (2022, 540)):
        assert (await figure(client, "rescue_teams_standing", year))["value"] == 53
        assert (await figure(client, "rescue_team_strength", year))["value"] == strength
    until_may = await figure(client, "rescue_team_strength", 2022, to="2022-05-31")
    assert until_may["value"] == 530


async def test_nine_months_are_the_sum_of_the_months_and_open_their_events(client: httpx.AsyncClient) -> None:
    months = {1: 4, 2: 0, 3: 7, 4: 1, 5: 2, 6: 9, 7: 3, 8: 5, 9: 6, 10: 8}
    penalties = [
        event("penalty.imposed", {"case_id": f"A-{month}-{n}", "amount_cny": "1000.50"}, f"2022-{month:02}-{n + 1:02}")
        for month, count in months.items()
        for n in range(count)
    ]
    await send(client, *penalties)
    asked = {"from": "2022-01-01", "to": "2022-09-30"}
    found = await figure(client, "penalties_imposed", 2022, **asked, by="month")
    assert found["value"] == sum(count for month, count in months.items() if month < 10) == 37
    assert [part["value"] for part in found["parts"]] == [months[month] for month in range(1, 10)]
    behind: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await client.get("/reporting/statistics/penalties_imposed/events",
                                params={**asked, "limit": "10", **({"cursor": cursor} if cursor else {})})  # fmt: skip
        behind += [item["id"] for item in page.json()["items"]]
        cursor = page.json()["next"]
    assert sorted(behind) == sorted(p["id"] for p in penalties if p["time"] < "2022-10")
    fines = await figure(client, "fines_amount_cny", 2022, **asked)
    assert fines["value"] == "37018.50"


async def test_deaths_that_another_authority_corrects_move_the_year_and_the_level(
    client: httpx.AsyncClient, tokens: dict[str, str]
) -> None:
    first = event("accident.reported", {"accident_id": "SG-1", "severity": "general", "deaths": 2}, "2022-08-01")
    await send(client, first)
    day_11 = datetime.datetime.now(datetime.UTC).isoformat()
    corrected = event("accident.reported", {"accident_id": "SG-1", "severity": "serious", "deaths": 3}, "2022-08-01",
                      corrects=first["id"], correctssource="/safety") | {"source": "/health"}  # fmt: skip
    without_right = corrected | {"source": "/safety/x", "correctssource": "/other"}
    refused = await client.post("/ingest/events", json=[without_right], headers=EVENT)
    assert refused.status_code == 403
    await send(client, corrected, token=tokens["health"])
    assert (await figure(client, "accident_fatalities", 2022))["value"] == 3
    assert (await figure(client, "accidents_serious_or_above", 2022))["value"] == 1
    assert (await figure(client, "accidents_reported", 2022))["value"] == 1
    then = {"known_at": day_11}
    assert (await figure(client, "accident_fatalities", 2022, **then))["value"] == 2
    assert (await figure(client, "accidents_serious_or_above", 2022, **then))["value"] == 0
