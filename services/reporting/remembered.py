"""Answers that were dear to work out, kept until an event comes that they depend on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from services.reporting import recorded
from services.reporting.catalogue import Catalogue
from services.reporting.question import Query

KEPT = 256
"""Answers held at most; the one asked for longest ago goes first."""
MAX_PARTS = 5_000
"""An answer with more parts is not kept."""


class Answers:
    """Those of one process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, dict[str, Any]] = OrderedDict()

    def get(self, at: Hashable) -> dict[str, Any] | None:
        """What is known."""
        if at in self._kept:
            self._kept.move_to_end(at)
        return self._kept.get(at)

    def keep(self, at: Hashable, answer: dict[str, Any]) -> None:
        """Remember one."""
        if len(answer.get("parts", ())) <= MAX_PARTS:
            self._kept[at] = answer
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def question(query: Query) -> Hashable:
    """What is asked, so that the same question is the same."""
    return (
        query.definition.hash, tuple(leaf.definition.hash for leaf in query.leaves), query.period, query.region,
        query.status, query.drill, tuple(sorted(query.labels.items())), query.by, query.compare, query.known_at,
        query.tree_now,
    )  # fmt: skip


def types(of: Catalogue, query: Query) -> tuple[str, ...]:
    """The types of event that the answer depends on."""
    definitions = [leaf.definition for leaf in query.leaves]
    names = {name for d in definitions for name in (*d.lookups, d.register) if name}
    events = {d.event for d in definitions if d.event}
    return tuple(sorted({*events, *(t for name in names for t in of.registers[name].types), ZERO, recorded.TYPE}))


ZERO = "feed.zero_declared"
