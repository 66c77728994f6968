"""What ledger and tally must hold after given records, worked out plainly from the contract's sentences."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg

from services.contracts import identity
from services.contracts.corrections import Member
from services.reporting.definition import Definition
from tests.reporting.conftest import DEFINITIONS, SHANGHAI

Record = dict[str, Any] | bytes


@dataclass
class State:
    """Ledger and tally, as far as the tests' definitions see them."""

    ledger: Counter[str] = field(default_factory=Counter)
    """Times that an identity (hex) stands in the ledger."""
    retries: int = 0
    conflicts: int = 0
    unreadable: int = 0
    mismatches: int = 0
    days: dict[tuple[Any, ...], tuple[int, Decimal]] = field(default_factory=dict)
    """(statistic, status, region, labels, local day) -> events and value, both zero left out."""
    members: Counter[tuple[str, datetime.date]] = field(default_factory=Counter)
    """(statistic, day) -> references to different things."""
    values: Counter[tuple[str, Decimal]] = field(default_factory=Counter)
    """(statistic, value) -> observations in force."""


def expected(records: Sequence[Record], definitions: Sequence[Definition] = DEFINITIONS) -> State:
    """What these records come to, in the order of arrival."""
    state, first = State(), dict[str, dict[str, Any]]()
    for record in records:
        if isinstance(record, bytes):
            state.unreadable += 1
            continue
        key = identity.key(record["source"], record["id"]).hex()
        if key in first:
            same = first[key]["digest"] == record["digest"]
            state.retries, state.conflicts = state.retries + same, state.conflicts + (not same)
        else:
            first[key] = record
            state.ledger[key] += 1
    counting, unfit = by_the_book([_member(record) for record in first.values()])
    state.mismatches = len(unfit)
    for key in counting:
        _count(first[key.hex()], definitions, state)
    return state


def _count(record: dict[str, Any], definitions: Sequence[Definition], state: State) -> None:
    data = record["data"]
    day = datetime.datetime.fromisoformat(record["time"]).astimezone(SHANGHAI).date()
    for d in definitions:
        if d.event != record["type"] or d.measure is None or any(data.get(c.field) != c.value for c in d.where):
            continue
        labels = tuple(str(data.get(name) or "") for name in d.by)
        at = (d.key, record["status"], record["region"], labels, day)
        value = data.get(d.measure.field)
        events, total = state.days.get(at, (0, Decimal(0)))
        added = Decimal(str(value)) if d.measure.kind == "sum" and value is not None else Decimal(0)
        state.days[at] = (events + 1, total + added)
        if d.measure.kind == "distinct" and value is not None:
            state.members[d.key, day] += 1
        elif d.measure.kind in ("last", "stock", "max") and value is not None:
            state.values[d.key, Decimal(str(value))] += 1


def _member(record: dict[str, Any]) -> Member:
    """The record as a member of its chain."""
    retracts = record["type"] == "event.retracted"
    target = record.get("corrects") and identity.key(record.get("correctssource", record["source"]), record["corrects"])
    return Member(
        identity.key(record["source"], record["id"]), target or None,
        record["data"]["type"] if retracts else record["type"], record["subject"], record["status"], retracts,
        datetime.datetime.fromisoformat(record["recordedtime"]), record["source"], record["id"],
    )  # fmt: skip


def by_the_book(members: Sequence[Member]) -> tuple[set[bytes], set[bytes]]:
    """Contract, section 2, word for word and without care for speed: who counts, and who does not fit."""
    by_key = {m.key: m for m in members}
    links: dict[bytes, bytes] = {}
    unfit = set()
    for m in sorted(by_key.values(), key=lambda m: m.rank):
        if m.target is None:
            continue
        target = by_key.get(m.target)
        fits = target is None or (m.fits(target) and m.key not in _line(m.target, links))
        if not fits or m.target == m.key:
            unfit.add(m.key)
        else:
            links[m.key] = m.target
    groups: dict[object, list[Member]] = {}
    for m in by_key.values():
        if m.key not in unfit and m.key not in links.values():
            groups.setdefault((_line(m.key, links)[-1], m.type, m.subject, m.status), []).append(m)
    heads = [max(group, key=lambda m: m.rank) for group in groups.values()]
    return {m.key for m in heads if not m.retracts}, unfit


def _line(key: bytes, links: dict[bytes, bytes]) -> list[bytes]:
    """A member, what it corrects, what that corrects, …"""
    line = [key]
    while line[-1] in links:
        line.append(links[line[-1]])
    return line


async def found(connection: asyncpg.Connection, definitions: Sequence[Definition] = DEFINITIONS) -> State:
    """What the database holds of these definitions."""
    keys = {d.hash: d.key for d in definitions}
    state = State(Counter(row["key"].hex for row in await connection.fetch("SELECT key FROM ledger")))
    counts = await connection.fetchrow(COUNTS)
    assert counts is not None
    state.retries, state.conflicts, state.unreadable, state.mismatches = counts
    for row in await connection.fetch(DAYS, list(keys)):
        if row["events"] or row["value"]:
            at = (keys[row["definition"]], ("actual", "exercise", "test")[row["status"]], row["region"],
                  tuple(row["labels"]), row["day"])  # fmt: skip
            state.days[at] = (row["events"], row["value"])
    for row in await connection.fetch(MEMBERS, list(keys)):
        state.members[keys[row["definition"]], row["day"]] = row["refs"]
    for row in await connection.fetch(VALUES, list(keys)):
        state.values[keys[row["definition"]], row["value"]] = row["n"]
    months = await connection.fetch(f"SELECT * FROM ({MONTHS}) m WHERE events <> 0 OR value <> 0")
    assert [dict(m) for m in months] == [], "months are the sums of their days"
    return state


COUNTS = """
SELECT (SELECT count(*) FROM duplicate WHERE NOT conflict), (SELECT count(*) FROM duplicate WHERE conflict),
       (SELECT count(*) FROM quarantine WHERE reason = 'not_an_event'),
       (SELECT count(*) FROM quarantine WHERE reason = 'correction_mismatch')"""
DAYS = (
    "SELECT s.*, t.day, t.events, t.value FROM tally_day t JOIN series s ON s.id = t.series WHERE definition = ANY($1)"
)
MEMBERS = """
SELECT s.definition, m.day, sum(m.refs)::int AS refs FROM member m JOIN series s ON s.id = m.series
 WHERE definition = ANY($1) GROUP BY 1, 2 HAVING sum(m.refs) <> 0"""
VALUES = """
SELECT s.definition, o.value, count(*) AS n FROM observation o JOIN series s ON s.id = o.series
 WHERE definition = ANY($1) GROUP BY 1, 2"""
MONTHS = """
SELECT series, month, sum(events) AS events, sum(value) AS value FROM (
    SELECT series, month, events, value FROM tally_month
     UNION ALL SELECT series, date_trunc('month', day)::date, -events, -value FROM tally_day) b GROUP BY 1, 2"""

UNEXPLAINED = """
SELECT sum(next - first - handled - duplicate - quarantine)::int AS unexplained, sum(next - first)::int AS read
  FROM position"""


def as_json(record: Record) -> bytes:
    """The record as it lies on Kafka."""
    return record if isinstance(record, bytes) else json.dumps(record).encode()
