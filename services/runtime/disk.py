"""How much room the disk has left."""

from __future__ import annotations

import shutil
from pathlib import Path


def free(folder: Path) -> float:
    """The free part of the disk that holds a folder, or will hold it; what is kept for root is not there, as for df."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return usage.free / (usage.used + usage.free)
