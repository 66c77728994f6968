"""Reads all figures of a report in one snapshot, as known at its cut-off."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import asyncpg

from services.reporting import answer, export, question, since
from services.reporting.catalogue import Catalogue
from services.reporting.question import Query
from services.reporting.report import frozen
from services.reporting.report.frozen import Asked

Told = Callable[[float], Awaitable[None]]
"""Told the share of the figures that were read, 0 to 1."""
TELL_EVERY = 25
POSITIONS = "SELECT topic, partition, epoch, next FROM position ORDER BY topic, partition, epoch"


class Reading(NamedTuple):
    """What one snapshot says."""

    figures: dict[str, dict[str, Any]]
    """Question → answer, as it comes back from JSON."""
    queries: dict[str, Query]
    positions: tuple[dict[str, Any], ...]
    heads: tuple[dict[str, Any], ...]


async def _nobody(_share: float) -> None:
    """Nobody is told."""


def parsed(questions: Iterable[Asked], of: Catalogue, region: str, cutoff: datetime.datetime) -> dict[str, Query]:
    """The questions as they can be put, as known at the cut-off. Raises Unclear."""
    today = of.today(cutoff)
    return {
        one.id: replace(question.parse(one.key, one.parameters, of, today, region), known_at=cutoff)
        for one in questions
    }


async def read(
    dsn: str, of: Catalogue, queries: Mapping[str, Query], cutoff: datetime.datetime,
    vector: Iterable[Mapping[str, Any]] | None = None, *, wait: bool = False, told: Told = _nobody,
) -> Reading:  # fmt: skip
    """The answers, the offsets and the seal heads, all of one moment; with a `vector` the answers of then.

    Raises NotCounted with `wait`.
    """
    asked = list(queries.values())
    async with since.snapshot(dsn, of, asked, cutoff, vector, wait=wait) as connection:
        figures = await answers(connection, of, queries, cutoff, told)
        positions = tuple(dict(row) for row in await connection.fetch(POSITIONS))
        return Reading(figures, dict(queries), positions, tuple(await export.heads(connection)))


async def answers(
    connection: asyncpg.Connection, of: Catalogue, queries: Mapping[str, Query], now: datetime.datetime,
    told: Told = _nobody,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """The answers; the same question is worked out once."""
    known: dict[Any, dict[str, Any]] = {}
    found = {}
    for n, (id_, query) in enumerate(queries.items()):
        if n % TELL_EVERY == 0:
            await told(n / len(queries))
        same = _same(query)
        if same not in known:
            known[same] = frozen.plain(await answer.answer(connection, of, query, now))
        found[id_] = known[same]
    return found


def _same(query: Query) -> Any:
    """What makes two questions one."""
    return (query.definition.hash, query.definition.labels, query.period, query.region, query.status, query.drill,
            tuple(sorted(query.labels.items())), query.by, query.compare, query.tree_now)  # fmt: skip
