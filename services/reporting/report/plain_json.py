"""A report as JSON."""

from __future__ import annotations

import msgspec

from services.reporting.report.content import Content

_encoder = msgspec.json.Encoder(decimal_format="number")


def write(content: Content) -> bytes:
    """The JSON: document, lines, empty paragraphs, remarks; exact numbers."""
    return msgspec.json.format(_encoder.encode(content), indent=1)
