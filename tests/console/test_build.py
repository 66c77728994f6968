"""The build of the pages: a lock of hashes without addresses, sources by fingerprint, failures in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import pages
from services.runtime.settings import ROOT

LOCK = json.loads((ROOT / "services" / "console" / "package-lock.json").read_text("utf-8"))
PACKAGES = {name: package for name, package in LOCK["packages"].items() if name}


def test_the_lock_has_hashes_and_no_addresses() -> None:
    assert [name for name, package in PACKAGES.items() if "resolved" in package] == []
    assert [name for name, package in PACKAGES.items() if not package.get("integrity", "").startswith("sha512-")] == []


def test_what_is_asked_for_is_one_version_each() -> None:
    asked = json.loads((ROOT / "services" / "console" / "package.json").read_text("utf-8"))
    named = {**asked["dependencies"], **asked["devDependencies"]}
    assert {name: PACKAGES[f"node_modules/{name}"]["version"] for name in named} == named


def test_a_changed_source_is_another_fingerprint_and_what_is_made_is_none(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    source = tmp_path / "src" / "main.ts"
    source.write_text("1")
    before = pages.fingerprint(tmp_path)
    for made in ("dist", "node_modules"):
        (tmp_path / made).mkdir()
        (tmp_path / made / "file").write_text("made")
    assert pages.fingerprint(tmp_path) == before
    source.write_text("2")
    assert pages.fingerprint(tmp_path) != before


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 1)])
def test_a_build_that_fails_is_one_sentence_and_keeps_no_hub_down(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    strict: tuple[str, ...],
    code: int,
) -> None:
    (tmp_path / "package.json").write_text("no JSON")
    monkeypatch.setattr(pages, "SOURCES", tmp_path)
    monkeypatch.setattr(pages, "BUILT", tmp_path / "dist")
    monkeypatch.setattr(sys, "argv", ["pages", *strict])
    assert pages.main() == code
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "中枢照常启动" in said[0]


def test_the_types_hold() -> None:
    """Skipped where nothing was built yet."""
    check = ROOT / "services" / "console" / "node_modules" / "vue-tsc" / "bin" / "vue-tsc.js"
    if not check.exists():
        pytest.skip("make pages installs vue-tsc")
    node, _ = pages._node()
    done = subprocess.run(
        [node, str(check), "--noEmit"], cwd=check.parents[3], capture_output=True, text=True, check=False,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
