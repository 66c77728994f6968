"""Whether the ledger is still what was written: digests, columns, seals and accounting computed again, in one snapshot.

Nothing is believed: each row's digest and columns are computed from its body, each seal from the digests of all
records in order (contract, section 3), each number of the accounting by counting rows. Memory stays flat: bodies are
read in slices of the table by workers, digests in one sorted stream.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import asyncpg
import msgspec

from services.contracts import identity
from services.contracts.event import STATUSES
from services.reporting import ledger
from services.runtime import postgres

BLOCKS = 4096
"""Ledger pages (8 kB) in one piece of work."""
WORKERS = 2
SHOWN = 100
"""Findings kept in full; of the others only the number."""

FINDINGS = {
    "body": "正文读不出来",
    "digest": "内容摘要与正文不符",
    "columns": "台账的列与正文不符",
    "quarantine": "隔离记录与它的摘要不符",
    "twice": "同一偏移有不止一条记录",
    "outside": "偏移不在已读范围之内",
    "missing": "已读范围之内缺少记录",
    "seal": "封条与记录不符",
    "chain": "封条之间不衔接",
    "accounting": "读数与记录条数不符",
}
"""What can be wrong, for a person."""

Progress = Callable[[int, int], None]
"""Told (pages done, pages in all)."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was written; `where` = topic/partition of epoch at offset."""

    kind: str
    where: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.where}：{FINDINGS[self.kind]}{f'（{self.detail}）' if self.detail else ''}"


@dataclass
class Account:
    """One partition in one epoch: what its position says, and what is there."""

    id: int
    topic: str
    partition: int
    epoch: int
    first: int
    next: int
    said: tuple[int, int, int]
    """handled, duplicate, quarantine."""
    found: list[int] = field(default_factory=lambda: [0, 0, 0])
    seals: int = 0
    head: str = ""
    """The last seal, hex."""
    wrong: int = 0

    def at(self, offset: int) -> str:
        """`hazards/3 第 1 轮 偏移 17`."""
        return f"{self.topic}/{self.partition} 第 {self.epoch} 轮 偏移 {offset}"


@dataclass
class Report:
    """What verifying came to."""

    accounts: list[Account]
    events: int = 0
    wrong: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding, account: Account | None = None) -> None:
        """Note one finding."""
        self.wrong += 1
        if account is not None:
            account.wrong += 1
        if len(self.findings) < SHOWN:
            self.findings.append(finding)


async def verify(dsn: str, progress: Progress = lambda _done, _all: None) -> Report:
    """Compute everything again; a report without findings when all is as it was written."""
    connection = await _connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            pages = await connection.fetchval("SELECT pg_relation_size('ledger') / 8192")
            report = Report([_account(row) for row in await connection.fetch(POSITIONS)])
            await asyncio.gather(_bodies(dsn, snapshot, pages, progress, report), _order(connection, report))
    finally:
        await connection.close()
    return report


async def _connect(dsn: str) -> asyncpg.Connection:
    connection = await postgres.connect(dsn, role="verify", command_timeout=None)
    await connection.execute("SET search_path TO reporting; SET work_mem = '64MB'")
    return connection


def _account(row: Any) -> Account:
    said = (row["handled"], row["duplicate"], row["quarantine"])
    return Account(row["id"], row["topic"], row["partition"], row["epoch"], row["first"], row["next"], said)


POSITIONS = "SELECT * FROM position ORDER BY topic, partition, epoch"


# --- each row by itself -----------------------------------------------------------------------------------------------


async def _bodies(dsn: str, snapshot: str, pages: int, progress: Progress, report: Report) -> None:
    """Check every body, in slices of the table."""
    accounts = {a.id: a for a in report.accounts}
    pieces = range(0, pages, BLOCKS)
    loop, done = asyncio.get_running_loop(), 0
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        tasks = [
            loop.run_in_executor(pool, _piece, dsn, snapshot, first, first + BLOCKS)
            if len(pieces) > 1
            else _rows(dsn, snapshot, first, first + BLOCKS)
            for first in pieces
        ]
        for task in asyncio.as_completed(tasks):
            events, wrong = await task
            report.events += events
            for position, offset, kind, detail in wrong:
                report.add(_finding(accounts.get(position), position, offset, kind, detail), accounts.get(position))
            done += BLOCKS
            progress(min(done, pages), pages)


Wrong = list[tuple[int, int, str, str]]
"""Position, offset, kind, detail."""


def _piece(dsn: str, snapshot: str, first: int, end: int) -> tuple[int, Wrong]:
    return asyncio.run(_rows(dsn, snapshot, first, end))


async def _rows(dsn: str, snapshot: str, first: int, end: int) -> tuple[int, Wrong]:
    """Check the rows of one slice of pages; how many there were, and what is wrong with them."""
    connection = await _connect(dsn)
    count, wrong = 0, []
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            types = {row["id"]: row["name"] for row in await connection.fetch("SELECT id, name FROM type")}
            async for row in connection.cursor(ROWS, f"({first},0)", f"({end},0)", prefetch=2000):
                count += 1
                found = check(row, types)
                if found:
                    wrong.append((row["position"], row["offset"], *found))
    finally:
        await connection.close()
    return count, wrong


ROWS = """
SELECT position, "offset", body, digest, key, corrects, type, status, retracts, region, time, recorded
  FROM ledger WHERE ctid >= $1::text::tid AND ctid < $2::text::tid"""


