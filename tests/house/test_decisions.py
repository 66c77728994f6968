"""Decisions: one a file, numbered, ten lines that say what, why, what else was tried, and what follows."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from services.runtime.settings import ROOT

FILES = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PARTS = ("**What.** ", "**Why.** ", "**Also tried.** ", "**So.** ")
LINES = 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_decision_says_what_why_what_else_and_what_follows(path: Path) -> None:
    text = path.read_text("utf-8")
    number = re.fullmatch(r"(\d{4})-[a-z0-9-]+", path.stem)
    assert number, f"{path.name}: name it NNNN-what-was-decided.md"
    assert text.startswith(f"# {int(number[1])}. "), f"{path.name}: its title begins with its number"
    starts = [paragraph.partition("** ")[0] + "** " for paragraph in text.strip().split("\n\n")[1:]]
    assert tuple(starts) == PARTS, f"{path.name}: four paragraphs, {' '.join(PARTS)}"
    assert len(text.splitlines()) <= LINES, f"{path.name}: ten lines, or it is two decisions"


def test_numbers_are_given_once_and_none_is_left_out() -> None:
    numbers = Counter(int(path.stem[:4]) for path in FILES)
    assert numbers == Counter(range(1, len(FILES) + 1)), "number a new decision after the last one"
