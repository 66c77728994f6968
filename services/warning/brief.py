"""The brief of a shift (值班要情): what happened in it and what stays open; an empty night says 无."""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.warning.handover import NONE, Told, filled

HAPPENED = (("alert", "收到预警"), ("callout", "叫应"), ("incident", "突发事件"), ("notice", "工作提示单"))
"""Kinds whose matters of the shift are told, and their heading."""
LEFT_OUT = ("log",)


@dataclass(frozen=True)
class Brief:
    """A brief as a text model: every section has at least one line."""

    title: str
    period: str
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    """Heading and lines."""
    signed: str

    @property
    def empty(self) -> bool:
        """Whether nothing happened and nothing is open."""
        return all(lines == (NONE,) for _, lines in self.sections)


def brief(
    shift: Told, bureau: str, happened: Mapping[str, Sequence[str]], matters: Mapping[str, Sequence[Told]],
    now: datetime.datetime, timezone: ZoneInfo,
) -> Brief:  # fmt: skip
    """The brief of a shift: `happened` are lines by kind, `matters` the open ones by kind."""
    told = [(zh, _lines(happened.get(kind, ()))) for kind, zh in HAPPENED]
    told.append(("值班日志", _lines([_entry(entry, timezone) for entry in shift.get("log") or ()])))
    told += [
        (f"未结：{section['zh']}", _lines([item["text"] for item in section["items"]]))
        for section in filled(shift, matters, now)["sections"] if section["key"] not in LEFT_OUT
    ]  # fmt: skip
    return Brief(
        title=f"{bureau}值班要情", period=f"{_day(shift.get('from'), timezone)} 至 {_day(shift.get('to'), timezone)}",
        sections=tuple(told), signed=f"{shift.get('post_name') or ''} {shift.get('person') or ''}".strip(),
    )  # fmt: skip


def _entry(entry: Mapping[str, Any], timezone: ZoneInfo) -> str:
    return f"{_clock(entry.get('at'), timezone)} {entry.get('kind') or '记事'}：{entry.get('text') or ''}"


def _lines(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(lines) or (NONE,)


def _moment(value: Any, timezone: ZoneInfo) -> datetime.datetime | None:
    found = datetime.datetime.fromisoformat(value) if isinstance(value, str) and value else value
    return found.astimezone(timezone) if isinstance(found, datetime.datetime) else None


def _clock(value: Any, timezone: ZoneInfo) -> str:
    moment = _moment(value, timezone)
    return moment.strftime("%H:%M") if moment else ""


def _day(value: Any, timezone: ZoneInfo) -> str:
    moment = _moment(value, timezone)
    return f"{moment.year}年{moment.month}月{moment.day}日{moment:%H:%M}" if moment else "?"


def model(one: Brief) -> dict[str, Any]:
    """`{title, period, sections: [{zh, lines}], signed, empty}`."""
    sections = [{"zh": heading, "lines": list(lines)} for heading, lines in one.sections]
    return {"title": one.title, "period": one.period, "sections": sections, "signed": one.signed, "empty": one.empty}


def plain(one: Brief) -> str:
    """For a message or a printer."""
    parts = [one.title, one.period, ""]
    for n, (heading, lines) in enumerate(one.sections, 1):
        parts += [f"{n}. {heading}", *(f"   {line}" for line in lines)]
    return "\n".join([*parts, "", f"值班：{one.signed}"]) + "\n"


STYLE = "body{font:16px/1.6 serif;max-width:44em;margin:2em auto}h1{text-align:center}h2{font-size:1em;margin:1em 0 0}"


def page(one: Brief) -> str:
    """A page that needs nothing besides itself."""
    body = "".join(
        f"<h2>{n}. {html.escape(heading)}</h2>" + "".join(f"<p>{html.escape(line)}</p>" for line in lines)
        for n, (heading, lines) in enumerate(one.sections, 1)
    )
    return (
        f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>{html.escape(one.title)}</title>'
        f"<style>{STYLE}</style><h1>{html.escape(one.title)}</h1><p>{html.escape(one.period)}</p>{body}"
        f"<p>值班：{html.escape(one.signed)}</p></html>"
    )
