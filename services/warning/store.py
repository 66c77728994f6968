"""What the watch remembers: facts, matters, effects and letters in the schema `warning`."""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import msgspec
from asyncpg.pgproto.pgproto import UUID

from services.contracts import fate
from services.contracts.fate import Fate
from services.runtime import outbox
from services.runtime.outbox import Row
from services.warning import before, discipline, facts
from services.warning.facts import Taken, status_of
from services.warning.letter import Echo, Letter
from services.warning.matter import Fact

if TYPE_CHECKING:
    from services.warning.recall import Recalled, Where
    from services.warning.turn import Matter
    from services.warning.world import World

Id = tuple[str, str, str]
"""Kind, scope and key of a matter."""
MOVED = "warning.moved"
"""NOTIFYed when matters have changed."""
LETTERS = "warning.letters"
"""NOTIFYed when there are letters to send."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Effect(NamedTuple):
    """What stands in a slot."""

    id: str
    digest: str
    """Empty: it was taken back."""
    turn: int
    type: str
    """Empty: letters were made."""
    subject: str
    lane: str
    cause: bytes | None


Known = tuple[dict[bytes, Fact], dict[str, Effect], bool]


class Store:
    """One connection's view; its search path is the schema."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._known: set[Id] = set()
        """Matters that have a row; those new in this turn are copied in."""
        self._slots: set[tuple[Id, str]] = set()
        """The same of effects."""

    # --- reading --------------------------------------------------------------------------------------------------

    async def handle(self, keys: Sequence[bytes], now: datetime.datetime) -> set[bytes]:
        """Note that these facts are taken in; those that were not before."""
        if not keys:
            return set()
        rows = await self._connection.fetch(
            "INSERT INTO handled (key, at) SELECT k, $2 FROM unnest($1::uuid[]) k ON CONFLICT DO NOTHING RETURNING key",
            [_uuid(key) for key in keys], now,
        )  # fmt: skip
        return {row["key"].bytes for row in rows}

    async def names(self, wanted: Collection[Id]) -> dict[Id, str]:
        """The matters that these names mean."""
        if not wanted:
            return {}
        rows = await self._connection.fetch(
            "SELECT n.kind, n.scope, n.name, n.matter FROM name n JOIN unnest($1::text[], $2::text[], $3::text[])"
            " AS w(kind, scope, name) USING (kind, scope, name)", *_columns(wanted),
        )  # fmt: skip
        return {(row["kind"], row["scope"], row["name"]): row["matter"] for row in rows}

    async def children(self, parents: Collection[Id]) -> dict[Id, list[Id]]:
        """The open matters under these parents."""
        rows = await self._connection.fetch(
            "SELECT w.parent, m.kind, m.scope, m.key FROM unnest($1::text[], $2::text[], $3::text[])"
            " AS w(kind, scope, parent) JOIN matter m ON m.kind = w.kind AND m.scope = w.scope"
            " AND m.parents @> ARRAY[w.parent] AND NOT m.closed AND m.parents <> '{}'", *_columns(parents),
        )  # fmt: skip
        found: dict[Id, list[Id]] = defaultdict(list)
        for row in rows:
            found[row["kind"], row["scope"], row["parent"]].append((row["kind"], row["scope"], row["key"]))
        return found

    async def places(self, targets: Collection[bytes], keys: Collection[bytes]) -> dict[bytes, list[Id]]:
        """Where the targets of corrections stand, and where corrections of these facts wait."""
        found: dict[bytes, list[Id]] = defaultdict(list)
        if targets:
            for row in await self._connection.fetch(
                "SELECT key, kind, scope, matter FROM fact WHERE key = ANY($1::uuid[])", [_uuid(k) for k in targets]
            ):
                found[row["key"].bytes].append((row["kind"], row["scope"], row["matter"]))
        for row in await self._connection.fetch(
            "SELECT target, kind, scope, matter FROM fact WHERE target = ANY($1::uuid[])", [_uuid(k) for k in keys]
        ):
            found[row["target"].bytes].append((row["kind"], row["scope"], row["matter"]))
        return found

    async def load(self, ids: Sequence[Id]) -> dict[Id, Known]:
        """Facts, effects and whether it is closed, of each of these matters that is known."""
        columns = _columns(ids)
        found: dict[Id, Known] = defaultdict(lambda: ({}, {}, True))
        wanted = "unnest($1::text[], $2::text[], $3::text[]) AS w(kind, scope, matter)"
        for row in await self._connection.fetch(
            f"SELECT kind, scope, matter, handled, record FROM fact JOIN {wanted} USING (kind, scope, matter)",  # noqa: S608
            *columns,
        ):
            fact = facts.read(row["record"], row["handled"]).fact
            found[row["kind"], row["scope"], row["matter"]][0][fact.key] = fact
        for row in await self._connection.fetch(
            f"SELECT * FROM effect JOIN {wanted} USING (kind, scope, matter)",  # noqa: S608
            *columns,
        ):
            cause = row["cause"].bytes if row["cause"] else None
            effect = Effect(row["id"], row["digest"], row["turn"], row["type"], row["subject"], row["lane"], cause)
            id_ = (row["kind"], row["scope"], row["matter"])
            found[id_][1][row["slot"]] = effect
            self._slots.add((id_, row["slot"]))
        rows = await self._connection.fetch(
            "SELECT kind, scope, key, m.closed FROM matter m JOIN unnest($1::text[], $2::text[], $3::text[])"
            " AS w(kind, scope, key) USING (kind, scope, key)", *columns,
        )  # fmt: skip
        for row in rows:
            id_ = (row["kind"], row["scope"], row["key"])
            self._known.add(id_)
            found[id_] = (*found[id_][:2], row["closed"])
        return found

    async def hidden(self, silences: Sequence[str]) -> dict[str, int]:
        """How many messages each of these silences has hidden."""
        rows = await self._connection.fetch(HIDDEN, [f"{discipline.HIDDEN}{key}" for key in silences])
        return {row["digest"].removeprefix(discipline.HIDDEN): row["n"] for row in rows}

    async def awake(self, kinds: Sequence[str], now: datetime.datetime, limit: int) -> list[Id]:
        """The matters of each kind that time has reached, the longest waiting first; so many of a kind at most."""
        rows = await self._connection.fetch(
            "SELECT m.kind, m.scope, m.key FROM unnest($1::text[]) AS w(kind), LATERAL (SELECT * FROM matter"
            " WHERE kind = w.kind AND wake <= $2 ORDER BY wake LIMIT $3) m", kinds, now, limit,
        )  # fmt: skip
        return [(row["kind"], row["scope"], row["key"]) for row in rows]

    async def awake_by(self, ids: Sequence[Id], moment: datetime.datetime) -> list[Id]:
        """Those of these matters that were to wake by then."""
        rows = await self._connection.fetch(
            "SELECT kind, scope, key FROM matter JOIN unnest($1::text[], $2::text[], $3::text[])"
            " AS w(kind, scope, key) USING (kind, scope, key) WHERE wake <= $4", *_columns(ids), moment,
        )  # fmt: skip
        return [(row["kind"], row["scope"], row["key"]) for row in rows]

    async def said_before(self, wanted: Iterable[Where]) -> dict[str, bytes]:
        """Slot of the id → what the life before said in it."""
        slots = [one.slot for one in wanted]
        return await before.records(self._connection, slots) if slots else {}

    # --- writing --------------------------------------------------------------------------------------------------

    async def finish(
        self, matters: Iterable[Matter], taken: Iterable[tuple[Taken, list[Id]]], names: Mapping[Id, str],
        changed: Mapping[Id, Mapping[str, Effect]], ended: Sequence[Id], written: Sequence[Letter | Echo],
        rows: Sequence[Row], refused: Mapping[bytes, tuple[Fact, str]], receipts: Sequence[Fact], world: World,
    ) -> None:  # fmt: skip
        """Write down what a turn has come to."""
        taken = list(taken)
        await self._facts(taken)
        await self._names(names)
        await self._effects(changed)
        await self._cancel(ended)
        moved = await self._matters(matters, world.now)
        await self._letters(written, world)
        told = [_refusal(fact, why, world.now) for fact, why in refused.values()]
        await self._refuse(refused)
        await self._receipts(receipts)
        await outbox.put(
            self._connection, [*rows, *(Row("fates", None, frame) for frame in fate.frames("warning", told))]
        )
        if moved:
            await self._connection.execute(f'NOTIFY "{MOVED}"')

    async def _facts(self, taken: Sequence[tuple[Taken, list[Id]]]) -> None:
        await self._connection.copy_records_to_table(
            "fact",
            columns=("kind", "scope", "matter", "key", "target", "handled", "record"),
            records=[
                (*id_, _uuid(one.fact.key), _uuid(one.fact.target), one.fact.handled, one.record)
                for one, ids in taken for id_ in ids
            ],
        )  # fmt: skip

    async def _names(self, names: Mapping[Id, str]) -> None:
        if names:
            await self._connection.execute(
                "INSERT INTO name SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
                " ON CONFLICT DO NOTHING", *_columns(names), list(names.values()),
            )  # fmt: skip

    async def _effects(self, changed: Mapping[Id, Mapping[str, Effect]]) -> None:
        new: list[tuple[object, ...]] = []
        again: list[tuple[object, ...]] = []
        for id_, slots in changed.items():
            for slot, e in slots.items():
                (again if (id_, slot) in self._slots else new).append((*id_, slot, *e[:6], _uuid(e.cause)))
        await self._connection.copy_records_to_table("effect", records=new)
        if again:
            await self._connection.execute(EFFECTS, *map(list, zip(*again, strict=True)))

    async def _cancel(self, ended: Sequence[Id]) -> None:
        """What waits for a matter that has ended is not sent any more."""
        if ended:
            await self._connection.execute(
                "UPDATE delivery d SET state = 'cancelled' FROM unnest($1::text[], $2::text[], $3::text[])"
                " AS w(kind, scope, matter) WHERE d.kind = w.kind AND d.scope = w.scope AND d.matter = w.matter"
                " AND d.state = 'waiting'", *_columns(ended),
            )  # fmt: skip

    async def _matters(self, matters: Iterable[Matter], now: datetime.datetime) -> int:
        rows = [
            (*m.id, list(s.parents), s.state, s.closed, s.region, s.due, s.wake, _encode(s.shown).decode(), now)
            for m in matters if (s := m.standing) is not None
        ]  # fmt: skip
        gone = [m.id for m in matters if m.standing is None]
        if gone:
            await self._connection.execute(
                "DELETE FROM matter m USING unnest($1::text[], $2::text[], $3::text[]) AS w(kind, scope, key)"
                " WHERE m.kind = w.kind AND m.scope = w.scope AND m.key = w.key", *_columns(gone),
            )  # fmt: skip
        await self._connection.copy_records_to_table(
            "matter", columns=COPIED, records=[row for row in rows if row[:3] not in self._known]
        )
        await self._connection.executemany(MATTER, [row for row in rows if row[:3] in self._known])
        return len(rows)

    async def _letters(self, written: Sequence[Letter | Echo], world: World) -> None:
        posted = [one for one in written if isinstance(one, Letter)]
        posted = await self._participants(posted)
        await self._connection.copy_records_to_table("delivery", columns=Letter._fields, records=posted)
        for echo in (one for one in written if isinstance(one, Echo)):
            send = echo.send
            await self._connection.execute(
                ECHO, *echo.id, send.slot, send.chain, echo.text, send.urgent, world.now, send.fresh
            )
        if written:
            await self._connection.execute(f'NOTIFY "{LETTERS}"')

    async def recall(self, letters: Sequence[Recalled]) -> None:
        """Letters of the life before: they wait for nobody, and what became of them was told."""
        if letters:
            await self._connection.copy_records_to_table(
                "delivery", columns=(*Letter._fields, "handed", "result", "told"),
                records=[(*one.letter, one.handed, one.result, True) for one in letters],
            )  # fmt: skip

    async def _participants(self, posted: list[Letter]) -> list[Letter]:
        """In an exercise only those who take part are told."""
        drills = {status_of(one.scope)[1] for one in posted if one.scope.startswith("exercise")}
        if not drills:
            return posted
        rows = await self._connection.fetch(
            "SELECT key, shown->'participants' AS who FROM matter WHERE kind = 'drill' AND key = ANY($1)", list(drills)
        )
        who: dict[str, set[str]] = defaultdict(set)
        for row in rows:  # told as a fact of its own, as part of the exercise, or both
            who[row["key"]].update(msgspec.json.decode(row["who"] or "[]"))
        return [
            one for one in posted
            if not one.scope.startswith("exercise")
            or {one.person, one.organisation} & who[status_of(one.scope)[1]]
        ]  # fmt: skip

    async def _receipts(self, receipts: Sequence[Fact]) -> None:
        """What gateways say became of letters; what is delivered stays delivered."""
        told: dict[uuid.UUID, str] = {}
        for fact in receipts:
            id_, result = uuid.UUID(str(fact.data["message_id"])), str(fact.data.get("result"))
            if result in RESULTS and told.get(id_) != "delivered":
                told[id_] = result
        if told:
            states = [RESULTS[result] for result in told.values()]
            await self._connection.execute(RECEIPTS, list(told), states, list(told.values()))

    async def _refuse(self, refused: Mapping[bytes, tuple[Fact, str]]) -> None:
        await self._connection.executemany(
            "UPDATE handled SET refused = $2 WHERE key = $1", [(_uuid(key), why) for key, (_, why) in refused.items()]
        )


