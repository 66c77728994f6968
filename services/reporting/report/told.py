"""One figure as a report tells it: what was counted, or what a person recorded where nothing was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.contracts.units import SHARES, UNITS
from services.reporting import amount
from services.runtime.document.model import numeral

NONE, SILENT, MANUAL = "none", "silent", "manual"
BASELINE = "baseline"


@dataclass(frozen=True)
class Compared:
    """The same days a year earlier."""

    value: Decimal | None
    change_pct: Decimal | None
    comparable: bool
    reason: str = ""


@dataclass(frozen=True)
class Told:
    """A figure, or one part of it."""

    value: Decimal | None
    unit: str
    events: int
    coverage: str
    recorded: str = ""
    """`manual` or `baseline` when a person recorded the value."""
    basis: str = ""
    """The document that a recorded figure stands in."""
    compare: Compared | None = None


def exact(value: Any) -> Decimal | None:
    """A value of an answer, whatever JSON made of it."""
    return None if value is None else value if isinstance(value, Decimal) else Decimal(str(value))


def told(answer: Mapping[str, Any]) -> Told:
    """The figure of an answer. A recorded one stands where nothing was counted."""
    unit, events, covered = str(answer["unit"]), int(answer["events"]), str(answer["coverage"])
    value, recorded, basis = exact(answer["value"]), "", ""
    by_hand = {str(one["kind"]): one for one in answer.get("recorded") or ()}
    if not events and by_hand:
        recorded = next(kind for kind in (MANUAL, BASELINE, *by_hand) if kind in by_hand)
        value, basis = exact(by_hand[recorded]["value"]), str(by_hand[recorded].get("basis_document") or "")
    compare = answer.get("compare")
    return Told(
        value, unit, events, covered, recorded, basis, _compared(compare, recorded, covered) if compare else None
    )


def _compared(compare: Mapping[str, Any], recorded: str, covered: str) -> Compared:
    """A recorded figure is compared only where the answer itself stands on it."""
    same = bool(compare["comparable"]) and (not recorded or covered == MANUAL)
    value, change = exact(compare["value"]), exact(compare["change_pct"])
    return Compared(value, change if same else None, same, str(compare.get("reason") or ""))


def part(answer: Mapping[str, Any], labels: Mapping[str, str]) -> Told:
    """One part of a split figure. A part that is not told has no events: 0 where the figure has a value."""
    whole = told(answer)
    for one in answer.get("parts") or ():
        if dict(one["labels"]) == dict(labels):
            return Told(exact(one["value"]), whole.unit, int(one["events"]), whole.coverage)
    empty = Decimal(0) if whole.value is not None and counts(answer) else None
    return Told(empty, whole.unit, 0, whole.coverage)


def counts(answer: Mapping[str, Any]) -> bool:
    """Whether of nothing there is 0: of counts and sums, not of means and shares."""
    measure = str(answer["definition"].get("measure") or "").partition(":")[0]
    return measure in amount.EMPTY_IS_ZERO


# Numbers as they are printed.

MISSING = "本期无此项记录"
NOT_COMPARABLE = "口径不一致，不作比较"
_MYRIAD = Decimal(10_000)


def plain(value: Decimal) -> str:
    """`12`, `3.5`: exact, without needless zeros."""
    return f"{amount.plain(value):f}" if value != value.to_integral_value() else str(int(value))


def written(value: Decimal, unit: str, *, myriads: bool = False, about: bool = False, in_words: bool = False) -> str:
    """A number in a sentence; shares and 万元 bring their unit, others leave it to the sentence.

    `in_words`: `一` to `九十九`, as ranks and terms are written (三等奖, 四类); any other number as digits.
    """
    if in_words and value == value.to_integral_value() and 0 < value < 100:
        return numeral(int(value))
    if myriads:
        value, after = amount.rounded(value / _MYRIAD, 2), "万元"
    else:
        after = unit if unit in SHARES else ""
    return (rounded_down(value) if about else plain(value)) + after


def rounded_down(value: Decimal) -> str:
    """约: below 100 as it is, else two digits and 余 (1,234 → 1200余)."""
    if abs(value) < 100:
        return plain(value)
    step = Decimal(10) ** (len(str(int(abs(value)))) - 2)
    down = value // step * step
    return plain(down) + ("余" if down != value else "")


def change(one: Told) -> tuple[str, Decimal | None]:
    """同比 in words, and its exact number: per cent of the year before, of shares the points between them."""
    was = one.compare
    if one.value is None:
        return MISSING, None
    if was is None or not was.comparable or was.value is None:
        return NOT_COMPARABLE, None
    if one.unit in SHARES:
        points = one.value - was.value
        return _direction(points, f"{plain(abs(points))}个{'百' if one.unit == '%' else '千'}分点"), points
    if was.change_pct is None:
        return f"上年同期为{plain(was.value)}" + (one.unit if one.unit in UNITS else ""), None
    return _direction(was.change_pct, f"{plain(abs(was.change_pct))}%", one.value - was.value), was.change_pct


def _direction(by: Decimal, text: str, difference: Decimal | None = None) -> str:
    """上升, 下降 or 持平; a change too small for its digits is no 持平."""
    if not by:
        return "持平" if not difference else "基本持平"
    return ("上升" if by > 0 else "下降") + text


def jsonable(value: Decimal | None) -> int | float | None:
    """A number for JSON and workbooks."""
    return None if value is None else json.loads(plain(value))
