"""Draws a document as PDF with Typst: `official.typ` gives the form, the content goes in as JSON."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Literal

import msgspec
import typst

from services.runtime.document import fonts
from services.runtime.document.model import COLOURS, Block, Document, day

FORM = Path(__file__).parent / "official.typ"


def draw(document: Document) -> bytes:
    """The PDF. Takes about 0.3 s of CPU: call it in a thread. The same document gives the same bytes."""
    drawn: bytes = _compiled(document, "pdf", None)
    return drawn


def pages(document: Document, ppi: float = 72) -> list[bytes]:
    """Each page as PNG."""
    drawn: bytes | list[bytes] = _compiled(document, "png", ppi)
    return [drawn] if isinstance(drawn, bytes) else drawn


def _compiled(document: Document, as_: Literal["pdf", "png"], ppi: float | None) -> Any:
    return typst.compile(
        str(FORM), format=as_, ppi=ppi, font_paths=list(fonts.paths()),
        sys_inputs={"document": msgspec.json.encode(_written(document)).decode()},
    )  # fmt: skip


def _written(document: Document) -> dict[str, Any]:
    """As the form reads it."""
    return {
        **{f.name: getattr(document, f.name) for f in dataclasses.fields(document)},
        "colour": COLOURS[document.colour], "date": day(document.date) if document.date else "",
        "blocks": [_block(block) for block in document.blocks],
        "annexes": [{**vars(a), "blocks": [_block(block) for block in a.blocks]} for a in document.annexes],
    }  # fmt: skip


def _block(block: Block) -> dict[str, Any]:
    """Its fields; numbers as text. Fields one by one: `asdict` would copy every cell of a table."""
    fields = {f.name: getattr(block, f.name) for f in dataclasses.fields(block)}
    return {"kind": type(block).__name__.lower(), **fields}
