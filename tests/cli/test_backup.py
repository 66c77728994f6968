"""`hub backup` and `hub restore` on an outside database: whole or not at all, and only where nothing is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.local import CannotStart, dump, saved
from services.cli import backup, restore
from services.cli.running import CommandFailed
from services.reporting.verify import verify
from services.runtime import postgres as database_
from tests.records import record
from tests.reporting.conftest import Reader, reader

__all__ = ["reader"]
TABLES = ("reporting.ledger", "reporting.position", "reporting.seal", "access.key", "access.account")


@pytest.fixture
async def other(postgres: str) -> AsyncIterator[str]:
    """DSN of a second, empty database."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE DATABASE hub_restored STRATEGY file_copy")
    yield urlunsplit(urlsplit(postgres)._replace(path="/hub_restored"))
    await connection.execute("DROP DATABASE hub_restored WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def made(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A backup of thirty events, beside an older one."""
    monkeypatch.setenv("HUB_POSTGRES_DSN", reader.settings.postgres_dsn)
    monkeypatch.setenv("HUB_DATA_DIR", str(reader.settings.data_dir))
    await reader.read([record(subject=f"h{n}", data={"level": "major"}) for n in range(30)])
    return await take(tmp_path / "backups")


async def take(folder: Path) -> Path:
    with backup.bars() as bar:
        return (await backup._backup(backup.Settings(), folder, bar))[0]


async def bring(folder: Path, dsn: str, *, replace: bool = False) -> None:
    with restore.bars() as bar:
        await restore._into_theirs(dsn, folder, saved.open_(folder), replace, bar)


async def content(dsn: str) -> dict[str, list[tuple[object, ...]]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {t: sorted(map(tuple, await connection.fetch(f"SELECT * FROM {t}")), key=str) for t in TABLES}
    finally:
        await connection.close()


async def test_what_was_backed_up_stands_in_another_database_and_is_sealed_as_before(
    reader: Reader, made: Path, other: str
) -> None:
    before = await content(reader.settings.postgres_dsn)
    await bring(made, other)
    assert await content(other) == before
    assert (await verify(other)).wrong == 0
    assert await database_.migrate_all(other) == []
    with pytest.raises(CommandFailed, match="--replace"):
        await bring(made, other)
    await bring(made, other, replace=True)
    assert await content(other) == before


async def test_nobody_may_be_at_work_in_a_database_that_is_replaced(reader: Reader, made: Path) -> None:
    async with reader.running():
        with pytest.raises(CommandFailed, match="先停止"):
            await bring(made, reader.settings.postgres_dsn, replace=True)


async def test_only_the_owner_may_read_it_and_no_half_of_one_is_left(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made.stat().st_mode & 0o077 == 0  # noqa: ASYNC240
    assert (made / "bureau" / "bureau.toml").is_file()
    monkeypatch.setattr(dump, "free_bytes", lambda _folder: 1 << 20)
    with pytest.raises(CannotStart, match="只剩 1 MB"):
        await take(made.parent)
    monkeypatch.undo()
    assert list(made.parent.iterdir()) == [made]


async def test_a_changed_missing_or_added_file_is_found_before_anything_is_touched(made: Path) -> None:
    manifest = saved.open_(made)
    saved.check(made, manifest, lambda _done, _all: None)
    dat = next(path for path in sorted(manifest.files) if path.endswith("toc.dat"))
    whole = (made / dat).read_bytes()
    for change in (lambda: (made / dat).write_bytes(whole[:-1] + b"x"), (made / dat).unlink,
                   lambda: (made / "bureau" / "more.toml").write_text("")):  # fmt: skip
        change()
        with pytest.raises(CannotStart, match="损坏"):
            saved.check(made, manifest, lambda _done, _all: None)
        (made / dat).write_bytes(whole)


def test_the_newest_whole_backup_is_meant_and_the_last_are_kept(tmp_path: Path) -> None:
    names = [f"hub-2026112{n}T000000Z" for n in range(5)]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / saved.MANIFEST).write_text("{}")
    (tmp_path / "hub-20261129T000000Z.partial").mkdir()
    (tmp_path / "hub-20261128T000000Z").mkdir()
    assert saved.newest(tmp_path).name == names[-1]
    assert [p.name for p in saved.forget(tmp_path, 2)] == names[:3]
    assert saved.newest(tmp_path / names[-2]).name == names[-2]
    with pytest.raises(CannotStart, match="没有备份"):
        saved.newest(tmp_path / "hub-20261128T000000Z")


def test_what_is_no_backup_or_of_a_newer_release_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / saved.MANIFEST).write_text(json.dumps({"format": saved.FORMAT + 1}))
    with pytest.raises(CannotStart, match="新版本"):
        saved.open_(tmp_path)
    whole = dict.fromkeys(("made", "version", "postgres", "bureau"), "")
    empty = {"events": 0, "rows": {}, "positions": {}, "settings": [], "database_bytes": 0}
    text = json.dumps({**whole, **empty, "migrations": ["access:access/9999_tomorrow"]})
    (tmp_path / saved.MANIFEST).write_text(text)
    with pytest.raises(CommandFailed, match="access/9999_tomorrow"):
        restore.restore(tmp_path)


async def test_a_database_of_a_newer_release_is_refused(database: str) -> None:
    await database_.migrate_all(database)
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO reporting.migration (name) VALUES ('schema/9999_tomorrow')")
    await connection.close()
    with pytest.raises(database_.Newer, match="reporting:schema/9999_tomorrow"):
        await database_.migrate_all(database)


def test_a_password_is_not_on_the_command_line() -> None:
    where, environment = dump._address("postgresql://hub:s3cret@db:5432/hub?sslmode=require&password=x")
    assert where == "postgresql://hub@db:5432/hub?sslmode=require"
    assert environment["PGPASSWORD"] == "s3cret"
    own = "postgresql://hub@/hub?host=/data/run&port=5432"
    assert dump._address(own)[0] == own
