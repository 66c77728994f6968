"""A process that gives way does so with its whole group."""

from __future__ import annotations

import os
import subprocess
import sys

from services.runtime.priority import AUTOGROUP

SCRIPT = "from services.runtime import priority; priority.give_way(3)"


def test_it_gives_way_with_its_group() -> None:
    shown = "import os, pathlib; p = pathlib.Path('/proc/self/autogroup'); "
    shown += "print(os.nice(0), p.read_text().split()[-1] if p.exists() else '')"
    told = subprocess.run(
        [sys.executable, "-c", f"{SCRIPT}; {shown}"], capture_output=True, text=True, check=True, start_new_session=True
    ).stdout.split()
    assert int(told[0]) == min(os.nice(0) + 3, 19)
    if AUTOGROUP.exists():
        assert told[1] == "3"
