"""What stands behind a 0: did the feed live, did it declare a zero, was it silent, or is there none?

Told per type from the ledger, by the time of the events. The publisher of a row stands in its body alone, so a type
that several publishers send counts as one feed here, with the longest patience of theirs.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from services.contracts import event as events
from services.contracts.event import STATUSES, Status
from services.reporting import body, period
from services.reporting.catalogue import Catalogue
from services.reporting.cells import Cell
from services.reporting.period import Period
from services.reporting.question import Query

LIVE, ZERO, SILENT, NONE = "live", "declared_zero", "silent", "none"
MANUAL = "manual"
"""A person recorded the figure: nothing was counted."""
WORST = (NONE, SILENT, ZERO, LIVE)
REMEMBERED_DAYS = 400
"""A feed without a cadence lives when it sent anything in so many days."""
_BACK = frozenset({"last", "stock"})


async def of(
    connection: asyncpg.Connection, catalogue: Catalogue, query: Query, over: Period, now: datetime.datetime
) -> str:
    """The coverage of a figure over a period: that of its type, of a ratio the worse of its two.

    A register lives by any of the types that add to it.
    """
    found = set()
    for leaf in query.leaves:
        d = leaf.definition
        asked = Period(datetime.date.min, over.last) if leaf.kind in _BACK or d.register else over
        types = [step.event for step in catalogue.registers[d.register].added] if d.register else [d.event]
        feeds = [_Feed(connection, catalogue, query, type_, now) for type_ in types]
        words = [await feed.coverage(asked, min(over.last, catalogue.today(now))) for feed in feeds]
        found.add(max(words, key=WORST.index))
    return next(word for word in WORST if word in found)


def bare(cell: Cell, covered: str) -> Cell:
    """Without a feed there is no figure, not a 0."""
    return Cell(cell.events, None) if covered == NONE and not cell.events else cell


@dataclass
class _Feed:
    """One type as the ledger knew it."""

    connection: asyncpg.Connection
    catalogue: Catalogue
    query: Query
    type: str
    now: datetime.datetime

    async def coverage(self, over: Period, today: datetime.date) -> str:
        """The word for a period; days after `today` have not been."""
        sent = await self._sent(over)
        patience = self._patience()
        if sent and patience is None:
            return LIVE
        zeros = await self._zeros()
        if patience is not None and (await self._gap(Period(over.first, today), patience, zeros)):
            return SILENT
        if sent:
            return LIVE
        if any(over.meet(zero) for zero in zeros):
            return ZERO
        if patience is not None:
            return LIVE
        return LIVE if await self._sent(Period(_days_before(over.last, REMEMBERED_DAYS), over.last)) else NONE

    def _patience(self) -> datetime.timedelta | None:
        """Cadence and grace; None when nothing was promised. Exercises promise nothing."""
        promised = [f.cadence + f.grace for f in self.catalogue.feeds if f.type == self.type and f.cadence]
        return max(promised) if promised and self.query.status == "actual" else None

    async def _sent(self, over: Period) -> bool:
        return bool(await self.connection.fetchval(f"SELECT EXISTS (SELECT {_ROWS})", *self._of(over)))

    async def _gap(self, over: Period, patience: datetime.timedelta, zeros: Iterable[Period]) -> bool:
        """Whether there was a stretch longer than `patience` without an event and without a declared zero."""
        zone = self.catalogue.zone
        if over.first > over.last:
            return False
        at = await self._first(over, patience)
        while at is not None and at.astimezone(zone).date() <= over.last:
            silent_since: datetime.datetime | None = await self.connection.fetchval(
                WALK, *self._of(Period(over.first, over.last)), at, patience, self.now
            )
            if silent_since is None:
                return False
            day = silent_since.astimezone(zone).date()
            covering = [z.last for z in zeros if z.first <= day + patience and z.last > day]
            if not covering:
                return True
            at = datetime.datetime.combine(max(covering), datetime.time(), zone) + period.DAY
        return False

    async def _first(self, over: Period, patience: datetime.timedelta) -> datetime.datetime | None:
        """Where the walk begins: the last sign of life before the period, at most one patience before it."""
        zone = self.catalogue.zone
        if over.first == datetime.date.min:
            found: datetime.datetime | None
            found = await self.connection.fetchval(f"SELECT min(time) {_FROM}", *self._of(over))
            return found
        start = datetime.datetime.combine(over.first, datetime.time(), zone)
        before = Period(_days_before(over.first, REMEMBERED_DAYS), _days_before(over.first, 1))
        last = await self.connection.fetchval(f"SELECT max(time) {_FROM}", *self._of(before))
        return max(last, start - patience) if last else start

    async def _zeros(self) -> list[Period]:
        """The periods for which somebody declared that there was nothing."""
        rows = await self.connection.fetch(ZEROS, STATUSES.index(Status(self.query.status)), self.query.known_at)
        declared = [body.read(events.decode(row["body"]).data) for row in rows]
        read = [period.read(str(d.get("period", ""))) for d in declared if d.get("type") == self.type]
        return [zero for zero in read if zero is not None]

    def _of(self, over: Period) -> tuple[object, ...]:
        return (self.type, STATUSES.index(Status(self.query.status)), self.query.known_at, over.first, over.last,
                self.catalogue.zone.key)  # fmt: skip


def _days_before(day: datetime.date, days: int) -> datetime.date:
    return datetime.date.fromordinal(max(1, day.toordinal() - days))


_OF_TYPE = """
  FROM ledger WHERE type = (SELECT id FROM type WHERE name = $1) AND status = $2 AND NOT retracts
   AND ($3::timestamptz IS NULL OR recorded <= $3)
"""
_FROM = f"""{_OF_TYPE} AND time >= $4::date::timestamp AT TIME ZONE $6
   AND time < ($5::date + 1)::timestamp AT TIME ZONE $6"""
_ROWS = f"1 {_FROM}"
WALK = f"""
WITH RECURSIVE walk(n, at) AS (
    SELECT 0, $7::timestamptz
    UNION ALL
    SELECT n + 1, (SELECT max(time) {_FROM} AND time > walk.at AND time <= walk.at + $8::interval)
      FROM walk
     WHERE walk.at + $8 < least($9::timestamptz, ($5::date + 1)::timestamp AT TIME ZONE $6)
)
SELECT w.at FROM walk w JOIN walk after ON after.n = w.n + 1 WHERE after.at IS NULL
"""  # noqa: S608
"""From event to event, each step as long as patience allows; where no step leads on, silence began."""
ZEROS = """
SELECT body FROM ledger
 WHERE type = (SELECT id FROM type WHERE name = 'feed.zero_declared') AND status = $1 AND NOT retracts
   AND ($2::timestamptz IS NULL OR recorded <= $2)
"""
