"""The file outbox: each letter a line; a program of the bureau's own takes them from there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.warning.channels.channel import Message, NotNow
from services.warning.channels.gateway import shown


class FileOutbox:
    """Appends to `<folder>/<channel>.ndjson`."""

    batch = 1000

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._file = folder / f"{name}.ndjson"

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Write them down, on disk; see `Channel`."""
        lines = b"".join(msgspec.json.encode({"channel": self.name, **shown(m)}) + b"\n" for m in messages)
        try:
            await asyncio.to_thread(self._append, lines)
        except OSError as error:
            raise NotNow(str(error)) from error
        return ["handed"] * len(messages)

    async def check(self) -> None:
        """Whether the folder can be written. Raises NotNow."""
        await self.hand([])

    def _append(self, lines: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    async def close(self) -> None:
        """Nothing is kept open."""
