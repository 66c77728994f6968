"""Measures: what a warning asks for (notices.toml), and which response it proposes (responses.toml)."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from services.contracts import codes
from services.contracts.rows import Mistake, Mistakes, Row
from services.runtime import toml
from services.runtime.bureau import Bureau, Found, Value, Wrong, plain_text, read_values, span
from services.warning.house.routes import LEVELS, documents, listed, some

NOTICES, RESPONSES = "notices.toml", "responses.toml"
DEFAULTS = Path(__file__).parent / "defaults"
RESPONSE_LEVELS = ("I", "II", "III", "IV")
"""The highest first (Emergency Response Law, art. 71)."""


@dataclass(frozen=True)
class Advice:
    """A row of notices.toml: what is asked for at these levels of these hazards; of several rows all counts."""

    key: str
    zh: str
    levels: frozenset[str]
    hazards: frozenset[str]
    """Empty: all."""
    measures: tuple[str, ...]
    cautions: str = ""
    due: datetime.timedelta | None = None
    """Within this time it is to be signed for; a row that says so has a notice drafted."""


@dataclass(frozen=True)
class Answer:
    """A row of responses.toml: the response that these levels of these hazards propose."""

    key: str
    zh: str
    levels: frozenset[str]
    hazards: frozenset[str]
    response: str
    expected: datetime.timedelta
    """How long the response is expected to last."""
    measures: tuple[str, ...]


class _Matching(Protocol):
    @property
    def levels(self) -> frozenset[str]: ...
    @property
    def hazards(self) -> frozenset[str]: ...


_Of = TypeVar("_Of", bound=_Matching)


@dataclass(frozen=True)
class Measures:
    """What a bureau asks for when it is warned."""

    notices: tuple[Advice, ...]
    responses: tuple[Answer, ...]

    def advice(self, level: str, hazard: str) -> Advice | None:
        """All that the rows ask for, as one; None: no notice is drafted."""
        rows = [*matching(self.notices, level, hazard)]
        spans = [row.due for row in rows if row.due]
        if not spans:
            return None
        measures = tuple(dict.fromkeys(m for row in reversed(rows) for m in row.measures))
        cautions = "".join(dict.fromkeys(row.cautions for row in reversed(rows) if row.cautions))
        return Advice("", "", frozenset([level]), frozenset([hazard]), measures, cautions, min(spans))

    def answer(self, level: str, hazard: str) -> Answer | None:
        """The highest response that is proposed; of rows as high, the one for this hazard."""
        rows = matching(self.responses, level, hazard)
        return min(rows, key=lambda row: (RESPONSE_LEVELS.index(row.response), not row.hazards), default=None)


def matching(rows: Iterable[_Of], level: str, hazard: str) -> list[_Of]:
    """The rows for a level and hazard, in their order."""
    return [row for row in rows if level in row.levels and (not row.hazards or hazard in row.hazards)]


def of(bureau: Bureau) -> Measures:
    """The measures of a bureau. Raises Mistakes."""
    return _of(bureau.folder, bureau.hash)


@functools.lru_cache(maxsize=16)
def _of(folder: Path, _hash: str) -> Measures:
    found = Found()
    read_ = _read(folder, found)
    if found.mistakes:
        raise Mistakes(found.mistakes)
    return read_


def check(folder: Path) -> list[Mistake]:
    """Every mistake in a folder's notices.toml and responses.toml."""
    found = Found()
    _read(folder, found)
    return sorted(found.mistakes)


def _read(folder: Path, found: Found) -> Measures:
    notices = _rows(documents(folder, DEFAULTS, NOTICES, found), _ADVICE, found)
    responses = _rows(documents(folder, DEFAULTS, RESPONSES, found), _ANSWER, found)
    return Measures(
        tuple(Advice(key=key, **values) for key, values in notices.items()),
        tuple(Answer(key=key, **values) for key, values in responses.items()),
    )


def _rows(
    files: Iterable[toml.Document], table: Mapping[str, Value], found: Found
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Key → values; a row of a later file replaces one of the same key."""
    rows: dict[str, dict[str, Any]] = {}
    for document in files:
        for key, value in document.values.items():
            if not isinstance(value, dict):
                found.add(document.row().mistake(key, f"{key} 不是一段", f"写成一段 [{key}]"))
                continue
            row: Row = next(iter(document.rows(key)))
            values = read_values(row, table, found)
            if len(values) == len(table):
                rows[key] = values
    return rows


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise Wrong("不是文字的列表", '写成 ["…", "…"], 至少一项')
    return tuple(plain_text(one) for one in value)


def _response(value: Any) -> str:
    if value not in RESPONSE_LEVELS:
        raise Wrong(f"不是响应级别: {value}", f"写成 {'、'.join(RESPONSE_LEVELS)} 之一")
    return str(value)


_WHICH: Mapping[str, Value] = {
    "zh": Value(plain_text),
    "levels": Value(lambda v: frozenset(some(LEVELS, "级别")(v))),
    "hazards": Value(
        lambda v: frozenset(listed(v, codes.WEATHER_HAZARD.values, "灾种")), needed=False, otherwise=frozenset()
    ),
    "measures": Value(_texts),
}
_ADVICE = {**_WHICH, "cautions": Value(plain_text, False, ""), "due": Value(span, False)}
_ANSWER = {**_WHICH, "response": Value(_response), "expected": Value(span)}
