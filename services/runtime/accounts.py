"""The accounts of people: one person makes an account, another grants its rights; without a grant it can do nothing.

The command line does both at once: whoever may run it on the hub's machine could write the database itself.
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import asyncpg

from services.runtime import audit
from services.runtime.audit import CLI, Actor

ROLES = (
    "watch", "approver", "clerk", "reviewer", "legal", "signer", "partner", "administrator", "granter", "auditor",
    "wall",
)  # fmt: skip
PARTNER, WALL, ADMINISTRATOR = "partner", "wall", "administrator"


@dataclass(frozen=True)
class Account:
    """A person's log-in, without its password. `region` '' = the whole bureau; `role` '' = nothing is granted."""

    name: str
    role: str
    region: str
    publisher: str
    """Of a partner: the publisher whose events these are; '' = the one of the account's own name."""
    created: datetime.datetime
    made_by: str
    granted: datetime.datetime | None
    granted_by: str
    disabled: datetime.datetime | None


class NotAllowed(Exception):
    """Somebody may not do this to an account; its text says why."""


_LN, _R, _P = 14, 8, 1
"""scrypt cost: 2^14 rounds of 8 blocks, 16 MiB, about 50 ms."""


def hash_password(password: str) -> str:
    """The stored form of a password: scrypt with its parameters and salt."""
    salt = secrets.token_bytes(16)
    hashed = hashlib.scrypt(password.encode(), salt=salt, n=2**_LN, r=_R, p=_P)
    return f"scrypt${_LN}${_R}${_P}${salt.hex()}${hashed.hex()}"


def check_password(password: str, stored: str) -> bool:
    """Whether a password is the one stored; takes the same time when it is not."""
    _, ln, r, p, salt, hashed = stored.split("$")
    again = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2 ** int(ln), r=int(r), p=int(p))
    return hmac.compare_digest(again, bytes.fromhex(hashed))


async def add_account(
    connection: asyncpg.Connection, name: str, role: str = "", region: str = "", publisher: str = "", by: Actor = CLI
) -> tuple[str, str]:
    """Make an account; returns its name and its first password, which is kept nowhere. Raises ValueError.

    With a role its rights are granted at once: only the command line may ask for that.
    """
    if not name or len(name) > 64 or not name.isprintable() or " " in name or name == CLI.name:
        raise ValueError(f"a name is 1 to 64 characters without blanks, and not {CLI.name}")
    password = secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_password, password)
    async with connection.transaction():
        made = await connection.fetchval(
            "INSERT INTO access.account (name, password, role, made_by) VALUES ($1, $2, '', $3)"
            " ON CONFLICT DO NOTHING RETURNING name",
            name, hashed, by.name,
        )  # fmt: skip
        if made is None:
            raise ValueError(f"there is an account {name} already")
        await audit.write(connection, by, "account.added", name=name)
        if role:
            await grant(connection, name, role, region, publisher, by=by)
    return name, password


async def grant(
    connection: asyncpg.Connection, name: str, role: str, region: str = "", publisher: str = "", *, by: Actor = CLI
) -> bool:
    """Grant an account its rights; whoever is logged in by it logs in again. False when there is no such account.

    Raises ValueError for what is no right, NotAllowed for whoever has made the account or is it.
    """
    if role not in ROLES:
        raise ValueError(f"no such role: {role} (one of {', '.join(ROLES)})")
    if publisher and role != PARTNER:
        raise ValueError("only the role partner has a publisher")
    async with connection.transaction():
        account = await _locked(connection, name)
        if account is None:
            return False
        _two_people(by, account)
        if role != ADMINISTRATOR:
            await _not_the_last(connection, account)
        await connection.execute(
            "UPDATE access.account SET role = $2, region = $3, publisher = $4, granted = now(), granted_by = $5"
            " WHERE name = $1", name, role, region, publisher, by.name,
        )  # fmt: skip
        await _end_sessions(connection, name)
        more = {"publisher": publisher} if publisher else {}
        await audit.write(connection, by, "account.granted", name=name, role=role, region=region, **more)
    return True


