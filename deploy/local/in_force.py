"""The bureau folder in force: a copy in the data folder, so that a clerk's half-done edit reaches no process.

`hub up` and `hub bureau apply` copy the folder and turn a link to the copy in one step; every process reads the link.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from services.contracts.rows import Mistake
from services.reporting import statistics
from services.runtime import bureau
from services.warning import house

LINK = Path("run", "bureau")
COPIES = Path("run", "bureaus")
WHENCE = Path("run", "bureau.json")
KEPT = 3
"""Copies that stay: a process that is starting may still read the one before."""


@dataclass(frozen=True)
class InForce:
    """Which folder was copied, and the hash of what it held."""

    folder: str
    hash: str


def mistakes(folder: Path) -> list[Mistake]:
    """Every mistake in a bureau folder that would keep a service from starting."""
    reading = bureau.read(folder)
    _, more = statistics.read(reading.statistics, reading.extra_codes, reading.registers)
    return sorted([*reading.mistakes, *more, *house.check(folder, reading)])


def adopt(home: Path, folder: Path) -> InForce:
    """Put a copy of the folder in force. Raises bureau.BureauMistakes, and then nothing has changed."""
    (home / COPIES).mkdir(parents=True, exist_ok=True)
    fresh = home / COPIES / f"{secrets.token_hex(4)}.new"
    shutil.copytree(folder, fresh, ignore=shutil.ignore_patterns(".*"))
    try:
        if found := mistakes(fresh):
            raise bureau.BureauMistakes(found)
        hash_ = bureau.digest(fresh)
        copy = home / COPIES / hash_[:16]
        if not copy.exists():
            fresh.rename(copy)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    os.utime(copy)
    _turn(home / LINK, copy)
    _forget(home / COPIES)
    now = InForce(str(folder.resolve()), hash_)
    (home / WHENCE).write_text(json.dumps(asdict(now), ensure_ascii=False), "utf-8")
    return now


def current(home: Path) -> InForce:
    """What is in force; empty texts before the first."""
    try:
        return InForce(**json.loads((home / WHENCE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return InForce("", "")


def _turn(link: Path, copy: Path) -> None:
    fresh = link.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(copy.relative_to(link.parent))
    fresh.replace(link)


def _forget(copies: Path) -> None:
    for old in sorted(copies.iterdir(), key=lambda copy: copy.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
