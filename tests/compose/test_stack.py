"""The hub in containers: up from nothing, same addresses as embedded, and no container's death loses or doubles."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import STREAMS
from tests.compose.stack import Load, Stack, counted, docker, events, unexplained, until_counted, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why := why_not()), reason=why)]
MORTAL = ("kafka", "postgres", "hub-api", "caddy", *(name for name, _ in STREAMS))
UP_SECONDS = 60
BACK_SECONDS = 30


@pytest.fixture(scope="module")
def hub() -> Iterator[Stack]:
    stack = Stack()
    stack.down()
    stack.up()
    yield stack
    stack.down()


async def test_all_is_healthy_and_the_pages_are_there(hub: Stack) -> None:
    assert hub.up_seconds < UP_SECONDS
    assert hub.hub("status", "--json")["ready"]
    async with hub.client() as client:
        assert (await client.get("/wall")).headers["content-type"].startswith("text/html")
        assert (await client.get("/reporting/health/ready")).status_code == 200
    assert "管理员登录" in hub.compose("logs", "setup")


def test_a_container_is_not_root_and_writes_nowhere_but_its_volume(hub: Stack) -> None:
    assert hub.exec("reporting-stream", "id", "-u").strip() == "10001"
    said = hub.exec("reporting-stream", "sh", "-c", "touch /app/x 2>&1 || true; command -v gcc cc pip || echo none")
    assert "Read-only" in said
    assert said.endswith("none\n")


def test_kafka_flushes_before_it_acknowledges(hub: Stack) -> None:
    said = hub.exec("kafka", "/opt/kafka/bin/kafka-configs.sh", "--bootstrap-server", "kafka:9092", "--describe",
                    "--entity-type", "topics", "--entity-name", "hazards")  # fmt: skip
    assert "flush.messages=1" in said


async def test_what_is_published_is_counted(hub: Stack, tmp_path: Path) -> None:
    async with hub.client() as client:
        before = await counted(client)
        hub.exec("hub-api", "hub", "publish", "/dev/stdin", stdin=json.dumps(events(5)))
        await until_counted(client, before + 5)


async def test_each_container_is_killed_under_load_and_nothing_is_lost_or_doubled(hub: Stack) -> None:
    async with hub.client() as client:
        before = await counted(client)
        load = Load(client)
        sending = asyncio.create_task(load.run())
        back = {name: await hub.killed(name) for name in MORTAL}
        load.stopping.set()
        await sending
        sys.stdout.write(f"\nacknowledged {load.acknowledged}, again {load.again}, healthy after (s) {back}\n")
        await until_counted(client, before + load.acknowledged)
        await asyncio.sleep(2)
        assert await counted(client) == before + load.acknowledged, "something was counted twice"
        assert [await unexplained(client, service) for service in ("reporting", "warning")] == [0, 0]
        assert max(back.values()) < BACK_SECONDS


def test_a_changed_folder_reaches_every_container(hub: Stack) -> None:
    copy = "cp -r /app/bureaus/example /tmp/b && sed -i 's/^short_name = .*/short_name = \"改名\"/' /tmp/b/bureau.toml"
    hub.exec("hub-api", "sh", "-c", copy)
    hub.exec("hub-api", "hub", "bureau", "apply", "/tmp/b")
    assert "改名" in hub.exec(
        "hub-api",
        "python",
        "-c",
        ("import urllib.request as u; print(u.urlopen('http://hub-api:8000/bureau.json').read().decode())"),
    )


async def test_all_of_it_stops_in_time_and_by_itself(hub: Stack) -> None:
    begin = time.monotonic()
    hub.compose("stop")
    assert time.monotonic() - begin < 30
    ours = ("hub-api", *(name for name, _ in STREAMS))
    codes = {n: docker("inspect", "--format", "{{.State.ExitCode}}", hub.container(n)).strip() for n in ours}
    assert set(codes.values()) <= {"0", "143"}, f"killed after their grace: {codes}"
    hub.compose("up", "--detach", "--wait", "--no-build")
    async with hub.client() as client:
        assert await counted(client) > 0
