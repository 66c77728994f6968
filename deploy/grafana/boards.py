"""The Grafana dashboards as tables of panels: `python -m deploy.grafana.boards` writes them as JSON.

Each row is one panel: heading, unit, and what it draws as pairs of a query and its legend. A query is asked of a real
Prometheus by a test, so that no panel stays empty because a metric has changed its name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).with_name("dashboards")
SOURCE = {"type": "prometheus", "uid": "hub"}
WIDE, HIGH, ACROSS = 8, 7, 3


class Panel(NamedTuple):
    """A panel: `zero` must be 0, and is drawn as one red or green number."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    zero: bool = False


def _p99(histogram: str) -> str:
    return f"histogram_quantile(0.99, sum by (le) (rate({histogram}_bucket[5m])))"


BOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "hub": ("中枢总览", (
        Panel("未交代的记录", "short", (
            ("sum(hub_reporting_unexplained_records)", "计数"),
            ("sum(hub_warning_unexplained_records)", "值守")), zero=True),
        Panel("计数与台账之差", "short", (("hub_reporting_tally_difference or vector(0)", "行"),), zero=True),
        Panel("停下的分区", "short", (
            ('sum({__name__=~"hub_.*_partitions_stopped"})', "个"),), zero=True),
        Panel("接入（每秒）", "short", (("sum by (outcome) (rate(hub_ingest_events_total[1m]))", "{{outcome}}"),)),
        Panel("请求（每秒）", "short", (("sum by (status) (rate(hub_ingest_requests_total[1m]))", "{{status}}"),)),
        Panel("Kafka 写妥 p99", "s", ((_p99("hub_ingest_publish_seconds"), "写妥"),)),
        Panel("还没读的记录", "short", (
            ("sum by (topic) (hub_reporting_lag_records)", "计数 {{topic}}"), ("hub_warning_lag_records", "值守"))),
        Panel("读取进程多久没有消息", "s", (
            ("hub_ingest_reader_age_seconds", "接入"), ("hub_warning_reader_age_seconds", "值守"),
            ("hub_reporting_reader_age_seconds", "计数"))),
        Panel("隔离的记录", "short", (
            ("sum(hub_reporting_quarantine_records) or vector(0)", "计数"),
            ("sum(hub_warning_quarantine_records) or vector(0)", "值守"))),
        Panel("待发事件等了多久", "s", (
            ("hub_ingest_outbox_waiting_seconds", "接入"), ("hub_warning_outbox_waiting_seconds", "值守"),
            ("hub_reporting_outbox_waiting_seconds", "计数"))),
        Panel("取一个数字 p99", "s", ((_p99("hub_reporting_figure_seconds"), "取数"),)),
        Panel("实时页面", "short", (("hub_reporting_live_clients", "打开的页面"),)),
    )),
    "watch": ("值守与叫应", (
        Panel("在办事项", "short", (("sum by (kind) (hub_warning_matters_open)", "{{kind}}"),)),
        Panel("静默的数据来源", "short", (
            ('sum(hub_warning_matters_open{kind="feed",state="silent"}) or vector(0)', "个"),), zero=True),
        Panel("有故障的通道", "short", (
            ('sum(hub_warning_matters_open{kind="channel",state="failed"}) or vector(0)', "个"),), zero=True),
        Panel("待发消息", "short", (("sum(hub_warning_letters_waiting) or vector(0)", "条"),)),
        Panel("最久的待发消息", "s", (("max(hub_warning_letter_waiting_seconds) or vector(0)", "等待"),)),
        Panel("到时未办的时钟", "s", (("hub_warning_clock_late_seconds", "迟"),)),
        Panel("回执与回复（每秒）", "short", (
            ("sum(rate(hub_warning_receipts_total[5m])) or vector(0)", "回执"),
            ("sum(rate(hub_warning_replies_total[5m])) or vector(0)", "回复"))),
        Panel("离线监测点", "short", (("hub_warning_points_offline", "离线"), ("hub_warning_points", "全部"))),
        Panel("监测异常", "short", (("hub_warning_episodes_open", "异常"),)),
    )),
    "host": ("主机与进程", (
        Panel("磁盘剩余", "percentunit", (("hub_ingest_disk_free_ratio", "剩余"),)),
        Panel("时钟之差", "s", (("hub_ingest_clock_skew_seconds", "数据库减本机"),)),
        Panel("接口进程内存", "bytes", (('process_resident_memory_bytes{job="hub-ingest"}', "内存"),)),
        Panel("接口进程处理器", "percentunit", (('rate(process_cpu_seconds_total{job="hub-ingest"}[1m])', "处理器"),)),
        Panel("钥匙快照多旧", "s", (("hub_ingest_keys_age_seconds", "旧"),)),
        Panel("落盘等待的预警", "short", (("hub_ingest_spool_waiting", "份"),), zero=True),
    )),
}  # fmt: skip
"""File name → title and panels."""


def queries() -> list[str]:
    """Every query of every panel."""
    return [query for _, panels in BOARDS.values() for panel in panels for query, _ in panel.queries]


def board(name: str) -> dict[str, Any]:
    """One dashboard, as Grafana reads it."""
    title, panels = BOARDS[name]
    return {
        "uid": f"hub-{name}", "title": title, "tags": ["hub"], "timezone": "browser", "schemaVersion": 39, "version": 1,
        "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "templating": {"list": []},
        "panels": [_panel(at, one) for at, one in enumerate(panels)],
    }  # fmt: skip


def _panel(at: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(at, ACROSS)
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    steps += [{"color": "red", "value": 1}] if panel.zero else []
    return {
        "id": at + 1, "type": "stat" if panel.zero else "timeseries", "title": panel.title, "datasource": SOURCE,
        "gridPos": {"h": HIGH, "w": WIDE, "x": column * WIDE, "y": row * HIGH},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0 if panel.unit != "s" else None,
                         "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for n, (query, legend) in enumerate(panel.queries)
        ],
    }  # fmt: skip


def text(name: str) -> str:
    """The file of one dashboard."""
    return json.dumps(board(name), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write every dashboard, and name those that changed."""
    for name in BOARDS:
        file = FOLDER / f"{name}.json"
        if not file.exists() or file.read_text("utf-8") != text(name):
            file.write_text(text(name), "utf-8")
            sys.stdout.write(f"{file.name}\n")


if __name__ == "__main__":
    main()
