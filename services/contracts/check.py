"""Checks the data of an event against its class: every problem of it, and next to nothing when there is none.

The door does this for each event, so a check is compiled once per field and only fields that are present are
looked at. Unknown fields are kept and never a problem; None is the same as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from services.contracts.families import FIELDS
from services.contracts.fields import MONEY, FieldSpec, decimal

Problem = tuple[str, str, str]
"""Field, reason, code; the code is `kind`, `money` or `codes`."""

ExtraCodes = Mapping[tuple[str, str], Collection[str]]
"""The values a bureau adds, by (type, field); an empty type means every type that has the field."""

_NO_CODES: ExtraCodes = MappingProxyType({})
_Fits = Callable[[Any], bool]


def check_data(type_name: str, data: Mapping[str, Any], extra_codes: ExtraCodes = _NO_CODES) -> list[Problem]:
    """Every problem of `data` as data of `type_name`. KeyError for a type that is not registered."""
    fits = _FITS[type_name]
    problems: list[Problem] = []
    for name, value in data.items():
        if value is not None and name in fits and not fits[name](value):
            problems += _explain(type_name, FIELDS[type_name][name], value, extra_codes)
    return problems


def _fits(spec: FieldSpec) -> _Fits:
    one = _fits_codes(spec.codes.values) if spec.codes else _fits_kind(spec)
    return _fits_each(one) if spec.many else one


def _fits_kind(spec: FieldSpec) -> _Fits:
    check = spec.kind.check
    return lambda value: check(value) is None


def _fits_codes(values: Mapping[str, str]) -> _Fits:
    known = frozenset(values)
    return lambda value: type(value) is str and value in known


def _fits_each(one: _Fits) -> _Fits:
    return lambda value: type(value) is list and all(map(one, value))


_FITS: dict[str, dict[str, _Fits]] = {
    type_name: {name: _fits(spec) for name, spec in specs.items()} for type_name, specs in FIELDS.items()
}


def _explain(type_name: str, spec: FieldSpec, value: Any, extra_codes: ExtraCodes) -> Iterable[Problem]:
    """Why a value does not fit; nothing when the bureau's own codes allow it."""
    extra = {*extra_codes.get(("", spec.name), ()), *extra_codes.get((type_name, spec.name), ())}
    if not spec.many:
        return _reasons(spec, value, extra)
    if not isinstance(value, list):
        return [(spec.name, "must be a list", "kind")]
    found = ((i, problem) for i, item in enumerate(value, start=1) for problem in _reasons(spec, item, extra))
    return [(spec.name, f"item {i} {reason}", code) for i, (_, reason, code) in found]


def _reasons(spec: FieldSpec, value: Any, extra: set[str]) -> Iterable[Problem]:
    reason = spec.kind.check(value)
    if reason is not None:
        wrong_amount = spec.kind is MONEY and decimal(value) is not None
        return [(spec.name, reason, "money" if wrong_amount else "kind")]
    if spec.codes is None or value in spec.codes.values or value in extra:
        return []
    allowed = ", ".join([*spec.codes.values, *sorted(extra.difference(spec.codes.values))])
    return [(spec.name, f"must be one of {allowed} (list {spec.codes.name})", "codes")]
