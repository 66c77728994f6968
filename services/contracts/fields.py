"""The kinds of field that an event can have, and how a value of each kind is checked.

A field's kind is written as the annotation in the event class; the door, the JSON Schema and the table formats
all read it from there. Chinese name, unit and meaning of each field name are rows of `glossary`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, get_args, get_origin, get_type_hints

MAX_TEXT = 20_000


@dataclass(frozen=True, eq=False)
class Kind:
    """How one kind of value is named, described in JSON Schema and checked; `check` returns a reason or None."""

    name: str
    schema: Mapping[str, Any]
    check: Callable[[Any], str | None]


@dataclass(frozen=True, eq=False)
class Codes:
    """A closed list of coded values with their Chinese names; a bureau may add rows in `codes.toml`."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class FieldSpec:
    """One field of an event class, compiled from its annotation."""

    name: str
    kind: Kind
    codes: Codes | None
    many: bool
    personal: bool = False


class Personal:
    """Marks a field that names or reaches a person: never a label, never in a log, masked when shown."""


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    return None if len(value) <= MAX_TEXT else f"is longer than {MAX_TEXT} characters"


def _identifier(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return "must be text that is not empty"
    return None if len(value) <= 256 else "is longer than 256 characters"


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _integer(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    return None if -(2**53) < value < 2**53 else "is out of range"


def _count(value: Any) -> str | None:
    return _integer(value) or ("must not be negative" if value < 0 else None)


_NUMERIC = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def decimal(value: Any) -> Decimal | None:
    """An exact decimal from a JSON number or a text written like one; None when it is neither, or beyond 10^±300.

    Beyond that, arithmetic overflows; Python alone would also read ` 12 `, `1_000` and other digits than 0 to 9.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, str) and not _NUMERIC.fullmatch(value):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and -300 < number.adjusted() < 300 else None


def _number(value: Any) -> str | None:
    if isinstance(value, str) or decimal(value) is None:
        return "must be a number"
    return None


def _money(value: Any) -> str | None:
    amount = decimal(value)
    if amount is None:
        return "must be an amount in CNY: a number or a numeric string"
    if abs(amount) >= Decimal("1e15") or amount != amount.quantize(Decimal("0.01")):
        return "must have at most two decimals and be below 10^15"
    return None


ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _date(value: Any) -> str | None:
    try:
        if ISO_DATE.fullmatch(value):
            datetime.date.fromisoformat(value)
            return None
    except (TypeError, ValueError):
        pass
    return "must be a date like 2023-06-30"


RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def moment(value: Any) -> datetime.datetime | None:
    """The instant an RFC 3339 text with offset names; None when it does not name one."""
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        return None
    try:
        return datetime.datetime.fromisoformat(value if value.isupper() else value.upper().replace(" ", "T"))
    except ValueError:
        return None


def _moment(value: Any) -> str | None:
    if moment(value) is None and _date(value) is not None:
        return "must be a time with offset (2023-06-30T08:00:00+08:00) or a date"
    return None


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _anything(_value: Any) -> str | None:
    return None


IDENTIFIER = Kind("identifier", {"type": "string", "minLength": 1, "maxLength": 256}, _identifier)
TEXT = Kind("text", {"type": "string", "maxLength": MAX_TEXT}, _text)
FLAG = Kind("flag", {"type": "boolean"}, _flag)
INTEGER = Kind("integer", {"type": "integer"}, _integer)
COUNT = Kind("count", {"type": "integer", "minimum": 0}, _count)
NUMBER = Kind("number", {"type": "number"}, _number)
MONEY = Kind("money", {"type": ["number", "string"], "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$"}, _money)
DATE = Kind("date", {"type": "string", "format": "date"}, _date)
MOMENT = Kind("moment", {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]}, _moment)
OBJECT = Kind("object", {"type": "object"}, _object)
ANYTHING = Kind("anything", {}, _anything)

Id = Annotated[str, IDENTIFIER]
Text = Annotated[str, TEXT]
Flag = Annotated[bool, FLAG]
Integer = Annotated[int, INTEGER]
Count = Annotated[int, COUNT]
Number = Annotated[Decimal, NUMBER]
Money = Annotated[Decimal, MONEY]
Date = Annotated[str, DATE]
Moment = Annotated[str, MOMENT]
Object = Annotated[dict[str, Any], OBJECT]
Anything = Annotated[Any, ANYTHING]


def compile_fields(cls: type) -> tuple[FieldSpec, ...]:
    """The fields of an event class, read from its annotations (`Id | None = None`, `tuple[Id, ...] = ()`)."""
    hints = get_type_hints(cls, include_extras=True)
    names: Mapping[str, str] = dict(zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True))  # type: ignore[attr-defined]
    return tuple(_spec(sent, hints[name]) for name, sent in names.items())


def _spec(name: str, hint: Any) -> FieldSpec:
    many = False
    options = [a for a in get_args(hint) if a is not type(None)] if type(None) in get_args(hint) else [hint]
    inner = options[0]
    if get_origin(inner) is tuple:
        many, inner = True, get_args(inner)[0]
    marks = get_args(inner)[1:]
    kind = next((m for m in marks if isinstance(m, Kind)), TEXT)
    codes = next((m for m in marks if isinstance(m, Codes)), None)
    kind = TEXT if codes else kind
    return FieldSpec(name, kind, codes, many, any(m is Personal for m in marks))
