"""Writes a document as DOCX, in the same form and with the fonts that offices have."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

import docx
from docx.document import Document as Word
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor, Twips
from docx.text.paragraph import Paragraph as Line
from docx.text.run import Run
from lxml.etree import SubElement

from services.runtime.document.model import COLOURS, Annex, Block, Chart, Document, Heading, Paragraph, Table, day

FANG, HEI, KAI, SONG, TITLE = "仿宋", "黑体", "楷体", "宋体", "方正小标宋简体"
RED = "E60012"
PITCH = Pt(28.95)
"""22 lines to a page."""
MM = 1440 / 25.4
"""In twentieths of a point."""
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
LEFT, CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT


def write(document: Document) -> bytes:
    """The DOCX."""
    writer = _Writer(docx.Document())
    writer.head(document)
    writer.body(document)
    for number, annex in enumerate(document.annexes, 1):
        writer.annex(annex, number if len(document.annexes) > 1 else None)
    file = io.BytesIO()
    writer.word.save(file)
    return file.getvalue()


class _Writer:
    """Writes line by line."""

    def __init__(self, word: Word) -> None:
        self.word, self.width = word, 156
        section = word.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        section.footer_distance = Mm(25)
        _grid(section._sectPr)
        _page_number(section.footer.paragraphs[0])
        _font(word.styles["Normal"].font, word.styles["Normal"].element, FANG)
        word.styles["Normal"].font.size = Pt(16)

    def head(self, document: Document) -> None:
        """版头: urgency, red name, number, red line."""
        head = self.word.sections[0].header.paragraphs[0]
        if document.mark:
            head.alignment = CENTRE
            _run(head, document.mark, HEI, 14, RED)
        if document.watermark:
            head.add_run()._element.append(_watermark(document.watermark))
        urgency = self.line()
        _run(urgency, document.urgency, HEI, 16, COLOURS[document.colour].lstrip("#").upper())
        for _ in range(2):
            self.line()
        name = self.line(CENTRE)
        name.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        _run(name, document.issuer, TITLE, min(40, int(440 / max(1, len(document.issuer)))), RED, bold=True)
        self.line()
        number = self.line(LEFT if document.signer else CENTRE)
        signer = f"　{document.number}　　　　签发人：{document.signer}" if document.signer else document.number
        _run(number, signer, FANG, 16)
        _rule(number, "bottom", RED, 12)

    def body(self, document: Document) -> None:
        """主体 and 版记."""
        self.line()
        _run(self.line(CENTRE), document.title.replace("　", "\n"), TITLE, 22, bold=True)
        self.line()
        if document.addressees:
            _run(self.line(), f"{document.addressees}：", FANG, 16)
        self.blocks(document.blocks)
        for n, annex in enumerate(document.annexes, 1):
            numbered = f"{n}．{annex.title}" if len(document.annexes) > 1 else annex.title
            _run(self.line(indent=True), f"附件：{numbered}" if n == 1 else f"　　　{numbered}", FANG, 16)
        self.signature(document)
        self.imprint(document)

    def signature(self, document: Document) -> None:
        """Who issues it, and when."""
        if not document.signed:
            return
        self.line()
        for text in (document.signed, day(document.date) if document.date else ""):
            line = self.line(RIGHT)
            line.paragraph_format.right_indent = Pt(16 * 4)
            _run(line, text, FANG, 16)
        if document.remark:
            _run(self.line(indent=True), f"（{document.remark}）", FANG, 16)

    def imprint(self, document: Document) -> None:
        """版记: copies and printing."""
        if not (document.copies or document.printed_by):
            return
        self.line()
        copies = self.line()
        _rule(copies, "top", "000000", 8)
        _run(copies, f"　抄送：{document.copies}。" if document.copies else "", FANG, 14)
        printed = self.line()
        _rule(printed, "top", "000000", 6)
        _rule(printed, "bottom", "000000", 8)
        date = f"{day(document.date)}印发" if document.date else ""
        _run(printed, f"　{document.printed_by}　　{date}", FANG, 14)

    def annex(self, annex: Annex, number: int | None) -> None:
        """附件, on a page of its own; a wide one on a page that lies on its side."""
        section = self.word.sections[-1]
        turned = annex.wide is not (section.orientation == WD_ORIENT.LANDSCAPE)
        if turned:
            _turn(self.word.add_section(WD_SECTION.NEW_PAGE), wide=annex.wide)
        line = self.line()
        line.paragraph_format.page_break_before = not turned
        self.width = 225 if annex.wide else 156
        _run(line, f"附件{number or ''}", HEI, 16)
        _run(self.line(CENTRE), annex.title, TITLE, 22, bold=True)
        self.blocks(annex.blocks)

    def blocks(self, blocks: Iterable[Block]) -> None:
        """The text."""
        for block in blocks:
            match block:
                case Heading():
                    line = self.line(indent=True)
                    line.paragraph_format.keep_with_next = True
                    _run(line, block.text, (HEI, KAI, FANG)[block.level - 1], 16)
                case Paragraph():
                    self.paragraph(block)
                case Table():
                    self.table(block)
                case Chart():
                    rows = tuple((label, f"{value:f}") for label, value in zip(block.labels, block.values, strict=True))
                    self.table(Table(("项目", "数值"), rows, caption=block.caption))

    def paragraph(self, block: Paragraph) -> None:
        """Running text with its raised marks."""
        line, at = self.line(indent=block.indent), 0
        for offset, mark in block.marks:
            _run(line, block.text[at:offset], FANG, 16)
            _run(line, mark, FANG, 9)
            line.runs[-1].font.superscript = True
            at = offset
        _run(line, block.text[at:], FANG, 16)

    def table(self, block: Table) -> None:
        """A table over the whole width; written cell by cell as XML, python-docx takes a minute for 10,000 rows."""
        if block.caption:
            caption = self.line(CENTRE)
            caption.paragraph_format.keep_with_next = True
            _run(caption, block.caption, HEI, 12)
        table = self.word.add_table(rows=0, cols=len(block.columns))
        table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
        shares = block.widths or (1,) * len(block.columns)
        widths = [round(self.width * MM * share / sum(shares)) for share in shares]
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Twips(width)
        table._tbl.append(_row(block.columns, widths, HEI, block.size, head=True))
        for row in block.rows:
            table._tbl.append(_row(row, widths, FANG, block.size))

    def line(self, alignment: WD_ALIGN_PARAGRAPH = LEFT, *, indent: bool = False) -> Line:
        """A line on the grid."""
        line = self.word.add_paragraph()
        line.alignment = alignment
        form = line.paragraph_format
        form.space_before = form.space_after = Pt(0)
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, PITCH
        form.first_line_indent = Pt(32) if indent else None
        return line


def _row(cells: Iterable[str], widths: Iterable[int], font: str, size: float, *, head: bool = False) -> Any:
    """A row of a table; the heading is repeated on each page."""
    row = OxmlElement("w:tr")
    properties = SubElement(row, qn("w:trPr"))
    SubElement(properties, qn("w:cantSplit"))
    if head:
        SubElement(properties, qn("w:tblHeader"))
    for text, width in zip(cells, widths, strict=True):
        cell = SubElement(row, qn("w:tc"))
        SubElement(SubElement(cell, qn("w:tcPr")), qn("w:tcW"), {qn("w:w"): str(width), qn("w:type"): "dxa"})
        line = SubElement(cell, qn("w:p"))
        SubElement(SubElement(line, qn("w:pPr")), qn("w:jc"), {qn("w:val"): "center"})
        run = SubElement(line, qn("w:r"))
        looks = SubElement(run, qn("w:rPr"))
        SubElement(looks, qn("w:rFonts"), {qn(f"w:{kind}"): font for kind in ("ascii", "hAnsi", "eastAsia")})
        SubElement(looks, qn("w:sz"), {qn("w:val"): str(round(size * 2))})
        SubElement(run, qn("w:t"), {_SPACE: "preserve"}).text = _clean(text)
    return row


def _turn(section: Any, *, wide: bool) -> None:
    """Pages on their side, or upright again."""
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    edges = (28, 26, 37, 35) if wide else (37, 35, 28, 26)
    section.page_width, section.page_height = (Mm(297), Mm(210)) if wide else (Mm(210), Mm(297))
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = map(Mm, edges)
    _grid(section._sectPr)


def _watermark(text: str) -> Any:
    """Large pale letters across the page, as Word draws its own."""
    return parse_xml(
        f'<w:pict {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml">'
        '<v:shapetype id="t136" coordsize="21600,21600" path="m@7,0l@8,0m@5,21600l@6,21600e">'
        '<v:textpath on="t" fitshape="t"/></v:shapetype>'
        '<v:shape id="watermark" type="#t136" fillcolor="#f3cfcf" stroked="f" style="position:absolute;width:360pt;'
        "height:150pt;rotation:315;z-index:-251658752;mso-position-horizontal:center;"
        "mso-position-horizontal-relative:margin;mso-position-vertical:center;"
        'mso-position-vertical-relative:margin"><v:fill opacity=".5"/>'
        f'<v:textpath style="font-family:&quot;{HEI}&quot;" string={quoteattr(_clean(text))}/></v:shape></w:pict>'
    )


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return _CONTROL.sub("\ufffd", text)


def _run(line: Line, text: str, font: str, size: int, colour: str = "000000", *, bold: bool = False) -> None:
    run: Run = line.add_run(_clean(text))
    run.font.size, run.font.bold = Pt(size), bold
    run.font.color.rgb = RGBColor.from_string(colour)
    _font(run.font, run._element, font)


def _font(font: Any, element: Any, name: str) -> None:
    """A font for Chinese characters and all others."""
    font.name = name
    element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _grid(section: Any) -> None:
    """22 lines of 28 characters (GB/T 9704-2012, 5.2.4)."""
    for old in section.findall(qn("w:docGrid")):
        section.remove(old)
    grid = OxmlElement("w:docGrid")
    for name, value in (("type", "linesAndChars"), ("linePitch", "579"), ("charSpace", "-849")):
        grid.set(qn(f"w:{name}"), value)
    section.append(grid)


def _rule(line: Line, side: str, colour: str, eighths: int) -> None:
    """A line above or below a line of text; its weight in eighths of a point."""
    properties = line._p.get_or_add_pPr()
    borders = properties.find(qn("w:pBdr"))
    if borders is None:
        borders = OxmlElement("w:pBdr")
        properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    border = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "4"), ("color", colour)):
        border.set(qn(f"w:{name}"), value)
    borders.append(border)


def _page_number(line: Line) -> None:
    """`— 1 —` in the middle: Word tells odd from even pages only with two footers."""
    line.alignment = CENTRE
    _run(line, "— ", SONG, 14)
    for type_, text in (("begin", ""), ("", "PAGE"), ("end", "")):
        run = line.add_run()
        run.font.size = Pt(14)
        _font(run.font, run._element, SONG)
        mark = OxmlElement("w:fldChar" if type_ else "w:instrText")
        if type_:
            mark.set(qn("w:fldCharType"), type_)
        else:
            mark.text = text
        run._element.append(mark)
    _run(line, " —", SONG, 14)
