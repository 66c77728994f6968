"""Cuts editions when everything up to their cut-off is known, and prints those that are issued. Runs beside the reader.

An edition waits until every topic has been read up to the end that Kafka reported after its cut-off. Then all figures
are read in one snapshot, checked, and frozen or refused, in one transaction with what is said of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from services.contracts.rows import Mistakes
from services.reporting.answer import NotCounted
from services.reporting.catalogue import Catalogue
from services.reporting.question import Unclear
from services.reporting.report import edition, ends, figures, frozen, making, said, store, template
from services.reporting.report.edition import ISSUED, REQUESTED, Edition, Refused
from services.reporting.report.ends import SETTLE_SECONDS, Ends
from services.reporting.report.figures import Reading
from services.reporting.report.frozen import Asked, Frozen
from services.reporting.report.rendering import RENDERINGS
from services.reporting.report.template import Template
from services.runtime import outbox, postgres
from services.runtime.bureau import Bureau
from services.runtime.settings import Settings

log = structlog.get_logger(__name__)
CHANNEL = "reporting.edition"
LOCK = "hub.reporting.press"
IDLE_SECONDS = 5.0
"""So long at most until an edition is seen whose NOTIFY was lost."""
TICK_SECONDS = 0.1
RETRY_SECONDS = 0.5
FAULT_SECONDS = 60.0
"""After a fault of ours an edition is tried again so much later."""


class Press:
    """Runs until it is cancelled."""

    def __init__(self, settings: Settings, house: Bureau, of: Catalogue, now: Callable[[], datetime.datetime]) -> None:
        self._settings, self._house, self._of, self._now = settings, house, of, now
        self._ends: dict[tuple[str, int], Ends] = {}
        """Cuts that wait, and how far must be read before them."""
        self._not_before: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._said: dict[str, tuple[float, str]] = {}

    async def run(self) -> None:
        """For ever; whatever may pass is tried again."""
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, KafkaError) as error:
                log.warning("press.not_now", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:  # a fault of ours must not end the counting beside it
                log.exception("press.fault", error=repr(error))
                await asyncio.sleep(FAULT_SECONDS)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._settings.postgres_dsn, role="reporting-press")
        try:
            await connection.execute("SET search_path TO reporting")
            await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
            while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", LOCK):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_SECONDS)
            while True:
                self._wake.clear()
                waiting = await self._turn(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS if waiting else IDLE_SECONDS):
                        await self._wake.wait()
        finally:
            connection.terminate()

    async def _turn(self, connection: asyncpg.Connection) -> bool:
        """Everything that can be done now; whether something is left."""
        loop = asyncio.get_running_loop()
        work = await store.at_work(connection)
        self._ends = {at: found for at, found in self._ends.items() if at in {(e.id, e.attempt) for e in work}}
        for one in work:
            if self._not_before.get(one.id, 0) > loop.time():
                continue
            try:
                await (self._cut(connection, one) if one.state == REQUESTED else self._print(connection, one))
            except (*postgres.NOT_NOW, KafkaError, asyncio.CancelledError):
                raise
            except Exception as error:
                log.exception("press.fault", edition=one.id, error=repr(error))
                await self._tell(connection, one.id, 0, f"出错，稍后再试：{type(error).__name__}")
                self._not_before[one.id] = loop.time() + FAULT_SECONDS
        return bool(work)

    # --- cutting --------------------------------------------------------------------------------------------------

    async def _cut(self, connection: asyncpg.Connection, one: Edition) -> None:
        """Cut an edition if everything before its cut-off is known."""
        if not await self._known(connection, one):
            return
        try:
            t = template.find(one.scope.template, self._house.folder)
            asked = making.asked(t, self._of, one.scope)
            queries = figures.parsed(asked, self._of, one.scope.region, one.cutoff)
        except (Mistakes, Unclear) as error:
            await self._keep(connection, one, None, _unprintable(error))
            return

        async def told(share: float) -> None:
            await self._tell(connection, one.id, share, "读取数字")

        try:
            reading = await figures.read(
                self._settings.postgres_dsn, self._of, queries, one.cutoff, wait=True, told=told
            )
        except NotCounted as error:
            await self._tell(connection, one.id, 0, f"统计项 {error} 补算")
            self._not_before[one.id] = asyncio.get_running_loop().time() + 1
            return
        found = making.problems(t, reading.figures, making.notes(one, reading.figures))
        await self._keep(connection, one, await self._frozen(connection, one, t, asked, reading), found)

    async def _known(self, connection: asyncpg.Connection, one: Edition) -> bool:
        """Whether everything that was said up to the cut-off has been read."""
        at = (one.id, one.attempt)
        if at not in self._ends:
            if self._now() < one.cutoff + datetime.timedelta(seconds=SETTLE_SECONDS):
                await self._tell(connection, one.id, 0, "等待截止时点")
                return False
            self._ends[at] = await ends.ask(self._settings)
        if left := await ends.unread(connection, self._ends[at]):
            await self._tell(connection, one.id, 0, f"等待截止前的 {left} 条记录读完")
        return not left

    async def _frozen(
        self, connection: asyncpg.Connection, one: Edition, t: Template, asked: tuple[Asked, ...], reading: Reading
    ) -> Frozen:
        """All that is frozen."""
        rows, registers = frozen.needed(self._of, reading.queries.values())
        scope = one.scope
        before = await _last_issued(connection, scope, below=one.revision)
        year_ago = await _last_issued(connection, making.year_before(scope))
        return Frozen(
            id=one.id, region=scope.region, from_=scope.first, to=scope.last, cutoff=one.cutoff, at=self._now(),
            files={making.TEXT: t.text, making.CHECKS: t.checks_text}, bureau=making.bureau_of(self._house),
            questions=asked, figures=reading.figures, definitions=rows, registers=registers,
            regions=self._of.regions.rows, timezone=self._of.zone.key, feeds=self._of.feeds,
            positions=reading.positions, heads=reading.heads, revises=making.called(before[0]) if before else "",
            changes=making.changes(before[1], reading.figures) if before else (),
            printed_before=making.printed_before(reading.figures, year_ago[1], making.called(year_ago[0]))
            if year_ago else {},
            names=making.names_of(self._house, reading.queries.values()),
        )  # fmt: skip

    async def _keep(
        self, connection: asyncpg.Connection, one: Edition, found: Frozen | None, problems: list[dict[str, Any]]
    ) -> None:
        """Freeze or refuse, unless somebody has asked for another cut meanwhile."""
        content = frozen.encode(found) if found else b""
        digest = frozen.digest(content) if found else ""
        async with connection.transaction():
            now = await store.one(connection, one.id, lock=True)
            if now is None:
                return
            try:
                cut = edition.cut(now, one.attempt, self._now(), digest, problems)
            except Refused as why:
                log.info("press.late", edition=one.id, reason=str(why))
                return
            if found:
                await store.keep_cut(connection, cut, digest, content)
            await store.put(connection, cut)
            await self._tell(connection, cut.id, 1, "")
            if cut.frozen and found:
                values = {id_: figure["value"] for id_, figure in found.figures.items()}
                await outbox.put(connection, [said.frozen(cut, values, cut.frozen)])

    async def _tell(self, connection: asyncpg.Connection, id_: str, share: float, words: str) -> None:
        """Write down how far it is, when that has changed."""
        if self._said.get(id_) != (share, words):
            self._said[id_] = (share, words)
            await store.progress(connection, id_, share, words)

    # --- printing -------------------------------------------------------------------------------------------------

    async def _print(self, connection: asyncpg.Connection, one: Edition) -> None:
        """Draw what was issued, and keep it for ever."""
        content = await store.the_cut(connection, one)
        if one.state != ISSUED or content is None:
            return
        rows = await asyncio.to_thread(drawn, one, content)
        await store.keep_renderings(connection, one.id, rows)


def drawn(one: Edition, content: bytes) -> list[tuple[str, str, str, bytes]]:
    """Each rendering: format, media type, digest, bytes."""
    made = making.content(one, frozen.decode(content))
    found = [(name, media, draw(made)) for name, (media, draw) in RENDERINGS.items()]
    return [(name, media, hashlib.sha256(bytes_).hexdigest(), bytes_) for name, media, bytes_ in found]


def _unprintable(error: Mistakes | Unclear) -> list[dict[str, Any]]:
    """Why a template cannot be filled, as problems of the edition."""
    found: list[Mapping[str, Any]]
    if isinstance(error, Mistakes):
        found = [{"slots": [f"{m.file}:{m.line}"], "expected": m.todo, "found": m.what} for m in error.mistakes]
    else:
        found = [{"slots": [p.field], "expected": "", "found": p.reason} for p in error.problems]
    return [{"check": "template", "events": 0, **one} for one in found]


async def _last_issued(
    connection: asyncpg.Connection, scope: edition.Scope, below: int | None = None
) -> tuple[Edition, Frozen] | None:
    """The newest issued edition of a scope, before a revision."""
    for one in await store.of_scope(connection, scope):
        if one.state == ISSUED and (below is None or one.revision < below):
            content = await store.the_cut(connection, one)
            return (one, frozen.decode(content)) if content else None
    return None
