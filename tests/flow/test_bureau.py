"""A bureau from nothing, by its recipe (docs/bureau.md), and a changed folder into the hub while facts come in."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.test_up import Hub
from tests.flow.test_tables import key

EVENT = {"content-type": "application/cloudevents+json"}
RIVERS = """
[river_patrols]
zh = "河道巡查"
unit = "次"
event = "patrol.completed"
measure = "count"
where = { post = "河道" }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bureau") / "new"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, folder: Path, ports: Callable[[], int]) -> Iterator[Hub]:
    """A hub with a bureau that `hub bureau new` has made, as it is."""
    hub = Hub(tmp_path_factory.mktemp("apply"), ports(), bureau=str(folder))
    made = hub.run("bureau", "new", str(folder), "--region", "320681", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["regions"] > 300
    assert hub.run("bureau", "check", str(folder)).returncode == 0
    hub.up()
    yield hub
    hub.end()


def patrol(n: int, region: str = "320681100") -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"x{n}", "source": "/grid", "type": "patrol.completed", "subject": f"x{n}",
        "time": "2026-06-30T08:00:00+08:00", "region": region,
        "data": {"patrol_id": f"x{n}", "post": "河道"},
    }  # fmt: skip


@contextlib.asynccontextmanager
async def sending(client: httpx.AsyncClient) -> AsyncIterator[list[int]]:
    """One fact after the other through the door for as long as this lasts; the statuses that it answers."""
    answers: list[int] = []

    async def send() -> None:
        for n in range(10_000):
            answers.append((await client.post("/ingest/events", json=patrol(n), headers=EVENT)).status_code)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(send())
    yield answers
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def figure(client: httpx.AsyncClient, name: str, **query: str) -> httpx.Response:
    return await client.get(f"/reporting/statistics/{name}", params={"from": "2026-01-01", "to": "2026-12-31", **query})


async def test_a_changed_folder_comes_into_force_while_facts_come_in(hub: Hub, folder: Path) -> None:
    token = await asyncio.to_thread(key, hub, "grid", "--source", "/grid", "--right", "publish", "--right", "read")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, timeout=30) as client, sending(client) as answers:
        before = hub.processes()
        (folder / "statistics" / "own.toml").write_text(RIVERS, "utf-8")
        applied = await asyncio.to_thread(hub.run, "bureau", "apply", str(folder), "--json")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        assert json.loads(applied.stdout)["changed"] is True
        while len(answers) < 50:
            await asyncio.sleep(0.05)
        assert set(answers) == {202}
        assert (await asyncio.to_thread(hub.processes))["hub-api"]["pid"] == before["hub-api"]["pid"]
        count = len(answers)
        async with asyncio.timeout(30):
            while (await figure(client, "river_patrols")).json().get("value", 0) < count:
                await asyncio.sleep(0.1)
        told = (await client.get("/reporting/health/ready")).json()["parts"]["configuration"]
        assert told.endswith(json.loads(applied.stdout)["hash"][:16])
        async with asyncio.timeout(10):
            while sum(row["handled"] for row in await affairs(client)) < 1:
                await asyncio.sleep(0.1)


async def affairs(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Where `config.applied` goes."""
    rows = (await client.get("/reporting/accounting")).json()["rows"]
    return [row for row in rows if row["topic"] == "affairs"]


async def test_a_folder_with_mistakes_changes_nothing(hub: Hub, folder: Path) -> None:
    (folder / "statistics" / "own.toml").write_text(RIVERS + "unit = 1\nevemt = 2\n", "utf-8")
    refused = await asyncio.to_thread(hub.run, "bureau", "apply")
    assert refused.returncode == 1
    assert f"{folder}/statistics/own.toml:" in refused.stdout
    assert hub.status()["ready"]
    (folder / "statistics" / "own.toml").write_text(RIVERS, "utf-8")
    again = await asyncio.to_thread(hub.run, "bureau", "apply", "--json")
    assert json.loads(again.stdout)["changed"] is False


async def test_another_bureau_is_refused(hub: Hub, tmp_path: Path) -> None:
    other = tmp_path / "other"
    await asyncio.to_thread(hub.run, "bureau", "new", str(other), "--region", "320111")
    refused = await asyncio.to_thread(hub.run, "bureau", "apply", str(other))
    assert refused.returncode == 1
    assert "另一个单位" in refused.stderr


FIGURES = """\
id,query,member,value,unit,zh
1,hazards_found?from=2025-01-01&to=2025-12-31&label.level=major,value,12,条,重大隐患
2,enterprises_inspected?from=2025-01-01&to=2025-12-31,value,24,家,检查企业
"""
YEAR = """\
year = 2025

[[facts]]
figures = ["1"]
type = "hazard.found"
count = 12
data = { level = "major", enterprise_id = { pool = "QY", of = 9 } }

[[facts]]
figures = ["2"]
type = "inspection.completed"
count = 30
data = { mode = "routine", enterprise_id = { pool = "QY", of = 24 } }
"""


async def test_published_figures_come_out_of_rows_and_events_alone(hub: Hub, folder: Path, tmp_path: Path) -> None:
    (folder / "figures.csv").write_text(FIGURES, "utf-8")
    (folder / "year.toml").write_text(YEAR, "utf-8")
    made = await asyncio.to_thread(hub.run, "bureau", "year", str(folder))
    assert made.returncode == 0, made.stderr
    (tmp_path / "year.ndjson").write_text(made.stdout, "utf-8")
    sent = await asyncio.to_thread(hub.run, "publish", str(tmp_path / "year.ndjson"))
    assert sent.returncode == 0, sent.stderr
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(hub.run, "bureau", "compare", str(folder))).returncode:
            await asyncio.sleep(0.5)
    (folder / "figures.csv").write_text(FIGURES.replace(",24,", ",25,"), "utf-8")
    different = await asyncio.to_thread(hub.run, "bureau", "compare", str(folder), "--json")
    assert different.returncode == 1
    assert [row["id"] for row in json.loads(different.stdout)["different"]] == ["2"]
