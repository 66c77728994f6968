"""`hub bureau check`: what the clerk sees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from services.cli.app import build
from services.runtime.settings import ROOT

EXAMPLE = ROOT / "bureaus" / "example"


def run(*words: str) -> int:
    """The exit code of `hub bureau …`."""
    with pytest.raises(SystemExit) as ended:
        build()(["bureau", *words])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("folder", sorted(p for p in (ROOT / "bureaus").iterdir() if p.is_dir()), ids=lambda p: p.name)
def test_every_bureau_that_is_shipped_has_no_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(folder)) == 0
    assert "没有错误" in capsys.readouterr().out


def test_each_mistake_is_one_line_with_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "bureau"
    shutil.copytree(EXAMPLE, folder)
    (folder / "codes.toml").write_text('\n[[code]]\nfield = "mode"\nvalue = "x"\n', encoding="utf-8")
    (folder / "statistics" / "river.toml").write_text('[a]\nzh = "甲"\n', encoding="utf-8")
    assert run("check", str(folder)) == 1
    out = capsys.readouterr()
    assert f"{folder}/codes.toml:2: 缺少 zh, 补上 zh = …" in out.out.splitlines()
    assert f'{folder}/statistics/river.toml:1: 缺少 unit, 补上 unit = "…"' in out.out.splitlines()
    assert f"hub bureau check {folder}" in out.err

    assert run("check", str(folder), "--json") == 1
    mistakes = json.loads(capsys.readouterr().out)["mistakes"]
    assert {"file": "codes.toml", "line": 2, "what": "缺少 zh", "todo": "补上 zh = …"} in mistakes
