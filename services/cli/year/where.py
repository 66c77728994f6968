"""Where facts happen: the regions of a bureau, some busier than others."""

from __future__ import annotations

import bisect
import random
import zlib


class Places:
    """Draws regions: the leaves of the tree, some busier than others."""

    def __init__(self, leaves: list[str]) -> None:
        self.leaves = leaves
        self._sums = [sum(1 / (n + 2) for n in range(end + 1)) for end in range(len(leaves))]

    def draw(self, rng: random.Random) -> str:
        """A region."""
        return self._at(rng.random())

    def home(self, name: str) -> str:
        """The region in which a thing of that name always lies."""
        return self._at(zlib.crc32(name.encode()) / 2**32)

    def _at(self, share: float) -> str:
        return self.leaves[min(bisect.bisect(self._sums, share * self._sums[-1]), len(self.leaves) - 1)]
