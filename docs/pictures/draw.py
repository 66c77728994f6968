"""Draws what a terminal showed, colours and all: `python docs/pictures/draw.py TITLE WIDTH < session.ansi > one.svg`.

    FORCE_COLOR=1 TTY_INTERACTIVE=0 COLUMNS=100 hub status > session.ansi

The picture fetches nothing: its font is whichever monospaced one the reader has.
"""

from __future__ import annotations

import html
import io
import re
import sys

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

FONTS = "'Sarasa Mono SC', 'Noto Sans Mono CJK SC', 'Fira Code', Menlo, Consolas, monospace"
THEME = TerminalTheme(
    (30, 33, 39), (222, 224, 228),
    [(30, 33, 39), (224, 108, 117), (126, 190, 112), (214, 180, 106), (97, 164, 228), (190, 130, 210),
     (86, 182, 194), (222, 224, 228)],
    [(110, 116, 128)] + [(240, 240, 240)] * 7,
)  # fmt: skip
CELL = 12.2
"""Width of a terminal's cell in rich's pictures."""
TEXT = re.compile(
    r'<text (class="t-r\d+") x="([\d.]+)" (y="[\d.]+") textLength="[\d.]+" clip-path="[^"]+">(.*?)</text>', re.DOTALL
)
BORDER = re.compile(r"[\u2500-\u257f]+")
WORDS = re.compile(r"[\u2e80-\uffef]+|[^\s\u2e80-\uffef]+|\s+")


def picture(shown: str, title: str, width: int) -> str:
    """What a terminal of that width showed, as SVG."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in re.sub(r"\x1b\[\?25[lh]", "", shown).splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    shape = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    shape = shape.replace("Fira Code, monospace", FONTS)
    drawn = console.export_svg(title=title, theme=THEME, code_format=shape, unique_id="t")
    return TEXT.sub(_in_cells, drawn)


def _in_cells(text: re.Match[str]) -> str:
    """One text of the picture, cell by cell: a Chinese character takes two, whatever the font thinks."""
    shape, x, rest, content = text[1], float(text[2]), text[3], html.unescape(text[4]).replace("\xa0", " ")
    pieces, cell = [], 0
    for piece in WORDS.findall(content):
        width = cell_len(piece) * CELL
        if piece.strip():
            at = f'x="{x + cell * CELL:g}" textLength="{width:g}"'
            at += ' lengthAdjust="spacingAndGlyphs"' if BORDER.fullmatch(piece) else ""
            pieces.append(f"<text {shape} {at} {rest}>{html.escape(piece, quote=False)}</text>")
        cell += cell_len(piece)
    return "".join(pieces)


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read(), sys.argv[1], int(sys.argv[2])))
