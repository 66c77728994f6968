"""The door: events per second acknowledged on disk, over real HTTP, by the process that `hub up` runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.line import Line
from bench.parts import Ended, Stage, per_event
from deploy.local import credentials
from deploy.local.part import end_with
from services.runtime.kafka import ensure_topics

READY_SECONDS = 60


@dataclass(frozen=True)
class Load:
    """How the events come, and how many a second there must be."""

    name: str
    connections: int
    batch: int
    events: int
    least: int


LOADS = (
    Load("batches of 100, 8 connections", 8, 100, 200_000, 12_000),
    Load("single events, 32 connections", 32, 1, 30_000, 1_500),
)


def open_(stage: Stage) -> Path:
    """Start the API's process on the running parts; returns the file of a key that may do everything."""
    file = stage.settings.data_dir / "admin.key"
    asyncio.run(ensure_topics(stage.settings))
    asyncio.run(credentials.issue(stage.settings.postgres_dsn, file))
    stage.start("hub-api", "deploy.local.api")
    end = time.monotonic() + READY_SECONDS
    while not _ready(stage.settings.http_port):
        stage.check()
        if time.monotonic() > end:
            raise Ended("hub-api does not become ready")
        time.sleep(0.1)
    return file


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/ingest/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, TimeoutError, ConnectionError):
        return False


def lines(stage: Stage, key: Path, beside: str = "") -> Iterator[Line]:
    """One for each kind of load."""
    for load in LOADS:
        found = run(stage, key, load)
        yield Line(f"ingest, {load.name}{beside}", found.pop("events/s"), "events/s", least=load.least, details=found)


def run(stage: Stage, key: Path, load: Load) -> dict[str, float]:
    """Send one load and wait for its end."""
    return outside(stage, "bench.load", key, load.events, "--connections", str(load.connections),
                   "--batch", str(load.batch), "--events", str(load.events))  # fmt: skip


def outside(stage: Stage, module: str, key: Path, events: int, *arguments: str) -> dict[str, float]:
    """What a process of the outer world tells in the end, and the microseconds that each of its events cost."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(stage.settings.http_port), "--key-file", str(key), *arguments],
        stdout=subprocess.PIPE, preexec_fn=end_with(os.getpid()),
    )  # fmt: skip
    stage.processes["outside"] = process
    try:
        _told(process)
        before = stage.cpu()
        found: dict[str, float] = _told(process)
        return {**found, **per_event(before, stage.cpu(), events)}
    finally:
        process.kill()
        process.wait()
        del stage.processes["outside"]


def _told(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """The next line of such a process."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise Ended(f"the world outside ended with {process.wait()}")
    return dict(json.loads(line))
