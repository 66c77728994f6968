"""`hub status`: what runs, where, since when, and whether each service says it is ready."""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.local.folder import Running, Status, without_password
from services.cli import containers
from services.cli.app import NOT_RUNNING
from services.cli.running import home_of, running
from services.runtime.settings import Settings

HEALTH_SECONDS = 2.0


def status(*, json_: bool = False) -> int:
    """正在运行的部件、地址、进程和健康状况。全部就绪时退出码为 0，否则为 1。

    Parameters
    ----------
    json_
        按 JSON 输出，供程序读取。
    """
    settings = Settings()
    found = running(settings)
    if found is None:
        print(json.dumps({"running": False}) if json_ else f"{NOT_RUNNING}（数据目录 {home_of(settings)}）")
        return 1
    shown = picture(containers.looked_up(found, settings) if found.containers else found)
    if json_:
        json.dump(shown, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        _print(shown)
    return 0 if shown["ready"] else 1


def picture(found: Status) -> dict[str, Any]:
    """Everything `--json` says; durations in seconds, memory in bytes (shared pages shared out)."""
    now = time.time()
    services = {prefix.strip("/"): _health(f"{found.http}{prefix}/health/ready") for prefix in found.services}
    processes = [_process(row, now) for row in found.processes]
    return {
        "running": True,
        "ready": all(s["ready"] for s in services.values()) and all(p["state"] == "ready" for p in processes),
        "pid": found.pid,
        "uptime_seconds": round(now - found.started, 1),
        "environment": found.environment,
        "bureau": found.bureau,
        "http": {"url": found.http},
        "kafka": {"bootstrap": found.bootstrap, "embedded": "kafka" in found.embedded},
        "postgres": {"dsn": without_password(found.dsn), "embedded": "postgres" in found.embedded},
        "topics": found.topics,
        "services": services,
        "processes": processes,
        "memory_bytes": sum(p["memory_bytes"] for p in processes) + memory_of(found.pid, alone=True),
    }


def _process(row: Running, now: float) -> dict[str, Any]:
    return {
        "name": row.name,
        "pid": row.pid,
        "state": row.state,
        "uptime_seconds": round(now - row.started, 1) if row.started else 0.0,
        "restarts": row.restarts,
        "memory_bytes": memory_of(row.pid),
        "log": row.log,
    }


def memory_of(pid: int, *, alone: bool = False) -> int:
    """Bytes of a process and, unless alone, of its children; 0 when it is gone or not ours to see."""
    total = 0
    try:
        process = psutil.Process(pid)
        for each in [process, *([] if alone else process.children(recursive=True))]:
            total += each.memory_full_info().pss
    except psutil.Error:
        pass
    return total


def _health(url: str) -> dict[str, Any]:
    """What a service says about itself."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=HEALTH_SECONDS)
    try:
        connection.request("GET", where.path)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return {"ready": False, "detail": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()
    return {"ready": answer.status == http.client.OK, "detail": "" if answer.status == http.client.OK else body[:300]}


def _print(shown: dict[str, Any]) -> None:
    where = {
        "kafka": shown["kafka"]["bootstrap"],
        "postgres": shown["postgres"]["dsn"],
        "hub-api": shown["http"]["url"],
    }
    table = Table("部件", "状态", "地址", "pid", "运行", "重启", "内存")
    for row in shown["processes"]:
        state = f"[green]{row['state']}[/]" if row["state"] == "ready" else f"[red]{row['state']}[/]"
        table.add_row(
            *(row["name"], state, escape(where.get(row["name"], "")), str(row["pid"] or "容器")),
            *(span(row["uptime_seconds"]), str(row["restarts"]), f"{row['memory_bytes'] / 1e6:.0f} MB"),
        )
    for name, service in shown["services"].items():
        state = "[green]ready[/]" if service["ready"] else "[red]not ready[/]"
        table.add_row(f"/{name}", state, escape(service["detail"]), "", "", "", "")
    console = Console()
    console.print(table)
    console.print(f"共占内存 {shown['memory_bytes'] / 1e6:.0f} MB，已运行 {span(shown['uptime_seconds'])}")


def span(seconds: float) -> str:
    """A duration for people: 5 秒, 12 分, 3 小时 05 分, 2 天 3 小时."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} 天 {hours % 24} 小时"
    if hours:
        return f"{hours} 小时 {minutes % 60:02d} 分"
    return f"{minutes} 分" if minutes else f"{seconds:.0f} 秒"