async def withdraw(connection: asyncpg.Connection, name: str, *, by: Actor = CLI) -> bool:
    """Take an account's rights back; its sessions end everywhere within a second. False when it has none.

    Raises ValueError for the last administrator.
    """
    async with connection.transaction():
        account = await _locked(connection, name)
        if account is None or account.granted is None:
            return False
        await _not_the_last(connection, account)
        await _take_back(connection, name)
        await audit.write(connection, by, "account.withdrawn", name=name, role=account.role)
    return True


async def reset_password(connection: asyncpg.Connection, name: str, *, by: Actor = CLI) -> str | None:
    """A new password, which is kept nowhere; None when there is no such account in use. Raises ValueError.

    Whoever has it could log in as that person: over HTTP the rights are taken back until somebody else grants them.
    """
    password = secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_password, password)
    async with connection.transaction():
        account = await _locked(connection, name)
        if account is None:
            return None
        await connection.execute(
            "UPDATE access.account SET password = $2, made_by = $3 WHERE name = $1", name, hashed, by.name
        )
        await _end_sessions(connection, name)
        if by != CLI:
            await _not_the_last(connection, account)
            await _take_back(connection, name)
        await audit.write(connection, by, "account.password_reset", name=name)
    return password


async def change_password(connection: asyncpg.Connection, name: str, password: str, *, keep: bytes, by: Actor) -> None:
    """A person's own new password; of their sessions the one with the token hash `keep` stays open."""
    hashed = await asyncio.to_thread(hash_password, password)
    async with connection.transaction():
        await connection.execute("UPDATE access.account SET password = $2 WHERE name = $1", name, hashed)
        await connection.execute("DELETE FROM access.session WHERE account = $1 AND token <> $2", name, keep)
        await audit.write(connection, by, "account.password_changed", name=name)


async def list_accounts(connection: asyncpg.Connection) -> list[Account]:
    """All accounts, disabled ones too, oldest first."""
    return [Account(*row) for row in await connection.fetch(f"{SHOWN} ORDER BY created, name")]


SHOWN = "SELECT name, role, region, publisher, created, made_by, granted, granted_by, disabled FROM access.account"


async def disable_account(connection: asyncpg.Connection, name: str, *, by: Actor = CLI) -> bool:
    """Disable an account; its sessions end everywhere within a second. False when there is no such account in use.

    Raises ValueError for the last administrator: nobody could let anybody in again.
    """
    async with connection.transaction():
        account = await _locked(connection, name)
        if account is None:
            return False
        await _not_the_last(connection, account)
        await connection.execute("UPDATE access.account SET disabled = now() WHERE name = $1", name)
        await _end_sessions(connection, name)
        await audit.write(connection, by, "account.disabled", name=name)
    return True


async def first_administrator(connection: asyncpg.Connection) -> tuple[str, str] | None:
    """Make the first administrator of a new hub: its name and password, once; None when there is one."""
    if await connection.fetchval("SELECT count(*) FROM access.account WHERE role = 'administrator'"):
        return None
    return await add_account(connection, "admin", ADMINISTRATOR, by=Actor("hub up"))


def _two_people(by: Actor, account: Account) -> None:
    if by.name == account.name:
        raise NotAllowed("nobody grants rights to themselves")
    if by.name == account.made_by and by.origin != CLI.origin:
        raise NotAllowed(f"{by.name} has made this account or its password: somebody else grants its rights")


async def _locked(connection: asyncpg.Connection, name: str) -> Account | None:
    """An account in use, while no other act on accounts is under way."""
    await connection.execute("LOCK access.account IN SHARE ROW EXCLUSIVE MODE")
    row = await connection.fetchrow(f"{SHOWN} WHERE name = $1 AND disabled IS NULL", name)
    return Account(*row) if row else None


async def _not_the_last(connection: asyncpg.Connection, account: Account) -> None:
    """Raises ValueError for the last administrator."""
    left = await connection.fetch("SELECT name FROM access.account WHERE role = 'administrator' AND disabled IS NULL")
    if [row["name"] for row in left] == [account.name]:
        raise ValueError(f"{account.name} is the last administrator")


async def _take_back(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute(
        "UPDATE access.account SET role = '', region = '', publisher = '', granted = NULL, granted_by = ''"
        " WHERE name = $1", name,
    )  # fmt: skip
    await _end_sessions(connection, name)


async def _end_sessions(connection: asyncpg.Connection, name: str) -> None:
    await connection.execute("DELETE FROM access.session WHERE account = $1", name)
