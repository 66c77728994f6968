"""`hub keys` on real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.runtime import access, postgres
from services.runtime.access import Access


async def hub(database: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command with this database, in a zone that is not the bureau's."""
    own = {"HUB_POSTGRES_DSN": database, "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:1", "COLUMNS": "80", "TZ": "America/Lima"}
    environment = {**os.environ, **own, **more}
    command = [sys.executable, "-c", "from services.cli.app import main; main()", *words]
    return await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)


@pytest.fixture
async def connection(database: str) -> Any:
    await postgres.migrate_all(database)
    connection = await postgres.connect(database, role="test")
    yield connection
    await connection.close()


async def test_a_key_is_added_listed_and_revoked(database: str, connection: Any) -> None:
    added = await hub(
        database, "keys", "add", "inspections", "--source", "/a", "--source", "/b", "--type", "hazard.*",
        "--region", "320111", "--status", "actual", "--status", "exercise", "--right", "publish", "--right", "correct",
        "--json",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    made = json.loads(added.stdout)
    assert made.keys() == {"id", "key", "scope"}
    assert made["scope"] == {
        "sources": ["/a", "/b"],
        "types": ["hazard.*"],
        "regions": ["320111"],
        "statuses": ["actual", "exercise"],
        "rights": ["publish", "correct"],
        "rate": None,
    }
    who = Access(database)
    await who.refresh(connection)
    found = who.authenticate(f"Bearer {made['key']}")
    assert found is not None
    assert (found.id, found.name) == (made["id"], "inspections")
    listed = await hub(database, "keys", "list")
    assert made["id"] in listed.stdout
    assert made["key"] not in listed.stdout
    assert "…" not in listed.stdout
    assert all(word in listed.stdout for word in ("/a /b", "hazard.*", "320111", "exercise", "correct"))
    assert f"新增 {found.created.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M}" in listed.stdout
    (row,) = json.loads((await hub(database, "keys", "list", "--json")).stdout)
    assert (row["id"], row["revoked"]) == (made["id"], None)
    assert (await hub(database, "keys", "revoke", made["id"])).returncode == 0
    await who.refresh(connection)
    assert who.authenticate(f"Bearer {made['key']}") is None


async def test_defaults_are_all_types_the_root_actual_and_publish(database: str, connection: Any) -> None:
    plain = await hub(database, "keys", "add", "a", "--source", "/a")
    assert plain.returncode == 0, plain.stderr
    assert "hub_" in plain.stdout
    (key,) = await access.list_keys(connection)
    assert key.scope == access.Scope(("/a",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a"), "source prefix"),
        (("add", "a", "--source", "/a", "--right", "fly"), "fly"),
        (("revoke", "nosuch"), "nosuch"),
    ],
)
async def test_a_mistake_is_one_sentence(database: str, connection: Any, words: tuple[str, ...], said: str) -> None:
    failed = await hub(database, "keys", *words)
    assert failed.returncode == 1
    assert said in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
