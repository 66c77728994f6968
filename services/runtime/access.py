"""Who may do what: keys of programs and sessions of people, kept in PostgreSQL and answered from memory.

A key is shown once and stored as SHA-256. Each process holds a snapshot that follows every change by NOTIFY, with a
poll behind it, so that a revoked key is refused within a second and the door stays open while PostgreSQL is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import asyncpg
import msgspec

from services.contracts.event import STATUSES
from services.runtime import audit, log, postgres
from services.runtime.accounts import PARTNER, NotAllowed
from services.runtime.audit import CLI, Actor

RIGHTS: Mapping[str, str] = {
    "publish": "publish facts",
    "correct": "correct facts of another source",
    "retract": "take facts back",
    "history": "import the past (lane=history), also of types that come from people or the hub",
    "read": "read figures, lists and streams",
}
ANY = "*"
POLL_SECONDS = 0.5
_logger = log.get("access")


@dataclass(frozen=True)
class Scope:
    """What a key may do. Empty `sources`: publish nothing; empty `regions`: the whole bureau."""

    sources: tuple[str, ...] = ()
    types: tuple[str, ...] = (ANY,)
    regions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ("actual",)
    rights: tuple[str, ...] = ("publish",)
    rate: float | None = None
    """Events per second that this key may send; None: no limit."""

    def owns(self, source: str) -> bool:
        """Whether a source lies under one of the prefixes, by path segment: `/a` holds `/a/b`, not `/ab`."""
        for prefix in self.sources:  # noqa: SIM110  asked for each event; a generator costs as much again
            if prefix in (ANY, source) or source.startswith(prefix.rstrip("/") + "/"):
                return True
        return False

    def types_allow(self, name: str) -> bool:
        """Whether a type matches one of the globs."""
        return any(fnmatchcase(name, glob) for glob in self.types)

    def problems(self) -> list[str]:
        """What is wrong with this scope, one sentence each."""
        found = [f"no such right: {r} (one of {', '.join(RIGHTS)})" for r in self.rights if r not in RIGHTS]
        found += [f"no such status: {s} (one of {', '.join(STATUSES)})" for s in self.statuses if s not in STATUSES]
        if not self.sources and set(self.rights) - {"read"}:
            found.append("a key that publishes needs at least one source prefix")
        found += ["a source prefix is empty" for s in self.sources if not s.strip()]
        if self.rate is not None and not self.rate > 0:
            found.append("the rate must be more than 0 events per second")
        return found


@dataclass(frozen=True)
class Key:
    """A publisher's or program's key, without its secret. `name` is the publisher."""

    id: str
    name: str
    scope: Scope
    secret: bytes = field(default=b"", repr=False, compare=False)
    """SHA-256 of the secret, 32 bytes."""
    created: datetime.datetime | None = None
    revoked: datetime.datetime | None = None
    kafka: bool = False
    """The publisher writes to `inbox.<name>` too."""
    made_by: str = ""
    granted: datetime.datetime | None = None
    """Since when it opens anything; None: it waits for somebody else than who made it."""
    granted_by: str = ""

    until: datetime.datetime | None = None
    """It is being replaced, and valid until then."""

    @property
    def over(self) -> bool:
        """Whether the new key has taken its place for good."""
        return self.until is not None and self.until <= datetime.datetime.now(datetime.UTC)

    def may(self, right: str) -> bool:
        """Whether the key has a right."""
        return right in self.scope.rights


@dataclass(frozen=True)
class Session:
    """A logged-in person. `region` '' = the whole bureau."""

    name: str
    role: str
    region: str
    csrf: str = field(repr=False)
    expires: datetime.datetime
    publisher: str = ""
    """Of a partner: the publisher whose events are theirs."""


@dataclass(frozen=True)
class Principal:
    """Who asks: a key or a person, and the region subtrees it may see (empty: the whole bureau)."""

    name: str
    kind: str
    regions: tuple[str, ...] = ()
    role: str = ""
    rights: tuple[str, ...] = ()
    publisher: str = ""


class NotLoaded(Exception):
    """The keys have not been read yet: nobody can be let in or refused."""


@dataclass(frozen=True)
class Snapshot:
    """Keys and sessions as of one moment."""

    version: int
    keys: Mapping[str, Key]
    sessions: Mapping[bytes, Session]
    inboxes: Mapping[str, Key] = field(default_factory=dict)
    """Publishers that have an inbox on Kafka, each with its newest key; a revoked one only when all are."""


class Access:
    """The snapshot of one process, kept fresh by `run()`."""

    def __init__(self, dsn: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.dsn = dsn
        self.poll_seconds = poll_seconds
        self.snapshot: Snapshot | None = None
        self.refreshed = 0.0
        self._changed = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow the database; waits up to 5 s for the first snapshot, then goes on without."""
        self._task = asyncio.create_task(self.run(), name="access")
        await _at_most(self._loaded.wait(), 5)

    async def stop(self) -> None:
        """End following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def age_seconds(self) -> float:
        """How long ago the snapshot was last known to be right."""
        return time.monotonic() - self.refreshed if self.refreshed else float("inf")

    def authenticate(self, header: str | None) -> Key | None:
        """The key that an `Authorization: Bearer hub_<id>_<secret>` names, or None. Raises NotLoaded."""
        if self.snapshot is None:
            raise NotLoaded
        id_, secret = _bearer(header)
        key = self.snapshot.keys.get(id_)
        stored = key.secret if key is not None else bytes(32)
        same = hmac.compare_digest(hashlib.sha256(secret.encode()).digest(), stored)
        return key if same and key is not None and not key.over else None

    def session(self, cookie: str | None) -> Session | None:
        """The person behind a session cookie, or None. Raises NotLoaded."""
        if self.snapshot is None:
            raise NotLoaded
        session = self.snapshot.sessions.get(hashlib.sha256((cookie or "").encode()).digest())
        return session if session is not None and session.expires > datetime.datetime.now(datetime.UTC) else None

    def key_of(self, publisher: str) -> Key | None:
        """The newest key in use by which a publisher publishes: what its people may do too. Raises NotLoaded."""
        if self.snapshot is None:
            raise NotLoaded
        found = [key for key in self.snapshot.keys.values() if key.name == publisher and key.may("publish")]
        return max(found, key=lambda key: (key.created is not None, key.created, key.id), default=None)

    async def refresh(self, connection: asyncpg.Connection) -> None:
        """Read the snapshot again when the version has moved."""
        version = await connection.fetchval("SELECT n FROM access.version")
        if self.snapshot is None or self.snapshot.version != version:
            self.snapshot = await _read(connection, version)
        self.refreshed = time.monotonic()
        self._loaded.set()

    async def run(self) -> None:
        """Follow the database for ever; while it is away the last snapshot holds."""
        away = False
        while True:
            try:
                await self._follow()
            except (*postgres.NOT_NOW, asyncpg.PostgresError) as error:
                if not away:
                    _logger.warning("access.away", error=repr(error), snapshot=self.snapshot is not None)
                away = True
            await asyncio.sleep(self.poll_seconds)

    async def _follow(self) -> None:
        connection = await postgres.connect(self.dsn, role="access", command_timeout=5)
        try:
            await connection.add_listener("access", lambda *_: self._changed.set())
            while True:
                self._changed.clear()
                await self.refresh(connection)
                await _at_most(self._changed.wait(), self.poll_seconds)
        finally:
            connection.terminate()


async def _at_most(waiting: Coroutine[Any, Any, object], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation (Python 3.11)
            await waiting


def _bearer(header: str | None) -> tuple[str, str]:
    """Key id and secret of an Authorization header; empty texts when it is none of ours."""
    scheme, _, token = (header or "").partition(" ")
    hub, _, rest = token.strip().partition("_")
    id_, _, secret = rest.partition("_")
    return (id_, secret) if scheme.lower() == "bearer" and hub == "hub" else ("", "")


async def _read(connection: asyncpg.Connection, version: int) -> Snapshot:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        keys = await connection.fetch("SELECT * FROM access.key WHERE revoked IS NULL AND granted IS NOT NULL")
        inboxes = await connection.fetch(
            "SELECT DISTINCT ON (name) * FROM access.key WHERE kafka AND granted IS NOT NULL"
            " ORDER BY name, revoked IS NOT NULL, created DESC, id DESC"
        )
        sessions = await connection.fetch(
            "SELECT s.token, s.csrf, s.expires, a.name, a.role, a.region, a.publisher FROM access.session s"
            " JOIN access.account a ON a.name = s.account"
            " WHERE s.expires > now() AND a.disabled IS NULL AND a.granted IS NOT NULL"
        )
    return Snapshot(
        version,
        {row["id"]: _key(row) for row in keys},
        {row["token"]: _session(row) for row in sessions},
        {row["name"]: _key(row) for row in inboxes},
    )


def _key(row: asyncpg.Record) -> Key:
    scope = msgspec.json.decode(row["scope"], type=Scope)
    return Key(
        row["id"], row["name"], scope, row["secret"], row["created"], row["revoked"], row["kafka"], row["made_by"],
        row["granted"], row["granted_by"], row["until"],
    )  # fmt: skip


def _session(row: asyncpg.Record) -> Session:
    publisher = (row["publisher"] or row["name"]) if row["role"] == PARTNER else ""
    return Session(row["name"], row["role"], row["region"], row["csrf"], row["expires"], publisher)


def problems_of(name: str, scope: Scope, *, kafka: bool = False) -> list[str]:
    """What is wrong with a key that somebody wants, one sentence each; `kafka`: its publisher gets an inbox."""
    problems = scope.problems()
    if not name or len(name) > 64 or not name.isprintable() or " " in name:
        problems.insert(0, "a name is 1 to 64 characters without blanks")
    elif kafka and not _TOPIC_PART.fullmatch(name):
        problems.insert(0, "a publisher on Kafka has a name of letters a-z, digits, dots, hyphens and underscores")
    return problems


_TOPIC_PART = re.compile(r"[A-Za-z0-9._-]+")


async def add_key(
    connection: asyncpg.Connection, name: str, scope: Scope, *, kafka: bool = False, by: Actor = CLI
) -> tuple[Key, str]:
    """Make a key for a publisher; returns it and its token `hub_<id>_<secret>`, which is kept nowhere.

    A person's key waits for somebody else to grant it; one of the command line is in use at once. With `kafka` the
    publisher's inbox is read too: its topics are made before. Raises ValueError with what is wrong with the name or
    the scope.
    """
    if problems := problems_of(name, scope, kafka=kafka):
        raise ValueError("; ".join(problems))
    id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    alone = by.origin == CLI.origin
    async with connection.transaction():
        row = await connection.fetchrow(
            "INSERT INTO access.key (id, name, secret, scope, kafka, made_by, granted, granted_by)"
            " VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END, CASE WHEN $7 THEN $6 ELSE '' END)"
            " RETURNING *",
            id_, name, hashlib.sha256(secret.encode()).digest(), json.dumps(asdict(scope)), kafka, by.name, alone,
        )  # fmt: skip
        await audit.write(connection, by, "key.added", id=id_, name=name, scope=asdict(scope), kafka=kafka)
    assert row is not None  # noqa: S101  RETURNING always returns
    return _key(row), f"hub_{id_}_{secret}"


async def rotate(
    connection: asyncpg.Connection, name: str, grace: datetime.timedelta, *, by: Actor = CLI
) -> tuple[Key, str, list[str]] | None:
    """A new key in place of a publisher's own, which stay valid for the grace: it, its token, and the ids of the old.

    None when the publisher has no key in use.
    """
    async with connection.transaction():
        rows = await connection.fetch(
            "SELECT * FROM access.key WHERE name = $1 AND revoked IS NULL AND granted IS NOT NULL"
            " AND (until IS NULL OR until > now()) ORDER BY created DESC, id DESC FOR UPDATE", name,
        )  # fmt: skip
        if not rows:
            return None
        newest = _key(rows[0])
        key, token = await add_key(connection, name, newest.scope, kafka=newest.kafka, by=by)
        old = [row["id"] for row in rows]
        until = await connection.fetchval(
            "UPDATE access.key SET until = least(until, now() + $2::interval) WHERE id = ANY($1) RETURNING until",
            old, grace,
        )  # fmt: skip
        await audit.write(connection, by, "key.rotated", id=key.id, name=name, old=old, until=until.isoformat())
    return key, token, old


async def list_keys(connection: asyncpg.Connection) -> list[Key]:
    """All keys, revoked ones too, oldest first."""
    return [_key(row) for row in await connection.fetch("SELECT * FROM access.key ORDER BY created, id")]


async def grant_key(connection: asyncpg.Connection, id_: str, *, by: Actor = CLI) -> bool:
    """Put a key in use. False when there is none that waits. Raises NotAllowed for whoever made it."""
    async with connection.transaction():
        made_by = await connection.fetchval(
            "SELECT made_by FROM access.key WHERE id = $1 AND revoked IS NULL AND granted IS NULL FOR UPDATE", id_
        )
        if made_by is None:
            return False
        if made_by == by.name:
            raise NotAllowed(f"{by.name} has made this key: somebody else grants it")
        await connection.execute(
            "UPDATE access.key SET granted = now(), granted_by = $2 WHERE id = $1", id_, by.name
        )  # fmt: skip
        await audit.write(connection, by, "key.granted", id=id_)
    return True


async def revoke(connection: asyncpg.Connection, id_: str, *, by: Actor = CLI) -> bool:
    """Revoke a key; every process refuses it within a second. False when there is no such key in use."""
    async with connection.transaction():
        found = await connection.fetchval(
            "UPDATE access.key SET revoked = now() WHERE id = $1 AND revoked IS NULL RETURNING id", id_
        )
        if found:
            await audit.write(connection, by, "key.revoked", id=id_)
    return found is not None
