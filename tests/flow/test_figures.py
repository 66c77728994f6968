"""The published figures of two bureaus come out of events and stand in a report, while every process is killed once."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.cli.year.making import RIGHTS
from services.contracts.topics import CANONICAL
from tests.deploy.test_up import Hub
from tests.figures.publish import publish
from tests.figures.year import FOLDER, year
from tests.reporting.report.test_rendering import text_of

pytestmark = pytest.mark.slow
PROCESSES = ("reporting-stream", "ingest-stream", "hub-api", "postgres", "kafka")
SHOWN_BY_COMMAND = 12
KILLED = ("pukou-2023", "lianyungang-2022")
"""Of the others the figures come out of the events by the second opinion alone (tests/figures)."""


def figures(bureau: str) -> list[dict[str, str]]:
    with (FOLDER / bureau / "figures.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=KILLED)
async def hub(request: pytest.FixtureRequest, tmp_path: Path, ports: Callable[[], int]) -> AsyncIterator[Hub]:
    """A hub with this bureau's folder."""
    running = Hub(tmp_path, ports(), bureau=str(FOLDER / request.param), environment="test")
    await asyncio.to_thread(running.up)
    yield running
    await asyncio.to_thread(running.end)


def key(hub: Hub, name: str, *options: str) -> str:
    """A new key, by the command."""
    done = hub.run("keys", "add", name, *options, "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["key"])


async def test_every_published_figure_comes_out_of_events(hub: Hub) -> None:
    bureau = Path(hub.environment["HUB_BUREAU"]).name
    rights = [option for right in RIGHTS for option in ("--right", right)]
    statuses = [option for status in ("actual", "exercise", "test") for option in ("--status", status)]
    publisher = key(hub, "year", "--source", f"/{bureau}", *rights, *statuses)
    reader = key(hub, "office", "--source", "/office", "--right", "read")
    sent: dict[str, int] = {}
    sending = asyncio.create_task(publish(year(bureau), hub.url, publisher, sent=sent))
    total = len(year(bureau))
    for nth, process in enumerate(PROCESSES, 1):
        while sum(sent.values()) < nth * total / 7:
            await asyncio.sleep(0.05)
            if sending.done():
                sending.result()
        os.kill(hub.processes()[process]["pid"], signal.SIGKILL)
    assert await sending == total
    async with httpx.AsyncClient(base_url=hub.url, headers={"Authorization": f"Bearer {reader}"}, timeout=30) as client:
        await caught_up(client, await ends(hub))
        assert await wrong(client, bureau) == {}
        recounted = await asyncio.to_thread(hub.run, "recount")
        assert recounted.returncode == 0, recounted.stdout + recounted.stderr
        verified = await asyncio.to_thread(hub.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert await wrong(client, bureau) == {}
    assert by_command(hub, bureau) == {}
    await asyncio.to_thread(printed, hub, bureau)


async def ends(hub: Hub) -> dict[tuple[str, int], int]:
    """Where each canonical log ends, by Kafka itself: what the reader was told of it is a second old."""
    parts = [TopicPartition(topic.name, p) for topic in CANONICAL for p in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=hub.status()["kafka"]["bootstrap"]) as consumer:
        return {(tp.topic, tp.partition): end for tp, end in (await consumer.end_offsets(parts)).items()}


async def caught_up(client: httpx.AsyncClient, to: dict[tuple[str, int], int]) -> None:
    """Until everything that Kafka has is in the ledger, and nothing is unexplained."""
    async with asyncio.timeout(60):
        while True:
            answer = await client.get("/reporting/accounting")
            if answer.status_code == 200:
                read = {(row["topic"], row["partition"]): row["next"] for row in answer.json()["rows"]}
                if all(read.get(partition, 0) >= end for partition, end in to.items()):
                    assert answer.json()["unexplained"] == 0
                    return
            await asyncio.sleep(0.2)


async def wrong(client: httpx.AsyncClient, bureau: str) -> dict[str, Any]:
    """The figures whose value is not the published one: id -> what came instead."""
    found: dict[str, Any] = {}
    for row in figures(bureau):
        answer = await client.get(f"/reporting/statistics/{row['query']}")
        if answer.status_code != 200 or not same(at(answer.json(), row["member"]), row["value"]):
            found[row["id"]] = (row["query"], row["value"], answer.status_code, answer.json())
    return found


def by_command(hub: Hub, bureau: str) -> dict[str, Any]:
    """The same through `hub statistics`, for a sample of the figures."""
    rows = figures(bureau)
    sample = rows[:: max(1, len(rows) // SHOWN_BY_COMMAND)]
    answers = {row["id"]: hub.run("statistics", row["query"], "--json") for row in sample}
    return {
        row["id"]: answers[row["id"]].stdout + answers[row["id"]].stderr
        for row in sample
        if not same(at(json.loads(answers[row["id"]].stdout or "{}"), row["member"]), row["value"])
    }


def printed(hub: Hub, bureau: str) -> None:
    """The annual report passes its checks; all five renderings hold every published figure."""
    out = hub.folder.parent / "report"
    done = hub.run("report", "--year", bureau[-4:], "--out", str(out), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.suffix[1:]: path.read_bytes() for path in out.iterdir()}
    assert sorted(made) == ["docx", "html", "json", "pdf", "xlsx"]
    report = json.loads(made["json"])
    lines = [line for row in figures(bureau) if (line := line_of(report["lines"], row))]
    assert {row["id"] for row in figures(bureau) if not line_of(report["lines"], row)} == set()
    shown = Counter(mark for block in report["document"]["blocks"] for _, mark in block.get("marks", ()))
    assert {line["number"] for line in lines if not shown[f"[{line['number']}]"]} == set()
    for name, content in made.items():
        text = text_of(name, content)
        assert [line["printed"] for line in lines if line["printed"] not in text] == [], name


def line_of(lines: Iterable[dict[str, Any]], row: dict[str, str]) -> dict[str, Any] | None:
    """The line of the source table that tells a published figure."""
    key, _, query = row["query"].partition("?")
    asked = dict(parse_qsl(query))
    labels = {name.removeprefix("label."): value for name, value in asked.items() if name.startswith("label.")}
    aspect = "同比" if row["member"] == "compare.change_pct" else ""
    return next(
        (line for line in lines
         if (line["key"], line["first"], line["last"], line["aspect"]) == (key, asked["from"], asked["to"], aspect)
         and labels == line["labels"] and same(line["value"], row["value"])),
        None,
    )  # fmt: skip


def at(answer: Any, member: str) -> Any:
    for name in member.split("."):
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def same(value: Any, expected: str) -> bool:
    return value is not None and Decimal(str(value)) == Decimal(expected)
