"""The forms a report is handed out in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.reporting.report import html, plain_json, workbook
from services.reporting.report.content import Content
from services.runtime.document import docx, pdf

PDF, DOCX, HTML, JSON, XLSX = "pdf", "docx", "html", "json", "xlsx"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

RENDERINGS: Mapping[str, tuple[str, Callable[[Content], bytes]]] = {
    PDF: ("application/pdf", lambda content: pdf.draw(content.document)),
    DOCX: (_WORD, lambda content: docx.write(content.document)),
    HTML: ("text/html; charset=utf-8", html.write),
    JSON: ("application/json", plain_json.write),
    XLSX: (_SHEET, workbook.write),
}
"""Format → media type, and how it is made. All take CPU: call them in a thread."""
