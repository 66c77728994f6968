"""`hub demo`: the hub with the fictional bureau, a past year of it, and a stream that goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.local import CannotStart
from services.cli.up import up
from services.runtime.settings import Settings

STATE = Path("run", "demo.json")
"""In the data folder: what of the past year was sent. It marks the folder: what is in it was made up."""


def demo() -> int:
    """用示例单位启动：第一次运行时回放一年的数据，然后接一路实时数据，直到 Ctrl-C。"""
    settings = Settings()
    try:
        must_be_demo(settings.data_dir)
    except CannotStart as error:
        print(f"hub: {error}", file=sys.stderr)
        return 1
    feed = subprocess.Popen([sys.executable, "-m", "services.cli.feed"])
    try:
        return up()
    finally:
        feed.terminate()
        feed.wait(5)


def must_be_demo(folder: Path) -> None:
    """Refuse a data folder with real data. Raises CannotStart."""
    if (folder / "postgres").exists() and not (folder / STATE).exists():
        raise CannotStart(
            f"{folder.resolve()} 里已有正式数据，不能混入演示数据：用 HUB_DATA_DIR 另指一个目录，再执行 make demo"
        )
