"""Routes: which warning calls which posts, by which channels, and how long until the next is called (routes.toml)."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.contracts import codes
from services.contracts.rows import Mistake, Row, advice
from services.runtime import toml
from services.runtime.bureau import Found, Value, Wrong, plain_text, read_values, span

FILE = "routes.toml"
POSTS = "posts"
"""The table of posts: key → Chinese name."""
CHANNELS = ("voice", "sms", "email", "webhook", "apprise", "console")


@dataclass(frozen=True)
class Route:
    """A row of routes.toml."""

    key: str
    zh: str
    levels: frozenset[str]
    hazards: frozenset[str]
    """Empty: all."""
    posts: tuple[str, ...]
    need: Literal["any", "all"]
    """Whether one answer is enough for all posts."""
    channels: tuple[str, ...]
    freshness: datetime.timedelta
    """Nobody is called about a warning that is older."""
    repeat: datetime.timedelta
    """After the first call, as those below: the same people again."""
    deputy: datetime.timedelta
    superior: datetime.timedelta
    exhausted: datetime.timedelta
    """Nobody is left to call."""


def matching(routes: Iterable[Route], level: str, hazard: str) -> list[Route]:
    """The routes that a warning of this level and hazard takes."""
    return [r for r in routes if level in r.levels and (not r.hazards or hazard in r.hazards)]


@dataclass(frozen=True)
class Routes:
    """What routes.toml says."""

    rows: tuple[Route, ...]
    posts: Mapping[str, str]
    """Every post by its key, with its Chinese name."""


def listed(value: Any, known: Iterable[str], noun: str) -> list[str]:
    """A list of known words. Raises Wrong."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Wrong("不是文字的列表", '写成 ["…", "…"]')
    names = list(known)
    for one in value:
        if one not in names:
            raise Wrong(f"中没有这样的{noun}: {one}", advice(one, names))
    return value


def some(known: Iterable[str], noun: str) -> Callable[[Any], tuple[str, ...]]:
    """Reads a list of known words with at least one."""

    def read(value: Any) -> tuple[str, ...]:
        if not (found := listed(value, known, noun)):
            raise Wrong("是空的", f"至少写一个{noun}")
        return tuple(dict.fromkeys(found))

    return read


def _need(value: Any) -> str:
    if value not in ("any", "all"):
        raise Wrong(f"不是 any 或 all: {value}", '每个岗位都要应答写 "all", 一个应答即可写 "any"')
    return str(value)


LEVELS = tuple(level for level in codes.WEATHER_LEVEL.values if level != "none")


def _columns(posts: Mapping[str, str]) -> Mapping[str, Value]:
    return {
        "zh": Value(plain_text),
        "levels": Value(lambda v: frozenset(some(LEVELS, "级别")(v))),
        "hazards": Value(
            lambda v: frozenset(listed(v, codes.WEATHER_HAZARD.values, "灾种")), needed=False, otherwise=frozenset()
        ),
        "posts": Value(some(posts, "岗位")),
        "need": Value(_need),
        "channels": Value(some(CHANNELS, "通道")),
        "freshness": Value(span),
        "repeat": Value(span),
        "deputy": Value(span),
        "superior": Value(span),
        "exhausted": Value(span),
    }


STEPS = ("repeat", "deputy", "superior", "exhausted")
"""In the order in which they come."""


def read(documents: Sequence[toml.Document], found: Found) -> Routes:
    """The routes and posts of these files; a row of a later file replaces one of the same key."""
    posts: dict[str, str] = {}
    for document in documents:
        posts |= _posts(document, found)
    rows: dict[str, Route] = {}
    for document in documents:
        for key, value in document.values.items():
            if key != POSTS and (route := _route(document, key, value, posts, found)):
                rows[key] = route
    return Routes(tuple(rows.values()), posts)


def _posts(document: toml.Document, found: Found) -> dict[str, str]:
    posts: dict[str, str] = {}
    for row in document.rows(POSTS):
        for key, value in row.values.items():
            try:
                posts[key] = plain_text(value)
            except Wrong as wrong:
                found.add(row.mistake(key, f"岗位 {key} 的名称{wrong.what}", wrong.todo))
    return posts


def _route(
    document: toml.Document, key: str, value: Any, posts: Mapping[str, str], found: Found
) -> Route | None:  # fmt: skip
    if not isinstance(value, dict):
        found.add(document.row().mistake(key, f"{key} 不是路由", f"写成一段 [{key}]"))
        return None
    row = next(document.rows(key))
    table = _columns(posts)
    values = read_values(row, table, found)
    if len(values) < len(table):
        return None
    found.add(*_order(row, values))
    return Route(key=key, **values)


def _order(row: Row, values: Mapping[str, Any]) -> Iterable[Mistake]:
    """Each step comes after the one before."""
    for before, after in itertools.pairwise(STEPS):
        if values[after] < values[before]:
            yield row.mistake(after, f"{after} 早于 {before}", "都从第一次叫应算起, 依次不早于前一个")


def documents(folder: Path, shipped: Path, file: str, found: Found) -> list[toml.Document]:
    """The shipped file, and after it the bureau's when there is one."""
    own = found.document(folder, file) if (folder / file).exists() else None
    base = toml.read(shipped, file)
    if isinstance(base, Mistake):
        raise FileNotFoundError(str(base))
    return [base, own] if own else [base]
