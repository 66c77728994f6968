"""Reads issuers.toml: whose warnings call people by themselves, and how severities without a colour are converted.

An issuer without a row is judged by its code: the bureau's own station (the code begins with the bureau's region) may
call, a superior's and any other wait for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from services.contracts.alert.model import COLOURS, SEVERITIES
from services.contracts.rows import Mistake, Row, advice
from services.runtime import toml

FILE = "issuers.toml"
TABLE = "issuer"
LEVELS = ("own", "superior", "other")
_SHORTEST = 2
"""Digits of a province: the shortest code of a region."""


@dataclass(frozen=True)
class Issuer:
    """Who issues warnings: one `[[issuer]]`."""

    name: str
    sender_code: str = ""
    sender: str = ""
    """The sender as CAP names it, for issuers without a code."""
    level: Literal["own", "superior", "other"] = "other"
    trusted: bool = False
    """Its warnings call people without anybody's confirmation."""
    severity: Mapping[str, str] = field(default_factory=dict)
    """CAP severity → colour, for messages that tell none."""
    known: bool = True
    """Whether it has a row."""


class Issuers:
    """The issuers that a bureau knows."""

    def __init__(self, root: str, rows: tuple[Issuer, ...] = ()) -> None:
        self.root = root
        self.rows = rows
        self._by_name = {name: row for row in rows for name in (row.sender_code, row.sender) if name}

    def of(self, sender_code: str, sender: str = "") -> Issuer:
        """The issuer of a message: its row, or what its code says."""
        found = self._by_name.get(sender_code) or self._by_name.get(sender)
        return found or self._by_code(sender_code or sender, sender)

    def may_call(self, message: Mapping[str, Any]) -> bool:
        """Whether a message (data of weather.alert_received) calls people without a person's confirmation."""
        code = str(message.get("sender_code") or str(message.get("chain_id") or "").partition("/")[0])
        return self.of(code, str(message.get("sender") or "")).trusted

    def _by_code(self, code: str, name: str) -> Issuer:
        """Own: a code that begins with the bureau's region; superior: one whose region holds the bureau's."""
        if self.root and code.startswith(_stem(self.root)):
            return Issuer(name, code, level="own", trusted=True, known=False)
        above = _stem(code[:6])
        superior = code[:6].isdigit() and self.root.startswith(above)
        return Issuer(name, code, level="superior" if superior else "other", known=False)


def _stem(region: str) -> str:
    """What the codes of all its parts begin with: of 320700 it is 3207."""
    while len(region) > _SHORTEST and region.endswith("00"):
        region = region[:-2]
    return region


def read(folder: Path, root: str) -> tuple[Issuers, list[Mistake]]:
    """The issuers of a bureau folder, and every mistake in the file; without the file there are no rows."""
    if not (folder / FILE).exists():
        return Issuers(root), []
    document = toml.read(folder, FILE)
    if isinstance(document, Mistake):
        return Issuers(root), [document]
    mistakes = list(_strange(document))
    rows = [(row, _issuer(row, mistakes)) for row in document.rows(TABLE)]
    mistakes += _twice(rows)
    return Issuers(root, tuple(issuer for _, issuer in rows)), sorted(mistakes)


def _strange(document: toml.Document) -> Iterator[Mistake]:
    for name, value in document.values.items():
        if name != TABLE:
            yield document.row().mistake(name, f"不认识的表 {name}", "每个发布单位写一段 [[issuer]]")
        elif not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            yield document.row().mistake(name, "issuer 不是列表", "每个发布单位写一段 [[issuer]]")


_TEXTS = ("name", "sender_code", "sender", "level")
_KNOWN = (*_TEXTS, "trusted", "severity")


def _issuer(row: Row, mistakes: list[Mistake]) -> Issuer:
    strange = sorted(row.values.keys() - set(_KNOWN))
    mistakes.extend(row.mistake(name, f"不认识的项 {name}", advice(name, _KNOWN)) for name in strange)
    texts = {name: _text(row, name, mistakes) for name in _TEXTS}
    if not texts["name"]:
        mistakes.append(row.mistake("name", "缺少 name", '补上 name = "…"'))
    if not texts["sender_code"] and not texts["sender"]:
        mistakes.append(row.mistake("", "没有 sender_code 也没有 sender", "补上 14 位发布单位编码, 或 CAP 的 sender"))
    if texts["level"] not in ("", *LEVELS):
        mistakes.append(row.mistake("level", f"level 没有 {texts['level']}", advice(texts["level"], LEVELS)))
    trusted = row.values.get("trusted", False)
    if not isinstance(trusted, bool):
        mistakes.append(row.mistake("trusted", "trusted 不是 true 或 false", "可以不经确认直接叫应的写 true"))
    level: Any = texts["level"] if texts["level"] in LEVELS else "other"
    return Issuer(
        texts["name"], texts["sender_code"], texts["sender"], level, trusted is True, _severity(row, mistakes)
    )


def _text(row: Row, name: str, mistakes: list[Mistake]) -> str:
    value = row.values.get(name, "")
    if not isinstance(value, str):
        mistakes.append(row.mistake(name, f"{name} 不是文字", '写成 "…"'))
        return ""
    return value.strip()


def _severity(row: Row, mistakes: list[Mistake]) -> dict[str, str]:
    table = row.values.get("severity", {})
    if not isinstance(table, dict):
        mistakes.append(row.mistake("severity", "severity 不是表", '写成 { Extreme = "red", Severe = "orange" }'))
        return {}
    for name, colour in table.items():
        if name not in SEVERITIES:
            mistakes.append(row.mistake("severity", f"severity 没有 {name}", advice(name, SEVERITIES)))
        if colour not in COLOURS:
            mistakes.append(row.mistake("severity", f"{name} 换算为 {colour}, 不是颜色", advice(str(colour), COLOURS)))
    return {name: str(colour) for name, colour in table.items() if name in SEVERITIES and colour in COLOURS}


def _twice(rows: list[tuple[Row, Issuer]]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for row, issuer in rows:
        for field_, name in (("sender_code", issuer.sender_code), ("sender", issuer.sender)):
            if name and name in seen:
                yield row.mistake(field_, f"{name} 已写过", "删去其中一段")
            seen.add(name)