def _refusal(fact: Fact, why: str, now: datetime.datetime) -> Fate:
    return Fate(
        fact.source, fact.id, "refused", fact.publisher, now, f"watch/{fact.key.hex()}", fact.type, {"reason": why}
    )


def _uuid(key: bytes | None) -> uuid.UUID | None:
    return UUID(key) if key else None


def _columns(ids: Iterable[Id]) -> list[list[str]]:
    rows = list(ids)
    return [[row[n] for row in rows] for n in range(3)]


HIDDEN = """
SELECT digest, count(*) AS n FROM effect WHERE digest LIKE 'silenced:%' AND digest = ANY($1) GROUP BY 1"""
COPIED = ("kind", "scope", "key", "parents", "state", "closed", "region", "due", "wake", "shown", "changed")
MATTER = """
INSERT INTO matter AS m (kind, scope, key, parents, state, closed, region, due, wake, shown, changed, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, nextval('matter_version'))
ON CONFLICT (kind, scope, key) DO UPDATE
   SET parents = excluded.parents, state = excluded.state, closed = excluded.closed, region = excluded.region,
       due = excluded.due, wake = excluded.wake, shown = excluded.shown, changed = excluded.changed,
       version = excluded.version
 WHERE (m.parents, m.state, m.closed, m.region, m.due, m.wake, m.shown) IS DISTINCT FROM
       (excluded.parents, excluded.state, excluded.closed, excluded.region, excluded.due, excluded.wake, excluded.shown)
"""
EFFECTS = """
INSERT INTO effect (kind, scope, matter, slot, id, digest, turn, type, subject, lane, cause)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
                     $9::text[], $10::text[], $11::uuid[])
ON CONFLICT (kind, scope, matter, slot) DO UPDATE
   SET id = excluded.id, digest = excluded.digest, turn = excluded.turn, type = excluded.type,
       subject = excluded.subject, lane = excluded.lane, cause = excluded.cause"""
