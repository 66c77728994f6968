"""The tree of regions of a bureau: which code lies within which, and when (regions.csv)."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One row of regions.csv. A code may have several rows whose periods follow each other."""

    code: str
    name: str
    parent: str
    """Empty for the root alone."""
    kind: str = ""
    from_: datetime.date | None = None
    to: datetime.date | None = None
    successor: str = ""
    """The code that took over after `to`."""

    @property
    def first(self) -> datetime.date:
        """The first day this row holds."""
        return self.from_ or datetime.date.min

    @property
    def last(self) -> datetime.date:
        """The last day this row holds."""
        return self.to or datetime.date.max


@dataclass(frozen=True)
class Problem:
    """What is wrong with the n-th row of a tree, and what to do."""

    index: int
    column: str
    what: str
    todo: str


class Regions:
    """The tree. Roll-up follows `parent`, never the digits of a code.

    On a day on which no row of a code holds, the row before it (else the first one) does: a fact belongs to exactly
    one region on every day, so that parts always add up to the whole.
    """

    def __init__(self, rows: Iterable[Region]) -> None:
        """Rows that `problems` finds nothing wrong with; raises ValueError when there is no single root."""
        self.rows = tuple(rows)
        self._by_code = _by_code(self.rows)
        roots = [code for code, found in self._by_code.items() if not found[-1].parent]
        if len(roots) != 1:
            raise ValueError(f"a tree has one root, this one has {len(roots)}")
        self.root = roots[0]
        self._turns = _turns(self.rows)
        self._subtrees: dict[tuple[str, datetime.date | None], frozenset[str]] = {}

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_code)

    def __len__(self) -> int:
        return len(self._by_code)

    def get(self, code: str, on: datetime.date | None = None) -> Region:
        """The row of a code on a day (None: the latest). Raises KeyError for an unknown code."""
        return _held(self._by_code[code], on)

    def resolve(self, code: str) -> tuple[str, bool]:
        """The code itself and True; of an unknown one the longest known prefix, else the root, and False."""
        if code in self._by_code:
            return code, True
        prefixes = (code[:end] for end in range(len(code) - 1, 0, -1))
        return next((prefix for prefix in prefixes if prefix in self._by_code), self.root), False

    def path(self, code: str, on: datetime.date | None = None) -> tuple[str, ...]:
        """The codes from the root down to this one."""
        found = [code]
        while parent := self.get(found[-1], on).parent:
            found.append(parent)
        return tuple(reversed(found))

    def within(self, code: str, ancestor: str, on: datetime.date | None = None) -> bool:
        """Whether a code is the other one or lies below it."""
        return ancestor in self.path(code, on)

    def subtree(self, code: str, on: datetime.date | None = None) -> frozenset[str]:
        """The code and all that roll up into it on that day."""
        turn = None if on is None else max((day for day in self._turns if day <= on), default=datetime.date.min)
        if (code, turn) not in self._subtrees:
            self._subtrees[code, turn] = frozenset(c for c in self._by_code if self.within(c, code, turn))
        return self._subtrees[code, turn]


def _by_code(rows: Iterable[Region]) -> dict[str, tuple[Region, ...]]:
    found: dict[str, list[Region]] = {}
    for row in rows:
        found.setdefault(row.code, []).append(row)
    return {code: tuple(sorted(held, key=lambda r: r.first)) for code, held in found.items()}


def _held(rows: tuple[Region, ...], on: datetime.date | None) -> Region:
    if on is None:
        return rows[-1]
    return next((row for row in reversed(rows) if row.first <= on), rows[0])


def _turns(rows: Iterable[Region]) -> tuple[datetime.date, ...]:
    """The days on which the tree changes."""
    return tuple(sorted({row.first for row in rows}))


def problems(rows: tuple[Region, ...]) -> list[Problem]:
    """Everything that keeps these rows from being a tree."""
    by_code = _by_code(rows)
    return [
        *_root_problems(rows),
        *(p for index, row in enumerate(rows) for p in _row_problems(index, row, by_code)),
        *_overlaps(rows),
        *_cycles(rows, by_code),
    ]


def _root_problems(rows: tuple[Region, ...]) -> Iterator[Problem]:
    roots = list(dict.fromkeys(row.code for row in rows if not row.parent))
    if rows and not roots:
        yield Problem(0, "parent", "没有一行的上级为空", "本级区域的 parent 留空")
    for index, row in enumerate(rows):
        if not row.parent and row.code != roots[0]:
            yield Problem(index, "parent", f"{row.code} 的上级为空, 而 {roots[0]} 已是根", "填写它的上级代码")


def _row_problems(index: int, row: Region, by_code: Mapping[str, tuple[Region, ...]]) -> Iterator[Problem]:
    if row.parent and row.parent not in by_code:
        yield Problem(index, "parent", f"上级代码 {row.parent} 不在表中", "改正代码, 或补上这一行")
    if row.successor and row.successor not in by_code:
        yield Problem(index, "successor", f"承接代码 {row.successor} 不在表中", "改正代码, 或补上这一行")
    if row.successor and row.successor == row.code:
        yield Problem(index, "successor", f"{row.code} 由自己承接", "改为承接它的代码, 或留空")
    if row.successor and row.to is None:
        yield Problem(index, "to", f"{row.code} 有承接代码而没有截止日", "在 to 填写撤销前的最后一天")
    if row.first > row.last:
        yield Problem(index, "to", f"{row.code} 的起始日晚于截止日", "改正 from 或 to")


def _overlaps(rows: tuple[Region, ...]) -> Iterator[Problem]:
    order = sorted(range(len(rows)), key=lambda i: (rows[i].code, rows[i].first, i))
    for before, index in itertools.pairwise(order):
        row, previous = rows[index], rows[before]
        if row.code == previous.code and row.first <= previous.last:
            yield Problem(index, "code", f"代码 {row.code} 重复", "删去一行, 或用 from/to 写明先后")


def _cycles(rows: tuple[Region, ...], by_code: Mapping[str, tuple[Region, ...]]) -> Iterator[Problem]:
    looping: set[str] = set()
    for on in _turns(rows):
        parents = {code: _held(held, on).parent for code, held in by_code.items()}
        looping |= {code for code in parents if _loops(code, parents)}
    for index, row in enumerate(rows):
        if row.code in looping:
            looping.discard(row.code)
            yield Problem(index, "parent", f"{row.code} 的上级又回到它自己", "改正上级代码")


def _loops(code: str, parents: Mapping[str, str]) -> bool:
    """Whether going up from a code comes back to it."""
    at, seen = parents[code], set[str]()
    while at and at != code and at not in seen:
        seen.add(at)
        at = parents.get(at, "")
    return at == code
