"""The page behind the link in a message: who asks, about what, and four answers; it needs no script.

Only POST answers: what opens links to preview them changes nothing. Whoever has the link may answer its one callout.
"""

from __future__ import annotations

import datetime
import html
import re
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.contracts import codes, identity
from services.runtime import web
from services.runtime.bureau import Bureau
from services.runtime.session import Throttle
from services.warning import reply, said
from services.warning.callbacks import HANDLED, event
from services.warning.letter import EXERCISE
from services.warning.matter import Say
from services.warning.meters import Meters

if TYPE_CHECKING:
    from services.warning.api import Desk

TOKEN = re.compile(r"[A-Za-z0-9_-]{16}")
COLOURS = {"red": "#c4161c", "orange": "#c75300", "yellow": "#f5c400", "blue": "#1a56b0"}
"""Level → the bar on top; yellow alone carries dark letters."""
BUTTONS = {"received": "收到", "need_support": "需支援", "refused": "拒绝", "wrong_number": "号码错误"}
OVER = {
    "lifted": "本次预警已解除，无需再应答。", "superseded": "本次预警级别已变更，原叫应已结束。",
    "exhausted": "叫应已超时结束，答复仍会转告值班室。",
}  # fmt: skip
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex, nofollow",
}


class Links:
    """Answers under `/n/`."""

    def __init__(self, desk: Desk, meters: Meters) -> None:
        self.desk, self.meters = desk, meters
        self.throttle = Throttle()

    async def show(self, token: str, request: Request) -> Response:
        """The page; nothing changes."""
        letter = await self._letter(token, request)
        if letter is None:
            return _note(404, "链接无效", "请核对短信中的链接，或直接回复短信、致电值班室。")
        self._count("shown")
        return _html(page(letter, self.desk.bureau))

    async def answer(self, token: str, request: Request) -> Response:
        """`answer=received`, as a form or as JSON: recorded, also when it is over."""
        letter = await self._letter(token, request)
        if letter is None:
            return _note(404, "链接无效", "请核对短信中的链接，或直接回复短信、致电值班室。")
        sent = _form(await request.body(), request.headers.get("content-type", ""))
        answer = sent.get("answer", "")
        if answer not in BUTTONS:
            return _note(422, "请选择一项答复", "返回上一页，按一个按钮。")
        try:
            await self._say(letter, token, answer, sent.get("text", ""))
        except web.Refusal:
            self._count("not_now")
            return _note(503, "暂时无法记录", "请稍后再按一次，或直接回复短信、致电值班室。", {"Retry-After": "1"})
        self._count("over" if letter["closed"] else "answered")
        return _html(page(letter, self.desk.bureau, answer))

    async def _letter(self, token: str, request: Request) -> Mapping[str, Any] | None:
        """What the link is about; None: it is forged. Raises 429 after many forged ones from one place."""
        row: Mapping[str, Any] | None = None
        if TOKEN.fullmatch(token):
            async with self.desk.taken() as connection:
                row = cast(Mapping[str, Any] | None, await connection.fetchrow(LETTER, token))
        if row is None:
            self._count("forged")
            where = request.client.host if request.client else ""
            self.throttle.check(where)
            self.throttle.failed(where)
        return row

    async def _say(self, letter: Mapping[str, Any], token: str, answer: str, text: str) -> None:
        """Publish the answer; the same by the same link is one."""
        id_ = reply.id_of("link", token, answer)
        async with self.desk.taken() as connection:
            if await connection.fetchval(HANDLED, uuid.UUID(bytes=identity.key(said.SOURCE, id_))):
                return
        now = self.desk.now()
        content = {
            "callout_id": letter["callout"], "post": letter["post"], "person_id": letter["person"] or None,
            "via": "link", "answer": answer, "text": text[:500] or None,
        }  # fmt: skip
        say = Say("answer", "callout.answered", content, now, letter["region"])
        await self.desk.say(event(say, id_, letter["scope"], now))

    def _count(self, outcome: str) -> None:
        self.meters.links.labels(outcome).inc()


