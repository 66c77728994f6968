"""Verifying computes everything again, and names whatever was changed behind the reader's back."""

from __future__ import annotations

import datetime

import pytest

from services.reporting import verify as verifying
from services.reporting.verify import verify
from tests.records import correction, record, retraction
from tests.reporting.conftest import Reader


async def filled(reader: Reader) -> None:
    """Every kind of record: events, retries, a conflict, no events, corrections that fit and that do not."""
    one, two = record(subject="h1", data={"level": "major"}), record(subject="h2")
    late = record(subject="h3")
    await reader.read([one, two, one, b"no", correction(one, subject="h9"), correction(late, subject="h8")])
    conflict = {**two, "data": {"level": "general"}, "digest": "0" * 64}
    await reader.read([late, conflict, retraction(two), correction(one), record("drill.completed", "d1"), b"{}"])
    await reader.read([record("weather.alert_received", f"w/{n}") for n in range(20)])


async def test_what_was_written_verifies(reader: Reader) -> None:
    await filled(reader)
    report = await verify(reader.settings.postgres_dsn)
    assert [str(f) for f in report.findings] == []
    assert report.events == await reader.connection.fetchval("SELECT count(*) FROM ledger")
    read = [a for a in report.accounts if a.next > a.first]
    assert sum(sum(a.found) for a in read) == sum(a.next - a.first for a in read) == 32
    assert all(len(a.head) == 64 for a in read)


async def test_an_empty_ledger_verifies(reader: Reader) -> None:
    assert (await verify(reader.settings.postgres_dsn)).wrong == 0


async def test_many_slices_are_read_by_workers(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "BLOCKS", 1)
    await reader.read([record(subject=f"h{n}") for n in range(60)])
    told: list[tuple[int, int]] = []
    report = await verify(reader.settings.postgres_dsn, lambda done, total: told.append((done, total)))
    assert (report.events, report.wrong) == (60, 0)
    assert told[-1][0] == told[-1][1] > 1


ONE = 'key = (SELECT key FROM ledger WHERE status = 0 AND NOT retracts ORDER BY "offset" DESC, key LIMIT 1)'
TAMPERED = {
    "a body": (f"UPDATE ledger SET body = replace(convert_from(body, 'UTF8'), '990111', '990112')::bytea WHERE {ONE}",
               {"digest"}),
    "a body and its column": (
        f"UPDATE ledger SET region = '990112', body = replace(convert_from(body, 'UTF8'), '990111', '990112')::bytea"
        f" WHERE {ONE}", {"digest"}),
    "a body that is none": (f"UPDATE ledger SET body = 'x' WHERE {ONE}", {"body"}),
    "a digest": (f"UPDATE ledger SET digest = sha256('x') WHERE {ONE}", {"digest", "seal"}),
    "the month it counts in": (f"UPDATE ledger SET time = time - interval '40 days' WHERE {ONE}", {"columns"}),
    "when it was accepted": (f"UPDATE ledger SET recorded = recorded + interval '1 us' WHERE {ONE}", {"columns"}),
    "the region it counts for": (f"UPDATE ledger SET region = '99' WHERE {ONE}", {"columns"}),
    "an exercise made of it": (f"UPDATE ledger SET status = 1 WHERE {ONE}", {"columns"}),
    "what it corrects": (f"UPDATE ledger SET corrects = gen_random_uuid() WHERE {ONE}", {"columns"}),
    "the name of a type": ("UPDATE type SET name = name || 'x'", {"columns"}),
    "a row taken out": (f"DELETE FROM ledger WHERE {ONE}", {"missing", "seal", "accounting"}),
    "a row put in": (
        'INSERT INTO ledger SELECT time, recorded, "offset" + 1000, gen_random_uuid(), corrects, type, position,'
        f" status, retracts, region, digest, body FROM ledger WHERE {ONE}", {"columns", "outside"}),
    "a retry taken out": ("DELETE FROM duplicate WHERE NOT conflict", {"missing", "seal", "accounting"}),
    "a retry made of an event": (
        f'INSERT INTO duplicate SELECT position, "offset", key, digest, false FROM ledger WHERE {ONE}', {"twice"}),
    "what was set aside": ("UPDATE quarantine SET record = 'x' WHERE reason = 'not_an_event'", {"quarantine"}),
    "what was set aside taken out": (
        "DELETE FROM quarantine WHERE reason = 'not_an_event'", {"missing", "seal", "accounting"}),
    "a correction that did not fit, excused": (
        "DELETE FROM quarantine WHERE reason = 'correction_mismatch' AND NOT late", {"accounting"}),
    "a seal": ("UPDATE seal SET seal = sha256(seal)", {"seal"}),
    "a seal taken out": (
        "DELETE FROM seal WHERE (position, first) IN (SELECT position, max(first) FROM seal GROUP BY 1)", {"chain"}),
    "a number of the accounting": ("UPDATE position SET handled = handled + 1 WHERE next > first", {"accounting"}),
    "how far was read": ("UPDATE position SET next = next + 1 WHERE next > first",
                         {"accounting", "missing", "chain"}),
}  # fmt: skip


async def test_whatever_is_changed_is_found(reader: Reader) -> None:
    await filled(reader)
    for what, (statement, expected) in TAMPERED.items():
        async with _undone(reader, statement):
            found = {f.kind for f in (await verify(reader.settings.postgres_dsn)).findings}
        assert found == expected, what
    assert (await verify(reader.settings.postgres_dsn)).wrong == 0


class _undone:  # noqa: N801  reads as a word
    """Run a statement, and put all tables back at the end."""

    TABLES = ("ledger", "duplicate", "quarantine", "seal", "position", "type")

    def __init__(self, reader: Reader, statement: str) -> None:
        self.connection, self.statement = reader.connection, statement

    async def __aenter__(self) -> None:
        for table in self.TABLES:
            await self.connection.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table}")
        changed = await self.connection.execute(self.statement)
        assert not changed.endswith(" 0"), self.statement

    async def __aexit__(self, *_: object) -> None:
        await self.connection.execute("SET session_replication_role = replica")
        for table in self.TABLES:
            await self.connection.execute(
                f"DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table};"
                f" DROP TABLE kept_{table}"
            )
        await self.connection.execute("SET session_replication_role = DEFAULT")


async def test_of_very_many_findings_the_first_are_kept(reader: Reader) -> None:
    await reader.read([record(subject=f"h{n}") for n in range(150)])
    await reader.connection.execute("UPDATE ledger SET time = $1", datetime.datetime.now(datetime.UTC))
    report = await verify(reader.settings.postgres_dsn)
    assert (report.wrong, len(report.findings)) == (150, verifying.SHOWN)
