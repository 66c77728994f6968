"""Reads the partitions of many topics in step: nothing is taken that is later than what another still has to give.

Of two records with the same identity the first accepted counts. They may lie on different partitions (another subject,
another type), so a reader that has fallen behind must not run ahead on one of them. Kafka's time of each record is the
measure; a partition that gives nothing for a while no longer holds the others up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Generic, Protocol, TypeVar

PATIENCE_SECONDS = 5.0
"""So long a partition that has more, but does not give it, holds the others up."""


class Timed(Protocol):
    """What is needed of a Kafka record."""

    timestamp: int


P = TypeVar("P", bound=Hashable)
R = TypeVar("R", bound=Timed)


class InStep(Generic[P, R]):
    """Records that were fetched and not taken yet, by partition."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._held: dict[P, list[R]] = {}
        self._clock = clock
        self._taken = clock()

    def add(self, partition: P, records: list[R]) -> None:
        """Put what was fetched behind what is held."""
        self._held.setdefault(partition, []).extend(records)

    @property
    def holding(self) -> Collection[P]:
        """The partitions of which something is held."""
        return self._held.keys()

    def due(self, more: Collection[P]) -> dict[P, list[R]]:
        """Take what is not later than the last record held of each partition that has `more` on its log."""
        if not self._held:
            self._taken = self._clock()
            return {}
        frontier = min((self._held[p][-1].timestamp if p in self._held else -1 for p in more), default=None)
        if frontier is None or self._clock() - self._taken > PATIENCE_SECONDS:
            due, self._held = self._held, {}
        else:
            due = {p: taken for p, records in self._held.items() if (taken := _until(records, frontier))}
            self._held = {p: rest for p, records in self._held.items() if (rest := records[len(due.get(p, ())) :])}
        if due:
            self._taken = self._clock()
        return due


def _until(records: list[R], frontier: int) -> list[R]:
    """The records up to the first that is later."""
    return records[: next((n for n, r in enumerate(records) if r.timestamp > frontier), len(records))]
