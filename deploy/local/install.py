"""Installs the hub from the folder that `make bundle` made, without any network: `python3 install.py FOLDER`.

Needs nothing but Python itself; run again on an older installation it brings that to this release, the data stay.
Must be read by an old Python too, so that it can say so: no syntax newer than 3.6 here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = (3, 11)
CHUNK = 1 << 20


class Broken(Exception):
    """Why nothing can be installed; the text is one sentence that says what to do."""


def main(folder: str) -> None:
    """Check every file, put the program in its place, make its environment from the wheels."""
    began = time.monotonic()
    check()
    target = Path(folder).resolve()
    shutil.copytree(str(HERE / "hub"), str(target), dirs_exist_ok=True)
    jars = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emergency-hub" / "jars"
    shutil.copytree(str(HERE / "jars"), str(jars), dirs_exist_ok=True)
    environment = dict(os.environ, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(HERE / "wheels"))
    make = [sys.executable, "deploy/local/environment.py", "requirements.txt", ".venv/.run"]
    if subprocess.call(make, cwd=str(target), env=environment):
        raise Broken("没有装成：原因见上")
    if (HERE / "images.tar").exists():
        sys.stdout.write("容器镜像：docker load --input {}\n".format(HERE / "images.tar"))
    sys.stdout.write(f"已安装到 {target}，用时 {time.monotonic() - began:.0f} 秒\n")
    sys.stdout.write(f"启动：cd {target} && .venv/bin/hub up\n")


def check() -> None:
    """Every file is there, and is the one that was bundled."""
    if sys.version_info < NEEDED:
        found = ".".join(map(str, sys.version_info[:2]))
        raise Broken(f"需要 Python 3.11 或更新的版本，这里是 {found}")
    for line in (HERE / "SHA256SUMS").read_text("utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        try:
            found = digest(HERE / name)
        except FileNotFoundError:
            found = ""
        if found != wanted:
            raise Broken(f"安装包不完整：{name} 缺失或与校验和不符，重新拷贝一次")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(CHUNK), b""):
            found.update(piece)
    return found.hexdigest()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:2] or (str(Path.home() / "emergency-hub"),))
    except Broken as problem:
        sys.exit(f"hub: {problem}")
