"""Reads loops.toml and clocks.toml: the shipped rows, and over them those of a bureau with the same key."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.contracts import clock as calendar
from services.contracts.clock import Span
from services.contracts.families import FIELDS
from services.contracts.rows import Mistake, Mistakes, Row, advice
from services.runtime import toml
from services.runtime.bureau import Bureau, Found, Value, Wrong, plain_text, read_values
from services.warning.loops import condition
from services.warning.loops.condition import Condition, NotACondition, Term

LOOPS, CLOCKS = "loops.toml", "clocks.toml"
DEFAULTS = Path(__file__).parent / "defaults"


@dataclass(frozen=True)
class Step:
    """One step of a loop."""

    name: str
    zh: str
    on: tuple[Condition, ...]
    """The events that are this step."""
    opens: bool = False
    closes: bool = False
    after: tuple[str, ...] = ()
    """It is legal after these; none: at any time while the case is open."""
    case: str = ""
    """The field that names the case, `list.field` in each of a list of objects; empty: the loop's."""
    via: str = ""
    """A field that a linked step has named: it concerns every open case with that value."""
    link: str = ""
    """The field by which `via` of other steps finds the case."""
    needs: tuple[str, ...] = ()
    """Fields without which it is refused."""
    in_time: str = ""
    """A clock: once that has run out, the step is refused."""
    stays: bool = False
    """The case stays where it is."""
    strict: bool = False
    """Refused at once when it is not legal; else it waits a day for what must come before."""
    joins: bool = False
    """It concerns the case when there is one: never refused."""
    each: str = ""
    """`field in list`: taken when every member of the opening event's list has been named by the field."""

    @property
    def member(self) -> tuple[str, str]:
        """The list of objects and the field in it that names the case; two empty texts: it is no such list."""
        inside, _, field = self.case.rpartition(".")
        return (inside, field) if inside else ("", "")


@dataclass(frozen=True)
class Clock:
    """One limit of a loop."""

    key: str
    loop: str
    name: str
    zh: str
    from_: tuple[str, ...]
    until: tuple[str, ...]
    where: tuple[Term, ...] = ()
    """What the opening event must be."""
    start: str = ""
    """The field that says when it starts; empty: the step's time."""
    due: tuple[tuple[str, str], ...] = ()
    """Step and field that say the limit; what comes later counts."""
    limit: Span | None = None
    """The limit when no field says one."""
    again: tuple[str, ...] = ()
    """After these steps, what was done before does not count."""
    warn: tuple[Span, ...] = ()
    before: tuple[str, ...] = ()
    """Who is warned: a post of the places concerned, or `field:post` of the organisation that a field names."""
    at: tuple[str, ...] = ()
    later: Span | None = None
    after: tuple[str, ...] = ()
    """Who is told when it is still not done so long after."""
    statutory: bool = False
    """Set by law: lateness is always judged by when the hub was told."""
    night: bool = False
    """A limit of days is spoken of at night, too; else by day. A limit of hours or minutes always at once."""


@dataclass(frozen=True)
class Loop:
    """One loop with its clocks."""

    key: str
    zh: str
    case: tuple[str, ...]
    """The field that names the case; the first that is there."""
    labels: tuple[str, ...]
    steps: tuple[Step, ...]
    statutory: bool = False
    clocks: tuple[Clock, ...] = ()

    def step(self, name: str) -> Step:
        """A step by its name. Raises KeyError."""
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True)
class Loops:
    """All loops of a bureau."""

    rows: Mapping[str, Loop]
    by_type: Mapping[str, tuple[tuple[Loop, Step], ...]]

    @property
    def types(self) -> frozenset[str]:
        """The events that concern any of them."""
        return frozenset(self.by_type)


def of(bureau: Bureau) -> Loops:
    """The loops of a bureau. Raises Mistakes."""
    return _of(bureau.folder, bureau.hash)


@functools.cache
def shipped() -> Loops:
    """The loops where a bureau says nothing."""
    return _of(DEFAULTS, "")


@functools.lru_cache(maxsize=16)
def _of(folder: Path, _hash: str) -> Loops:
    found = Found()
    loops = _read(folder, found)
    if found.mistakes:
        raise Mistakes(found.mistakes)
    return loops


def check(folder: Path, posts: Collection[str] = ()) -> list[Mistake]:
    """Every mistake in a folder's loops.toml and clocks.toml; `posts`: those that can be told."""
    found = Found()
    clocks = {clock.key: clock for loop in _read(folder, found).rows.values() for clock in loop.clocks}
    for row in _rows(folder, CLOCKS, Found()) if posts else ():
        if row.key in clocks:
            found.add(*_nobody(row, clocks[row.key], posts))
    return sorted(found.mistakes)


