"""`hub verify` says what it found, as a table and as JSON, and by its exit code."""

from __future__ import annotations

import json

import pytest

from services.cli import verify
from tests.records import record
from tests.reporting.conftest import Reader, reader

__all__ = ["reader"]


async def test_the_exit_code_says_whether_everything_is_as_it_was_written(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_POSTGRES_DSN", reader.settings.postgres_dsn)
    await reader.read([record(), record(), b"no event"])
    assert await verify._verify(as_json=False) == 0
    assert "相符" in capsys.readouterr().out
    await reader.connection.execute("UPDATE ledger SET region = '99'")
    assert await verify._verify(as_json=True) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["verified"], shown["events"], shown["wrong"]) == (False, 2, 2)
    assert "台账的列与正文不符（region）" in shown["findings"][0]["text"]
    hazards = [row for row in shown["partitions"] if row["topic"] == "hazards"]
    assert sum(row["handled"] for row in hazards) == 2
    assert sum(row["quarantine"] for row in hazards) == 1
    assert await verify._verify(as_json=False) == 1
    assert "2 处不符" in capsys.readouterr().out
