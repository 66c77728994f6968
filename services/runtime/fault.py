"""Named places at which a test may kill the process; nothing happens outside `HUB_ENVIRONMENT=test`."""

from __future__ import annotations

import os
import signal

_PLACE = os.environ.get("HUB_FAULT", "") if os.environ.get("HUB_ENVIRONMENT") == "test" else ""
_name, _, _count = _PLACE.partition(":")
_left = int(_count or 1)


def at(place: str) -> None:
    """End this process by SIGKILL when `HUB_FAULT` names this place (`name:3` = the third time)."""
    global _left
    if place == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
