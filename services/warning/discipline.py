"""Discipline (通知纪律): what a silence hides, what a stronger warning makes needless, what goes out as one message.

Never hidden: anything about a red warning, and a limit set by law.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.contracts.region import Regions
from services.warning.letter import Echo, Letter
from services.warning.matter import Standing

HIDDEN = "silenced:"
"""What stands in the slot of a message that a silence has hidden, before the silence's id."""
LONGEST = 300
"""Characters of a message that tells of several things."""


def about(id_: tuple[str, str, str], standing: Standing) -> dict[str, Any]:
    """What the matchers of a silence may name of a matter: kind, id, loop, region, state, and all that it shows."""
    kind, _, key = id_
    return {**standing.shown, "kind": kind, "id": key, "loop": key.partition("/")[0], "region": standing.region,
            "state": standing.state}  # fmt: skip


def silence_of(
    told: Mapping[str, Any], silences: Iterable[Mapping[str, Any]], regions: Regions, now: datetime.datetime
) -> str | None:
    """The id of the silence that hides messages about this; None: they go out."""
    if is_protected(told):
        return None
    return next((str(s["id"]) for s in silences if _until(s) > now and matches(s["matchers"], told, regions)), None)


def is_protected(told: Mapping[str, Any]) -> bool:
    """Whether no silence can hide it."""
    return "red" in (told.get("level"), told.get("highest")) or bool(told.get("statutory"))


def matches(matchers: Mapping[str, Any], told: Mapping[str, Any], regions: Regions) -> bool:
    """Whether every matcher fits: the value itself or one of a list; a region with all that lies in it."""
    return bool(matchers) and all(_fits(name, wanted, told.get(name), regions) for name, wanted in matchers.items())


def _fits(name: str, wanted: Any, found: Any, regions: Regions) -> bool:
    options = wanted if isinstance(wanted, list) else [wanted]
    if name == "region":
        return any(found in regions and one in regions and regions.within(str(found), str(one)) for one in options)
    return found is not None and found in options


def _until(silence: Mapping[str, Any]) -> datetime.datetime:
    until = silence["until"]
    return datetime.datetime.fromisoformat(until) if isinstance(until, str) else until


def inhibitor(told: Mapping[str, Any], others: Iterable[Mapping[str, Any]], regions: Regions) -> str | None:
    """The red warning beside which an orange one of the same issuer, hazard and area calls nobody; None: it calls."""
    if told.get("level") != "orange":
        return None
    return next(
        (str(one["id"]) for one in others if one["id"] != told.get("id") and _inhibits(one, told, regions)), None
    )


def _inhibits(red: Mapping[str, Any], orange: Mapping[str, Any], regions: Regions) -> bool:
    same = all(red.get(name) and red.get(name) == orange.get(name) for name in ("sender_code", "hazard"))
    return red.get("level") == "red" and red.get("state") == "in_force" and same and _covers(red, orange, regions)


def _covers(red: Mapping[str, Any], orange: Mapping[str, Any], regions: Regions) -> bool:
    """Whether each of the areas lies in one of the other's."""
    wide, narrow = ([area["code"] for area in one.get("areas") or ()] for one in (red, orange))
    return bool(narrow) and all(any(regions.within(code, other) for other in wide) for code in narrow)


def grouped(letters: Sequence[Letter | Echo]) -> list[Letter | Echo]:
    """Of several messages that can wait, made together for one person by one channel, the first tells of all.

    The others are kept as `grouped`: what each matter told whom stays on record.
    """
    together: dict[tuple[str, ...], list[Letter]] = defaultdict(list)
    for one in letters:
        if isinstance(one, Letter) and _may_wait(one):
            together[one.scope, one.person, one.channel, one.address].append(one)
    merged = {row.id: row for rows in together.values() if len(rows) > 1 for row in _merged(rows)}
    return [merged.get(one.id, one) if isinstance(one, Letter) else one for one in letters]


def _may_wait(letter: Letter) -> bool:
    return letter.state == "waiting" and not letter.urgent and not letter.token and bool(letter.person)


def _merged(rows: Sequence[Letter]) -> list[Letter]:
    """As many of the texts as fit into the first; what does not fit goes out by itself."""
    texts, taken = [rows[0].text], [rows[0]]
    for row in rows[1:]:
        if sum(map(len, texts)) + len(row.text) <= LONGEST:
            texts.append(row.text)
            taken.append(row)
    if len(taken) == 1:
        return []
    text = f"（共{len(texts)}条）" + " ".join(f"{n}. {text}" for n, text in enumerate(texts, 1))
    fresh = min(row.fresh for row in taken)
    return [taken[0]._replace(text=text, fresh=fresh), *(row._replace(state="grouped") for row in taken[1:])]
