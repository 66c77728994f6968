"""`hub up`: the hub in the foreground."""

from __future__ import annotations

from rich.console import Console

from deploy.local import supervisor
from services.runtime.settings import Settings


def up() -> None:
    """启动 Kafka、PostgreSQL 和各项服务，在前台运行，直到 Ctrl-C。

    设置来自环境变量 HUB_…（见 README 的表）。给出 HUB_KAFKA_BOOTSTRAP 或 HUB_POSTGRES_DSN 时，不启动自带的那一部分。
    """
    supervisor.run(Settings(), Console())
