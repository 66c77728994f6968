"""The embedded parts: started, killed, started again; what is in the way is said in one sentence."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import CannotStart, part
from deploy.local.kafka import Jar, KafkaPart, fetch, place, read_lock
from deploy.local.part import Part, silent
from deploy.local.postgres import PostgresPart
from services.runtime.settings import Settings
from services.runtime.topic_identity import describe
from tests.parts import Run

HOLDER = """
import asyncio, sys, time
from pathlib import Path
from deploy.local.{module} import {kind}
from services.runtime.settings import Settings
part = {kind}(Settings(data_dir=Path(sys.argv[1]), kafka_port=int(sys.argv[2])))
part.prepare()
process = part.spawn()
asyncio.run(part.ready(process))
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def settings(tmp_path: Path, ports: Callable[[], int]) -> Settings:
    """A data folder and ports of its own."""
    return Settings(data_dir=tmp_path / "hub", kafka_port=ports())


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """What a test puts here is ended after it."""
    started: list[Run] = []
    yield started
    for run in started:
        run.stop()


def run_of(kind: type[Part], settings: Settings, runs: list[Run]) -> Run:
    runs.append(Run(kind(settings)))
    return runs[-1]


async def query(run: Run, statement: str) -> object:
    connection = await asyncpg.connect(run.part.address)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_kafka_keeps_its_identity_over_kill_9_and_stop(settings: Settings, runs: list[Run]) -> None:
    run = run_of(KafkaPart, settings, runs)
    await run.start()
    before = (await describe(run.part.address, [])).id
    run.kill()
    begin = time.monotonic()
    await run.start()
    assert time.monotonic() - begin < 15
    assert (await describe(run.part.address, [])).id == before
    assert run.stop() == 143


async def test_postgres_keeps_what_was_committed(settings: Settings, runs: list[Run]) -> None:
    run = run_of(PostgresPart, settings, runs)
    await run.start()
    await query(run, "CREATE TABLE kept AS SELECT 7 AS n")
    run.kill()
    wait_until_gone(run)
    await run.start()
    assert await query(run, "SELECT n FROM kept") == 7
    connected = await asyncpg.connect(run.part.address)
    begin = time.monotonic()
    assert run.stop() == 0, "SIGINT ends it with a client connected"
    assert time.monotonic() - begin < 5
    connected.terminate()
    await run.start()
    assert await query(run, "SELECT n FROM kept") == 7


async def test_postgres_is_durable_checked_and_utc(settings: Settings, runs: list[Run]) -> None:
    run = run_of(PostgresPart, settings, runs)
    await run.start()
    for name, value in {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
        "server_encoding": "UTF8", "TimeZone": "UTC", "listen_addresses": "", "jit": "off",
    }.items():  # fmt: skip
        assert await query(run, f"SHOW {name}") == value, name
    assert str(await query(run, "SHOW server_version")).startswith("18.")


async def test_a_stale_pid_file_with_a_living_pid_does_not_block(settings: Settings, runs: list[Run]) -> None:
    """In a container the pids are the same again after a restart, and may now be another process of ours."""
    run = run_of(PostgresPart, settings, runs)
    await run.start()
    pid_file = settings.data_dir / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    run.kill()
    wait_until_gone(run)
    run.part.release()
    other = child("sleep", "60")
    try:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        await run.start()
        assert await query(run, "SELECT 1") == 1
    finally:
        other.kill()
        other.wait()


async def test_a_long_path_gets_a_short_socket(tmp_path: Path, runs: list[Run]) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    run = run_of(PostgresPart, Settings(data_dir=deep), runs)
    await run.start()
    assert await query(run, "SELECT 1") == 1
    run.stop()
    assert isinstance(run.part, PostgresPart)
    shutil.rmtree(run.part.socket)


@pytest.mark.parametrize(("module", "kind"), [("kafka", "KafkaPart"), ("postgres", "PostgresPart")])
async def test_it_ends_with_its_supervisor_and_starts_again(
    settings: Settings, runs: list[Run], module: str, kind: str
) -> None:
    code = HOLDER.format(module=module, kind=kind)
    supervisor = child(sys.executable, "-c", code, str(settings.data_dir), str(settings.kafka_port))
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline())
    process = psutil.Process(pid)
    assert os.getsid(pid) == pid, "a session of its own"
    supervisor.kill()
    supervisor.wait()
    gone, _ = psutil.wait_procs([process], 5)
    assert gone == [process]
    run = run_of(KafkaPart if kind == "KafkaPart" else PostgresPart, settings, runs)
    await run.start()


