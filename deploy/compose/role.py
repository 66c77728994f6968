"""One process of the hub in a container: `python -m deploy.compose.role NAME`, a name of the register of processes.

When another bureau folder is put in force the APIs exchange their services and a stream ends, to be started again by
the engine: what the supervisor does by signals on one machine, each container does by itself.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

from deploy.local import in_force
from deploy.local.processes import API, STREAMS
from services.runtime.settings import Settings

LOOK_SECONDS = 1.0
MODULES = dict((API, *STREAMS))


def watch(link: Path, signal_: int) -> None:
    """For ever: tell this process when the link to the bureau folder in force has turned."""
    before = link.readlink()
    while True:
        time.sleep(LOOK_SECONDS)
        now = link.readlink()
        if now != before:
            before = now
            os.kill(os.getpid(), signal_)


def main() -> None:
    """Run one process of the register in this one."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in MODULES:
        sys.exit(f"deploy.compose.role: no process {name!r}; there are {', '.join(MODULES)}")
    link = Settings().data_dir / in_force.LINK
    signal_ = signal.SIGUSR1 if name == API[0] else signal.SIGTERM
    threading.Thread(target=watch, args=(link, signal_), daemon=True, name="in-force").start()
    sys.argv = [MODULES[name]]
    runpy.run_module(MODULES[name], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
