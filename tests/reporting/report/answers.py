"""Answers of the shape that `GET /reporting/statistics/{key}` gives, made up for every question of a template."""

from __future__ import annotations

import datetime
import zlib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from services.contracts.families import FIELDS
from services.reporting import catalogue, period, question
from services.reporting.catalogue import Catalogue
from services.reporting.period import Period
from services.reporting.report import questions
from services.reporting.report.content import Head
from services.reporting.report.template import Template
from services.runtime import bureau

FOLDER = Path(__file__).parents[3] / "bureaus" / "example"
YEAR = Period(datetime.date(2023, 1, 1), datetime.date(2023, 12, 31))
REGION = "990111"
NOW = datetime.datetime(2024, 1, 5, 9, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))


@cache
def known() -> Catalogue:
    """The figures of the example bureau."""
    return catalogue.of(bureau.load(FOLDER))


def head(**more: Any) -> Head:
    """The head of a draft."""
    names = {"": {"level": "级别", "channel": "渠道"}, "level": {"major": "重大隐患", "general": "一般隐患"},
             "region": {code: known().regions.get(code).name for code in known().regions}}  # fmt: skip
    given = {"bureau": "江滨区应急管理局", "short_name": "区应急局", "first": YEAR.first, "last": YEAR.last,
             "as_of": NOW, "region": REGION, "addressees": "江滨区人民政府", "version": "V1", "mark": "草稿",
             "names": names}  # fmt: skip
    return Head(**{**given, **more})


def answer(key: str, value: Any = 8, **more: Any) -> dict[str, Any]:
    """One answer; `definition` may be given in part."""
    definition = {"hash": f"{zlib.crc32(key.encode()):016x}", "key": key, "zh": "查出隐患", "unit": "条",
                  "kind": "event", "of": "", "measure": "count", "by": [], "labels": {}, "about": ""}  # fmt: skip
    definition |= more.pop("definition", {})
    given = {
        "key": key, "value": value, "unit": definition["unit"], "from": "2023-01-01", "to": "2023-12-31",
        "region": REGION, "labels": {}, "status": "actual", "events": 8, "coverage": "live",
        "definition": definition, "as_of": NOW.isoformat(),
    }  # fmt: skip
    return {**given, **more}


def year_on_year(value: Any = 7, **more: Any) -> dict[str, Any]:
    """A comparison; the percentage of 8 against 7 is 14.3."""
    given = {"from": "2022-01-01", "to": "2022-12-31", "value": value, "change_pct": Decimal("14.3"),
             "comparable": True, "reason": None}  # fmt: skip
    return {**given, **more}


def filled(of: Template) -> dict[str, dict[str, Any]]:
    """An answer to every question: the same key and labels have the same value, and parts add up to it."""
    return {q.id: _made(q) for q in questions.questions(of, known(), YEAR, REGION)}


def _made(q: questions.Question) -> dict[str, Any]:
    query = question.parse(q.key, q.parameters, known(), YEAR.last)
    d = query.definition
    value: Any = _value(q.key, d.unit)
    if query.labels and not d.labels:
        value = value // 3
    found = answer(
        q.key, value, definition=dict(catalogue.described(d)), labels=dict(query.labels), events=int(value) or 1,
        **{"from": query.period.first.isoformat(), "to": query.period.last.isoformat()},
    )  # fmt: skip
    found["unit"] = d.unit
    if query.by:
        found["parts"] = _parts(query.by, query.definition.event, int(value))
    if query.compare:
        was = Decimal(value) * 4 // 5 or Decimal(1)
        pct = (Decimal(value) - was) * 100 / was
        found["compare"] = year_on_year(int(was), change_pct=pct.quantize(Decimal("0.1"), "ROUND_HALF_UP"),
                                        **{"from": period.year_before(query.period.first).isoformat()})  # fmt: skip
    return found


def _value(key: str, unit: str) -> Any:
    if unit == "%":
        return Decimal("96.42")
    number = zlib.crc32(key.split("{")[0].encode()) % 900 + 30
    return number * 1000 if unit == "元" else number


def _parts(by: tuple[str, ...], event: str, value: int) -> list[dict[str, Any]]:
    (name,) = by
    if name == "month":
        labels = [f"2023-{n:02}" for n in range(1, 13)]
    elif name == "region":
        labels = [code for code in known().regions if known().regions.get(code).parent == REGION][:5]
    else:
        spec = FIELDS.get(event, {}).get(name)
        labels = list(spec.codes.values)[:3] if spec and spec.codes else ["甲", "乙"]
    share = value // len(labels)
    values = [share] * (len(labels) - 1) + [value - share * (len(labels) - 1)]
    return [{"labels": {name: one}, "value": v, "events": v} for one, v in zip(labels, values, strict=True)]