def check(row: Any, types: Mapping[int, str]) -> tuple[str, str] | None:
    """What is wrong with one ledger row: kind and detail; None when it is what its body says."""
    body = row["body"]
    try:
        entry = ledger.entry(row["position"], row["offset"], body)
        digest = identity.digest_again(msgspec.json.decode(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return "body", str(error)[:200]
    if not digest == entry.event.digest == row["digest"].hex():
        return "digest", ""
    event, corrects = entry.event, row["corrects"]
    said = (row["key"].bytes, corrects and corrects.bytes, types.get(row["type"]), STATUSES[row["status"]],
            row["retracts"], row["region"], row["time"], row["recorded"])  # fmt: skip
    sent = (entry.key, entry.target, entry.type, event.status, entry.retracts, event.region.replace("\0", ""),
            event.time, event.recordedtime)  # fmt: skip
    if said != sent:
        return "columns", "、".join(name for name, a, b in zip(COLUMNS, said, sent, strict=True) if a != b)
    return None


COLUMNS = ("key", "corrects", "type", "status", "retracts", "region", "time", "recorded")


# --- all records in order ---------------------------------------------------------------------------------------------


async def _order(connection: asyncpg.Connection, report: Report) -> None:
    """Walk all records in order of partition and offset: one each, sealed, and as many as the position says."""
    walks = {account.id: _Walk(account, report) for account in report.accounts}
    for row in await connection.fetch(SPOILT):
        report.add(*_at(walks, row, "quarantine"))
    async for row in connection.cursor(RECORDS, prefetch=10_000):
        walk = walks.get(row["position"])
        if walk is None:
            report.add(*_at(walks, row, "outside"))
        elif row["kind"] == SEAL:
            walk.seal(row["first"], row["offset"] + 1, row["digest"])
        else:
            walk.record(row["offset"], row["kind"], row["digest"])
    for walk in walks.values():
        walk.end()


HANDLED, DUPLICATE, ASIDE, LATE, SEAL = range(5)
RECORDS = """
SELECT position, "offset", digest, 0 AS kind, 0 AS first FROM ledger
 UNION ALL SELECT position, "offset", digest, 1, 0 FROM duplicate
 UNION ALL SELECT position, "offset", digest, CASE WHEN late THEN 3 ELSE 2 END, 0 FROM quarantine
 UNION ALL SELECT position, next - 1, seal, 4, first FROM seal
 ORDER BY 1, 2, 4"""
SPOILT = 'SELECT position, "offset" FROM quarantine WHERE digest <> sha256(record) ORDER BY 1, 2'


def _at(walks: Mapping[int, _Walk], row: Any, kind: str) -> tuple[Finding, Account | None]:
    account = walks[row["position"]].account if row["position"] in walks else None
    return _finding(account, row["position"], row["offset"], kind), account


class _Walk:
    """One partition's records and seals as they come, in order of offset; a seal comes after its last record."""

    def __init__(self, account: Account, report: Report) -> None:
        self.account, self.report = account, report
        self.expected = self.sealed = account.first
        self.digests: list[str] = []
        self.kind = LATE
        self.previous = b""

    def record(self, offset: int, kind: int, digest: bytes) -> None:
        """One row of ledger, duplicate or quarantine.

        What is set aside although it stands in the ledger is a correction that does not fit: it is sealed as the event
        it is.
        """
        account = self.account
        if not account.first <= offset < account.next:
            return self._wrong("outside", offset)
        if offset == self.expected - 1:
            return self._again(offset, kind)
        if offset != self.expected:
            self._wrong("missing", self.expected, f"至 {offset}")
        account.found[min(kind, ASIDE)] += 1
        self.expected, self.kind = offset + 1, kind
        self.digests.append(digest.hex())
        return None

    def _again(self, offset: int, kind: int) -> None:
        """A second row for the same offset."""
        if (self.kind, kind) == (HANDLED, ASIDE):
            self.account.found[HANDLED] -= 1
            self.account.found[ASIDE] += 1
        elif (self.kind, kind) != (HANDLED, LATE):
            self._wrong("twice", offset)

    def seal(self, first: int, next_: int, seal: bytes) -> None:
        """One seal: it must follow the one before, and hold the records since."""
        account = self.account
        account.seals += 1
        account.head = seal.hex()
        if first != self.sealed:
            self._wrong("chain", self.sealed, f"下一封条从 {first} 开始")
        head = [account.epoch, account.topic, account.partition, first, next_, self.digests]
        if hashlib.sha256(self.previous + identity.canonical(head)).digest() != seal:
            self._wrong("seal", first, f"至 {next_}")
        self.sealed, self.previous, self.digests = next_, seal, []

    def end(self) -> None:
        """No more rows: everything must have been read, sealed and counted up to `next`."""
        account, found = self.account, tuple(self.account.found)
        if self.expected != account.next:
            self._wrong("missing", self.expected, f"至 {account.next}")
        if self.sealed != account.next:
            self._wrong("chain", self.sealed, f"封条止于此，已读到 {account.next}")
        if account.said != found or sum(found) != account.next - account.first:
            read = account.next - account.first
            self._wrong("accounting", account.next, f"读数 {account.said}，记录 {found}，已读 {read}")

    def _wrong(self, kind: str, offset: int, detail: str = "") -> None:
        self.report.add(_finding(self.account, self.account.id, offset, kind, detail), self.account)


def _finding(account: Account | None, position: int, offset: int, kind: str, detail: str = "") -> Finding:
    return Finding(kind, account.at(offset) if account else f"position {position} 偏移 {offset}", detail)
