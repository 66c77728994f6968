"""The five renderings of a report hold the same numbers, every character, and no text is ever more than text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape

import docx as word
import pypdf
import pytest
from docx.oxml.ns import qn
from python_calamine import CalamineWorkbook

from services.reporting.report import compose, template
from services.reporting.report.content import Content
from services.reporting.report.rendering import DOCX, HTML, JSON, PDF, RENDERINGS, XLSX
from services.reporting.report.sources import TITLE
from services.runtime.document import fonts, pdf
from services.runtime.document.model import Document, Paragraph
from tests.reporting.report.answers import answer, filled, head

TRICKS = ("<script>alert(1)</script>", "#let x = 1", '=HYPERLINK("http://x")', "+1", "@x", "-2+3", "$a$ *b* \\ // c")
RARE = "𠮷㙍燚"


def annual() -> Content:
    found = template.find("annual", None)
    return compose.compose(found, filled(found), {"特色做法": "\n".join((*TRICKS, RARE))}, head())


@pytest.fixture(scope="module")
def content() -> Content:
    return annual()


@pytest.fixture(scope="module")
def made(content: Content) -> dict[str, bytes]:
    return {name: draw(content) for name, (_, draw) in RENDERINGS.items()}


@pytest.fixture(scope="module")
def texts(made: dict[str, bytes]) -> dict[str, str]:
    return {name: text_of(name, content) for name, content in made.items()}


def text_of(name: str, made: bytes) -> str:
    """Everything that a reader sees, without blanks."""
    match name:
        case "pdf":
            text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made)).pages)
        case "docx":
            body = word.Document(io.BytesIO(made)).element.body
            text = "".join(t.text or "" for t in body.iter(qn("w:t")))
        case "xlsx":
            book = CalamineWorkbook.from_filelike(io.BytesIO(made))
            rows = [row for sheet in book.sheet_names for row in book.get_sheet_by_name(sheet).to_python()]
            text = "".join(str(cell) for row in rows for cell in row)
        case "html":
            text = unescape(re.sub(r"<[^>]*>", "", made.decode().partition("<body>")[2]))
        case _:
            text = made.decode()
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("name", RENDERINGS)
def test_each_rendering_holds_every_number(name: str, texts: dict[str, str], content: Content) -> None:
    text = texts[name]
    for line in content.lines:
        assert line.printed in text
        assert line.definition in text
    for block in content.document.blocks:
        if isinstance(block, Paragraph) and name in (HTML, DOCX, XLSX):
            said, at = "", 0
            for offset, mark in block.marks:
                said, at = said + block.text[at:offset] + mark, offset
            assert (
                re.sub(r"\s", "", said + block.text[at:]) in re.sub(r"—\d+—|【草稿】[^。；]*?代替", "", text)
                or name == PDF
            )


def test_the_source_table_is_read_back_exactly(made: dict[str, bytes], content: Content) -> None:
    expected = [(x.number, x.key, x.printed) for x in content.lines]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(made[XLSX])).get_sheet_by_name(TITLE).to_python()
    assert [(int(row[0]), row[2], row[8]) for row in sheet[1:]] == expected
    assert [row[9] or 0 for row in sheet[1:]] == [float(x.value or 0) for x in content.lines]
    lines = json.loads(made[JSON])["lines"]
    assert [(x["number"], x["key"], x["printed"]) for x in lines] == expected
    table = word.Document(io.BytesIO(made[DOCX])).tables[-1]
    assert [row.cells[0].text for row in table.rows[1:]] == [str(x.number) for x in content.lines]
    assert re.findall(r'id="line-(\d+)"', made[HTML].decode()) == [str(x.number) for x in content.lines]


@pytest.mark.parametrize("name", RENDERINGS)
def test_the_same_report_is_drawn_with_the_same_characters(name: str, made: dict[str, bytes]) -> None:
    again = RENDERINGS[name][1](annual())
    assert again == made[name] or (name in (DOCX, XLSX) and text_of(name, again) == text_of(name, made[name]))


@pytest.mark.parametrize("name", RENDERINGS)
@pytest.mark.parametrize("trick", TRICKS)
def test_text_is_never_more_than_text(name: str, trick: str, texts: dict[str, str]) -> None:
    wanted = json.dumps(trick)[1:-1] if name == JSON else trick
    assert re.sub(r"\s", "", wanted) in texts[name]


def test_a_page_has_no_script_and_a_workbook_no_formula(made: dict[str, bytes]) -> None:
    assert b"<script" not in made[HTML]
    assert not re.search(rb'(src|href)="(?!#line)', made[HTML])
    book = pypdf.PdfReader(io.BytesIO(made[PDF]))
    assert not any("/Annots" in page for page in book.pages)
    with zipfile.ZipFile(io.BytesIO(made[XLSX])) as parts:
        assert not any(b"<f>" in parts.read(n) or b"hyperlink" in parts.read(n) for n in parts.namelist())


def test_names_in_an_event_are_escaped_too() -> None:
    parts = [{"labels": {"level": trick}, "value": 1, "events": 1} for trick in TRICKS]
    found = template.read("x", "# 题\n\n{{k|by=level|table}}\n")
    content = compose.compose(found, {"k|by=level": answer("k", len(TRICKS), parts=parts)}, {}, head(bureau="局<b>"))
    for name, (_, draw) in RENDERINGS.items():
        text = text_of(name, draw(content))
        assert "局<b>" in text
        assert all(re.sub(r"\s", "", json.dumps(t)[1:-1] if name == JSON else t) in text for t in TRICKS)


def test_no_character_is_without_a_glyph(content: Content) -> None:
    assert fonts.missing(str(content.document)) == frozenset()
    assert fonts.missing(f"{RARE}\U0002ffff") <= {"\U0002ffff"}
    box, *others = (
        pdf.pages(Document("局", "题", blocks=(Paragraph(letter),)), 40)[0] for letter in ("\U000e0fff", *RARE)
    )
    assert box not in others


def test_a_draft_says_what_is_missing_and_an_issued_one_does_not(content: Content) -> None:
    found = template.read("x", "# 题\n\n{{text:甲}}\n")
    for mark, expected in (("草稿", True), ("", False)):
        drawn = RENDERINGS[PDF][1](compose.compose(found, {}, {"甲": "字\ue000"}, head(mark=mark)))
        assert ("U+E000" in text_of(PDF, drawn)) is expected
