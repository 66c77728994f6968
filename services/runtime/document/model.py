"""What an official document holds, whatever it is drawn as; it knows no domain."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

RED = "red"
COLOURS = {"red": "#c00000", "orange": "#d86a00", "yellow": "#a88600", "blue": "#1f4e9e"}
"""The colours of warnings (预警颜色), dark enough to be read on paper."""


@dataclass(frozen=True)
class Heading:
    """`一、` in black, `（一）` in script, `1.` as the text: levels 1 to 3; the number is part of the text."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    indent: bool = True
    marks: tuple[tuple[int, str], ...] = ()
    """Small raised words, each after so many characters of the text: where a number comes from."""


@dataclass(frozen=True)
class Table:
    """Rows under a heading that is repeated on each page; the widths are shares of the line."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...] = ()
    caption: str = ""
    size: float = 12
    """Of the letters, in points."""


@dataclass(frozen=True)
class Chart:
    """Values as bars, or as a line over time; none below 0."""

    labels: tuple[str, ...]
    values: tuple[Decimal, ...]
    caption: str = ""
    line: bool = False


Block = Heading | Paragraph | Table | Chart


@dataclass(frozen=True)
class Annex:
    """An annex (附件): begins on a page of its own."""

    title: str
    blocks: tuple[Block, ...]
    wide: bool = False
    """On pages that lie on their side."""


@dataclass(frozen=True)
class Document:
    """A document of a bureau."""

    issuer: str
    """The red name on top (发文机关标志)."""
    title: str
    """A wide blank (U+3000) is where its line may break."""
    number: str = ""
    """`江应急提示〔2026〕1号`."""
    urgency: str = ""
    """Top left (紧急程度), e.g. 红色."""
    colour: str = RED
    """Of the urgency, a key of `COLOURS`."""
    signer: str = ""
    """签发人: of documents that go upward."""
    addressees: str = ""
    blocks: tuple[Block, ...] = ()
    signed: str = ""
    """Who issues it, below the text."""
    date: datetime.date | None = None
    remark: str = ""
    """附注: in brackets below the date."""
    annexes: tuple[Annex, ...] = ()
    copies: str = ""
    """抄送."""
    printed_by: str = ""
    mark: str = ""
    """Stands above everything on every page: a draft, an exercise."""
    watermark: str = ""
    """Large and pale behind the text of every page."""


def day(date: datetime.date) -> str:
    """`2026年7月1日`."""
    return f"{date.year}年{date.month}月{date.day}日"


NUMERALS = "一二三四五六七八九十"


def numeral(number: int) -> str:
    """1 to 99 as headings are numbered: `一`, `十二`, `二十`."""
    tens, ones = divmod(number, 10)
    return (("" if tens == 1 else NUMERALS[tens - 1]) + "十" if tens else "") + (NUMERALS[ones - 1] if ones else "")
