"""Hands letters over to the channels: what waits is read from the database, handed over, and written down.

Killed in between, a letter is handed over once more with the same id. A gateway that is away is tried again until the
letter is no longer fresh; nobody is called about what has passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg
import structlog

from services.runtime import fault, postgres
from services.warning.channels.channel import Channel, Message, Never, NotNow
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
        self._trace(rows, outcomes)
        return True

    def _trace(self, rows: Sequence[asyncpg.Record], outcomes: Mapping[object, tuple[str, str]]) -> None:
        """A line for each case and result: where its trace ends (decision 43)."""
        told = Counter((row["chain"] or row["matter"], outcomes[row["id"]][0]) for row in rows)
        for (trace, result), letters in told.items():
            log.info("sender.told", trace=trace, channel=self._channel.name, result=result, letters=letters)

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
        except Exception as error:  # a fault of the channel must not end the watch: its letters wait, the others go
            log.exception("sender.fault", channel=self._channel.name, error=repr(error))
            return {row["id"]: ("waiting", f"fault: {error!r}") for row in rows}
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
            [why or (result if result not in ("waiting", "handed") else "") for result, why in results],
            again,
            now,
        )


def _state(result: str) -> str:
    return result if result in ("waiting", "handed") else "failed"


def _message(row: asyncpg.Record) -> Message:
    link = next((word for word in row["text"].split() if row["token"] and word.endswith(row["token"])), "")
    return Message(
        str(row["id"]), row["address"], row["text"], link, row["chain"], row["callout"], row["post"],
        row["made"].isoformat(),
    )  # fmt: skip


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
