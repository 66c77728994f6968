"""Real Kafka and real PostgreSQL for the tests: one pair for each process of pytest, for each test its own database
and prefix.

HUB_TEST_KAFKA (host:port) and HUB_TEST_POSTGRES (a DSN) name running ones to use instead.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local.kafka import KafkaPart
from deploy.local.part import Part
from deploy.local.postgres import PostgresPart
from services.contracts.topics import TOPICS
from services.runtime.kafka import ensure_topics, named
from services.runtime.settings import Settings
from services.runtime.topic_identity import topic_ids
from tests.parts import Run

PORTS = range(20000, 32000, 10)
"""Below 32768, where the kernel takes ports for outgoing connections."""


@pytest.fixture(scope="session")
def ports() -> Iterator[Callable[[], int]]:
    """Gives the first of ten free ports that no other process of pytest will take."""
    held: list[IO[bytes]] = []
    yield lambda: _ten_ports(held)
    for lock in held:
        lock.close()


@pytest.fixture(scope="session")
def kafka(ports: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real broker."""
    if given := os.environ.get("HUB_TEST_KAFKA"):
        yield given
        return
    settings = Settings(data_dir=tmp_path_factory.mktemp("parts"), kafka_port=ports())
    yield from _running(KafkaPart(settings))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DSN of a real server's database `hub`, with all rights."""
    if given := os.environ.get("HUB_TEST_POSTGRES"):
        yield given
        return
    yield from _running(PostgresPart(Settings(data_dir=tmp_path_factory.mktemp("parts"))))


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """DSN of a fresh, empty database, dropped after the test whoever is still connected."""
    name = f"hub_{uuid.uuid4().hex[:12]}"
    await _execute(postgres, f"CREATE DATABASE {name} STRATEGY file_copy")
    yield urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
    await _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def topic_prefix() -> str:
    """Put before every topic of the test: the broker is shared."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def settings(tmp_path: Path, kafka: str, database: str, topic_prefix: str, ports: Callable[[], int]) -> Settings:
    """Settings of a hub of its own on the shared parts; its topics do not exist yet (fixture `topics`)."""
    return Settings(
        data_dir=tmp_path / "hub",
        postgres_dsn=database,
        kafka_bootstrap=kafka,
        topic_prefix=topic_prefix,
        http_port=ports(),
        environment="test",
    )


@pytest.fixture
async def topics(settings: Settings) -> AsyncIterator[list[str]]:
    """All canonical topics, made for this test; their names on Kafka."""
    await ensure_topics(settings)
    names = [named(settings, topic) for topic in TOPICS]
    yield names
    await delete_topics(settings.kafka_bootstrap, names)


async def delete_topics(bootstrap: str, names: list[str]) -> None:
    """Remove topics from the broker, and wait until it has forgotten them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(names)
    finally:
        await admin.close()
    while (await topic_ids(bootstrap, names))[1]:
        await asyncio.sleep(0.05)


def _running(part: Part) -> Iterator[str]:
    run = Run(part)
    try:
        asyncio.run(run.start())
        yield part.address
    finally:
        run.stop()


def _ten_ports(held: list[IO[bytes]]) -> int:
    folder = Path(tempfile.gettempdir()) / f"hub-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for first in random.sample(PORTS, len(PORTS)):
        lock = (folder / str(first)).open("ab")
        if _take(lock) and all(map(_free, range(first, first + 10))):
            held.append(lock)
            return first
        lock.close()
    raise RuntimeError("no ten free ports between 20000 and 32000")


def _take(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
