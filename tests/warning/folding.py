"""Facts and a world for tests that fold a matter without any part running."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

from services.runtime import bureau
from services.runtime.settings import ROOT
from services.warning import house
from services.warning.matter import Fact
from services.warning.world import World

EXAMPLE = ROOT / "bureaus" / "example"


def moment(text: str) -> datetime.datetime:
    """`07-16 08:00` of 2026, in the bureau's time."""
    return datetime.datetime.fromisoformat(f"2026-{text}+08:00")


@functools.cache
def example() -> tuple[bureau.Bureau, house.House]:
    """The fictional bureau."""
    read = bureau.load(EXAMPLE)
    return read, house.load(read)


def world(now: str | datetime.datetime, **more: Any) -> World:
    """The fictional bureau at a moment."""
    read, people = example()
    at = moment(now) if isinstance(now, str) else now
    return World(at, more.pop("bureau", read), more.pop("house", people), **more)


def fact(type_: str, subject: str, at: str | datetime.datetime, data: Mapping[str, Any], **more: Any) -> Fact:
    """A fact that was accepted and taken in when it happened."""
    time = moment(at) if isinstance(at, str) else at
    id_ = str(more.pop("id", f"{type_}|{subject}|{time}|{sorted(data.items(), key=str)}"))
    fields = {
        "key": hashlib.md5(id_.encode(), usedforsecurity=False).digest(), "type": type_, "source": "/hub/people",
        "id": id_, "subject": subject, "time": time, "recorded": time, "handled": time, "region": "990111",
        "scope": "actual", "drill": "", "lane": "", "publisher": "desk", "data": data,
    }  # fmt: skip
    return Fact(**{**fields, **more})
