"""Hands letters over to the channels: what waits is read from the database, handed over, and written down.

Killed in between, a letter is handed over once more with the same id. A gateway that is away is tried again until the
letter is no longer fresh; nobody is called about what has passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import structlog

from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.runtime import fault, outbox, postgres
from services.runtime.outbox import Row
from services.warning import said
from services.warning.channels.channel import Channel, Message, Never, NotNow
from services.warning.matter import Say
from services.warning.store import LETTERS
from services.warning.surroundings import Surroundings

log = structlog.get_logger(__name__)
CALLS = 6
"""Calls to a gateway under way at once: 1,000 people in one round."""
POLL_SECONDS = 0.5
RETRY_SECONDS = 0.5
PAUSES = (1, 2, 5, 10, 20)
"""Seconds before a letter is tried again."""
BREAKS = (0, 0, 1, 2, 5)
"""After so many failures of a whole channel in a row it rests so many seconds; then one call tries it."""
NO_ADDRESS = "没有号码"


class Sender:
    """Sends by one channel until it is cancelled."""

    def __init__(self, dsn: str, channel: Channel, around: Surroundings) -> None:
        self._dsn, self._channel, self._around = dsn, channel, around
        self._told = asyncio.Event()
        self._failures, self._rests_until = 0, 0.0

    async def run(self) -> None:
        """For ever; whatever may pass is tried again."""
        try:
            while True:
                try:
                    await self._follow()
                except postgres.NOT_NOW as error:
                    log.warning("sender.not_now", channel=self._channel.name, error=repr(error))
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._channel.close()

    async def _follow(self) -> None:
        connection = await postgres.connect(self._dsn, role=f"warning-{self._channel.name}", command_timeout=30)
        try:
            await connection.execute("SET search_path TO warning")
            await connection.add_listener(LETTERS, lambda *_: self._told.set())
            lock = f"hub.warning.sender.{self._channel.name}"
            while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", lock):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_SECONDS)
            while True:
                self._told.clear()
                while await self._round(connection):
                    pass
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._told.wait()
        finally:
            connection.terminate()

    async def _round(self, connection: asyncpg.Connection) -> bool:
        """Hand over what waits; whether there was anything."""
        now = self._around.now()
        if asyncio.get_running_loop().time() < self._rests_until:
            return False
        calls = 1 if self._failures else CALLS
        rows = await connection.fetch(WAITING, self._channel.name, now, self._channel.batch * calls)
        if not rows:
            return False
        if any(row["fresh"] <= now for row in rows):
            await connection.execute(STALE, self._channel.name, now)
            return True
        reached = [row for row in rows if row["address"]]
        batches = [reached[n : n + self._channel.batch] for n in range(0, len(reached), self._channel.batch)]
        outcomes = dict.fromkeys((row["id"] for row in rows if not row["address"]), ("failed", NO_ADDRESS))
        for told in await asyncio.gather(*(self._hand(batch) for batch in batches)):
            outcomes.update(told)
        self._rest(batches, outcomes)
        fault.at("sender.handed")
        async with connection.transaction():
            await self._write(connection, rows, outcomes)
        return True

    def _rest(self, batches: Sequence[Sequence[asyncpg.Record]], outcomes: Mapping[object, tuple[str, str]]) -> None:
        """A channel that takes nothing rests for a while; one letter taken, and it is back."""
        if not batches:
            return
        away = all(outcomes[row["id"]][0] == "waiting" for batch in batches for row in batch)
        self._failures = min(self._failures + 1, len(BREAKS) - 1) if away else 0
        self._rests_until = asyncio.get_running_loop().time() + BREAKS[self._failures]

    async def _hand(self, rows: Sequence[asyncpg.Record]) -> dict[object, tuple[str, str]]:
        """Letter id -> result and why; `waiting` is tried again."""
        try:
            results = await self._channel.hand([_message(row) for row in rows])
        except NotNow as error:
            return {row["id"]: ("waiting", str(error)) for row in rows}
        except Never as error:
            return {row["id"]: ("failed", str(error)) for row in rows}
        return {row["id"]: (result, "") for row, result in zip(rows, results, strict=True)}

    async def _write(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], outcomes: dict[object, tuple[str, str]]
    ) -> None:
        now = self._around.now()
        results = [outcomes[row["id"]] for row in rows]
        again = [now + datetime.timedelta(seconds=PAUSES[min(row["tries"], len(PAUSES) - 1)]) for row in rows]
        await connection.execute(
            WRITTEN,
            [row["id"] for row in rows],
            [_state(r) for r, _ in results],
            [why for _, why in results],
            again,
            now,
        )
        done = [(row, result) for row, (result, _) in zip(rows, results, strict=True) if result != "waiting"]
        handed = [row for row, result in done if result == "handed"]
        region = self._around.region
        await outbox.put(
            connection, [*_attempts(done, region, now), *_batches(handed, self._channel.name, region, now)]
        )


def _state(result: str) -> str:
    return result if result in ("waiting", "handed") else "failed"


def _message(row: asyncpg.Record) -> Message:
    link = next((word for word in row["text"].split() if row["token"] and word.endswith(row["token"])), "")
    return Message(
        str(row["id"]), row["address"], row["text"], link, row["chain"], row["callout"], row["post"],
        row["made"].isoformat(),
    )  # fmt: skip


def _attempts(done: Sequence[tuple[asyncpg.Record, str]], region: str, now: datetime.datetime) -> Iterator[Row]:
    """`callout.attempted` of each letter of a callout."""
    for row, result in done:
        if row["callout"]:
            content = {"callout_id": row["callout"], "post": row["post"], "channel": row["channel"],
                       "attempt_no": row["tries"] + 1, "result": result, "message_id": str(row["id"])}  # fmt: skip
            say = Say(f"attempt:{row['tries'] + 1}", "callout.attempted", content, now, region)
            yield spoken(say, ("delivery", row["scope"], str(row["id"])), now)
        elif tested := test_of(dict(row), result, now, region):
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


def _batches(rows: Sequence[asyncpg.Record], channel: str, region: str, now: datetime.datetime) -> Iterator[Row]:
    """`notification.sms_sent`: one per chain for the messages handed over together."""
    if channel != "sms":
        return
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


STALE = "UPDATE delivery SET state = 'stale' WHERE state = 'waiting' AND channel = $1 AND fresh <= $2"
WAITING = """
SELECT * FROM delivery WHERE state = 'waiting' AND channel = $1 AND next <= $2
 ORDER BY urgent DESC, next LIMIT $3"""
WRITTEN = """
UPDATE delivery d
   SET state = CASE WHEN d.state IN ('waiting', 'cancelled', 'stale') AND n.state = 'handed' OR d.state = 'waiting'
                    THEN n.state ELSE d.state END, tries = d.tries + 1,
       result = CASE WHEN d.state = 'waiting' THEN nullif(n.why, '') ELSE d.result END, next = n.next,
       handed = CASE WHEN n.state = 'handed' THEN $5::timestamptz END
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS n(id, state, why, next)
 WHERE d.id = n.id"""
