"""An export is the whole account, and a script that knows nothing of the hub finds whatever was changed in it."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from services.contracts import identity
from services.reporting.export import NotEmpty, export
from services.runtime.settings import ROOT
from tests.records import correction, record, retraction
from tests.reporting.conftest import DEFINITIONS, Reader

SCRIPT = ROOT / "docs" / "verify_export.py"
NUMBERS = [
    0,
    -0.0,
    1,
    12.5,
    1e21,
    1e-7,
    1.5e-7,
    1e-6,
    123456789012345680000.0,
    0.1,
    -1e300,
    2.6e16,
    5e-324,
    333333333.3,
]


def verified(folder: Path) -> tuple[int, str]:
    """Exit code and output of the script, in a Python without our packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(folder)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def changed(folder: Path, name: str, change: Callable[[list[Any]], object], *, manifest: bool = True) -> None:
    """Change the rows of a file; with `manifest` its digest there too."""
    path = folder / f"{name}.ndjson.gz"
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(rows)
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    told = json.loads((folder / "manifest.json").read_text())
    for file in told["files"]:
        if manifest and file["name"] == path.name:
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(told))


async def filled(reader: Reader) -> None:
    """Every kind of record; numbers, letters and names that canonical JSON is particular about."""
    odd = {"level": "major", "note": "𝄞\u2028\x7f\n", "\U0001f600": 1, "\ufb33": 2, "numbers": NUMBERS}
    one, two, late = record(subject="h1", data=odd), record(subject="h2"), record(subject="h3")
    filled = record(subject="h4", data={"hazard_id": None})
    filled |= {"data": {"hazard_id": "h4"}, "filled": "data.hazard_id=null"}
    broken = json.dumps(record("drill.completed", "d1"), indent=1).encode()
    await reader.read([one, two, one, b"no", correction(one, subject="h9"), correction(late, subject="h8"), filled])
    await reader.read([late, {**two, "digest": "0" * 64}, retraction(two), correction(one), broken, b"{}"])


async def test_an_export_verifies_by_itself(reader: Reader, tmp_path: Path) -> None:
    await filled(reader)
    told: list[tuple[int, int]] = []
    manifest = await export(
        reader.settings.postgres_dsn, tmp_path / "x", DEFINITIONS, lambda done, total: told.append((done, total))
    )
    code, output = verified(tmp_path / "x")
    assert (code, output.splitlines()[-1]) == (0, "verified"), output
    assert manifest["events"] == told[-1][0] == told[-1][1]
    heads = await reader.connection.fetch("SELECT DISTINCT ON (position) seal FROM seal ORDER BY position, first DESC")
    assert all(row["seal"].hex() in output for row in heads)
    with pytest.raises(NotEmpty):
        await export(reader.settings.postgres_dsn, tmp_path / "x", DEFINITIONS)
    files = {file["name"]: file["lines"] for file in manifest["files"]}
    assert files["ledger.ndjson.gz"] == manifest["events"]
    assert files["definitions.ndjson.gz"] == len(DEFINITIONS)


CHANGES: dict[str, tuple[str, Callable[[list[Any]], object], str]] = {
    "a record": ("ledger", lambda rows: rows[-1]["record"].update(region="990111002"), "another digest"),
    "a record and its digest": ("ledger", lambda rows: _resealed(rows[0]), "the seal"),
    "a record taken out": ("ledger", lambda rows: rows.pop(), "the seal"),
    "a retry taken out": ("duplicates", lambda rows: rows.pop(), "the seal"),
    "what was set aside": ("quarantine", lambda rows: rows.pop(0), "the seal"),
    "a seal taken out": ("seals", lambda rows: rows.pop(), "add up"),
    "the account": ("positions", lambda rows: [row.update(handled=row["handled"] + 1) for row in rows], "add up"),
}


def _resealed(row: dict[str, Any]) -> None:
    row["record"]["time"] = "2023-07-01T12:00:00+08:00"
    row["digest"] = identity.digest_again(row["record"])


async def test_whatever_is_changed_is_found(reader: Reader, tmp_path: Path) -> None:
    await filled(reader)
    for n, (what, (name, change, sentence)) in enumerate(CHANGES.items()):
        await export(reader.settings.postgres_dsn, tmp_path / str(n), DEFINITIONS)
        changed(tmp_path / str(n), name, change)
        code, output = verified(tmp_path / str(n))
        assert (code, sentence in output) == (1, True), (what, output)
    await export(reader.settings.postgres_dsn, tmp_path / "y", DEFINITIONS)
    changed(tmp_path / "y", "quarantine", lambda rows: rows[0].update(reason="none"), manifest=False)
    assert "not the file of the manifest" in verified(tmp_path / "y")[1]


def test_the_script_knows_canonical_json() -> None:
    scope: dict[str, Any] = {"__name__": "script"}
    exec(compile(SCRIPT.read_text("utf-8"), str(SCRIPT), "exec"), scope)
    values: list[Any] = [*NUMBERS, {"ﬁ": [None, True], "a": '\t"\\/\u20ac'}, {"\U0001f600": 1, "\ufb33": 2}]
    for value in values:
        assert scope["canonical"](value).encode() == rfc8785.dumps(value), value
    assert len(SCRIPT.read_text("utf-8").splitlines()) <= 130
