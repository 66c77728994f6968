"""One process of the hub: started, watched, started again when it dies, ended in time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.folder import Running
from deploy.local.part import LOG_BYTES, end_with, open_log

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
SETTLED_SECONDS = 60.0
"""A process that lived this long starts again without the pauses of its earlier deaths."""
WATCH_SECONDS, STOP_WATCH_SECONDS = 0.1, 0.02


def pause_before(deaths: int) -> float:
    """Seconds to wait before the start that follows the n-th death in a row (1, 2, …)."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(deaths - 1, 16))


@dataclass
class Child:
    """A process that should always run."""

    name: str
    log: Path
    spawn: Callable[[], subprocess.Popen[bytes]]
    ready: Callable[[subprocess.Popen[bytes]], Awaitable[None]]
    stop_signal: int = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    restarts: int = -1
    started: float = 0.0
    state: str = "new"
    deaths: int = field(default=0)
    """Deaths in a row, none of them after a long life."""
    renewing: bool = False
    """It was asked to end so that it starts with other content; that is no death."""

    def start(self) -> None:
        """Start it; call from the main thread."""
        self.process = self.spawn()
        self.restarts += 1
        self.started = _started(self.process.pid)
        self.state = "starting"

    async def until_ready(self) -> None:
        """Wait until it answers, or raise what keeps it from answering."""
        if self.process is not None:
            await self.ready(self.process)
            self.state = "ready"

    async def ended(self) -> int:
        """Wait for its end; the exit code, negative: the signal that ended it."""
        code = None
        while self.process is not None and (code := self.process.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)
        if not self.renewing:
            self.deaths = 1 if time.time() - self.started > SETTLED_SECONDS else self.deaths + 1
        self.state = "dead"
        return code or 0

    @property
    def running(self) -> Running | None:
        """Its row in the status; None: never started."""
        if self.process is None:
            return None
        return Running(self.name, self.process.pid, self.started, str(self.log), self.state, self.restarts)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now, or ran last."""
        return self.process.pid if self.process is not None else None

    @property
    def alive(self) -> bool:
        """Is there a process now?"""
        return self.process is not None and self.process.poll() is None

    def signal(self, signal_: int) -> None:
        """Send a signal, if there is somebody to take it."""
        if self.process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal_)

    async def renew(self, seconds: float) -> None:
        """Have it end within so many seconds; whoever keeps it starts it again at once."""
        if self.alive:
            self.renewing = True
            await stop_all([self], seconds)


async def stop_all(children: list[Child], seconds: float) -> None:
    """Ask all of them to end, wait that long for all together, then kill what is left."""
    for child in children:
        child.signal(child.stop_signal)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _all_ended(children)
    for child in children:
        child.signal(signal.SIGKILL)
    await _all_ended(children)


async def _all_ended(children: list[Child]) -> None:
    while any(child.alive for child in children):  # noqa: ASYNC110 a process sets no event
        await asyncio.sleep(STOP_WATCH_SECONDS)


def spawner(command: list[str], log: Path, environment: dict[str, str]) -> Callable[[], subprocess.Popen[bytes]]:
    """How a service starts: its own session (a terminal's Ctrl-C is the supervisor's), its log, its parent's fate."""

    def spawn() -> subprocess.Popen[bytes]:
        with open_log(log) as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=end_with(os.getpid()),
            )

    return spawn


def cut(log: Path) -> None:
    """Put what a large log holds aside and go on in the same file: its process has it open for appending."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def last_words(log: Path) -> str:
    """The last line of a log that says something."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""
    return ""


def said(code: int) -> str:
    """An exit code in words: `信号 SIGKILL` or `退出码 1`."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"信号 {signal.Signals(-code).name}"
    return f"退出码 {code}"


def _started(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:  # it is dead already: the watch will see that
        return time.time()
