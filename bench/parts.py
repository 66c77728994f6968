"""Kafka, PostgreSQL and the bench's other processes: started, measured, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from deploy.local.kafka import KafkaPart
from deploy.local.part import end_with, stop
from deploy.local.postgres import PostgresPart
from services.runtime import postgres
from services.runtime.settings import Settings

PORTS = range(12000, 19000, 10)
T = TypeVar("T")


class Ended(Exception):
    """A process that the measurement needs has ended: there is nothing to measure."""


@dataclass
class Stage:
    """Settings that name the running parts, and every process by its name."""

    settings: Settings
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    """Pids of processes that one of these keeps (and is measured with)."""

    def start(self, name: str, module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """One of our own modules as a process that knows the parts and ends with us."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=os.environ | self.environment() | environment,
            preexec_fn=end_with(os.getpid()),
        )  # fmt: skip
        self.processes[name] = process
        return process

    def end(self, name: str) -> None:
        """Ask a process to end and wait for it."""
        stop(self.processes.pop(name), signal.SIGTERM)

    def environment(self) -> dict[str, str]:
        """What tells a process where the parts are."""
        s = self.settings
        return {
            "HUB_KAFKA_BOOTSTRAP": s.kafka_bootstrap, "HUB_POSTGRES_DSN": s.postgres_dsn,
            "HUB_DATA_DIR": str(s.data_dir), "HUB_HTTP_PORT": str(s.http_port), "HUB_LOG_LEVEL": "warning",
        }  # fmt: skip

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU of each process with its children, living and ended."""
        return {name: _cpu(pid) for name, pid in self._pids().items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes of each process with its children."""
        return {name: memory(pid) for name, pid in self._pids().items()}

    def _pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.processes.items()} | self.kept

    def check(self) -> None:
        """Raises Ended when one of the processes has ended."""
        for name, process in self.processes.items():
            if (code := process.poll()) is not None:
                raise Ended(f"{name} ended with {code}")

    async def guarded(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work while all processes live. Raises Ended."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=0.2))[0]:
                self.check()
            return task.result()
        finally:
            task.cancel()


@contextlib.contextmanager
def parts(folder: Path) -> Iterator[Stage]:
    """Kafka and PostgreSQL of the bench's own, with all topics and tables."""
    base = ports()
    settings = Settings(data_dir=folder, kafka_port=base, http_port=base + 2, kafka_bootstrap="", postgres_dsn="")
    kafka, database = KafkaPart(settings), PostgresPart(settings)
    stage = Stage(settings)
    try:
        for part in (kafka, database):
            part.prepare()
            stage.processes[part.name] = part.spawn()
        for part in (kafka, database):
            asyncio.run(part.ready(stage.processes[part.name]))
        stage.settings = settings.model_copy(
            update={"kafka_bootstrap": kafka.address, "postgres_dsn": database.address}
        )
        asyncio.run(postgres.migrate_all(database.address))
        yield stage
    finally:
        for name in [name for name in stage.processes if name not in (kafka.name, database.name)]:
            stage.end(name)
        for part in (database, kafka):
            if part.name in stage.processes:
                stop(stage.processes.pop(part.name), part.stop_signal)
            part.release()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ports() -> int:
    """The first of ten free ports."""
    for base in random.sample(PORTS, len(PORTS)):
        if all(_free(port) for port in range(base, base + 10)):
            return base
    raise Ended(f"no ten free ports between {PORTS.start} and {PORTS.stop}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def per_event(before: Mapping[str, float], after: Mapping[str, float], events: int) -> dict[str, float]:
    """Microseconds of CPU per event, by process."""
    return {f"{name} µs": (after[name] - before[name]) / events * 1e6 for name in after if name in before}


def memory(pid: int) -> int:
    """Bytes of a process and its children: shared pages shared out; where that cannot be read, all resident ones."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += _bytes(one)
    return total


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _cpu(pid: int) -> float:
    seconds = 0.0
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
