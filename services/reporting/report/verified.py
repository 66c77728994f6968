"""Whether what was frozen is what the ledger says: digests and figures of all editions and answers, computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from services.reporting import export
from services.reporting.report import figures, frozen, making
from services.reporting.report.frozen import Frozen
from services.runtime import postgres

Progress = Callable[[int, int], None]
"""Told (editions done, editions in all)."""


@dataclass(frozen=True)
class Difference:
    """A figure that the ledger does not bear out, or with an empty slot: content that is not what was frozen."""

    edition: str
    slot: str
    frozen: str
    found: str

    def __str__(self) -> str:
        if not self.slot:
            return f"{self.edition}：所存内容与定稿时的摘要不符（{self.frozen} → {self.found}）"
        return f"{self.edition}：{self.slot} 定稿为 {self.frozen}，按台账重算为 {self.found}"


@dataclass
class Verified:
    """What verifying the editions came to."""

    editions: int = 0
    figures: int = 0
    wrong: list[Difference] = field(default_factory=list)


async def verify(dsn: str, progress: Progress = lambda _done, _all: None) -> Verified:
    """Compute all of them again, by their own definitions, as known at their cut-offs."""
    connection = await postgres.connect(dsn, role="verify", command_timeout=None)
    try:
        await connection.execute("SET search_path TO reporting")
        rows = await connection.fetch(export.EDITIONS)
    finally:
        await connection.close()
    result = Verified(len(rows))
    for n, row in enumerate(rows):
        progress(n, len(rows))
        if (digest := frozen.digest(row["content"])) != row["digest"]:
            result.wrong.append(Difference(frozen.decode(row["content"]).id, "", row["digest"][:16], digest[:16]))
        found = frozen.decode(row["content"])
        result.figures += len(found.figures)
        result.wrong += await differences(dsn, found)
    progress(len(rows), len(rows))
    return result


async def differences(dsn: str, kept: Frozen) -> list[Difference]:
    """The figures that come out otherwise."""
    of = kept.catalogue
    reading = await figures.read(dsn, of, kept.queries(of, kept.cutoff), kept.cutoff, kept.positions)
    return [
        Difference(kept.id, slot, making.value_of(kept.figures[slot]), making.value_of(figure))
        for slot, figure in reading.figures.items()
        if making.differ(kept.figures[slot], figure)
    ]
