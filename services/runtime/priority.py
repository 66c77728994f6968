"""Priority: which processes give way to others when the cores are short."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def give_way(nice: int) -> None:
    """Lower this process's priority (0 none … 19 most).

    Linux may share the cores out by session first (sched(7), autogroup); each of our processes is a session of its own,
    so that its group has to give way, too.
    """
    os.nice(nice)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(nice), "ascii")
