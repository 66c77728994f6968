"""What a matter is judged by besides its facts: the moment, the bureau's rules, the people on duty."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.runtime.bureau import Bureau
from services.warning.before import Life
from services.warning.heard import Heard
from services.warning.house import House


@dataclass(frozen=True)
class World:
    """One moment of one bureau."""

    now: datetime.datetime
    bureau: Bureau
    house: House
    origin: str = ""
    """Where people reach the pages: `http://hub.example`."""
    heard: Mapping[tuple[str, str], Heard] = field(default_factory=dict)
    """Publisher and type → what came of this feed."""
    silences: Sequence[Mapping[str, Any]] = ()
    """Those that a person has made and that are not over, as they are shown."""
    reds: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Scope → the red warnings in force, as they are shown: beside them an orange one calls nobody."""
    life: Life | None = None
    """What an earlier life of this hub said after the moment to which its database was put back."""
    secret: bytes = b""
    """The links in letters follow from it."""
    hidden: dict[str, int] = field(default_factory=dict)
    """Silence → how many messages it has hidden; of those that a turn has in hand."""
