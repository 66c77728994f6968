"""`hub up` as a person runs it: a real process, real parts, its own ports and folder."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.runtime.settings import Settings

COMMAND = Path(sys.executable).with_name("hub")
START_SECONDS, STOP_SECONDS = 60, 10
RESTART_SECONDS = 15


class Hub:
    """One hub of the test: its environment, and its supervisor when it runs."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        self.folder = folder / "hub"
        self.out = folder / "up.txt"
        self.url = f"http://127.0.0.1:{port}"
        own = {"DATA_DIR": str(self.folder), "HTTP_PORT": str(port), "KAFKA_PORT": str(port + 1), "BUREAU": ""}
        given = {f"HUB_{name.upper()}": value for name, value in {**own, **settings}.items() if value}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self.environment = {**inherited, **given}
        self.process: subprocess.Popen[bytes] | None = None
        self.log_in = ("", "")
        """What the first start showed."""

    def start(self) -> Hub:
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [COMMAND, "up"], env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        return self

    def up(self) -> Hub:
        self.start()
        until(lambda: "中枢已就绪" in self.said() or self.ended(), START_SECONDS)
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        until(lambda: self.status()["ready"], START_SECONDS)
        if shown := re.search(r"(admin) +(\S+)（只显示这一次）", self.said()):
            self.log_in = (shown[1], shown[2])
        return self

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def said(self) -> str:
        return self.out.read_text("utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return answer

    def processes(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.status()["processes"]}

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: int = signal.SIGTERM) -> float:
        """Seconds until the supervisor has ended."""
        assert self.process is not None
        begin = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - begin


def until(true: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(processes, 0.01)[1]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]) -> Iterator[Hub]:
    """The hub that most tests share; a test that ends it starts it again."""
    hub = Hub(tmp_path_factory.mktemp("up"), ports()).up()
    yield hub
    if not hub.ended():
        hub.end()


@pytest.fixture
def refused(tmp_path: Path, ports: Callable[[], int]) -> Callable[..., str]:
    """Starts a hub that must not come up; gives the one sentence it says."""

    def start(environment: dict[str, str] | None = None, **settings: str) -> str:
        hub = Hub(tmp_path, ports(), **settings)
        hub.environment |= environment or {}
        done = hub.run("up")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        return lines[0]

    return start


def test_the_first_start_shows_one_table_and_a_login(hub: Hub) -> None:
    said = hub.said()
    for name in ("kafka", "postgres", "hub-api"):
        assert name in said
    assert hub.url in said
    assert "管理员登录" in said
    key = hub.folder / "admin.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("hub_")


