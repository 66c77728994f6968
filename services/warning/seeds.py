"""Matters that stand without any fact: shifts of the roster, gaps in it, feeds that have promised to send."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from services.warning.matter import Kind
from services.warning.store import Id
from services.warning.world import World

EVERY = datetime.timedelta(hours=1)
"""They are looked for at the start, and so often after it: the roster of tomorrow comes near."""


@runtime_checkable
class Seeded(Protocol):
    """A kind some of whose matters follow from the bureau's folder."""

    name: str

    def seeds(self, world: World) -> Iterable[str]:
        """Their keys at this moment."""


def seeds(kinds: Sequence[Kind], world: World) -> list[Id]:
    """The matters to be folded though nothing has happened."""
    return [(kind.name, "actual", key) for kind in kinds if isinstance(kind, Seeded) for key in kind.seeds(world)]
