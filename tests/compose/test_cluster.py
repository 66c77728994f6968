"""Three brokers and a standby for each stream: whichever is killed under load, another goes on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest

from deploy.local.processes import STREAMS
from tests.compose.stack import Load, Stack, counted, docker, unexplained, until_counted, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why := why_not()), reason=why)]
CLUSTER = ("--env-file", "deploy/compose/cluster.env")
BROKERS = ("kafka", "kafka-2", "kafka-3")


@pytest.fixture(scope="module")
def hub() -> Iterator[Stack]:
    stack = Stack(CLUSTER)
    stack.down()
    stack.up()
    yield stack
    stack.down()


async def test_each_broker_is_killed_under_load_and_nothing_is_lost_or_doubled(hub: Stack) -> None:
    async with hub.client() as client:
        before = await counted(client)
        load = Load(client)
        sending = asyncio.create_task(load.run())
        back = {name: await hub.killed(name) for name in BROKERS}
        load.stopping.set()
        await sending
        sys.stdout.write(f"\nacknowledged {load.acknowledged}, again {load.again}, healthy after (s) {back}\n")
        await until_counted(client, before + load.acknowledged)
        assert [await unexplained(client, service) for service in ("reporting", "warning")] == [0, 0]


async def test_a_standby_goes_on_when_the_reader_stays_dead(hub: Stack) -> None:
    async with hub.client() as client:
        before = await counted(client)
        load = Load(client)
        sending = asyncio.create_task(load.run())
        await asyncio.sleep(1)
        for name, _ in STREAMS:
            docker("kill", hub.container(name))
        await asyncio.sleep(3)
        load.stopping.set()
        await sending
        await until_counted(client, before + load.acknowledged, 30)
        assert [await unexplained(client, service) for service in ("reporting", "warning")] == [0, 0]
