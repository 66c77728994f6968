"""The page on security names tests and constants that are there."""

from __future__ import annotations

import re

import pytest

from services.runtime.settings import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))
LIMITS = re.findall(r"`(services/[\w/]+\.py)` ([\w, ]+?)(?:;| \|)", PAGE.partition("## Limits")[2].partition("## ")[0])
FILES = sorted(set(re.findall(r"`((?:services|deploy|tests)/[\w/.-]+\.\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_shows_it_is_there(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name or 'test_'}", (ROOT / file).read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("file", "names"), LIMITS)
def test_a_limit_is_there(file: str, names: str) -> None:
    said = (ROOT / file).read_text("utf-8")
    assert [name for name in names.split(", ") if not re.search(rf"\b{name}\b[^\n]*[=:]", said)] == []


def test_every_file_is_there() -> None:
    assert len(LIMITS) > 20
    assert [file for file in FILES if not (ROOT / file).is_file()] == []
