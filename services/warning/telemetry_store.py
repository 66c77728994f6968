"""What telemetry remembers in PostgreSQL (schema `telemetry`): points, episodes, signs of life, arrivals."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping

import asyncpg
import msgspec

from services.contracts.event import InvalidEvent
from services.warning import facts
from services.warning.episode import NEVER, Episode, Raised, Which
from services.warning.facts import Taken
from services.warning.sensor import Point, Unusable, point
from services.warning.sensors import PointKey, Seen

SCHEMA = "telemetry"
REGISTERED = "monitor.point_registered"
_alarms = msgspec.json.Decoder(list[Raised]).decode
Arrivals = dict[tuple[str, str, str], dict[int, int]]
"""Scope, kind and area -> slot -> how many came in."""


async def episodes(connection: asyncpg.Connection) -> dict[Which, Episode]:
    """All episodes, those that are over too: they tell since when all is normal."""
    rows = await connection.fetch("SELECT * FROM episode")
    return {e.which: e for e in (_episode(row) for row in rows)}


def _episode(row: asyncpg.Record) -> Episode:
    which = Which(row["scope"], row["point"], row["kind"], row["rule"])
    return Episode(which, row["worst"], row["at"], row["peak"], _alarms(row["alarms"]))


async def save(connection: asyncpg.Connection, episodes: Iterable[Episode]) -> None:
    """Write how these stand."""
    await connection.executemany(
        SAVE,
        [
            (*e.which, e.worst, e.at, e.peak, msgspec.json.encode([tuple(a) for a in e.alarms]).decode())
            for e in episodes
        ],
    )


async def quarantine(connection: asyncpg.Connection, partition: int, offset: int, why: str, record: bytes) -> None:
    """Set a frame aside for good; the same frame again changes nothing."""
    await connection.execute(ASIDE, partition, offset, "not_a_frame", why[:2000].replace("\0", ""), record)


async def flush(
    connection: asyncpg.Connection, seen: Mapping[PointKey, Seen], meters: Mapping[str, int]
) -> None:  # fmt: skip
    """Write signs of life and add up what was counted."""
    async with connection.transaction():
        if seen:
            rows = [(*key, s.at, s.value, s.region) for key, s in seen.items()]
            await connection.execute(SEEN, *map(list, zip(*rows, strict=True)))
        await connection.executemany(METER, list(meters.items()))


async def signs_of_life(connection: asyncpg.Connection) -> dict[PointKey, Seen]:
    """When each point was seen last."""
    rows = await connection.fetch("SELECT * FROM seen")
    return {(row["scope"], row["point"]): Seen(row["at"], row["value"], row["region"]) for row in rows}


# --- points -------------------------------------------------------------------------------------------------------


async def note(connection: asyncpg.Connection, registered: Iterable[Taken]) -> None:
    """Keep registrations, and what takes them back."""
    await connection.executemany(
        "INSERT INTO point_fact (key, scope, point, record) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [(uuid.UUID(bytes=t.fact.key), t.fact.scope, t.fact.subject, t.record) for t in registered],
    )


async def points(
    connection: asyncpg.Connection, keys: Iterable[PointKey] | None = None
) -> dict[PointKey, Point | None]:  # fmt: skip
    """Points (None: all) as they stand; None: nothing is registered any more."""
    if keys is None:
        rows = await connection.fetch("SELECT scope, point, record FROM point_fact")
    else:
        asked = sorted(set(keys))
        rows = await connection.fetch(POINTS, [scope for scope, _ in asked], [id_ for _, id_ in asked])
    known: dict[PointKey, list[bytes]] = {key: [] for key in keys or ()}
    for row in rows:
        known.setdefault((row["scope"], row["point"]), []).append(row["record"])
    return {key: _point(key[1], records) for key, records in known.items()}


def _point(id_: str, records: Iterable[bytes]) -> Point | None:
    """The point that its last registration in force makes."""
    taken = [facts.read(record, NEVER).fact for record in records]
    for fact in reversed(facts.in_force(fact for fact in taken)):
        if not fact.retracts:
            return point(id_, fact.region, fact.data)
    return None


def checked(taken: Taken) -> Taken:
    """A registration that can be watched. Raises InvalidEvent."""
    if not taken.fact.retracts:
        try:
            point(taken.fact.subject, taken.fact.region, taken.fact.data)
        except (Unusable, TypeError, ValueError) as error:
            raise InvalidEvent(str(error)) from error
    return taken


# --- arrivals -----------------------------------------------------------------------------------------------------


async def arrivals(connection: asyncpg.Connection, since: int) -> Arrivals:
    """What came in since a slot; what is older is forgotten."""
    await connection.execute("DELETE FROM arrival WHERE slot < $1", since)
    found: Arrivals = {}
    for row in await connection.fetch("SELECT * FROM arrival"):
        found.setdefault((row["scope"], row["kind"], row["area"]), {})[row["slot"]] = row["n"]
    return found


async def arrived(connection: asyncpg.Connection, counted: Counter[tuple[str, str, str, int]]) -> None:
    """Add what came in."""
    if counted:
        rows = [(*key, n) for key, n in counted.items()]
        await connection.execute(ARRIVED, *map(list, zip(*rows, strict=True)))


SAVE = """
INSERT INTO episode (scope, point, kind, rule, worst, at, peak, alarms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (scope, point, kind, rule) DO UPDATE
   SET worst = excluded.worst, at = excluded.at, peak = excluded.peak, alarms = excluded.alarms"""
ASIDE = """
INSERT INTO frame_quarantine (partition, "offset", reason, detail, record) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING"""
SEEN = """
INSERT INTO seen (scope, point, at, value, region)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::double precision[], $5::text[])
ON CONFLICT (scope, point) DO UPDATE SET at = excluded.at, value = excluded.value, region = excluded.region"""
METER = "INSERT INTO meter VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET total = meter.total + excluded.total"
POINTS = """
SELECT scope, point, record FROM point_fact
 WHERE (scope, point) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
ARRIVED = """
INSERT INTO arrival (scope, kind, area, slot, n)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[])
ON CONFLICT (scope, kind, area, slot) DO UPDATE SET n = arrival.n + excluded.n"""
