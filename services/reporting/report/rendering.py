"""The forms a report is handed out in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import msgspec

from services.reporting.report import html, plain_json, workbook
from services.reporting.report.content import Content
from services.runtime.document import docx, fonts, pdf
from services.runtime.document.model import Document

PDF, DOCX, HTML, JSON, XLSX = "pdf", "docx", "html", "json", "xlsx"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _pdf(content: Content) -> bytes:
    return pdf.draw(told(content.document))


def told(document: Document) -> Document:
    """A draft says which faces are missing here, and which characters no font has."""
    said = [f"{face}以宋体代替" for face in fonts.stood_in()]
    if unknown := fonts.missing(msgspec.json.encode(document).decode()):
        said.append(f"没有字形：{'、'.join(f'U+{ord(one):04X}' for one in sorted(unknown))}")
    return replace(document, mark=f"{document.mark}{'，'.join(said)}") if document.mark and said else document


RENDERINGS: Mapping[str, tuple[str, Callable[[Content], bytes]]] = {
    PDF: ("application/pdf", _pdf),
    DOCX: (_WORD, lambda content: docx.write(content.document)),
    HTML: ("text/html; charset=utf-8", html.write),
    JSON: ("application/json", plain_json.write),
    XLSX: (_SHEET, workbook.write),
}
"""Format → media type, and how it is made. All take CPU: call them in a thread."""
FRAMED = {
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'self'"
    ),
}
"""Headers of a rendering that a page of ours shows in a frame: it loads and runs nothing."""
