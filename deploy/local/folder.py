"""The data folder: one supervisor at a time, one version, room to write, and what is running from it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.local import CannotStart
from deploy.local.part import need_room

VERSION = "1"
"""Layout of the data folder; a release that cannot read the old layout counts up."""
LEFTOVER_SECONDS = 5.0
OWN = {"VERSION", "run", "log", "kafka", "postgres", "admin.key"}
"""What a hub's data folder may hold before it has a VERSION."""


@dataclass
class Running:
    """One process of a running hub, as `status.json` shows it; times in seconds since the epoch."""

    name: str
    pid: int
    started: float
    log: str
    state: str = "starting"
    restarts: int = 0


@dataclass
class Status:
    """`run/status.json`: what runs, where. The lock says whether it is still true."""

    pid: int
    started: float
    http: str
    environment: str
    bureau: str
    """The folder as it was given; processes read a copy of it (`deploy.local.in_force`)."""
    bureau_hash: str = ""
    bootstrap: str = ""
    dsn: str = ""
    embedded: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    processes: list[Running] = field(default_factory=list)
    containers: bool = False
    """Each process is a container: nobody holds the folder, and none of them is ours to signal."""

    def write(self, folder: Path) -> None:
        """Replace the file as a whole, so that a reader never sees half of it. It may name a password: 0600."""
        target = folder / "run" / "status.json"
        fresh = target.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")
        fresh.replace(target)


def read_status(folder: Path) -> Status | None:
    """The last status written there; None: there is none or it cannot be read."""
    try:
        content: dict[str, Any] = json.loads((folder / "run" / "status.json").read_text("utf-8"))
        return Status(**{**content, "processes": [Running(**row) for row in content["processes"]]})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def holder(folder: Path) -> int | None:
    """The pid of the supervisor that holds this data folder; None: no hub runs from it."""
    try:
        with (folder / "run" / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or b"0")
    except OSError:
        pass
    return None


def open_folder(folder: Path) -> None:
    """Make the folder, or refuse one that is full, not writable, somebody else's or of another version."""
    try:
        for part in ("run", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        _same_version(folder)
    except OSError as error:
        raise CannotStart(
            f"数据目录 {folder} 无法写入（{error.strerror}）：检查权限，或用 HUB_DATA_DIR 换一个目录"
        ) from error
    need_room(folder)


def _same_version(folder: Path) -> None:
    file = folder / "VERSION"
    if not file.exists():
        strangers = sorted(p.name for p in folder.iterdir() if p.name not in OWN)
        if strangers:
            raise CannotStart(f"{folder} 不是中枢的数据目录（里面有 {strangers[0]}）：用 HUB_DATA_DIR 指定一个空目录")
        file.write_text(f"{VERSION}\n", "utf-8")
    found = file.read_text("utf-8").strip()
    if found != VERSION:
        raise CannotStart(
            f"数据目录 {folder} 的版本是 {found}，本程序需要版本 {VERSION}："
            "换用对应版本的程序，或用 HUB_DATA_DIR 指定另一个目录"
        )


@contextlib.contextmanager
def taken(folder: Path) -> Iterator[None]:
    """Hold the folder: the flock ends with this process, however it ends."""
    path = folder / "run" / "lock"
    with path.open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = path.read_text("utf-8").strip()
            raise CannotStart(f"中枢已在运行（pid {pid}，数据目录 {folder}）：先执行 hub down") from None
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield


def end_leftovers(folder: Path) -> list[str]:
    """End what a killed supervisor left running: only the very processes it wrote down. Returns their names."""
    status = read_status(folder)
    left = [(row.name, p) for row in (status.processes if status else ()) if (p := _same_process(row)) is not None]
    deadline = time.monotonic() + LEFTOVER_SECONDS
    for name, process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            # QUIT lets PostgreSQL end its own children at once; everything else is safe to kill.
            process.send_signal(signal.SIGQUIT if name == "postgres" else signal.SIGKILL)
    _, alive = psutil.wait_procs([p for _, p in left], max(0.1, deadline - time.monotonic()))
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, 2)
    return [name for name, _ in left]


def _same_process(row: Running) -> psutil.Process | None:
    """The process of that pid when it is the one that was written down, not a later one of the same number."""
    try:
        process = psutil.Process(row.pid)
        same = abs(process.create_time() - row.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if same else None


def need_port(host: str, port: int, what: str, setting: str) -> None:
    """Refuse a port that somebody else holds, and say who."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                raise
            why = "已被占用" + _who(port) if error.errno == errno.EADDRINUSE else f"不能使用（{error.strerror}）"
            raise CannotStart(f"{what}的端口 {host}:{port} {why}：先停掉它，或用 {setting} 换一个端口") from None


def _who(port: int) -> str:
    try:
        rows = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return ""
    pids = {c.pid for c in rows if c.pid and c.laddr and c.laddr.port == port and c.status == psutil.CONN_LISTEN}
    return "".join(f"（pid {pid} {psutil.Process(pid).name()}）" for pid in sorted(pids) if psutil.pid_exists(pid))


def without_password(dsn: str) -> str:
    """A DSN fit to be shown."""
    return re.sub(r"(://[^:/@]*:)[^@/]*@|([?&]password=)[^&]*", lambda m: f"{m[1]}***@" if m[1] else f"{m[2]}***", dsn)
