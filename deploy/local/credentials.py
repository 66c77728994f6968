"""What a new hub hands to the person who started it: a first log-in, and the key of its own command line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from services.contracts.event import STATUSES
from services.runtime import access, accounts, postgres
from services.runtime.audit import Actor

KEY_NAME = "admin"
EVERYTHING = access.Scope(sources=(access.ANY,), statuses=tuple(STATUSES), rights=tuple(access.RIGHTS))


@dataclass(frozen=True)
class Credentials:
    """Shown in the table: where the key lies, and at the first start the administrator's name and password."""

    key_file: Path
    login: tuple[str, str] | None


async def issue(dsn: str, key_file: Path) -> Credentials:
    """Make what is missing; a key file that the database does not know (another database) is replaced."""
    connection = await postgres.connect(dsn, role="up")
    try:
        if id_in(key_file) not in {key.id for key in await access.list_keys(connection) if key.revoked is None}:
            _, token = await access.add_key(connection, KEY_NAME, EVERYTHING, by=Actor("hub up"))
            write_secret(key_file, token)
        return Credentials(key_file, await accounts.first_administrator(connection))
    finally:
        await connection.close()


def id_in(key_file: Path) -> str | None:
    """The id of the key in the file; None: there is no file, or no key in it."""
    try:
        return key_file.read_text("utf-8").split("_")[1]
    except (FileNotFoundError, IndexError):
        return None


def write_secret(file: Path, text: str, mode: int = 0o600) -> None:
    """A file only its owner may read (or whom the mode says), from its first byte on, and never half written."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as out:
        out.write(text + "\n")
    fresh.replace(file)
