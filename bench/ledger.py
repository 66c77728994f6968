"""Ledger and tally from a full backlog: events per second, and where the microseconds go, process by process.

    python -m bench.ledger [--events 1000000] [--random-ids]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer

from bench import events
from deploy.local.kafka import KafkaPart
from deploy.local.part import stop
from deploy.local.postgres import PostgresPart
from services.runtime import postgres
from services.runtime.kafka import ensure_topics
from services.runtime.settings import Settings


@contextlib.contextmanager
def parts(folder: Path, port: int) -> Iterator[tuple[Settings, dict[str, psutil.Process]]]:
    """Kafka and PostgreSQL of the bench's own, and their processes."""
    settings = Settings(data_dir=folder, kafka_port=port)
    kafka, base = KafkaPart(settings), PostgresPart(settings)
    running = []
    try:
        for part in (kafka, base):
            part.prepare()
            running.append((part, part.spawn()))
        for part, process in running:
            asyncio.run(part.ready(process))
        where = settings.model_copy(update={"kafka_bootstrap": kafka.address, "postgres_dsn": base.address})
        yield where, {"kafka": psutil.Process(running[0][1].pid), "postgres": psutil.Process(running[1][1].pid)}
    finally:
        for part, process in reversed(running):
            stop(process, part.stop_signal)
            part.release()


async def fill(settings: Settings, total: int, *, random_ids: bool) -> float:
    """Write the backlog; returns bytes per record."""
    await ensure_topics(settings)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all", linger_ms=20,
                                max_batch_size=1 << 19)  # fmt: skip
    await producer.start()
    size = 0
    for n, (topic, event) in enumerate(events.stream(total, random_ids=random_ids), 1):
        body = events.record(event)
        size += len(body)
        await producer.send(settings.topic_prefix + topic, body, key=event["subject"].encode())
        if n % 100_000 == 0:
            print(f"  backlog {n:,}", file=sys.stderr, flush=True)
    await producer.flush()
    await producer.stop()
    return size / total


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU of a process and its children, living and ended."""
    seconds = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = one.cpu_times()
            seconds += times.user + times.system
            seconds += times.children_user + times.children_system if one.pid == process.pid else 0.0
    return seconds


async def drain(settings: Settings, total: int, processes: dict[str, psutil.Process]) -> dict[str, Any]:
    """Start the reader on the backlog and wait until it is empty."""
    environment = os.environ | {
        "HUB_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "HUB_POSTGRES_DSN": settings.postgres_dsn,
    }  # fmt: skip
    reader = subprocess.Popen([sys.executable, "-m", "bench.reader"], env=environment)
    connection = await asyncpg.connect(settings.postgres_dsn)
    processes = {**processes, "reader": psutil.Process(reader.pid)}
    before, began, first = {}, 0.0, 0
    marks: list[tuple[float, int]] = []
    try:
        while True:
            done = await connection.fetchval("SELECT coalesce(sum(next - first), 0)::bigint FROM reporting.position")
            now = time.perf_counter()
            if done and not began:
                began, first, before = now, done, {name: cpu(p) for name, p in processes.items()}
            if done:
                marks.append((now, done))
            if done >= total:
                break
            if reader.poll() is not None:
                raise SystemExit(f"the reader ended with {reader.returncode}")
            await asyncio.sleep(0.05)
        spent = {name: (cpu(p) - before[name]) / (total - first) * 1e6 for name, p in processes.items()}
        memory = {name: p.memory_info().rss >> 20 for name, p in processes.items()}
    finally:
        reader.terminate()
        reader.wait(10)
        await connection.close()
    tenth = [m for m in marks if m[1] <= first + (total - first) / 10][-1]
    tail = [m for m in marks if m[1] >= total - (total - first) / 10][0]
    return {
        "events/s": (total - first) / (marks[-1][0] - began), "first tenth/s": (tenth[1] - first) / (tenth[0] - began + 1e-9),
        "last tenth/s": (total - tail[1]) / (marks[-1][0] - tail[0] + 1e-9),
        **{f"{name} µs": value for name, value in spent.items()}, **{f"{name} MB": value for name, value in memory.items()},
    }  # fmt: skip


def main() -> None:
    """Run and print one line per figure."""
    options = argparse.ArgumentParser()
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--port", type=int, default=20900)
    options.add_argument("--random-ids", action="store_true")
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-bench-")))
        settings, processes = stack.enter_context(parts(folder, given.port))
        asyncio.run(postgres.migrate_all(settings.postgres_dsn))
        size = asyncio.run(fill(settings, given.events, random_ids=given.random_ids))
        result = asyncio.run(drain(settings, given.events, processes))
    print(f"{given.events:,} events of {size:.0f} bytes")
    for name, value in result.items():
        print(f"{name:>16} {value:12,.1f}")


if __name__ == "__main__":
    main()
