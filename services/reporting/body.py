"""The data of a record of the ledger, read leniently: numbers as they were written, and never an error."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def read(text: bytes | msgspec.Raw) -> dict[str, Any]:
    """The object in a JSON text; empty when there is none. 12.50 stays 12.50."""
    try:
        found = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
