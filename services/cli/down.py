"""`hub down`: stop the hub that runs from this data folder."""

from __future__ import annotations

import os
import signal
import time

from deploy.local.folder import holder
from services.cli.running import CommandFailed, home_of, running
from services.runtime.settings import Settings

PATIENCE_SECONDS = 15.0
"""The supervisor itself needs at most 10."""


def down() -> None:
    """停止从这个数据目录（HUB_DATA_DIR）运行的中枢；10 秒内全部停下。"""
    home = home_of(Settings())
    if (status := running()) and status.containers:
        raise CommandFailed("中枢在容器中运行：在主机上执行 docker compose down")
    pid = holder(home)
    if not pid:
        print(f"中枢未运行（数据目录 {home}）")
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE_SECONDS
    while holder(home) == pid:
        if time.monotonic() > end:
            raise CommandFailed(f"{PATIENCE_SECONDS:.0f} 秒内没有停下：执行 kill -9 {pid}，它的进程会随之结束")
        time.sleep(0.05)
    print("中枢已停止")
