"""What waits on disk while the broker is away: warnings that were answered 503 and are published later, in order.

A request's records lie in one file, synced before the answer; the ids stay, so what had reached the broker after all
counts once. Bounded: what no longer fits is told so and not kept.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from services.ingest.door import Admitted
from services.runtime import log
from services.runtime.kafka import Record, Rejected, Unknown

MAX_FILES = 1_000
MAX_BYTES = 64 * 1024 * 1024
PAUSE_SECONDS = 1.0
"""Between two tries."""
ASIDE = ".refused"
"""Ending of what Kafka refuses for good, or what cannot be read: it waits for a person."""
_ENDING = ".json"
_logger = log.get("spool")


class Publisher(Protocol):
    """What the spool asks of `runtime.kafka.Publisher`."""

    def publish(self, records: Sequence[Record]) -> Awaitable[None]:
        """Return when all are on disk at the broker. Raises Unknown or Rejected."""
        ...


class Kept(msgspec.Struct, frozen=True):
    """One request that waits."""

    received: datetime.datetime
    publisher: str
    mark: str
    """Stands for what was sent: the same again is kept once."""
    chains: tuple[str | None, ...]
    admitted: tuple[Admitted, ...]


class Waiting(msgspec.Struct, frozen=True):
    """A row of `GET /spool`: one message that waits."""

    id: str
    source: str
    chain: str | None
    received: datetime.datetime
    publisher: str
    bytes: int
    reason: str


class Full(Exception):
    """The spool holds as much as it may."""


_decoder = msgspec.json.Decoder(Kept)


class Spool:
    """The files of one door. One at a time writes, reads or publishes."""

    def __init__(
        self, folder: Path, publisher: Publisher, records_of: Callable[[Sequence[Admitted]], list[Record]]
    ) -> None:
        self._folder = folder
        self._publisher = publisher
        self._records_of = records_of
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._files: dict[Path, Kept] = {}
        self._bytes: dict[Path, int] = {}
        self._aside: dict[Path, tuple[Kept | None, str]] = {}
        self.reason = ""
        """Why the oldest still waits."""
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.suffix in (_ENDING, ASIDE):
                self._load(path)

    def __len__(self) -> int:
        return sum(len(kept.admitted) for kept in self._files.values())

    def waiting(self) -> list[Waiting]:
        """Every message that waits, oldest first, then what was set aside."""
        rows = [(kept, self.reason or "waits for the broker") for kept in self._files.values()]
        rows += [(kept, reason) for kept, reason in self._aside.values() if kept]
        return [
            Waiting(one.id, one.source, chain, kept.received, kept.publisher, len(one.record), reason)
            for kept, reason in rows
            for one, chain in zip(kept.admitted, kept.chains, strict=True)
        ]

    async def keep(self, kept: Kept) -> None:
        """Return when it is on disk. Raises Full, or OSError when the disk takes nothing."""
        async with self._lock:
            if any(kept.mark == other.mark for other in self._files.values()):
                return
            content = msgspec.json.encode(kept)
            if len(self._files) >= MAX_FILES or sum(self._bytes.values()) + len(content) > MAX_BYTES:
                raise Full
            last = int(next(reversed(self._files)).stem) if self._files else 0
            path = self._folder / f"{max(time.time_ns(), last + 1):020d}{_ENDING}"
            await asyncio.to_thread(_write, path, content)
            self._files[path], self._bytes[path] = kept, len(content)
            self._wake.set()

    async def drain(self) -> bool:
        """Publish what waits, in order, as far as the broker takes it; whether nothing waits any more."""
        async with self._lock:
            for path, kept in list(self._files.items()):
                try:
                    await self._publisher.publish(self._records_of(kept.admitted))
                except Unknown as error:
                    self.reason = f"not confirmed: {error}"
                    return False
                except Rejected as error:
                    await self._set_aside(path, kept, f"refused by Kafka: {error}")
                    continue
                await asyncio.to_thread(_remove, path)
                self._forget(path)
            self.reason = ""
            self._wake.clear()
            return True

    async def run(self) -> None:
        """Publish what waits whenever something does, for ever."""
        while True:
            await self._wake.wait()
            if not await self.drain():
                await asyncio.sleep(PAUSE_SECONDS)

    def _load(self, path: Path) -> None:
        content = path.read_bytes()
        try:
            kept = _decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._aside[path] = (None, f"cannot be read: {error}")
            _logger.exception("spool.unreadable", file=path.name)
            return
        if path.suffix == ASIDE:
            self._aside[path] = (kept, "refused by Kafka before the door was started")
            return
        self._files[path], self._bytes[path] = kept, len(content)
        self._wake.set()

    async def _set_aside(self, path: Path, kept: Kept, reason: str) -> None:
        aside = path.with_suffix(ASIDE)
        await asyncio.to_thread(path.rename, aside)
        self._aside[aside] = (kept, reason)
        self._forget(path)
        _logger.error("spool.refused", file=aside.name, reason=reason)

    def _forget(self, path: Path) -> None:
        del self._files[path], self._bytes[path]


def _write(path: Path, content: bytes) -> None:
    """The file, whole and synced, its name too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync(path.parent)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
