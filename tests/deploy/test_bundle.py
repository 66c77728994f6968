"""The hub installed from its bundle where there is no network at all, and started there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local import bundle

pytestmark = pytest.mark.slow
ALONE = """
set -e
ip link set lo up
! ping -c 1 -W 1 192.0.2.1 >/dev/null 2>&1
python3 "$BUNDLE/install.py" "$TARGET"
cd "$TARGET"
.venv/bin/hub up >"$TARGET/up.txt" 2>&1 &
for _ in $(seq 1 120); do .venv/bin/hub status --json >"$TARGET/status.json" && break; sleep 0.5; done
.venv/bin/hub status --json >"$TARGET/status.json"
.venv/bin/hub down
"""
"""What happens in a network namespace of its own, where only loopback is."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of this checkout."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    assert bundle.main(folder) == 0
    return folder


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs a network namespace")
def test_it_installs_and_starts_without_a_network(made: Path, tmp_path: Path, ports: Callable[[], int]) -> None:
    port = ports()
    own = {
        "BUNDLE": str(made), "TARGET": str(tmp_path / "hub"), "HUB_DATA_DIR": str(tmp_path / "data"),
        "HUB_HTTP_PORT": str(port), "HUB_KAFKA_PORT": str(port + 1), "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PATH": f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "PIP_", "PYTHON"))}
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", ALONE], env={**kept, **own}, capture_output=True, text=True, check=False,
        timeout=800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"已安装到 .*，用时 \d+ 秒", done.stdout)
    assert '"ready": true' in (tmp_path / "hub" / "status.json").read_text()


def test_a_file_that_was_spoilt_on_the_way_is_named(made: Path, tmp_path: Path) -> None:
    spoilt = next((made / "jars").iterdir())
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:-1])
    done = subprocess.run([sys.executable, made / "install.py", tmp_path / "hub"], capture_output=True, text=True,
                          check=False)  # fmt: skip
    spoilt.write_bytes(whole)
    assert done.returncode == 1
    assert spoilt.name in done.stderr
    assert not (tmp_path / "hub").exists()
