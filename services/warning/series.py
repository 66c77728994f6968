"""Series of document numbers (文号): what is issued gets the next number; none is missing, none ever changes."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts import codes
from services.warning import said
from services.warning.matter import Fact, Named, Say, Standing, Where
from services.warning.world import World

NUMBERED = "document.numbered"
TITLES: Mapping[str, tuple[str, str]] = {"warning.notice_issued": ("notice_id", "提示")}
"""What is numbered → the field with its id, and what its series adds to the bureau's own sign."""

UNREAL = "（演练）"
"""Before the numbers of exercises and tests: none can be taken for a real one."""


class Series:
    """The kind: its key is what stands before the number, `江应急提示〔2026〕`.

    Its facts are what the watch issues; a number once given stays given, even when what bore it is taken back.
    """

    name = "series"
    types = frozenset([*TITLES, NUMBERED])

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """What the watch has issued itself; imports keep the numbers that they had."""
        if fact.source != said.SOURCE or not fact.live:
            return
        if fact.type == NUMBERED:
            yield Named(str(fact.data.get("series")))
        else:
            yield Named(_series(fact, world))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """All numbers of the series; what has none gets the next."""
        given = {_about(f): dict(f.data) | {"at": f.time} for f in facts if f.type == NUMBERED}
        last = max((int(g["number"]) for g in given.values()), default=0)
        issued = [f for f in facts if f.type in TITLES]
        for fact in sorted(issued, key=lambda f: (f.handled, f.recorded, f.key)):
            if _named(fact) not in given:
                last += 1
                given[_named(fact)] = _numbered(key, last, fact)
        if not given:
            return None
        standing = {_named(f) for f in issued}
        says = [
            Say(f"number:{about}:{revision}", NUMBERED, {k: v for k, v in g.items() if k != "at"}, g["at"])
            for (about, revision), g in given.items()
        ]
        shown = {"series": key, "last": last, "void": [g["number"] for a, g in given.items() if a not in standing]}
        return Standing("open", shown, world.bureau.region, says=says)


def _series(fact: Fact, world: World) -> str:
    """By the bureau's sign, the kind of document and the year in which it is issued."""
    year = _local(fact.time, world.bureau.timezone).year
    mark = "" if fact.scope == "actual" else UNREAL
    return f"{mark}{world.bureau.document_prefix}{TITLES[fact.type][1]}〔{year}〕"


def _local(moment: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    return moment.astimezone(zone)


def _about(fact: Fact) -> tuple[str, Any]:
    return str(fact.data.get("refers_to")), fact.data.get("revision")


def _named(fact: Fact) -> tuple[str, Any]:
    return str(fact.data.get(TITLES[fact.type][0])), fact.data.get("revision")


def _numbered(series: str, number: int, fact: Fact) -> dict[str, Any]:
    about, revision = _named(fact)
    level = codes.WEATHER_LEVEL.values.get(str(fact.data.get("level")), "")
    hazard = codes.WEATHER_HAZARD.values.get(str(fact.data.get("hazard")), "")
    return {
        "series": series, "number": number, "subject": f"关于做好{hazard}{level}预警防范应对工作的提示单",
        "document_no": f"{series}{number}号", "refers_to": about, "revision": revision, "at": fact.time,
    }  # fmt: skip
