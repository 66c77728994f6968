"""What an embedded part offers its supervisor: prepare the folder, spawn the process, say when it answers."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import IO, Any

from deploy.local import CannotStart
from services.runtime.settings import Settings

Say = Callable[[str, int, int], None]
"""Progress: what is being done, how much of it is done, of how many (0 of 0: no count)."""

CLAIM_SECONDS = 10.0
ROOM_BYTES = 1 << 30
LOG_BYTES = 16 << 20
PR_SET_PDEATHSIG = 1


def silent(_text: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


class Part(ABC):
    """One embedded part.

    The lock on its folder is held by us and by every process of the part: the folder is free when all have ended.
    """

    name: str
    stop_signal: Signals = SIGTERM

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.data_dir.resolve()
        self.folder = self.root / self.name
        self.log = self.root / "log" / f"{self.name}.log"
        self._claim: IO[bytes] | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """How clients reach it; known before it runs."""

    @abstractmethod
    def install(self, say: Say) -> None:
        """Fetch and make what the start needs; by now the folder is ours."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The process to run."""

    @abstractmethod
    async def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the part answers its clients. Raises CannotStart when it ended or takes too long."""

    def recover(self) -> None:  # noqa: B027 most parts have nothing to clear
        """Clear what a killed process left; called once, when nothing of it can be alive any more."""

    def identity(self) -> dict[str, Any]:
        """As whom the process runs: further arguments of Popen."""
        return {}

    def prepare(self, say: Say = silent) -> None:
        """Make everything ready for `spawn` (blocking); may be called again. Raises CannotStart."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        if self._claim is None:
            self._claim = claim(self.folder)
            self.recover()
        need_room(self.root)
        self.install(say)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the process in a session of its own; from the main thread only, as it ends with the thread."""
        if self._claim is None:
            raise RuntimeError(f"{self.name}: prepare() comes before spawn()")
        with open_log(self.log) as log:
            return subprocess.Popen(
                list(self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # else a terminal's Ctrl-C reaches it before its clients
                pass_fds=[self._claim.fileno()],
                preexec_fn=end_with(os.getpid()),
                **self.identity(),
            )

    def release(self) -> None:
        """Give the folder back, once the process has ended."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def ended(self, process: subprocess.Popen[bytes]) -> CannotStart:
        """The sentence for a process that ended before it was ready, with the end of its log."""
        words = " | ".join(self.log.read_text("utf-8", "replace").splitlines()[-3:])
        return CannotStart(f"{self.name} 未能启动（退出码 {process.returncode}）：{words[-500:]}；详见 {self.log}")

    def late(self, seconds: float) -> CannotStart:
        """The sentence for a process that runs and does not answer."""
        return CannotStart(f"{self.name} 启动后 {seconds:.0f} 秒仍无应答：查看 {self.log}")


def claim(folder: Path) -> IO[bytes]:
    """The folder's lock, held while the returned file is open, here or in a child.

    The parts' own locks come too late: a second Kafka writes the metadata log before it notices the first. What a
    killed hub left behind needs a moment to end, hence the wait.
    """
    file = (folder / "lock").open("ab")
    end = time.monotonic() + CLAIM_SECONDS
    while not _locked(file):
        if time.monotonic() > end:
            file.close()
            raise CannotStart(f"{folder} 正被另一个中枢使用：先执行 hub down，或用 HUB_DATA_DIR 换一个目录")
        time.sleep(0.1)
    return file


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def need_room(folder: Path) -> None:
    """Raises CannotStart with less than 1 GB free: a part that fills the disk ends at once, and again at each start."""
    free = shutil.disk_usage(folder).free
    if free < ROOM_BYTES:
        raise CannotStart(
            f"磁盘空间不足：{folder} 所在磁盘只剩 {free >> 20} MB，至少需要 1024 MB："
            "先清理磁盘，或用 HUB_DATA_DIR 换到别的磁盘"
        )


def open_log(path: Path) -> IO[bytes]:
    """The log to append to; a large one is put aside first, in place of an older one."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def end_with(parent: int) -> Callable[[], None] | None:
    """What a child does before exec so that it is killed when the thread that started it ends (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, int(SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it ended between fork and prctl
            os._exit(1)

    return bind


def stop(process: subprocess.Popen[bytes], how: Signals, grace: float = 7.0) -> int:
    """Ask the process to end, then make it (safe: what was acknowledged is on disk). Returns its exit code."""
    if process.poll() is None:
        os.kill(process.pid, how)
    try:
        return process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
