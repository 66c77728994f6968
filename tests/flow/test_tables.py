"""Story 13: the template filled in by a clerk, its answer, the same again, and a row corrected; and `hub import`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.formats.workbook import MEDIA_TYPE
from tests.deploy.test_up import Hub, until
from tests.ingest.test_tables_http import filled, rows_of

GOOD = [
    {"隐患编号": "YH-1", "发生时间": 45107, "级别": "一般隐患"},
    {"隐患编号": "YH-2", "发生时间": "2023-06-30 08:30", "级别": "一般隐患"},
    {"隐患编号": "YH-3", "发生时间": "2023-06-30", "级别": "重大隐患"},
]
BAD = [
    {"隐患编号": "YH-4", "发生时间": "昨天", "级别": "一般隐患"},
    {"隐患编号": "YH-5", "发生时间": "2023-06-30", "级别": "特大"},
]
COLUMNS = ("隐患编号", "发生时间", "级别")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]) -> Iterator[Hub]:
    running = Hub(tmp_path_factory.mktemp("tables"), ports()).up()
    yield running
    running.end()


def csv(rows: list[dict[str, Any]]) -> bytes:
    """The rows as a clerk's program saves them: in GB18030."""
    lines = [",".join(COLUMNS), *(",".join(str(row[name]) for name in COLUMNS) for row in rows)]
    return "\r\n".join(lines).encode("gb18030")


def key(hub: Hub, name: str, *options: str) -> str:
    done = hub.run("keys", "add", name, *options, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])


async def found(client: httpx.AsyncClient, year: int = 2023, **labels: str) -> int:
    """How many hazards of a year count."""
    query = {"from": f"{year}-01-01", "to": f"{year}-12-31", **{f"label.{k}": v for k, v in labels.items()}}
    answer = await client.get("/reporting/statistics/hazards_found", params=query)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["value"] or 0)


async def accounting(client: httpx.AsyncClient) -> dict[str, Any]:
    """What was read, and what became of it."""
    answer: dict[str, Any] = (await client.get("/reporting/accounting")).json()
    return answer


async def duplicates(client: httpx.AsyncClient) -> int:
    """Records that were known before."""
    return sum(row["duplicate"] for row in (await accounting(client))["rows"])


async def comes_to(question: Callable[[], Awaitable[int]], expected: int) -> None:
    """Wait until the answer is as expected; the hub's own events about these rows come in between."""
    async with asyncio.timeout(30):
        while await question() != expected:
            await asyncio.sleep(0.2)


async def test_a_clerks_table_counts_once_and_a_corrected_row_keeps_both_versions(hub: Hub) -> None:
    rights = ("--right", "publish", "--right", "read")
    token = await asyncio.to_thread(key, hub, "street", "--source", "/street/tables", *rights)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=hub.url, headers=headers, timeout=30) as client:

        async def send(body: bytes, kind: str = "text/csv", accept: str = "*/*", **query: str) -> httpx.Response:
            return await client.post(
                "/ingest/tables/hazard.found", content=body, params=query,
                headers={"content-type": kind, "accept": accept},
            )  # fmt: skip

        template = (await client.get("/ingest/tables/hazard.found.xlsx")).content
        for body, kind in ((filled(template, GOOD + BAD), MEDIA_TYPE), (csv(GOOD + BAD), "text/csv")):
            refused = await send(body, kind)
            assert refused.status_code == 422
            assert [(p["line"], p["heading"], p["code"]) for p in refused.json()["problems"]] == [
                (5, "发生时间", "time_format"), (6, "级别", "codes"),
            ]  # fmt: skip
        answer = await send(filled(template, GOOD + BAD), MEDIA_TYPE, MEDIA_TYPE, partial="true")
        assert answer.status_code == 202
        told = [str(row[-1]) for row in rows_of(answer.content)]
        assert told[:4] == ["结果", "已接收", "已接收", "已接收"]
        assert all(text.startswith("错误：") for text in told[4:])
        await comes_to(partial(found, client), 3)

        assert (await send(csv(GOOD))).status_code == 202
        await comes_to(partial(duplicates, client), 3)
        assert await found(client) == 3

        changed = [GOOD[0] | {"级别": "重大隐患"}]
        assert (await send(csv(changed))).status_code == 202  # a conflict: shown, changes nothing
        await comes_to(partial(duplicates, client), 4)
        assert await found(client, level="major") == 1
        assert (await send(csv(changed), correct="true")).status_code == 202
        await comes_to(partial(found, client, level="major"), 2)
        assert await found(client) == 3
        back = await send(csv(GOOD[:1]), correct="true")
        assert back.status_code == 202
        await comes_to(partial(found, client, level="major"), 1)
        assert (await accounting(client))["unexplained"] == 0
        assert await found(client) == 3


def test_the_command_brings_in_a_past_year_once(hub: Hub, tmp_path: Path) -> None:
    rows = [{"隐患编号": f"LS-{i}", "发生时间": "2021-06-30", "级别": "一般隐患"} for i in range(5_000)]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(csv(rows))
    bad.write_bytes(csv([*rows, *BAD]))
    refused = hub.run("import", "hazard.found", str(bad), "--history")
    assert refused.returncode == 1
    assert "一行都没有送入" in refused.stdout
    assert "第 5002 行 B 列（发生时间）" in refused.stderr.replace("\n", "")
    assert "检查 5000 行：5000 行可接收" in hub.run("import", "hazard.found", str(good), "--check").stdout
    for _ in range(2):
        done = hub.run("import", "hazard.found", str(good), "--history")
        assert (done.returncode, done.stdout.strip()) == (0, "送入 5000 行"), done.stderr
    headers = {"Authorization": f"Bearer {(hub.folder / 'admin.key').read_text().strip()}"}
    with httpx.Client(base_url=hub.url, headers=headers, timeout=30) as client:
        path = "/reporting/statistics/hazards_found?from=2021-01-01&to=2021-12-31"
        until(lambda: _all_read(client), 60)
        assert client.get(path).json()["value"] in (5000, "5000")
    unknown = hub.run("import", "hazard.fuond", str(good))
    assert (unknown.returncode, "hazard.found" in unknown.stderr) == (1, True)
    broken = tmp_path / "broken.csv"
    broken.write_bytes("隐患编号,级别数\n".encode())
    headings = hub.run("import", "hazard.found", str(broken))
    assert headings.returncode == 1
    assert "级别数" in headings.stderr
    assert "Traceback" not in headings.stderr


def _all_read(client: httpx.Client) -> bool:
    rows = client.get("/reporting/accounting").json()["rows"]
    return sum(row["next"] for row in rows) >= 10_000 and all(row["next"] == row["end"] for row in rows)