def test_the_administrator_logs_in_with_what_the_first_start_showed(hub: Hub) -> None:
    name, password = hub.log_in
    body = json.dumps({"name": name, "password": password}).encode()
    request = urllib.request.Request(f"{hub.url}/session", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert "csrf" in json.load(answer)
        assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_status_says_where_everything_is(hub: Hub) -> None:
    status = hub.status()
    assert status["running"]
    assert status["http"]["url"] == hub.url
    host, port = status["kafka"]["bootstrap"].split(":")
    socket.create_connection((host, int(port)), 2).close()
    assert "hazards" in status["topics"]
    assert status["postgres"]["dsn"].startswith("postgresql://")
    for name, service in status["services"].items():
        assert service["ready"], name
        with urllib.request.urlopen(f"{hub.url}/{name}/health/live", timeout=5) as answer:
            assert answer.status == 200


def test_the_table_of_status_names_every_process(hub: Hub) -> None:
    done = hub.run("status")
    assert done.returncode == 0, done.stdout
    assert all(name in done.stdout for name in hub.processes())


def test_an_unknown_path_is_a_problem_that_names_what_there_is(hub: Hub) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{hub.url}/nowhere", timeout=5)
    assert error.value.code == 404
    assert error.value.headers["content-type"] == "application/problem+json"
    assert "/ingest" in json.loads(error.value.read())["detail"]


def test_all_processes_together_stay_below_the_promised_memory(hub: Hub) -> None:
    assert hub.status()["memory_bytes"] < 1.2e9


def test_killed_processes_are_started_again_visibly(hub: Hub) -> None:
    before = hub.processes()
    for row in before.values():
        os.kill(row["pid"], signal.SIGKILL)
    until(lambda: all(row["restarts"] == 1 for row in hub.processes().values()), RESTART_SECONDS)
    until(lambda: hub.status()["ready"], RESTART_SECONDS)
    for name in before:
        assert f"{name} 已退出（信号 SIGKILL）" in hub.said()


def test_a_second_hub_on_the_same_folder_is_refused(hub: Hub) -> None:
    done = hub.run("up")
    assert done.returncode == 1
    assert f"pid {hub.process.pid if hub.process else ''}" in done.stderr
    assert hub.status()["ready"]


def test_two_hubs_run_side_by_side_on_outside_parts(hub: Hub, settings: Settings, tmp_path: Path) -> None:
    """With a bootstrap and a DSN given nothing is embedded; both hubs answer."""
    other = Hub(
        tmp_path,
        settings.http_port,
        kafka_bootstrap=settings.kafka_bootstrap,
        postgres_dsn=settings.postgres_dsn,
        topic_prefix=settings.topic_prefix,
    ).up()
    try:
        status = other.status()
        assert not status["kafka"]["embedded"]
        assert not status["postgres"]["embedded"]
        assert {row["name"] for row in status["processes"]}.isdisjoint({"kafka", "postgres"})
        assert status["topics"][0].startswith(settings.topic_prefix)
        assert hub.status()["ready"]
    finally:
        assert other.end() < STOP_SECONDS


def test_when_the_supervisor_is_killed_its_children_end_and_the_next_start_recovers(hub: Hub) -> None:
    family = hub.family()
    assert len(family) >= 3
    key = (hub.folder / "admin.key").read_text()
    hub.end(signal.SIGKILL)
    until(lambda: not alive(family), 5)
    assert hub.run("status").returncode == 1
    hub.up()
    assert (hub.folder / "admin.key").read_text() == key
    assert "管理员登录" not in hub.said()


def test_down_stops_everything_in_time_and_up_finds_everything_again(hub: Hub) -> None:
    family = hub.family()
    begin = time.monotonic()
    done = hub.run("down")
    assert done.returncode == 0
    assert time.monotonic() - begin < STOP_SECONDS
    assert hub.process is not None
    assert hub.process.wait(1) == 0
    assert not alive(family)
    begin = time.monotonic()
    hub.up()
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_the_start_leaves_nothing_behind(hub: Hub, how: int) -> None:
    if not hub.ended():
        hub.end()
    hub.start()
    until(lambda: (hub.folder / "run" / "status.json").exists() and hub.family(), 20)
    family = hub.family()
    assert hub.end(how) < STOP_SECONDS
    assert not alive(family)
    assert "Traceback" not in hub.said()


def test_a_stop_during_the_first_download_does_not_wait_for_it(tmp_path: Path, ports: Callable[[], int]) -> None:
    """The way to the internet takes every request and answers none."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen(64)
        way = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        hub = Hub(tmp_path, ports())
        hub.environment |= {**dict.fromkeys(("HTTPS_PROXY", "https_proxy"), way), "NO_PROXY": ""}
        hub.environment["XDG_CACHE_HOME"] = str(tmp_path / "empty")
        hub.start()
        nobody.settimeout(20)
        nobody.accept()
        assert hub.end() < STOP_SECONDS
        assert hub.process is not None
        assert hub.process.returncode == 0


def test_down_without_a_hub_says_so(tmp_path: Path) -> None:
    done = Hub(tmp_path, 1).run("down")
    assert done.returncode == 0
    assert "中枢未运行" in done.stdout


def test_a_taken_port_is_one_sentence(refused: Callable[..., str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        sentence = refused(http_port=port)
    assert port in sentence
    assert str(os.getpid()) in sentence
    assert "HUB_HTTP_PORT" in sentence


def test_a_taken_kafka_port_is_one_sentence(refused: Callable[..., str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        sentence = refused(kafka_port=str(other.getsockname()[1]))
    assert "HUB_KAFKA_PORT" in sentence


def test_a_folder_of_another_version_is_one_sentence(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "VERSION").write_text("0\n")
    assert "版本" in refused(data_dir=str(folder))


def test_a_folder_that_is_no_hubs_is_left_alone(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    assert "HUB_DATA_DIR" in refused(data_dir=str(tmp_path))
    assert not (tmp_path / "VERSION").exists()


def test_no_network_at_the_first_start_is_one_sentence(refused: Callable[..., str], tmp_path: Path) -> None:
    nobody = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    sentence = refused({**nobody, "NO_PROXY": "", "XDG_CACHE_HOME": str(tmp_path / "empty")})
    assert "HUB_KAFKA_JARS" in sentence


def test_an_outside_part_that_does_not_answer_is_one_sentence(refused: Callable[..., str]) -> None:
    sentence = refused(postgres_dsn="postgresql://x:secret@127.0.0.1:1/hub", kafka_bootstrap="127.0.0.1:1")
    assert "HUB_" in sentence
    assert "secret" not in sentence


def test_a_setting_that_makes_no_sense_is_one_sentence(refused: Callable[..., str]) -> None:
    assert "http_port" in refused(http_port="many")


def test_mistakes_in_the_bureau_are_one_sentence(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "bureau").mkdir()
    assert "hub bureau check" in refused(bureau=str(tmp_path / "bureau"))
