"""What stands behind a 0: did the feed live, did it declare a zero, was it silent, or is there none?

Told from the ledger, by the time of the events. A feed is a type and a publisher: where the bureau expects a type from
several publishers, the silence of one is not covered by what another sends. A type that nobody is expected to send is
one feed, whoever sends it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace

import asyncpg
import msgspec

from services.contracts import event as events
from services.contracts.event import STATUSES, Status
from services.reporting import body, period
from services.reporting.catalogue import Catalogue
from services.reporting.cells import Cell
from services.reporting.period import Period
from services.reporting.question import Query
from services.runtime.bureau import Feed

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
        words = [await _type(connection, catalogue, query, type_, asked, now) for type_ in types]
        found.add(max(words, key=WORST.index))
    return next(word for word in WORST if word in found)


async def _type(
    connection: asyncpg.Connection, catalogue: Catalogue, query: Query, type_: str, over: Period, now: datetime.datetime
) -> str:
    """The coverage of a type: silent when one of its feeds was; else live by any event, else the best of its feeds."""
    today = min(over.last, catalogue.today(now))
    anybody = _Feed(connection, catalogue, query, type_, now)
    expected = [_expected(anybody, feed) for feed in catalogue.feeds if feed.type == type_]
    if not expected:
        return await anybody.coverage(over, today)
    words = [await feed.coverage(over, today) for feed in expected]
    if SILENT in words:
        return SILENT
    return LIVE if await anybody.sent(over) else max(words, key=WORST.index)


def _expected(anybody: _Feed, feed: Feed) -> _Feed:
    """Exercises promise nothing."""
    patience = feed.cadence + feed.grace if feed.cadence and anybody.query.status == "actual" else None
    return replace(anybody, publisher=feed.publisher, patience=patience)


def bare(cell: Cell, covered: str) -> Cell:
    """Without a feed there is no figure, not a 0."""
    return Cell(cell.events, None) if covered == NONE and not cell.events else cell


@dataclass
class _Feed:
    """One type as the ledger knew it, of one publisher or of all."""

    connection: asyncpg.Connection
    catalogue: Catalogue
    query: Query
    type: str
    now: datetime.datetime
    publisher: str | None = None
    """None: whoever sends the type."""
    patience: datetime.timedelta | None = None
    """None: nothing was promised."""

    async def coverage(self, over: Period, today: datetime.date) -> str:
        """The word for a period; days after `today` have not been."""
        sent = await self.sent(over)
        patience = self.patience
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
        return LIVE if await self.sent(Period(_days_before(over.last, REMEMBERED_DAYS), over.last)) else NONE

    async def sent(self, over: Period) -> bool:
        """Whether there was an event."""
        return bool(await self.connection.fetchval(f"SELECT EXISTS (SELECT {_ROWS})", *self._of(over)))

    async def _gap(self, over: Period, patience: datetime.timedelta, zeros: Iterable[Period]) -> bool:
        """Whether there was a stretch longer than `patience` without an event and without a declared zero."""
        zone = self.catalogue.zone
        if over.first > over.last:
            return False
        at = await self._first(over, patience)
        while at is not None and at.astimezone(zone).date() <= over.last:
            silent_since: datetime.datetime | None = await self.connection.fetchval(
                WALK, *self._of(over), at, patience, self.now
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
        mine = [d for d in declared if d.get("type") == self.type and self.publisher in (None, d.get("publisher"))]
        read = [period.read(str(d.get("period", ""))) for d in mine]
        return [zero for zero in read if zero is not None]

    def _of(self, over: Period) -> tuple[object, ...]:
        return (self.type, STATUSES.index(Status(self.query.status)), self.query.known_at, over.first, over.last,
                self.catalogue.zone.key, _written(self.publisher))  # fmt: skip


def _written(publisher: str | None) -> bytes | None:
    """How a record says whose it is: the ledger has no column for it, and text with U+0000 is no JSON to PostgreSQL."""
    return None if publisher is None else msgspec.json.encode({"publisher": publisher})[1:-1]


def _days_before(day: datetime.date, days: int) -> datetime.date:
    return datetime.date.fromordinal(max(1, day.toordinal() - days))


_OF_TYPE = """
  FROM ledger WHERE type = (SELECT id FROM type WHERE name = $1) AND status = $2 AND NOT retracts
   AND ($3::timestamptz IS NULL OR recorded <= $3)
   AND ($7::bytea IS NULL OR position($7 in body) > 0)
"""
_FROM = f"""{_OF_TYPE} AND time >= $4::date::timestamp AT TIME ZONE $6
   AND time < ($5::date + 1)::timestamp AT TIME ZONE $6"""
_ROWS = f"1 {_FROM}"
WALK = f"""
WITH RECURSIVE walk(n, at) AS (
    SELECT 0, $8::timestamptz
    UNION ALL
    SELECT n + 1, (SELECT max(time) {_FROM} AND time > walk.at AND time <= walk.at + $9::interval)
      FROM walk
     WHERE walk.at + $9 < least($10::timestamptz, ($5::date + 1)::timestamp AT TIME ZONE $6)
)
SELECT w.at FROM walk w JOIN walk after ON after.n = w.n + 1 WHERE after.at IS NULL
"""  # noqa: S608
"""From event to event, each step as long as patience allows; where no step leads on, silence began."""
ZEROS = """
SELECT body FROM ledger
 WHERE type = (SELECT id FROM type WHERE name = 'feed.zero_declared') AND status = $1 AND NOT retracts
   AND ($2::timestamptz IS NULL OR recorded <= $2)
"""
