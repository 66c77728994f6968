"""A stored warning in each of its formats: as CAP 1.2, as 国突 and as JSON. Pure."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from services.contracts.alert import model, reading
from services.contracts.alert.markup import MAX_BYTES
from services.contracts.alert.model import Alert, Malformed

MEDIA = {"cap": "application/cap+xml", "guotu": "application/xml", "json": "application/json"}
"""Ending of the address → media type."""


def rendered(event: Mapping[str, Any], ending: str) -> bytes | None:
    """The message of an event (weather.alert_received) in the format of an ending (KeyError for an unknown one).

    In its own format it is what came, byte for byte, so that a signature holds. None: the event carries no message,
    because its publisher sent the event itself.
    """
    render = reading.RENDER[ending]
    data = event.get("data") or {}
    raw = raw_of(data)
    if raw is not None and data.get("message_format") == ending:
        return raw
    alert = alert_of(data)
    return None if alert is None else render(alert)


def alert_of(data: Mapping[str, Any]) -> Alert | None:
    """The whole message in the data of an event: its model, else what its bytes say."""
    if isinstance(data.get("alert"), dict):
        try:
            return model.from_object(data["alert"])
        except msgspec.ValidationError:
            return None
    raw = raw_of(data)
    try:
        return reading.parse(raw) if raw is not None else None
    except Malformed:
        return None


def raw_of(data: Mapping[str, Any]) -> bytes | None:
    """The bytes as received; None when the event does not carry them."""
    raw = data.get("raw")
    if not isinstance(raw, dict) or not isinstance(raw.get("deflate"), str):
        return None
    try:
        inflating = zlib.decompressobj()
        content = inflating.decompress(base64.b64decode(raw["deflate"], validate=True), MAX_BYTES + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return content if inflating.eof else None