RESULTS = {
    "delivered": "delivered", "rung": "handed", "no_answer": "failed", "busy": "failed", "wrong_number": "failed",
    "failed": "failed",
}  # fmt: skip
"""What a receipt says → the state of the letter."""
RECEIPTS = """
UPDATE delivery d SET state = n.state, result = n.result FROM unnest($1::uuid[], $2::text[], $3::text[])
    AS n(id, state, result) WHERE d.id = n.id AND d.state <> 'delivered'
   AND NOT (d.state = 'failed' AND n.result = 'failed')"""
"""What is delivered stays delivered; a failure that has its reason already keeps it."""
ECHO = """
INSERT INTO delivery (id, kind, scope, matter, slot, chain, callout, organisation, post, person, channel, address, text,
                      token, urgent, made, fresh, next, state)
SELECT DISTINCT ON (d.scope, d.person) gen_random_uuid(), $1::text, $2::text, $3::text, $4::text, $5::text, '',
       d.organisation, d.post, d.person, d.channel, d.address, $6::text, '', $7::boolean, $8::timestamptz,
       $9::timestamptz, $8::timestamptz, 'waiting'
  FROM delivery d
 WHERE d.chain = $5::text AND d.scope = $2::text AND d.address <> '' AND d.state <> 'cancelled'
 ORDER BY d.scope, d.person, d.channel = 'sms' DESC, d.made"""
"""Each person who was called is told once, by SMS where there was one."""