def _nobody(row: Row, clock: Clock, posts: Collection[str]) -> Iterator[Mistake]:
    for name, told in (("before", clock.before), ("at", clock.at), ("after", clock.after)):
        for post in (one.rpartition(":")[2] for one in told):
            if post not in posts:
                yield row.mistake(name, f"没有岗位 {post}", advice(post, posts))


def _read(folder: Path, found: Found) -> Loops:
    written = {row.key: row for row in _rows(folder, LOOPS, found)}
    rows = {key: loop for key, row in written.items() if (loop := _loop(row, found))}
    clocks = [clock for row in _rows(folder, CLOCKS, found) if (clock := _clock(row, rows, found))]
    whole = {key: replace(row, clocks=tuple(c for c in clocks if c.loop == key)) for key, row in rows.items()}
    found.add(*(mistake for key, row in written.items() if key in whole for mistake in _limits(row, whole[key])))
    by_type: dict[str, list[tuple[Loop, Step]]] = {}
    for loop in whole.values():
        for step in loop.steps:
            for type_ in dict.fromkeys(c.type for c in step.on):
                by_type.setdefault(type_, []).append((loop, step))
    return Loops(whole, {type_: tuple(pairs) for type_, pairs in by_type.items()})


def _rows(folder: Path, file: str, found: Found) -> list[Row]:
    """The rows by key, the bureau's over the shipped."""
    rows: dict[str, Row] = {}
    for document in _documents(folder, file, found):
        for key, value in document.values.items():
            if isinstance(value, dict):
                rows[key] = next(document.rows(key))
            else:
                found.add(document.row().mistake(key, f"{key} 不是一行", f"写成一段 [{key}]"))
    return list(rows.values())


def _documents(folder: Path, file: str, found: Found) -> Iterator[toml.Document]:
    for place in dict.fromkeys((DEFAULTS, folder)):
        if (place / file).exists() and (document := found.document(place, file)):
            # a row of the bureau may leave a shipped one without its steps: the mistake is not in a line of the folder
            yield document if place == folder else replace(document, file=f"自带的 {file}")


# --- values -----------------------------------------------------------------------------------------------------------


def _texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) and one for one in listed):
        raise Wrong("不是文字或文字的列表", '写成 "…" 或 ["…", "…"]')
    return tuple(listed)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("不是 true 或 false", "写成 true 或 false")
    return value


def _span(value: Any) -> Span:
    try:
        return calendar.span(value)
    except ValueError as error:
        raise Wrong(f"不是期限: {value}", '写成 "30m"、"2h"、"15d"、"3wd"（工作日）、"4wh"（工作小时）') from error


def _spans(value: Any) -> tuple[Span, ...]:
    return tuple(_span(one) for one in _texts(value))


def _optional(read: Callable[[Any], Any], otherwise: Any = ()) -> Value:
    return Value(read, needed=False, otherwise=otherwise)


_LOOP = {
    "zh": Value(plain_text),
    "case": Value(_texts),
    "labels": _optional(_texts),
    "statutory": _optional(_flag, otherwise=False),
}
_STEP = {
    "zh": Value(plain_text),
    "on": Value(_texts),
    "opens": _optional(_flag, otherwise=False),
    "closes": _optional(_flag, otherwise=False),
    "after": _optional(_texts),
    "case": _optional(plain_text, otherwise=""),
    "via": _optional(plain_text, otherwise=""),
    "link": _optional(plain_text, otherwise=""),
    "needs": _optional(_texts),
    "in_time": _optional(plain_text, otherwise=""),
    "stays": _optional(_flag, otherwise=False),
    "strict": _optional(_flag, otherwise=False),
    "joins": _optional(_flag, otherwise=False),
    "each": _optional(plain_text, otherwise=""),
}
_CLOCK = {
    "loop": Value(plain_text),
    "name": Value(plain_text),
    "zh": Value(plain_text),
    "from": Value(_texts),
    "until": Value(_texts),
    "where": _optional(plain_text, otherwise=""),
    "start": _optional(plain_text, otherwise=""),
    "due": _optional(_texts),
    "limit": _optional(_span, otherwise=None),
    "again": _optional(_texts),
    "warn": _optional(_spans),
    "before": _optional(_texts),
    "at": _optional(_texts),
    "later": _optional(_span, otherwise=None),
    "after": _optional(_texts),
    "night": _optional(_flag, otherwise=False),
    "statutory": _optional(_flag, otherwise=False),
}


# --- loops ------------------------------------------------------------------------------------------------------------


