"""What has to hold before a report may be issued: the checks of its template, and those that every report passes."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from services.reporting import amount, period
from services.reporting.report import told
from services.reporting.report.questions import slots
from services.reporting.report.rules import Rule
from services.reporting.report.slot import Slot
from services.reporting.report.template import Template
from services.reporting.report.told import SILENT, exact

Figures = Mapping[str, Mapping[str, Any]]


class Problem(msgspec.Struct, frozen=True):
    """Why a report may not be issued."""

    check: str
    slots: tuple[str, ...]
    expected: str
    found: str
    events: tuple[dict[str, Any], ...] = ()
    """The events behind each slot: `{slot, events, href}`."""
    about: str = ""


def run(of: Template, figures: Figures, notes: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
    """All of them. `notes`: slot → what the clerk says of a feed that was silent; None: silence is judged elsewhere."""
    found = [problem for rule in of.rules for problem in CHECKS[rule.check](rule, figures)]
    for id_ in dict.fromkeys(one.id for one in slots(of)):
        found += _built_in(id_, figures[id_], notes)
    return tuple(found)


# --- what a template asks for ---------------------------------------------------------------------------------------


def _total(rule: Rule, figures: Figures) -> Iterator[Problem]:
    """A whole is the sum of its parts; a slot with `by` is all of its parts."""
    whole = _value(rule.one("whole"), figures)
    parts = [value for one in rule.slots["parts"] for value in _values(one, figures)]
    known = [value for value in parts if value is not None]
    if whole is None and not known:
        return
    sum_ = sum(known, Decimal(0))
    if sum_ != (whole or 0):
        yield _problem(rule, figures, told.plain(sum_), _text(whole))


def _part(rule: Rule, figures: Figures) -> Iterator[Problem]:
    """A part is never more than its whole."""
    part, whole = _value(rule.one("part"), figures), _value(rule.one("whole"), figures)
    if part is not None and part > (whole or 0):
        yield _problem(rule, figures, f"≤ {_text(whole)}", told.plain(part))


def _same(rule: Rule, figures: Figures) -> Iterator[Problem]:
    """What is told twice is one figure."""
    values = [_value(one, figures) for one in rule.slots["slots"]]
    if len(set(values)) > 1:
        yield _problem(rule, figures, _text(values[0]), " / ".join(map(_text, values)))


def _full_rate(rule: Rule, figures: Figures) -> Iterator[Problem]:
    """100 % is all of them, and all of them are 100 %."""
    rate, part, whole = (_value(rule.one(name), figures) for name in ("rate", "part", "whole"))
    if (rate == 100 and part != whole) or (rate is not None and rate != 100 and part == whole and whole):
        yield _problem(rule, figures, "100% ⇔ 分子 = 分母", f"{_text(rate)}%: {_text(part)} / {_text(whole)}")


CHECKS: Mapping[str, Callable[[Rule, Figures], Iterator[Problem]]] = {
    "total": _total,
    "part": _part,
    "same": _same,
    "full_rate": _full_rate,
}


def _value(one: Slot, figures: Figures) -> Decimal | None:
    return told.told(figures[one.asked().id]).value


def _values(one: Slot, figures: Figures) -> Iterable[Decimal | None]:
    answer = figures[one.asked().id]
    if one.by:
        return [exact(part["value"]) for part in answer.get("parts") or ()]
    return [told.told(answer).value]


def _text(value: Decimal | None) -> str:
    return told.MISSING if value is None else told.plain(value)


def _problem(rule: Rule, figures: Figures, expected: str, found: str) -> Problem:
    ids = tuple(dict.fromkeys(one.asked().id for one in rule.all))
    return Problem(rule.check, ids, expected, found, tuple(behind(i, figures[i]) for i in ids), rule.about)


def behind(id_: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Which events a figure comes from, and where they can be read."""
    query = {"from": answer["from"], "to": answer["to"], "region": answer["region"]}
    labels = {f"label.{name}": value for name, value in (answer.get("labels") or {}).items()}
    href = f"/reporting/statistics/{answer['key']}/events?{urlencode({**query, **labels})}"
    return {"slot": id_, "events": answer["events"], "href": href}


# --- what every report passes ---------------------------------------------------------------------------------------


def _built_in(id_: str, answer: Mapping[str, Any], notes: Mapping[str, str] | None) -> Iterator[Problem]:
    def problem(check: str, expected: str, found: str, about: str) -> Problem:
        return Problem(check, (id_,), expected, found, (behind(id_, answer),), about)

    one = told.told(answer)
    if notes is not None and one.coverage == SILENT and not one.recorded and not notes.get(id_, "").strip():
        yield problem(SILENT, "一条说明", SILENT, "报送方在期内中断报送, 要由经办人写明原因")
    if one.coverage == told.NONE and not one.recorded and not one.events and one.value is not None:
        yield problem("measured_zero", told.MISSING, told.plain(one.value), "没有报送方, 不能印数字")
    if answer.get("compare"):
        for expected, found in _compared(answer):
            yield problem("year_on_year", expected, found, "同比按同一口径、同一天数重算")
    for sums in answer.get("disagreements") or ():
        yield problem("recorded_total", str(sums["sum"]), str(sums["total"]), f"补录的合计与按{sums['by']}分列之和不符")


def _compared(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with a comparison: its days, or its percentage."""
    compare = answer["compare"]
    first, last = (period.year_before(_day(answer[name])) for name in ("from", "to"))
    if _day(compare["from"]) != first or _day(compare["to"]) > last:
        yield f"{first}/{last}", f"{compare['from']}/{compare['to']}"
    if compare["comparable"]:
        again = amount.change_pct(exact(answer["value"]), exact(compare["value"]))
        if again != exact(compare["change_pct"]):
            yield _text(again), _text(exact(compare["change_pct"]))


def _day(value: Any) -> datetime.date:
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(str(value)[:10])
