"""Makes the environment `.venv` from a lock; needs nothing but Python itself, and says in one sentence what is missing.

Must be read by an old Python too, so that it can say so: no syntax newer than 3.6 here.
"""

import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
OFFLINE = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "ProxyError", "unreachable")


class Missing(Exception):
    """What is missing; the text is one sentence that says what to do."""


def main(lock: str, stamp: str) -> None:
    """Install what the lock names and leave the stamp, which says so to make."""
    check()
    sys.stdout.write(f"准备 Python 环境 .venv（{lock}），第一次约需半分钟 …\n")
    sys.stdout.flush()
    make()
    install(lock)
    Path(stamp).touch()


def check() -> None:
    """Is this Python fit?"""
    if sys.version_info < NEEDED:
        found = ".".join(map(str, sys.version_info[:2]))
        raise Missing(f"需要 Python 3.11 或更新的版本，这里是 {found}：安装后再试，或 make PYTHON=python3.12")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Missing(
            "这个 Python 没有 venv 模块：先安装它（Debian、Ubuntu：apt install python3-venv），再试一次"
        ) from None


def make() -> None:
    """A .venv that works: one that was moved, or whose Python is gone, is made anew."""
    if PYTHON.exists() and subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return
    shutil.rmtree(str(VENV), ignore_errors=True)
    if subprocess.call([sys.executable, "-m", "venv", str(VENV)]):
        raise Missing(f"无法建立 {VENV}：检查磁盘空间和权限")


def install(lock: str) -> None:
    """Exactly the files of the lock, by their hashes; then the hub itself, without any download."""
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    locked = [*pip, "--retries", "2", "--require-hashes", "-r", str(ROOT / lock)]
    itself = [*pip, "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)]
    with LOG.open("wb") as log:
        for command in (locked, itself):
            if subprocess.call(command, stdout=log, stderr=subprocess.STDOUT):
                raise Missing(f"装不上依赖：{why(LOG.read_text('utf-8', 'replace'), lock)}（详情 {LOG}）")


def why(said: str, lock: str) -> str:
    """What to do about a failed installation, from what pip said."""
    if any(word in said for word in OFFLINE):
        return "连不上软件包的下载源，第一次启动需要联网（或为 pip 设好镜像），联网后再执行一次"
    if "No space left" in said:
        return "磁盘已满，清理后再执行一次"
    if "DO NOT MATCH THE HASHES" in said:
        return f"下载到的文件与 {lock} 中的校验和不符，换一个下载源再执行一次"
    return ([line.strip() for line in said.splitlines() if line.strip()] or ["没有说明"])[-1]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Missing as problem:
        sys.exit(f"hub: {problem}")
