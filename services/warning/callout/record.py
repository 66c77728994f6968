"""Says what became of letters (`callout.attempted`, `notification.sms_sent`), once nothing waits to be handed over.

Handing over comes first: of 50,000 messages the facts may follow within a minute.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import structlog

from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.runtime import outbox, postgres
from services.runtime.outbox import Row
from services.warning import said
from services.warning.callout.handing import Handing
from services.warning.matter import Say
from services.warning.surroundings import Surroundings

log = structlog.get_logger(__name__)
AT_ONCE = 500
"""Letters told of in one transaction."""
LOOK_SECONDS = 0.1
RETRY_SECONDS = 0.5


class Recorder:
    """Tells until it is cancelled."""

    def __init__(self, dsn: str, around: Surroundings) -> None:
        self._dsn, self._around = dsn, around

    async def run(self) -> None:
        """For ever; whatever may pass is tried again."""
        while True:
            try:
                await self._follow()
            except postgres.NOT_NOW as error:
                log.warning("record.not_now", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role="warning-record", command_timeout=30)
        try:
            await connection.execute("SET search_path TO warning")
            handing = Handing(self._around.now)
            while True:
                if await handing.goes_first(connection) or not await self._tell(connection):
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            connection.terminate()

    async def _tell(self, connection: asyncpg.Connection) -> bool:
        """Say what became of the oldest; whether there were any."""
        async with connection.transaction():
            rows = await connection.fetch(UNTOLD, AT_ONCE)
            if rows:
                now, region = self._around.now(), self._around.region
                handed = [row for row in rows if row["handed"] and row["channel"] == "sms"]
                await outbox.put(connection, [*_attempts(rows, region, now), *_batches(handed, region, now)])
        return bool(rows)


def _result(row: asyncpg.Record) -> str:
    if row["handed"]:
        return "handed"
    return "wrong_number" if row["result"] == "wrong_number" else "failed"


def _attempts(rows: Sequence[asyncpg.Record], region: str, now: datetime.datetime) -> Iterator[Row]:
    """`callout.attempted` of each letter of a callout; what became of the others that are tests."""
    for row in rows:
        result = _result(row)
        at = row["handed"] or now
        if row["callout"]:
            content = {"callout_id": row["callout"], "post": row["post"], "channel": row["channel"],
                       "attempt_no": row["tries"], "result": result, "message_id": str(row["id"])}  # fmt: skip
            say = Say(f"attempt:{row['tries']}", "callout.attempted", content, at, region)
            yield spoken(say, ("delivery", row["scope"], str(row["id"])), now)
        elif tested := test_of(dict(row), result, at, region):
            yield spoken(tested, ("delivery", row["scope"], str(row["id"])), now)


def test_of(letter: Mapping[str, Any], result: str, at: datetime.datetime, region: str) -> Say | None:
    """What became of a test message: of a channel or of somebody's contact; None: the letter is none."""
    content: dict[str, Any] = {"channel": letter["channel"], "result": result}
    if result != "handed":
        content["seconds"] = round((at - letter["made"]).total_seconds(), 1)
    if letter["kind"] == "channel":
        return Say(f"tested:{result}", "channel.tested", content, at, region)
    if letter["kind"] == "contact":
        return Say(f"tested:{result}", "contact.tested", {"person_id": letter["matter"], **content}, at, region)
    return None


def _batches(rows: Sequence[asyncpg.Record], region: str, now: datetime.datetime) -> Iterator[Row]:
    """`notification.sms_sent`: one per chain for the messages handed over together."""
    chains: dict[tuple[str, str], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        chains[row["scope"], row["chain"]].append(row)
    for (scope, chain), letters in chains.items():
        batch = hashlib.sha256("".join(sorted(str(row["id"]) for row in letters)).encode()).hexdigest()[:16]
        content = {
            "batch_id": f"DX-{batch}", "purpose": "weather" if chain else "duty", "audience": "责任人",
            "recipients": len({row["person"] for row in letters}), "messages": len(letters), "basis_id": chain or None,
        }  # fmt: skip
        yield spoken(Say("batch", "notification.sms_sent", content, now, region), ("batch", scope, batch), now)


def spoken(say: Say, matter: tuple[str, str, str], now: datetime.datetime) -> Row:
    """What is said outside a turn, on its way to Kafka."""
    id_ = said.id_of(matter, say.slot, 1, say.time)
    record = said.record(say, id_=id_, scope=matter[1], region=say.region, now=now)
    return said.row(record, say.type, subject_of(TYPES[say.type], say.data) or "")


UNTOLD = """
UPDATE delivery SET told = true
 WHERE id IN (SELECT id FROM delivery WHERE NOT told AND state IN ('handed', 'failed', 'delivered')
               ORDER BY made LIMIT $1)
RETURNING *"""
