"""Amounts as answers show them: exact, rounded half up where a quotient must be, money as text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext

from services.contracts.units import UNITS

Value = int | Decimal | str | None
"""In an answer: a JSON number, money as text with two decimals, or null."""
SCALE = {"%": 100, "‰": 1000}
EMPTY_IS_ZERO = frozenset({"count", "sum", "distinct", "stock"})
"""Measures of which nothing is 0; of nothing there is no mean, median, last or largest value."""


def rounded(value: Decimal, places: int) -> Decimal:
    """Half up: 0.125 is 0.13, as in print."""
    with localcontext(prec=60):
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def ratio(part: Decimal | None, whole: Decimal | None, unit: str) -> Decimal | None:
    """Part ÷ whole in the unit (% : × 100), two decimals; None when either is missing or the whole is 0."""
    if part is None or not whole:
        return None
    with localcontext(prec=60):
        return rounded(part * SCALE.get(unit, 1) / whole, 2)


def change_pct(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """By how many per cent a figure has changed, one decimal; None when there is no base or it is 0."""
    if now is None or not before:
        return None
    with localcontext(prec=60):
        return rounded((now - before) * 100 / abs(before), 1)


def shown(value: Decimal | None, unit: str, kind: str = "") -> Value:
    """An amount for an answer; quotients (mean) have two decimals."""
    if value is None:
        return None
    if unit in UNITS and UNITS[unit].kind == "money":
        return f"{rounded(value, 2):f}"
    return plain(rounded(value, 2) if kind == "mean" else value)


def plain(value: Decimal) -> int | Decimal:
    """A number without needless zeros; whole ones are whole numbers."""
    if value == value.to_integral_value():
        return int(value)
    with localcontext(prec=60):
        return value.normalize()
