"""Which fonts a document is drawn with, and which characters none of them has."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import noto_cjk_sans_otc
import pylopdf_fonts_zh_cn
import typst

SHIPPED = (Path(pylopdf_fonts_zh_cn.__file__).parent, Path(noto_cjk_sans_otc.__file__).parent)
"""Noto Serif and Sans SC (30,900 characters each); Noto Sans CJK has 44,800 and stands in for rare ones."""
PLACES = (*SHIPPED, Path("/usr/share/texlive/texmf-dist/fonts/opentype/public/fandol"))
"""Besides those of the system."""
FANGSONG = ("FandolFang R", "FandolFang", "FangSong_GB2312", "FangSong", "STFangsong")
TITLES = ("FZXiaoBiaoSong-B05S", "FZXiaoBiaoSong-B05")
STANDS_IN = {"仿宋": FANGSONG, "小标宋": TITLES}
"""Face of the standard → the families that have it."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
"""Categories of characters that are not seen."""


def paths() -> list[str]:
    """The folders that Typst looks into."""
    return [str(folder) for folder in PLACES if folder.is_dir()]


@cache
def stood_in() -> tuple[str, ...]:
    """The faces of GB/T 9704 that this machine has not, and that Noto Serif stands in for."""
    known = {family.casefold() for family in typst.Fonts(font_paths=list(paths())).families()}
    return tuple(face for face, families in STANDS_IN.items() if not any(f.casefold() in known for f in families))


def missing(text: str) -> frozenset[str]:
    """The characters that no shipped font has: they would be printed as empty boxes."""
    known = covered()
    return frozenset(one for one in set(text) if ord(one) not in known and unicodedata.category(one) not in _UNSEEN)


@cache
def covered() -> frozenset[int]:
    """Every character that the shipped fonts have."""
    files = (path for folder in SHIPPED for path in sorted(folder.glob("*.[ot]t[fc]")))
    return frozenset(one for path in files for one in _characters(path.read_bytes()))


# The character map of OpenType: https://learn.microsoft.com/typography/opentype/spec/cmap


def _characters(font: bytes) -> Iterator[int]:
    """All characters of a font; of a collection, those of its first."""
    start = struct.unpack_from(">I", font, 12)[0] if font[:4] == b"ttcf" else 0
    tables = struct.unpack_from(">H", font, start + 4)[0]
    records = (struct.unpack_from(">4sIII", font, start + 12 + 16 * n) for n in range(tables))
    at = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    for n in range(struct.unpack_from(">H", font, at + 2)[0]):
        offset = at + struct.unpack_from(">HHI", font, at + 4 + 8 * n)[2]
        if struct.unpack_from(">H", font, offset)[0] == 12:
            yield from _groups(font, offset)


def _groups(font: bytes, at: int) -> Iterable[int]:
    """Format 12: segments of characters."""
    for n in range(struct.unpack_from(">I", font, at + 12)[0]):
        first, last, _ = struct.unpack_from(">III", font, at + 16 + 12 * n)
        yield from range(first, last + 1)
