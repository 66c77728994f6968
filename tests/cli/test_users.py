"""`hub users` on real PostgreSQL."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any, get_args

import pytest

from services.cli.users import ROLES_ZH, Role
from services.runtime import accounts
from services.runtime.access import Access
from tests.cli.test_keys import connection, hub

__all__ = ["connection"]


def test_the_command_knows_every_role() -> None:
    assert get_args(Role) == accounts.ROLES
    assert tuple(ROLES_ZH) == accounts.ROLES


async def add(database: str, name: str, role: str, *more: str) -> dict[str, Any]:
    done = await hub(database, "users", "add", name, "--role", role, *more, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


async def test_an_account_is_added_listed_and_disabled(database: str, connection: Any) -> None:
    made = await add(database, "liu", "clerk", "--region", "990111001")
    assert made.keys() == {"name", "password"}
    stored = await connection.fetchval("SELECT password FROM access.account WHERE name = 'liu'")
    assert accounts.check_password(made["password"], stored)
    listed = await hub(database, "users", "list")
    assert "liu" in listed.stdout
    assert "统计" in listed.stdout
    assert made["password"] not in listed.stdout

    who, cookie = Access(database), "a cookie"
    await connection.execute(
        "INSERT INTO access.session (token, account, csrf, expires) VALUES ($1, 'liu', 'x', $2)",
        hashlib.sha256(cookie.encode()).digest(), datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC),
    )  # fmt: skip
    await who.refresh(connection)
    assert who.session(cookie) is not None
    assert (await hub(database, "users", "disable", "liu")).returncode == 0
    await who.refresh(connection)
    assert who.session(cookie) is None
    (row,) = json.loads((await hub(database, "users", "list", "--json")).stdout)
    assert row["disabled"] is not None
    audit = await connection.fetch("SELECT did, detail FROM access.audit ORDER BY id")
    assert [one["did"] for one in audit] == ["account.added", "account.granted", "account.disabled"]
    assert made["password"] not in str(audit)


async def test_the_last_administrator_stays(database: str, connection: Any) -> None:
    await add(database, "first", "administrator")
    await add(database, "clerk", "clerk")
    refused = await hub(database, "users", "disable", "first")
    assert (refused.returncode, "最后一个管理账户" in refused.stderr) == (1, True)
    await add(database, "second", "administrator")
    assert (await hub(database, "users", "disable", "first")).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a", "--role", "king"), "king"),
        (("add", "a b", "--role", "watch"), "without blanks"),
        (("add", "there", "--role", "watch"), "already"),
        (("disable", "nobody"), "nobody"),
        (("grant", "nobody", "--role", "watch"), "nobody"),
        (("grant", "there", "--role", "watch", "--publisher", "grid"), "partner"),
        (("password", "nobody"), "nobody"),
        (("withdraw", "there-not"), "there-not"),
    ],
)
async def test_a_mistake_is_told(
    database: str, connection: Any, words: tuple[str, ...], said: str
) -> None:  # fmt: skip
    await add(database, "there", "watch")
    failed = await hub(database, "users", *words)
    assert failed.returncode in (1, 2)  # 2: the command line itself
    assert said in failed.stderr + failed.stdout


async def test_an_account_without_a_role_waits_for_one_and_may_lose_it(database: str, connection: Any) -> None:
    made = await hub(database, "users", "add", "new", "--json")
    assert made.returncode == 0, made.stderr
    assert "未授权" in (await hub(database, "users", "list")).stdout
    assert (await hub(database, "users", "grant", "new", "--role", "partner", "--publisher", "grid")).returncode == 0
    (row,) = json.loads((await hub(database, "users", "list", "--json")).stdout)
    assert (row["role"], row["publisher"], row["granted_by"]) == ("partner", "grid", "cli")
    changed = json.loads((await hub(database, "users", "password", "new", "--json")).stdout)
    assert changed["password"] != json.loads(made.stdout)["password"]
    assert (await hub(database, "users", "withdraw", "new")).returncode == 0
    (row,) = json.loads((await hub(database, "users", "list", "--json")).stdout)
    assert (row["role"], row["granted"]) == ("", None)
