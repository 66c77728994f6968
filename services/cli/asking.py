"""Asks the running hub over HTTP with the command line's own key; what it refuses is one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx

from services.cli import running
from services.cli.running import CommandFailed
from services.runtime.settings import Settings

SECONDS = 120.0
KEY_FILE = "admin.key"

REASONS = {
    "unknown_key": "没有这个统计项",
    "unknown_region": "没有这个区域",
    "unknown_label": "标签不对",
    "unknown_parameter": "不认识的参数",
    "several_rows": "统计项有多行，用 --label 说明是哪一行",
    "not_a_date": "不是日期，写成 2023-06-30",
    "not_a_time": "不是时间，写成 2023-06-30T08:00:00+08:00",
    "from_after_to": "起始日晚于截止日",
    "unknown_value": "不认识的值",
    "twice": "同一项写了两次",
    "too_many": "分得太细",
    "status_needed": "演练的数字要加 --status exercise",
    "not_yet": "这一类统计项本版本还不能计算",
}
"""Code of a problem → what to tell the clerk; the API's own words follow."""


def ask(path: str, parameters: Iterable[tuple[str, str]] = (), method: str = "GET") -> Any:
    """The JSON answer of the running hub. Raises CommandFailed with what to do."""
    settings = Settings()
    try:
        key = (running.home_of(settings) / KEY_FILE).read_text("utf-8").strip()
    except FileNotFoundError as error:
        raise CommandFailed(f"没有钥匙 {error.filename}：先执行 make up") from error
    try:
        answer = httpx.request(
            method, f"{running.url(settings)}{path}", params=[*parameters],
            headers={"Authorization": f"Bearer {key}"}, timeout=SECONDS, trust_env=False,
        )  # fmt: skip
    except httpx.TransportError as error:
        raise CommandFailed(f"连不上中枢（{type(error).__name__}）：用 hub status 查看，或执行 make up") from error
    if answer.is_success:
        return answer.json()
    raise CommandFailed(sentence(answer))


def sentence(answer: httpx.Response) -> str:
    """What was wrong, for a person."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    problems = body.get("problems") or []
    told = [f"{REASONS.get(p.get('code', ''), '不对')}（{p.get('field')}: {p.get('reason')}）" for p in problems]
    if told:
        return "；".join(told)
    detail = body.get("detail") or answer.text[:200]
    if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return f"现在还没有数字，稍后再试（{detail}）"
    return f"中枢没有答复（{answer.status_code} {detail}）"