def _loop(row: Row, found: Found) -> Loop | None:
    before = len(found.mistakes)
    values = read_values(row, _LOOP, found, besides=("steps",))
    steps = tuple(_steps(row, found))
    names = {step.name for step in steps}
    for step in steps:
        for name in (n for n in step.after if n not in names):
            found.add(_at(row, step.name, f"没有步骤 {name}", advice(name, names)))
    if steps and not any(step.opens for step in steps):
        found.add(row.mistake("steps", f"{row.key} 没有立案的步骤", "给其中一步写 opens = true"))
    if steps and not any(step.closes for step in steps):
        found.add(row.mistake("steps", f"{row.key} 没有办结的步骤", "给其中一步写 closes = true"))
    return None if len(found.mistakes) > before else Loop(row.key, steps=steps, **values)


def _steps(row: Row, found: Found) -> Iterator[Step]:
    written = row.values.get("steps")
    if not isinstance(written, dict) or not written:
        found.add(row.mistake("steps", f"{row.key} 没有步骤", f"写一段 [{row.key}.steps]"))
        return
    for name, value in written.items():
        if not isinstance(value, dict):
            found.add(_at(row, name, f"{name} 不是步骤", '写成 {zh = "…", on = "…"}'))
        elif step := _step(name, value, row, found):
            yield step


def _step(name: str, value: Mapping[str, Any], row: Row, found: Found) -> Step | None:
    own = Row(name, value, row.file, row.lines.get(f"steps.{name}", row.lines.get("steps", row.line)))
    before = len(found.mistakes)
    values = read_values(own, _STEP, found)
    if len(found.mistakes) > before:
        return None
    inside = values["case"].rpartition(".")[0]
    try:
        values["on"] = tuple(condition.read(text, inside) for text in values["on"])
    except NotACondition as error:
        found.add(own.mistake("on", error.what, error.todo))
        return None
    named = (values["case"].partition(".")[0], values["via"], values["link"], *values["needs"])
    for field in filter(None, named):
        for type_ in (c.type for c in values["on"] if field not in FIELDS[c.type]):
            found.add(own.mistake("on", f"{type_} 没有字段 {field}", advice(field, FIELDS[type_])))
    return Step(name, **values)


def _limits(row: Row, loop: Loop) -> Iterator[Mistake]:
    names = {clock.name for clock in loop.clocks}
    for step in loop.steps:
        if step.in_time and step.in_time not in names:
            yield _at(row, step.name, f"{loop.key} 没有时限 {step.in_time}", advice(step.in_time, names))


def _at(row: Row, step: str, what: str, todo: str) -> Mistake:
    return row.mistake(f"steps.{step}", what, todo)


# --- clocks -----------------------------------------------------------------------------------------------------------


def _clock(row: Row, loops: Mapping[str, Loop], found: Found) -> Clock | None:
    before = len(found.mistakes)
    values = read_values(row, _CLOCK, found)
    loop = loops.get(values.get("loop", ""))
    if len(found.mistakes) > before:
        return None
    if loop is None:
        found.add(row.mistake("loop", f"没有闭环 {values['loop']}", advice(values["loop"], loops)))
        return None
    values["where"] = _where(row, loop, values["where"], found)
    values["due"] = tuple(_due(row, loop, values["due"], found))
    for name in ("from", "until", "again"):
        found.add(*_unknown(row, name, loop, values[name]))
    if not values["due"] and values["limit"] is None:
        found.add(row.mistake("", f"{row.key} 没有期限", '补上 limit = "15d" 或 due = ["步骤.字段"]'))
    if len(found.mistakes) > before:
        return None
    return Clock(row.key, from_=values.pop("from"), **values)


def _unknown(row: Row, name: str, loop: Loop, steps: Iterable[str]) -> Iterator[Mistake]:
    known = [step.name for step in loop.steps]
    for step in (s for s in steps if s not in known):
        yield row.mistake(name, f"{loop.key} 没有步骤 {step}", advice(step, known))


def _where(row: Row, loop: Loop, text: str, found: Found) -> tuple[Term, ...]:
    types = [c.type for step in loop.steps if step.opens for c in step.on]
    for n, type_ in enumerate(types, 1):
        try:
            return condition.terms(text, type_)
        except NotACondition as error:
            if n == len(types):
                found.add(row.mistake("where", error.what, error.todo))
    return ()


def _due(row: Row, loop: Loop, names: Iterable[str], found: Found) -> Iterator[tuple[str, str]]:
    for name in names:
        step, _, field = name.partition(".")
        mistakes = list(_unknown(row, "due", loop, [step]))
        found.add(*mistakes)
        if not mistakes:
            for type_ in (c.type for c in loop.step(step).on if field not in FIELDS[c.type]):
                found.add(row.mistake("due", f"{type_} 没有字段 {field}", advice(field, FIELDS[type_])))
            yield step, field
