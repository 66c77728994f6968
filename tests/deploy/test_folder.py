"""The data folder: one holder, the right version, room, and only our own leftovers ended."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from deploy.local import CannotStart, folder

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder.open_folder(tmp_path / "hub")
    return tmp_path / "hub"


def status(*rows: folder.Running) -> folder.Status:
    return folder.Status(1, 2.0, "http://x", "test", "b", processes=list(rows))


def test_a_status_is_read_as_it_was_written(home: Path) -> None:
    written = status(folder.Running("kafka", 7, 1.5, "log"))
    written.write(home)
    assert folder.read_status(home) == written


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"processes": [{"x": 1}]}'])
def test_a_status_that_cannot_be_read_is_none(home: Path, content: str) -> None:
    (home / "run" / "status.json").write_text(content)
    assert folder.read_status(home) is None
    folder.end_leftovers(home)


def test_one_supervisor_at_a_time(home: Path) -> None:
    assert folder.holder(home) is None
    with folder.taken(home):
        assert folder.holder(home) == psutil.Process().pid
        with pytest.raises(CannotStart, match="hub down"), folder.taken(home):
            pass
    assert folder.holder(home) is None


def test_asking_who_holds_it_does_not_hold_it(home: Path) -> None:
    with folder.taken(home):
        pass
    assert folder.holder(home) is None
    with folder.taken(home):
        pass


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**10, 10**10, 5 * 10**8))
    with pytest.raises(CannotStart, match="HUB_DATA_DIR"):
        folder.open_folder(tmp_path / "hub")


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="无法写入"):
        folder.open_folder(tmp_path / "file")


def test_only_the_very_process_that_was_written_down_is_ended(home: Path) -> None:
    ours, later = (subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(2))
    try:
        started = {p.pid: psutil.Process(p.pid).create_time() for p in (ours, later)}
        status(
            folder.Running("hub-api", ours.pid, started[ours.pid], ""),
            folder.Running("kafka", later.pid, started[later.pid] - 100, ""),  # the pid was given to somebody else
            folder.Running("gone", 2**22 - 1, 1.0, ""),
        ).write(home)
        begin = time.monotonic()
        assert folder.end_leftovers(home) == ["hub-api"]
        assert time.monotonic() - begin < folder.LEFTOVER_SECONDS
        assert not psutil.pid_exists(ours.pid)
        assert later.poll() is None
    finally:
        ours.kill()
        later.kill()


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://hub@/hub?host=/tmp/x&port=5432", "postgresql://hub@/hub?host=/tmp/x&port=5432"),
        ("postgresql://hub:s3cret@db:5432/hub", "postgresql://hub:***@db:5432/hub"),
        ("postgresql://db/hub?password=s3cret", "postgresql://db/hub?password=***"),
    ],
)
def test_a_password_is_not_shown(dsn: str, shown: str) -> None:
    assert folder.without_password(dsn) == shown
