"""Cases folded in memory: facts as they came, and what they say at a moment."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts import identity
from services.contracts.families import TYPES
from services.runtime import bureau
from services.runtime.settings import ROOT
from services.warning import facts, house
from services.warning.loops.kind import LoopKind
from services.warning.matter import Fact, Named, Say, Standing
from services.warning.world import World

ZONE = ZoneInfo("Asia/Shanghai")
BUREAU = bureau.load(ROOT / "bureaus" / "example")
HOUSE = house.load(BUREAU)
KIND = LoopKind()
STREET = "990111003"


def at(text: str) -> datetime.datetime:
    """A local moment of June 2023: `01 10:00`; or with a month `07-01 10:00`."""
    day, _, time = text.partition(" ")
    month, _, day = day.rpartition("-")
    return datetime.datetime.fromisoformat(f"2023-{month or '06'}-{day}T{time or '00:00'}:00").replace(tzinfo=ZONE)


def fact(type_: str, time: str, told: str = "", **more: Any) -> Fact:
    """An event that happened then, and that the hub was told of at once or later."""
    known = at(told or time)
    changes = {name: more.pop(name) for name in ("target", "lane", "retracts", "id", "region") if name in more}
    id_ = changes.pop("id", f"{type_} {time} {told} {sorted(more.items())}")
    subject = "/".join(str(more.get(name, "")) for name in TYPES[type_].subject)
    made = Fact(
        identity.key("/test", id_), type_, "/test", id_, subject, at(time), known, known,
        changes.pop("region", BUREAU.region), "actual", "", "", "tester", more,
    )  # fmt: skip
    return replace(made, **changes)


def world(now: str) -> World:
    """The example bureau at a moment."""
    return World(at(now), BUREAU, HOUSE)


def fold(key: str, now: str, *told: Fact) -> Standing | None:
    """How a case stands then, with every fact that concerns it and was told by then."""
    here = world(now)
    mine = [one for one in told if one.recorded <= here.now]
    return KIND.fold(key, facts.in_force(mine), here)


def stands(key: str, now: str, *told: Fact) -> Standing:
    """The same, of a case that is there."""
    standing = fold(key, now, *told)
    assert standing is not None
    return standing


def said(standing: Standing) -> dict[str, Say]:
    """What it says, by slot."""
    assert len({say.slot for say in standing.says}) == len(standing.says)
    for say in standing.says:
        assert say.type in TYPES
    return {say.slot: say for say in standing.says}


def named(one: Fact) -> list[str]:
    """The cases that a fact names."""
    return [where.name for where in KIND.where(one, world("30 00:00")) if isinstance(where, Named)]
