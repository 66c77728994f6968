"""Times as the formats write them, and as RFC 3339 text."""

from __future__ import annotations

import datetime
import re

from services.contracts.fields import moment

BEIJING = "+08:00"
_TIME = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]\s*(\d{1,2}):(\d\d)(?::(\d\d)(\.\d+)?)?)?\s*(Z|z|[+-]\d\d:?\d\d)?"
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")


def rfc3339(text: str, offset: str = "") -> str | None:
    """The RFC 3339 form of a time written in one of the ways that are about; None when it names none.

    `offset` is taken when the text has none. Fractions of a second are dropped, `-00:00` stays.
    """
    match = _TIME.fullmatch(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second, _, zone = match.groups(default="")
    zone = {"Z": "-00:00", "z": "-00:00"}.get(zone, zone or offset)
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    date, time = f"{year}-{month:0>2}-{day:0>2}", f"{hour or '00':0>2}:{minute or '00'}:{second or '00'}"
    told = f"{date}T{time}{zone}"
    return told if moment(told) else None


def compact(digits: str) -> str | None:
    """The time in the fourteen digits of an identifier (Beijing time)."""
    match = _COMPACT.fullmatch(digits)
    told = "{}-{}-{}T{}:{}:{}".format(*match.groups()) + BEIJING if match else ""
    return told if moment(told) else None


def from_epoch(seconds: float) -> str:
    """The Beijing time of a Unix time. Raises OverflowError, ValueError or OSError."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    return datetime.datetime.fromtimestamp(int(seconds), zone).isoformat()


def instant(text: str) -> datetime.datetime:
    """The instant of an RFC 3339 text; of anything else the end of time, so that it sorts last."""
    return moment(text) or datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
