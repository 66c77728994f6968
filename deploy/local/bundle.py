"""`make bundle`: everything that an installation without a network needs, in one folder, each file with its checksum.

Wheels of the lock (Java, Node, PostgreSQL and fonts are among them), Kafka's jars, the sources with the built pages,
and, where a Docker engine has them, the images of the compose file.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local import CannotStart
from deploy.local.kafka import KafkaPart, fetch, read_lock
from deploy.local.part import silent
from services.runtime.settings import ROOT, Settings

FOLDER = ROOT / "bundle"
SOURCES = (
    "services", "deploy", "bureaus", "docs", "Makefile", "pyproject.toml", "requirements.txt", "README.md",
    "README.zh-CN.md", "CHANGELOG.md", "LICENSE", "docker-compose.yml",
)  # fmt: skip
NOT_SOURCES = ("__pycache__", "node_modules", "*.egg-info", "dist.new", ".*")
SUMS = "SHA256SUMS"
DOCKER_SECONDS = 600


def main(folder: Path = FOLDER) -> int:
    """Make it beside, then put it in its place; what is missing is one sentence."""
    began = time.monotonic()
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        for title, step in (("软件包", wheels), ("Kafka", jars), ("程序和网页", sources), ("容器镜像", images)):
            sys.stdout.write(f"  {title} …\n")
            sys.stdout.flush()
            step(fresh)
    except CannotStart as problem:
        sys.stderr.write(f"hub: {problem}\n")
        return 1
    size = seal(fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    seconds = time.monotonic() - began
    sys.stdout.write(f"离线安装包：{folder}（{size / 1e6:.0f} MB，用时 {seconds:.0f} 秒）\n")
    sys.stdout.write("拷到目标机器上执行：python3 install.py 目标目录\n")
    return 0


def wheels(fresh: Path) -> None:
    """The very files that the lock names, as this machine would install them. Raises CannotStart."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--require-hashes",
         "--quiet", "--dest", str(fresh / "wheels"), "-r", str(ROOT / "requirements.txt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["没有说明"]
        raise CannotStart(f"软件包没有取齐：{said[-1]}；联网（或为 pip 设好镜像）后再执行一次")


def jars(fresh: Path) -> None:
    """Kafka's, by their checksums. Raises CannotStart."""
    settings = Settings()
    kept = KafkaPart(settings).jars
    fetch(kept, settings.kafka_jars, silent)
    (fresh / "jars").mkdir()
    for jar in read_lock():
        shutil.copy2(kept / jar.file, fresh / "jars" / jar.file)


def sources(fresh: Path) -> None:
    """The program as it lies here, its built pages and the script that installs it."""
    ignored = shutil.ignore_patterns(*NOT_SOURCES)
    for name in SOURCES:
        source, target = ROOT / name, fresh / "hub" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    shutil.copy2(Path(__file__).with_name("install.py"), fresh / "install.py")


def images(fresh: Path) -> None:
    """Those of the compose file that the Docker engine of this machine has; without one there are none."""
    if (found := list(_images())) and shutil.which("docker"):
        save = ["docker", "save", "--output", str(fresh / "images.tar"), *found]
        if subprocess.run(save, capture_output=True, check=False, timeout=DOCKER_SECONDS).returncode:
            (fresh / "images.tar").unlink(missing_ok=True)
            raise CannotStart("容器镜像没有存成：检查 Docker 和磁盘空间")


def _images() -> Iterator[str]:
    try:
        asked = subprocess.run(
            ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--images"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        for name in sorted(set(asked.stdout.split())) if asked.returncode == 0 else ():
            there = ["docker", "image", "inspect", name]
            if subprocess.run(there, capture_output=True, check=False, timeout=60).returncode == 0:
                yield name
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return


def seal(fresh: Path) -> int:
    """Write the checksums; bytes in all."""
    files = sorted(p for p in fresh.rglob("*") if p.is_file())
    with (fresh / SUMS).open("w", encoding="utf-8") as out:
        for path in files:
            with path.open("rb") as file:
                out.write(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(fresh).as_posix()}\n")
    return sum(p.stat().st_size for p in files)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