async def test_a_second_hub_on_the_folder_is_told(
    settings: Settings, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "CLAIM_SECONDS", 0.2)
    run = run_of(PostgresPart, settings, runs)
    await run.start()
    with pytest.raises(CannotStart, match="正被另一个中枢使用"):
        PostgresPart(settings).prepare()
    run.part.release()  # as a killed supervisor would: the server alone holds the folder now
    with pytest.raises(CannotStart, match="正被另一个中枢使用"):
        PostgresPart(settings).prepare()
    assert await query(run, "SELECT 1") == 1


@pytest.mark.parametrize("offset", [0, 1])
def test_a_taken_port_is_told(settings: Settings, offset: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.kafka_port + offset))
        other.listen()
        with pytest.raises(CannotStart, match=f"{settings.kafka_port + offset}.*HUB_KAFKA_PORT"):
            KafkaPart(settings).prepare()


def test_a_full_disk_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "ROOM_BYTES", 1 << 60)
    with pytest.raises(CannotStart, match="HUB_DATA_DIR"):
        PostgresPart(settings).prepare()


def test_data_of_another_version_is_told(settings: Settings, runs: list[Run]) -> None:
    for kind, marker, found in (
        (PostgresPart, "data/PG_VERSION", "17"),
        (KafkaPart, "log/hub.version", "4.10.0"),
    ):
        made = run_of(kind, settings, runs).part
        made.prepare()
        (made.folder / marker).write_text(found)
        with pytest.raises(CannotStart, match=f"{found} 写成"):
            made.prepare()


async def test_a_part_that_ends_at_once_says_why(settings: Settings, runs: list[Run]) -> None:
    run = run_of(PostgresPart, settings, runs)
    run.part.prepare()
    (settings.data_dir / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(CannotStart, match="pg_control"):
        await run.start()


def test_half_a_start_is_done_again(settings: Settings, runs: list[Run]) -> None:
    for kind in (PostgresPart, KafkaPart):
        half = settings.data_dir / kind.name / ("data.new" if kind is PostgresPart else "log.new")
        half.mkdir(parents=True)
        (half / "meta.properties").write_text("half")
        run_of(kind, settings, runs).part.prepare()
        assert not half.exists()


def test_the_lock_names_46_jars() -> None:
    jars = read_lock()
    assert len(jars) == 46
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert {"kafka_2.13-4.3.1.jar", "slf4j-simple-1.7.36.jar"} <= {jar.file for jar in jars}


def test_a_wrong_jar_is_replaced_and_progress_told(settings: Settings, tmp_path: Path) -> None:
    kept = KafkaPart(settings)
    kept.prepare()
    kept.release()
    folder = tmp_path / "jars"
    said: list[tuple[str, int, int]] = []
    fetch(folder, kept.jars, lambda *words: said.append(words))
    assert said[-1][1:] == (46, 46)
    wrong, missing = read_lock()[3], read_lock()[5]
    (folder / wrong.file).write_bytes(b"cut off")
    (folder / missing.file).unlink()
    said.clear()
    fetch(folder, kept.jars, lambda *words: said.append(words))
    assert len(said) == 2
    assert all(jar.lies_in(folder) for jar in read_lock())
    assert sorted(p.name for p in folder.iterdir()) == sorted(jar.file for jar in read_lock())


def test_a_wrong_jar_in_the_offline_folder_is_told(tmp_path: Path) -> None:
    offline, folder = tmp_path / "offline", tmp_path / "jars"
    offline.mkdir()
    with pytest.raises(CannotStart, match="HUB_KAFKA_JARS"):
        fetch(folder, offline, silent)
    for jar in read_lock():
        (offline / jar.file).write_bytes(b"other")
    with pytest.raises(CannotStart, match=r"校验值不符.*HUB_KAFKA_JARS"):
        fetch(folder, offline, silent)
    assert list(folder.iterdir()) == []


def test_no_network_at_first_start_is_told(tmp_path: Path) -> None:
    def unreachable(_jar: Jar) -> Path:
        raise ConnectionError("Failed to resolve")

    with pytest.raises(CannotStart, match=r"联网.*HUB_KAFKA_JARS"):
        place(read_lock()[0], tmp_path, unreachable)


def test_a_cut_off_download_is_tried_once_more(tmp_path: Path) -> None:
    content = b"the jar"
    jar = Jar("g", "a", "1", hashlib.sha256(content).hexdigest())
    answers = iter([b"the", content])

    def download(_jar: Jar) -> Path:
        path = tmp_path / "scratch.jar"
        path.write_bytes(next(answers))
        return path

    place(jar, tmp_path, download)
    assert (tmp_path / jar.file).read_bytes() == content


def child(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_until_gone(run: Run) -> None:
    """The server's own processes notice a moment later that it was killed; they work in its folder."""
    inside = str(run.part.folder)
    left = [p for p in psutil.process_iter(["cwd"]) if (p.info["cwd"] or "").startswith(inside)]
    _, alive = psutil.wait_procs(left, 5)
    assert alive == []
