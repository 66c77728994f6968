"""Databases written by earlier releases are brought to this one, and still answer."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from deploy.local import saved
from services.cli import restore
from services.reporting.verify import verify
from services.runtime import access, accounts, postgres
from services.runtime.settings import ROOT

RELEASES = sorted((ROOT / "tests" / "releases").glob("*.tar.gz"))


@pytest.mark.parametrize("archive", RELEASES, ids=lambda path: path.name.partition(".")[0])
async def test_what_an_earlier_release_has_written_is_brought_to_this_one(
    archive: Path, database: str, tmp_path: Path
) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    manifest = saved.open_(tmp_path)
    saved.check(tmp_path, manifest, lambda _done, _all: None)
    assert set(manifest.migrations) < postgres.known(), "it is older, or it is no test"
    with restore.bars() as bar:
        await restore._into_theirs(database, tmp_path, manifest, False, bar)
    assert await postgres.migrate_all(database) == []
    report = await verify(database)
    assert (report.wrong, report.events) == (0, manifest.events)
    connection = await postgres.connect(database, role="test")
    try:
        assert [account.role for account in await accounts.list_accounts(connection)] == ["administrator"]
        assert [key.granted is not None for key in await access.list_keys(connection)] == [True]
        assert await connection.fetchval("SELECT count(*) FROM warning.matter") > 0
    finally:
        await connection.close()
