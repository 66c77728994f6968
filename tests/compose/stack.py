"""One hub in containers for the tests: its own project name and ports, asked and harmed from outside."""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.contracts import schema
from services.runtime.settings import ROOT

PROJECT = "hub-tried"
PORTS = {
    "HUB_HTTP_PORT": "18100", "HUB_KAFKA_PORT": "18192", "HUB_KAFKA_PORT_2": "18193", "HUB_KAFKA_PORT_3": "18194",
    "HUB_PROMETHEUS_PORT": "18190", "HUB_ALERTMANAGER_PORT": "18191",
}  # fmt: skip
URL = f"http://127.0.0.1:{PORTS['HUB_HTTP_PORT']}"
SOURCE = "/tried"


def why_not() -> str:
    """Why nothing can be tried here; empty: it can."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no Docker engine: {error}"
        if done.returncode:
            return f"`{' '.join(command)}`: {(done.stderr or done.stdout).strip()[-200:]}"
    return ""


@dataclass
class Stack:
    """`docker compose` with these files and profiles."""

    options: Sequence[str] = ()
    up_seconds: float = 0.0
    key: str = ""

    def compose(self, *arguments: str, stdin: str | None = None, seconds: float = 300) -> str:
        """What a compose command says; it must end well."""
        command = ["docker", "compose", *self.options, *arguments]
        environment = {**os.environ, **PORTS, "COMPOSE_PROJECT_NAME": PROJECT, "HUB_ORIGIN": URL}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-1500:]}{done.stderr[-1500:]}"
        return done.stdout

    def up(self) -> None:
        """Build, start, and wait until all is healthy."""
        self.compose("build", "secret", seconds=900)
        begin = time.monotonic()
        self.compose("up", "--detach", "--wait", "--no-build")
        self.up_seconds = time.monotonic() - begin
        self.key = self.exec("hub-api", "cat", "/var/lib/hub/admin.key").strip()

    def down(self) -> None:
        """Everything of it goes, its volumes too."""
        self.compose("down", "--volumes", "--remove-orphans")

    def exec(self, service: str, *arguments: str, stdin: str | None = None) -> str:
        """A command in a container."""
        return self.compose("exec", "-T", service, *arguments, stdin=stdin)

    def hub(self, *arguments: str) -> Any:
        """What a verb says as JSON."""
        return json.loads(self.exec("hub-api", "hub", *arguments))

    def services(self) -> list[str]:
        """Those that run."""
        return self.compose("ps", "--services", "--status", "running").split()

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.compose("ps", "--all", "--quiet", service).split()[0]

    def health(self, service: str) -> str:
        """`healthy`, `starting` …"""
        return docker("inspect", "--format", "{{.State.Health.Status}}", self.container(service)).strip()

    async def killed(self, service: str) -> float:
        """Kill a container, leave it dead for a moment; how long it takes to be well again (s).

        The engine takes a `docker kill` for the wish to have it dead, so it is started again by hand.
        """
        container = self.container(service)
        await asyncio.sleep(1)
        docker("kill", container)
        await asyncio.sleep(1)
        docker("start", container)
        return round(await self.until_healthy(service), 1)

    async def until_healthy(self, service: str, seconds: float = 120) -> float:
        """How long it took."""
        begin = time.monotonic()
        while self.health(service) != "healthy":
            assert time.monotonic() < begin + seconds, f"{service} has not come back in {seconds} s"
            await asyncio.sleep(0.5)
        return time.monotonic() - begin

    def client(self) -> httpx.AsyncClient:
        """Of the one origin."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=URL, headers=headers, timeout=15, trust_env=False)


def docker(*arguments: str) -> str:
    """What a docker command says; it must end well."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def events(count: int) -> list[dict[str, Any]]:
    """Hazards found just now, each its own."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    made = []
    for _ in range(count):
        one = json.loads(json.dumps(schema.example_event("hazard.found")))
        subject = f"YH-{uuid.uuid4().hex[:12]}"
        one |= {"id": str(uuid.uuid4()), "source": SOURCE, "time": now, "subject": subject}
        one["data"]["hazard_id"] = subject
        made.append(one)
    return made


@dataclass
class Load:
    """A publisher that sends one batch after the other, and the same one again until it is acknowledged."""

    client: httpx.AsyncClient
    batch: int = 20
    pause: float = 0.05
    acknowledged: int = 0
    again: dict[str, int] = field(default_factory=dict)
    """Why something had to be sent again → how often."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until told to stop; the last batch is acknowledged, too."""
        while not self.stopping.is_set():
            body = json.dumps(events(self.batch)).encode()
            while (why := await self._sent(body)) is not None:
                self.again[why] = self.again.get(why, 0) + 1
                await asyncio.sleep(0.2)
            self.acknowledged += self.batch
            await asyncio.sleep(self.pause)

    async def _sent(self, body: bytes) -> str | None:
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        try:
            answer = await self.client.post("/ingest/events", content=body, headers=headers)
        except httpx.TransportError as error:
            return type(error).__name__
        if answer.status_code == 202:
            return None
        assert answer.status_code in (502, 503, 504), answer.text
        return str(answer.status_code)


async def counted(client: httpx.AsyncClient) -> int:
    """The figure of today's hazards; -1 while there is none."""
    try:
        answer = await client.get("/reporting/statistics/hazards_found")
    except httpx.TransportError:
        return -1
    return int(answer.json()["value"]) if answer.status_code == 200 else -1


async def until_counted(client: httpx.AsyncClient, value: int, seconds: float = 60) -> None:
    """Wait for the figure."""
    end = time.monotonic() + seconds
    while (now := await counted(client)) != value:
        assert time.monotonic() < end, f"{now} counted, {value} acknowledged"
        await asyncio.sleep(0.3)


async def unexplained(client: httpx.AsyncClient, service: str) -> int | None:
    """The total of an account; None while it cannot be had."""
    try:
        answer = await client.get(f"/{service}/accounting")
    except httpx.TransportError:
        return None
    return int(answer.json()["unexplained"]) if answer.status_code == 200 else None