def page(letter: Mapping[str, Any], bureau: Bureau, answer: str = "") -> str:
    """The page about one callout, with the answer just given."""
    shown = msgspec.json.decode(letter["shown"])
    alert = msgspec.json.decode(letter["alert"]) if letter["alert"] else {}
    level = str(shown.get("level") or "")
    areas = "、".join(area["name"] for area in alert.get("areas") or ()) or str(shown.get("organisation_name") or "")
    exercise = EXERCISE if letter["scope"].startswith("exercise") else ""
    words = {
        "colour": COLOURS.get(level, "#555"), "ink": "#222" if level == "yellow" else "#fff",
        "level": codes.WEATHER_LEVEL.values.get(level, level), "headline": f"{exercise}{shown.get('headline') or ''}",
        "area": areas, "organisation": str(shown.get("organisation_name") or ""), "bureau": bureau.short_name,
        "opened": _clock(shown.get("opened"), bureau.timezone),
    }  # fmt: skip
    told = _told(letter, answer)
    escaped = {name: html.escape(word) for name, word in words.items()}
    return _PAGE.format(**escaped, told=told, buttons=_buttons(answer))


def _told(letter: Mapping[str, Any], answer: str) -> str:
    lines = []
    if letter["closed"] and (over := OVER.get(letter["state"])):
        lines.append(f'<p class="n">{over}</p>')
    if answer:
        lines.append(f'<p class="n" role="status">已记录：<b>{BUTTONS[answer]}</b></p>')
    elif letter["state"] == "answered":
        lines.append('<p class="n">已有人应答；您仍可答复。</p>')
    return "".join(lines)


def _buttons(answer: str) -> str:
    chosen = {answer: " aria-pressed=true"}
    return "".join(
        f'<button name="answer" value="{key}" class="{key}"{chosen.get(key, "")}>{zh}</button>'
        for key, zh in BUTTONS.items()
    )


def _clock(moment: Any, zone: datetime.tzinfo) -> str:
    return f"{datetime.datetime.fromisoformat(moment).astimezone(zone):%m-%d %H:%M}" if moment else ""


def _form(body: bytes, kind: str) -> dict[str, str]:
    """The fields of a form or a JSON object; what is neither has none."""
    try:
        if not kind.startswith("application/json"):
            fields = urllib.parse.parse_qs(body.decode(), max_num_fields=10)
            return {name: values[0] for name, values in fields.items()}
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _note(status: int, title: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return _html(_NOTE.format(title=title, text=text), status, headers)


def _html(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


LETTER = """
SELECT d.callout, d.scope, d.chain, d.person, d.post, m.region, m.closed, m.state, m.shown, a.shown AS alert
  FROM delivery d JOIN matter m ON m.kind = 'callout' AND m.scope = d.scope AND m.key = d.callout
  LEFT JOIN matter a ON a.kind = 'alert' AND a.scope = d.scope AND a.key = d.chain
 WHERE d.token = $1 AND d.token <> ''"""
_HEAD = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">
<style>body{{margin:0;font:18px/1.5 system-ui,sans-serif;color:#222;background:#f4f4f4}}main{{
max-width:30em;margin:auto;padding:1em}}
h1{{font-size:1.2em;margin:.3em 0}}dl{{margin:.5em 0}}dt{{color:#555;font-size:.8em}}dd{{margin:0 0 .4em}}
.l{{padding:.6em 1em;font-size:1.4em;font-weight:700}}.n{{background:#fff;border-left:.4em solid #555;padding:.6em}}
form{{display:grid;gap:.6em;grid-template-columns:1fr 1fr}}button{{font:inherit;min-height:3.2em;border:1px solid #555;
border-radius:.5em;background:#fff;color:#222}}.received,.need_support{{grid-column:1/3;font-weight:700;color:#fff;
background:#146c2e;border:0}}.need_support{{background:#8a3b00}}button:focus-visible{{outline:3px solid #1a56b0}}
</style>"""
_PAGE = (
    _HEAD.replace("{title}", "{bureau}叫应")
    + """<div class="l" style="background:{colour};color:{ink}">{level}预警</div><main>
<h1>{headline}</h1><dl><dt>范围</dt><dd>{area}</dd><dt>叫应单位</dt><dd>{bureau} → {organisation}</dd>
<dt>叫应时间</dt><dd>{opened}</dd></dl>{told}<form method="post">{buttons}</form></main></html>"""
)
_NOTE = _HEAD + """<main><h1>{title}</h1><p>{text}</p></main></html>"""


def add_routes(routes: APIRouter, links: Links) -> None:
    """The routes of the link."""

    @routes.get("/n/{token}", tags=["gateways"], summary="The page behind the link", response_class=HTMLResponse)
    async def show_link(token: str, request: Request) -> Response:
        return await links.show(token, request)

    @routes.post("/n/{token}", tags=["gateways"], summary="The answer by the link", response_class=HTMLResponse)
    async def post_link(token: str, request: Request) -> Response:
        return await links.answer(token, request)
