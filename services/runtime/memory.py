"""Memory of a process that has made what it keeps."""

from __future__ import annotations

import gc


def settle() -> None:
    """Leave what the start made out of every later garbage collection, and collect less often.

    Records make no cycles; the default thresholds cost a sixth of the time per event.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
