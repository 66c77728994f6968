"""`make` on a bare machine: what is missing is said in one sentence; what is there is not made again."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import environment
from services.runtime.settings import ROOT

NOWHERE = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a lock that names one small thing that is nowhere near."""
    (tmp_path / "deploy" / "local").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "local" / "environment.py", tmp_path / "deploy" / "local")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "requirements.txt").write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    return tmp_path


def make(checkout: Path, *arguments: str, **environment_: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=checkout, env={**os.environ, **environment_},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_no_python_is_one_sentence(checkout: Path) -> None:
    done = make(checkout, "up", "PYTHON=python9")
    assert done.returncode
    assert "Python 3.11" in done.stderr


def test_an_old_python_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(environment.Missing, match=r"3\.9"):
        environment.check()


def test_an_old_python_can_read_the_file() -> None:

    ast.parse(Path(environment.__file__).read_text("utf-8"), feature_version=(3, 7))


def test_no_venv_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(environment.Missing, match="python3-venv"):
        environment.check()


def test_no_network_is_one_sentence_and_leaves_no_stamp(checkout: Path) -> None:
    done = make(checkout, "up", f"PYTHON={sys.executable}", PIP_NO_CACHE_DIR="1", PIP_FIND_LINKS="", **NOWHERE)
    assert done.returncode
    assert "需要联网" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv" / ".run").exists()


def test_what_the_lock_made_is_not_made_again(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    for stamp in (".run", ".dev"):
        (checkout / ".venv" / stamp).touch()
    (checkout / "requirements-dev.txt").touch()
    os.utime(checkout / "requirements-dev.txt", (0, 0))
    assert make(checkout, "-q", ".venv/.run", ".venv/.dev").returncode == 0
    os.utime(checkout / "requirements.txt", (2**32, 2**32))
    assert make(checkout, "-q", ".venv/.run").returncode == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("WARNING: Retrying … NewConnectionError('…') …\nERROR: No matching distribution found for six", "联网"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "磁盘"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "requirements.txt"),
        ("line\nERROR: something new\n\n", "ERROR: something new"),
        ("", "没有说明"),
    ],
)
def test_what_pip_says_in_one_sentence(said: str, words: str) -> None:
    assert words in environment.why(said, "requirements.txt")


@pytest.mark.parametrize("target", ["up", "demo", "test", "check", "bench", "browser", "help"])
def test_every_promised_target_is_there(target: str) -> None:
    assert f" {target}" in make(ROOT, "help").stdout


def test_the_locks_and_the_makefile_name_no_registry() -> None:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "deploy/local/environment.py", ".ci/run"):
        text = (ROOT / name).read_text("utf-8")
        assert "index-url" not in text
        assert "://" not in text.replace("http://127.0.0.1", ""), name
