"""`hub up`: the hub in the foreground."""

from __future__ import annotations

import os
import sys

from deploy.local import CannotStart, supervisor
from deploy.local.readiness import unfinished
from deploy.local.terminal import Terminal
from services.runtime.settings import Settings

PATIENCE_SECONDS = 5.0


def up() -> int:
    """启动 Kafka、PostgreSQL 和各项服务，在前台运行，直到 Ctrl-C。

    设置来自环境变量 HUB_…（见 README 的表）。给出 HUB_KAFKA_BOOTSTRAP 或 HUB_POSTGRES_DSN 时，不启动自带的那一部分。
    """
    try:
        supervisor.run(Settings(), Terminal())
        code = 0
    except CannotStart as error:
        print(f"hub: {error}", file=sys.stderr)
        code = 1
    if unfinished(PATIENCE_SECONDS):
        # Python would wait for a download that nobody wants any more
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code
