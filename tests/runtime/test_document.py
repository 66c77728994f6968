"""A document is drawn in the form of the standard, and its text is never taken for markup."""

from __future__ import annotations

import datetime
import io

import docx as word
import pytest
from docx.oxml.ns import qn

from services.runtime.document import docx, pdf
from services.runtime.document.model import Annex, Document, Heading, Paragraph, Table, numeral

FIRST = 10
"""Lines of text below the head and the title of the document here."""
TRICK = '#panic("x") $a$ *b* "c" \\ <d> // e'


def document(**more: object) -> Document:
    given = {
        "issuer": "江滨区应急管理局", "title": "关于防范应对工作的通知", "number": "江应急〔2026〕1号",
        "addressees": "各街道",
        "blocks": (Heading("一、要求"), Paragraph("请落实。"), Paragraph(TRICK)), "signed": "江滨区应急管理局",
        "date": datetime.date(2026, 7, 1), "printed_by": "局办公室",
    }  # fmt: skip
    return Document(**{**given, **more})  # type: ignore[arg-type]


def test_a_pdf_is_the_same_each_time_and_an_annex_begins_a_page() -> None:
    assert pdf.draw(document()) == pdf.draw(document())
    assert pdf.draw(document()).startswith(b"%PDF-")
    annex = Annex("清单", (Table(("序号", "名称"), (("1", TRICK),)),))
    assert len(pdf.pages(document(annexes=(annex, annex)), 20)) == 3


def test_a_page_holds_22_lines_of_28_characters() -> None:
    """GB/T 9704-2012, 5.2.4: what fills page 1 and 22 full lines more fill page 2; one more line begins page 3."""
    counts = [
        len(pdf.pages(document(blocks=(Paragraph("汉" * 28 * lines, indent=False),), signed="", printed_by=""), 10))
        for lines in (FIRST, FIRST + 1, FIRST + 22, FIRST + 23)
    ]
    assert counts == [1, 2, 2, 3]


@pytest.mark.parametrize("text", [TRICK, "江滨区"])
def test_a_docx_holds_the_text_and_the_grid(text: str) -> None:
    written = word.Document(io.BytesIO(docx.write(document(blocks=(Paragraph(text),), mark="【演练】"))))
    assert text in [line.text for line in written.paragraphs]
    grid = written.sections[0]._sectPr.find(qn("w:docGrid"))
    assert (grid.get(qn("w:linePitch")), grid.get(qn("w:charSpace"))) == ("579", "-849")
    assert written.sections[0].header.paragraphs[0].text == "【演练】"


def test_headings_are_numbered_as_one_says_it() -> None:
    assert [numeral(n) for n in (1, 10, 11, 20, 21, 99)] == ["一", "十", "十一", "二十", "二十一", "九十九"]
