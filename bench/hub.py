"""The whole hub by `hub up`: how long until it is ready, and what it takes when nothing happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.line import Line
from bench.parts import Ended, Stage, ports
from deploy.local import api, processes
from deploy.local.folder import Status
from deploy.local.part import end_with, stop
from services.cli.running import running
from services.cli.status import picture
from services.runtime.settings import Settings

READY_SECONDS = 180
QUIET_SECONDS = 15
"""Until what the start left to do is done."""
MOST_SECONDS, MOST_MB = 20, 1_200


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[tuple[Stage, float]]:
    """A hub with its data below this folder, and the seconds from the command until all of it says that it is ready."""
    base = ports()
    home = folder / "hub"
    settings = Settings(data_dir=home, http_port=base, kafka_port=base + 2, kafka_bootstrap="", postgres_dsn="")
    environment = {"HUB_DATA_DIR": str(home), "HUB_HTTP_PORT": str(base), "HUB_KAFKA_PORT": str(base + 2)}
    began = time.perf_counter()
    with (folder / "up.txt").open("ab") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("hub")), "up"], env=os.environ | environment, stdout=out, stderr=out,
            preexec_fn=end_with(os.getpid()),
        )  # fmt: skip
    stage = Stage(settings, {"hub": process})
    try:
        try:
            status = _until_ready(stage, settings)
        except Ended as why:
            raise Ended(f"{why}: {(folder / 'up.txt').read_text()[-500:]}") from why
        seconds = time.perf_counter() - began
        update = {"kafka_bootstrap": status.bootstrap, "postgres_dsn": status.dsn}
        kept = {row.name: row.pid for row in status.processes}
        yield Stage(settings.model_copy(update=update), dict(stage.processes), kept), seconds
    finally:
        stop(process, signal.SIGTERM, grace=15)


def _until_ready(stage: Stage, settings: Settings) -> Status:
    needed = {"hub-api", *(name for name, module in processes.STREAMS if api.exists(module))}
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        stage.check()
        status = running(settings)
        if status is not None and needed <= {row.name for row in status.processes} and picture(status)["ready"]:
            return status
        time.sleep(0.1)
    raise Ended(f"the hub is not ready after {READY_SECONDS} s")


def start(how: str, seconds: float) -> Line:
    """The line of a start, with everything installed."""
    return Line(f"hub up, {how}", seconds, "s", most=MOST_SECONDS)


def idle(stage: Stage) -> Line:
    """The memory of the quiet hub."""
    time.sleep(QUIET_SECONDS)
    parts = {f"{name} MB": bytes_ / 1e6 for name, bytes_ in stage.memory().items()}
    return Line("all processes idle", parts.pop("hub MB"), "MB", most=MOST_MB, details=parts)
