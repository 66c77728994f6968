"""The fold of reporting: ledger, tally, seals, in one transaction per batch (it is called by the consume loop)."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import asyncpg

from services.contracts import corrections
from services.contracts.event import InvalidEvent
from services.contracts.fate import Fate
from services.reporting import configuration, fates, ledger, recount, tally_store
from services.reporting.background import Background
from services.reporting.definition import Definition
from services.reporting.ledger import Entry, Rows, Seen
from services.reporting.report import fold as editions
from services.reporting.tally import Increments, Tally, tallied
from services.runtime import clock, postgres
from services.runtime.bureau import Bureau
from services.runtime.consume import Aside, Position, Slice, StartAgain

BREATH = 128
"""Records between two pauses of a preparation: about 2 ms, in which a socket to the database runs dry."""
RECENT = 100_000
"""Identities remembered in each of two generations: near duplicates never reach the database."""
SMALL = 500
"""Batches up to this size always ask the ledger what it knows; it costs nothing then."""
AT_ONCE = 2_000
"""A ledger of so many pages (8 kB; about 16,000 events) is counted in a moment: before reading goes on."""
WARY = 50
"""So many batches ask the ledger first, after one was thrown back by a duplicate."""


@dataclass
class Batch:
    """What one transaction adds."""

    rows: Rows = field(default_factory=Rows)
    plain: dict[bytes, Entry] = field(default_factory=dict)
    """Events outside any chain so far: counted as they come."""
    linked: list[tuple[Slice, Entry]] = field(default_factory=list)
    """Events that correct, or that a correction waits for: their chains are judged in the transaction."""
    increments: Increments = field(default_factory=Increments)
    duplicates: list[tuple[int, int, str, bytes, bool]] = field(default_factory=list)
    told: list[Fate] = field(default_factory=list)
    """What publishers are told of their events."""
    papers: list[Entry] = field(default_factory=list)
    """What people decide about editions of the report."""


class Count:
    """Reporting counts: implements `runtime.consume.Fold`."""

    def __init__(
        self, dsn: str, definitions: Sequence[Definition], zone: ZoneInfo, house: Bureau | None = None,
        *, at_once: int = AT_ONCE,
    ) -> None:  # fmt: skip
        self._dsn, self._definitions, self._zone, self._house = dsn, definitions, zone, house
        self._at_once = at_once
        self._side: asyncpg.Connection
        self._wary = 0
        self._run = secrets.token_hex(8)
        self._background: Background | None = None

    async def reset(self, connection: asyncpg.Connection, positions: Sequence[Position]) -> None:
        """Forget everything; read series, types, seals and awaited targets."""
        self._recent: list[dict[bytes, Seen]] = [{}, {}]
        self._series = await tally_store.load_series(connection)
        await self._count_new_definitions(connection)
        if self._house:
            now = datetime.datetime.now(datetime.UTC) + await clock.ahead(connection)
            await configuration.note(connection, self._house, self._definitions, now)
        self._tally = Tally(self._definitions, self._zone, self._series)
        rows = await connection.fetch("SELECT id, name FROM type")
        self._types = {row["name"]: row["id"] for row in rows}
        self._new_types: list[tuple[int, str]] = []
        self._seals = await tally_store.load_seals(connection, [p.id for p in positions])
        self._awaited = await ledger.awaited(connection)
        if hasattr(self, "_side"):
            self._side.terminate()
        self._side = await postgres.connect(self._dsn, role="reporting-probe")
        await self._side.execute("SET search_path TO reporting")

    async def _count_new_definitions(self, connection: asyncpg.Connection) -> None:
        """Count what was never counted: a small ledger at once, a large one beside the reading."""
        rows = {d.hash: d for d in self._definitions if tallied(d)}
        new = await tally_store.uncounted(connection, {hash_: d.key for hash_, d in rows.items()})
        if self._background and (self._background.hashes != new or await self._left_to_do(connection)):
            await self._background.close()  # somebody else has read meanwhile, or more is to be counted
            self._background = None
        if self._background:
            await self._settle(connection)
        elif new and (pages := await connection.fetchval(recount.PAGES)):
            if pages <= self._at_once:
                await self._count_now(connection, {hash_: rows[hash_] for hash_ in new})
            else:
                await tally_store.begin(connection, new, self._run)
                self._background = Background(self._dsn, {hash_: rows[hash_] for hash_ in new}, self._zone)
        else:
            await tally_store.counted(connection, new)

    async def _count_now(self, connection: asyncpg.Connection, rows: Mapping[str, Definition]) -> None:
        await connection.execute(f"SELECT pg_advisory_lock({recount.ALONE})")
        await recount.recount(self._dsn, [*rows.values()], self._zone, alone=True)
        async with connection.transaction():
            await recount.repair(connection, self._series)
            await tally_store.counted(connection, rows)
        await connection.execute(f"SELECT pg_advisory_unlock({recount.ALONE})")

    async def _settle(self, connection: asyncpg.Connection) -> None:
        """Add what was counted in the background, once it is ready."""
        assert self._background is not None  # noqa: S101  asked before
        if self._background.ready:
            background, self._background = self._background, None
            await background.settle(connection, self._series)

    async def _left_to_do(self, connection: asyncpg.Connection) -> bool:
        hashes = [d.hash for d in self._definitions if tallied(d)]
        return await tally_store.left_to(connection, hashes, self._run)

    async def stale(self, connection: asyncpg.Connection) -> str | None:
        """A count in the background is ready; or a definition is to be counted anew (`hub recount --repair`)."""
        if await self._left_to_do(connection):
            return "a statistic is to be counted anew"
        if self._background is None:
            return None
        if self._background.ready:
            return "new statistics have been counted"
        await tally_store.progress(connection, self._background.hashes, self._background.share)
        return None

    # --- before the transaction -----------------------------------------------------------------------------------

    async def prepare(self, slices: list[Slice]) -> Batch:
        """Read, sort out what was seen, count."""
        batch = Batch()
        read = await self._entries(slices)
        known = await self._known([e.key for _, e in read])
        for n, (piece, entry) in enumerate(read):
            if n % BREATH == 0:
                await ledger.breathe()
            seen = known.get(entry.key) or self._recent[0].get(entry.key) or self._recent[1].get(entry.key)
            if seen:
                piece.duplicates += 1
                sent = entry.event.digest
                conflict = seen.digest != sent
                batch.duplicates.append((entry.position, entry.offset, entry.key.hex(), bytes.fromhex(sent), conflict))
                if seen.recorded != entry.event.recordedtime:  # else no publisher sent it again: we did
                    batch.told.append(fates.repeated(piece.position, entry, conflict=conflict))
            elif self._take(batch, piece, entry):
                self._recent[0][entry.key] = Seen(entry.event.digest, entry.event.recordedtime)
        if len(self._recent[0]) > RECENT:
            self._recent = [{}, self._recent[0]]
        return batch

    async def _entries(self, slices: Iterable[Slice]) -> list[tuple[Slice, Entry]]:
        read = []
        for piece in slices:
            position = piece.position.id
            for n, record in enumerate(piece):
                if n % BREATH == 0:
                    await ledger.breathe()
                try:
                    entry = ledger.entry(position, record.offset, record.value or b"")
                except InvalidEvent as error:
                    piece.never(record, "not_an_event", str(error))
                else:
                    piece.digests.append(entry.event.digest)
                    read.append((piece, entry))
        read.sort(key=_accepted)  # of two records with one identity, the first accepted counts
        return read

    async def _known(self, keys: list[bytes]) -> dict[bytes, Seen]:
        """What the ledger has of these, when it is worth asking."""
        if not self._wary and len(keys) > SMALL:
            return {}
        found = await ledger.known(self._side, keys)
        self._wary = WARY if found and len(keys) > SMALL else max(0, self._wary - 1)
        return found

    def _take(self, batch: Batch, piece: Slice, entry: Entry) -> bool:
        """Put a new event where it belongs; False when it was set aside."""
        linked = entry.target is not None or entry.key in self._awaited
        try:
            self._count(entry, Increments() if linked else batch.increments)
        except (ValueError, TypeError, ArithmeticError) as error:
            _set_aside(piece, entry, "cannot_be_counted", str(error))
            return False
        if linked:
            if entry.target:
                self._awaited.add(entry.target)
            batch.linked.append((piece, entry))
        else:
            batch.plain[entry.key] = entry
            if entry.type in editions.ACTS:
                batch.papers.append(entry)
            batch.rows.add(entry, self._type_id(entry.type))
        return True

    def _type_id(self, name: str) -> int:
        number = self._types.get(name)
        if number is None:
            number = self._types[name] = len(self._types) + 1
            self._new_types.append((number, name))
        return number

    # --- in the transaction ---------------------------------------------------------------------------------------

    async def apply(self, connection: asyncpg.Connection, slices: list[Slice], prepared: Batch) -> None:
        """Write what was prepared. Raises StartAgain when a duplicate was among the rows unseen."""
        batch = prepared
        if batch.linked:
            await self._judge(connection, batch)
        await self._save_names(connection)
        try:
            await ledger.write(connection, batch.rows)
        except asyncpg.UniqueViolationError as error:
            self._wary = WARY
            raise StartAgain("a duplicate from long ago") from error
        if batch.duplicates:
            await connection.copy_records_to_table("duplicate", records=batch.duplicates)
        await tally_store.add(connection, batch.increments)
        await editions.fold(connection, batch.papers, self._house)
        await self._seal(connection, slices)
        aside = [fates.set_aside(a) for s in slices for a in s.asides]
        await fates.put(connection, [*batch.told, *filter(None, aside)])
        await tally_store.notify(connection, batch.increments)

    async def _judge(self, connection: asyncpg.Connection, batch: Batch) -> None:
        """Work out the chains that the linked events belong to; take back and add what that changes."""
        entries = await ledger.kin(connection, [e for _, e in batch.linked])
        stored = set(entries)
        linked = {e.key: (piece, e) for piece, e in batch.linked}
        ask = set(linked) | {e.target for _, e in batch.linked if e.target}
        entries |= {key: batch.plain[key] for key in ask if key in batch.plain}
        members = [e.member() for e in entries.values()]
        before = corrections.judge(members)
        stood = corrections.standings(members, before)
        entries |= {key: e for key, (_, e) in linked.items()}
        members = [e.member() for e in entries.values()]
        after = corrections.judge(members)
        piece, cause = batch.linked[-1]
        batch.told += fates.changed(stood, corrections.standings(members, after), entries, piece.position, cause)
        for key in before.counting - after.counting:
            self._count(entries[key], batch.increments, sign=-1, stored=True)
        for key in after.counting - before.counting:
            self._count(entries[key], batch.increments, stored=True)
        for key, (piece, e) in linked.items():
            batch.rows.add(e, self._type_id(e.type))
            if key in after.misfits:
                piece.asides.append(_mismatch(piece.position, e, after.misfits[key], late=False))
        late = (after.misfits.keys() - before.misfits.keys()) & stored
        places = await _positions(connection, {entries[key].position for key in late})
        for e in (entries[key] for key in late):
            batch.linked[0][0].asides.append(_mismatch(places[e.position], e, after.misfits[e.key], late=True))
        self._awaited -= stored | batch.plain.keys() | linked.keys()

    def _count(self, entry: Entry, into: Increments, sign: int = 1, *, stored: bool = False) -> None:
        if not entry.retracts:
            self._tally.count(entry.event, entry.type, entry.key, into, sign, stored=stored)

    async def _save_names(self, connection: asyncpg.Connection) -> None:
        """New series and types, also those the next batch has already found: a number is never used unsaved."""
        await tally_store.save_series(connection, self._series)
        rows, self._new_types = self._new_types, []  # the next batch may find more while these are being saved
        if rows:
            await connection.executemany("INSERT INTO type (id, name) VALUES ($1, $2)", rows)

    async def _seal(self, connection: asyncpg.Connection, slices: list[Slice]) -> None:
        """One link per partition to the chain of seals (contract, section 3)."""
        rows = []
        for s in slices:
            p = s.position
            self._seals[p.id] = seal(self._seals.get(p.id, b""), p, s.first, s.next, s.digests)
            rows.append((p.id, s.first, s.next, self._seals[p.id]))
        await connection.copy_records_to_table("seal", records=rows)


def _accepted(read: tuple[Slice, Entry]) -> datetime.datetime:
    return read[1].event.recordedtime


def _set_aside(piece: Slice, entry: Entry, reason: str, detail: str) -> None:
    piece.never(piece.records[entry.offset - piece.first], reason, detail)


async def _positions(connection: asyncpg.Connection, ids: Collection[int]) -> dict[int, Position]:
    """Positions by their number, those of earlier epochs too."""
    columns = "id, topic, partition, epoch, first, next, record_digest"
    rows = await connection.fetch(f"SELECT {columns} FROM position WHERE id = ANY($1)", ids) if ids else []  # noqa: S608
    return {row["id"]: Position(*row) for row in rows}


def _mismatch(where: Position, entry: Entry, reason: str, *, late: bool) -> Aside:
    """A correction that does not fit. Its ledger row stays: its chain is judged with it, in whatever order it came.

    Late: it was handled before its target came.
    """
    return Aside(where, entry.offset, "correction_mismatch", reason, entry.body, late)


def seal(previous: bytes, position: Position, first: int, next_: int, digests: Sequence[str]) -> bytes:
    """SHA-256(previous ‖ RFC 8785 of [epoch, topic, partition, first, next, [digest …]])."""
    listed = '","'.join(digests)
    head = f'[{position.epoch},"{position.topic}",{position.partition},{first},{next_},['
    return hashlib.sha256(previous + (f'{head}"{listed}"]]' if digests else f"{head}]]").encode()).digest()
