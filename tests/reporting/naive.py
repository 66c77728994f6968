"""A made-up stream of events with everything that can happen to one, and figures worked out from it the plain way."""

from __future__ import annotations

import datetime
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.contracts.region import Region, Regions
from services.reporting.catalogue import Catalogue, Leaf
from services.reporting.definition import Condition, Definition, Reference, matches, values_at
from services.reporting.question import Query
from services.reporting.tally import label
from tests.records import correction, record, retraction
from tests.reporting.conftest import SHANGHAI, statistic

REGIONS = Regions(
    [
        Region("990111", "江滨区", ""),
        Region("990111001", "望江街道", "990111"),
        Region("990111001001", "码头社区", "990111001", to=datetime.date(2023, 6, 30)),
        Region("990111001001", "码头社区", "990111002", from_=datetime.date(2023, 7, 1)),
        Region("990111001002", "文华社区", "990111001"),
        Region("990111002", "柳渡街道", "990111"),
        Region("990111003", "旧镇", "990111", to=datetime.date(2023, 3, 31), successor="990111002"),
    ]
)
CODES = tuple(REGIONS)


def _major(d: Definition) -> Definition:
    return replace(d, where=(Condition("level", "in", ("major", "general")), Condition("due", "present")))


DEFINITIONS = (
    statistic("found", by=("level", "mode")),
    statistic("major", by=("mode",), where={"level": "major"}),
    _major(statistic("dated", by=("@source",))),
    statistic("enterprises", measure="distinct:enterprise_id", by=("level",)),
    replace(statistic("fines", "penalty.imposed", "sum:amount_cny", by=("kind",)), unit="元"),
    replace(statistic("fine_mean", "penalty.imposed", "mean:amount_cny"), unit="元"),
    replace(statistic("fine_highest", "penalty.imposed", "max:amount_cny", by=("kind",)), unit="元"),
    statistic("penalties", "penalty.imposed", by=("kind",)),
    statistic("units", "drill.completed", "distinct:units", by=("mode",)),
    statistic("drill_median", "drill.completed", "median:participants", by=("mode",)),
    statistic("drill_mean", "drill.completed", "mean:participants"),
    statistic("drill_last", "drill.completed", "last:participants", by=("mode",)),
    statistic("drill_stock", "drill.completed", "stock:participants", by=("mode",)),
    statistic("posts", "drill.completed", "sum:participants", where={"mode": "live"}, labels=(("state", "live"),)),
    statistic("posts", "drill.completed", "count", where={"mode": "table_top"}, labels=(("state", "desk"),)),
    Definition("major_pct", "重大隐患占比", "%", ratio=(Reference("major"), Reference("found"))),
    Definition("fine_each", "案均罚款", "元/件", ratio=(Reference("fines"), Reference("penalties"))),
    Definition(
        "live_people", "人数比", "倍", ratio=(Reference("posts", (("state", "live"),)), Reference("drill_stock"))
    ),
    statistic("rectified", "hazard.rectified"),
    replace(statistic("unseen"), hidden=True),
)
CATALOGUE = Catalogue(DEFINITIONS, REGIONS, SHANGHAI)
BEGINS = datetime.datetime(2022, 2, 20, tzinfo=SHANGHAI)
KNOWN = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
"""The first event is recorded then, each later one a minute after the one before."""


def stream(seed: int, size: int) -> list[list[dict[str, Any]]]:
    """Chains of events: mostly of one, else with corrections and retractions behind it, oldest first."""
    dice = random.Random(seed)
    chains = []
    clock = KNOWN
    for _ in range(size):
        chain = [_event(dice, clock)]
        clock += datetime.timedelta(minutes=1)
        while dice.random() < 0.2:
            chain.append(_next(dice, chain[-1], clock))
            clock += datetime.timedelta(minutes=1)
        chains.append(chain)
    return chains


def records(chains: Iterable[Sequence[dict[str, Any]]], seed: int) -> list[dict[str, Any]]:
    """All records in an order in which anything may come before anything, and some of them twice."""
    dice = random.Random(seed)
    flat = [one for chain in chains for one in chain]
    flat += dice.sample(flat, len(flat) // 20)
    dice.shuffle(flat)
    return flat


def _moment(dice: random.Random) -> datetime.datetime:
    """Any minute of some 27 months; often near midnight, on the first or last day of a month, now and then in UTC."""
    at = BEGINS + datetime.timedelta(minutes=dice.randrange(27 * 30 * 24 * 60))
    if dice.random() < 0.3:
        at = at.replace(hour=dice.choice((0, 23)), minute=dice.choice((0, 59)))
    if dice.random() < 0.3:
        at = at.replace(day=15, hour=12, minute=0)  # many at the same instant: the later recorded one is the latest
    elif dice.random() < 0.2:
        at = at.replace(day=1) - datetime.timedelta(days=dice.randrange(2))
    return at.astimezone(datetime.UTC) if dice.random() < 0.3 else at


def _data(dice: random.Random, type_: str) -> dict[str, Any]:
    maybe: dict[str, Callable[[], Any]] = {
        "hazard.found": lambda: {
            "level": dice.choice(("major", "general", None)), "mode": dice.choice(("joint", "campaign", "")),
            "enterprise_id": dice.choice((None, *(f"e{n}" for n in range(12)))),
            "due": dice.choice((None, "2023-05-01")),
        },
        "penalty.imposed": lambda: {
            "kind": dice.choice(("fine", "warning")),
            "amount_cny": dice.choice((None, dice.randrange(9_000), f"{dice.randrange(99999)}.{dice.randrange(10)}5")),
        },
        "drill.completed": lambda: {
            "mode": dice.choice(("live", "table_top")), "participants": dice.choice((None, dice.randrange(300))),
            "units": dice.sample([f"u{n}" for n in range(8)], dice.randrange(4)),
        },
    }  # fmt: skip
    return {name: value for name, value in maybe[type_]().items() if value is not None}


def _event(dice: random.Random, recorded: datetime.datetime) -> dict[str, Any]:
    type_ = dice.choice(("hazard.found", "hazard.found", "penalty.imposed", "drill.completed"))
    status = dice.choice(("actual",) * 8 + ("exercise", "test"))
    more = {"drill": dice.choice(("YL-1", "YL-2"))} if status == "exercise" else {}
    return record(
        type_, f"s{dice.randrange(size_of_subjects(type_))}", _data(dice, type_), at=_moment(dice), recorded=recorded,
        region=dice.choice(CODES), status=status, source=dice.choice(("/town/a", "/town/b")), **more,
    )  # fmt: skip


def size_of_subjects(type_: str) -> int:
    """Few subjects where their latest state is asked for."""
    return 15 if type_ == "drill.completed" else 10**6


def _next(dice: random.Random, of: dict[str, Any], recorded: datetime.datetime) -> dict[str, Any]:
    if of["type"] != "event.retracted" and dice.random() < 0.4:
        return retraction(of, recorded=recorded, source=of["source"])
    type_ = of["data"]["type"] if of["type"] == "event.retracted" else of["type"]
    more = {"drill": of["drill"]} if "drill" in of else {}
    return correction(of, _data(dice, type_), type_=type_, at=_moment(dice), recorded=recorded, source=of["source"],
                      region=dice.choice(CODES), **more)  # fmt: skip


# The plain way: one event at a time, nothing remembered.


class Plain:
    """Works a figure out from the events themselves."""

    def __init__(self, chains: Iterable[Sequence[dict[str, Any]]]) -> None:
        self.chains = chains

    def in_force(self, query: Query) -> list[dict[str, Any]]:
        """What counts, as known at the moment asked for."""
        found = []
        for chain in self.chains:
            known = [e for e in chain if not query.known_at or _time(e, "recordedtime") <= query.known_at]
            if known and known[-1]["type"] != "event.retracted":
                found.append(known[-1])
        return found

    def answer(self, query: Query, over: tuple[datetime.date, datetime.date]) -> tuple[Decimal | None, int]:
        """Value and number of events, not rounded."""
        sides = [self.leaf(query, leaf, over) for leaf in query.leaves]
        if query.definition.ratio is None:
            return sides[0]
        (part, a), (whole, b) = sides
        scale = 100 if query.definition.unit == "%" else 1
        return (scale * part / whole if part is not None and whole else None), a + b

    def leaf(self, query: Query, leaf: Leaf, over: tuple[datetime.date, datetime.date]) -> tuple[Decimal | None, int]:
        """The figure of one tallied row."""
        d = leaf.definition
        assert d.measure is not None
        kind, path = d.measure.kind, d.measure.field
        taken = [e for e in self.in_force(query) if self.belongs(e, query, leaf, over)]
        amounts = [(e, v) for e in taken for v in values_at(path, e, e["data"])] if path else []
        numbers = [Decimal(str(v)) for _, v in amounts] if kind != "distinct" else []
        match kind:
            case "count":
                return Decimal(len(taken)), len(taken)
            case "sum":
                return sum(numbers, Decimal(0)), len(taken)
            case "mean":
                return (sum(numbers, Decimal(0)) / len(numbers) if numbers else None), len(numbers)
            case "max":
                return max(numbers, default=None), len(taken)
            case "median":
                n = sorted(numbers)
                return ((n[(len(n) - 1) // 2] + n[len(n) // 2]) / 2 if n else None), len(taken)
            case "distinct":
                return Decimal(len({str(v) for _, v in amounts})), len(taken)
            case "last":
                last = max(amounts, key=lambda a: (_time(a[0], "time"), _time(a[0], "recordedtime")), default=None)
                return (Decimal(last[1]), 1) if last else (None, 0)
            case _:
                return _stock(d, amounts)

    def belongs(self, e: dict[str, Any], query: Query, leaf: Leaf, over: tuple[datetime.date, datetime.date]) -> bool:
        """Whether an event is one that the question means."""
        d = leaf.definition
        assert d.measure is not None
        day = local_day(e)
        first = datetime.date.min if d.measure.kind in ("last", "stock") else over[0]
        labels = {name: label(e["data"].get(path) if path[0] != "@" else e.get(path[1:])) for name, path in
                  zip(d.label_names, d.by, strict=True)}  # fmt: skip
        return (
            e["type"] == d.event
            and e["status"] == query.status
            and query.drill in ("", e.get("drill", ""))
            and first <= day <= over[1]
            and region_of(e, query) is not None
            and matches(d.where, e, e["data"])
            and all(labels[name] == value for name, value in leaf.labels.items())
        )


def _stock(d: Definition, amounts: list[tuple[dict[str, Any], Any]]) -> tuple[Decimal, int]:
    latest: dict[Any, tuple[dict[str, Any], Any]] = {}
    for e, v in sorted(amounts, key=lambda a: (_time(a[0], "time"), _time(a[0], "recordedtime"))):
        latest[e["subject"], e["region"], e.get("drill"), *(e["data"].get(path) for path in d.by)] = (e, v)
    return sum((Decimal(v) for _, v in latest.values()), Decimal(0)), len(latest)


def region_of(e: dict[str, Any], query: Query) -> str | None:
    """The child of the region asked for that an event rolls up into, by the tree of its day; None: outside."""
    code = e["region"]
    on: datetime.date | None = local_day(e)
    if query.tree_now:
        on = None
        code = REGIONS.get(code).successor or code
    path = REGIONS.path(code, on)
    return (*path, query.region)[path.index(query.region) + 1] if query.region in path else None


def local_day(e: dict[str, Any]) -> datetime.date:
    """The day an event belongs to."""
    return _time(e, "time").astimezone(SHANGHAI).date()


def _time(e: dict[str, Any], name: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(e[name])


def split(plain: Plain, query: Query, over: tuple[datetime.date, datetime.date]) -> dict[tuple[str, ...], Any]:
    """The figure by labels and region: asked anew for each combination that an event has."""
    names = [n for n in query.by if n != query.every]
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for leaf in query.leaves:
        at = dict(zip(leaf.definition.label_names, leaf.definition.by, strict=True))
        for e in plain.in_force(query):
            if plain.belongs(e, query, leaf, over):
                values = []
                for name in names:
                    path = at.get(name, "")
                    raw = e["data"].get(path) if path[:1] != "@" else e.get(path[1:])
                    values.append(str(region_of(e, query)) if name == "region" else label(raw))
                found[tuple(values)].add(e["id"])
    return {values: _narrowed(plain, query, dict(zip(names, values, strict=True)), over) for values in found}


def _narrowed(
    plain: Plain, query: Query, labels: dict[str, str], over: tuple[datetime.date, datetime.date]
) -> tuple[Decimal | None, int]:
    region = labels.pop("region", "")
    leaves = tuple(replace(leaf, labels={**leaf.labels, **labels}) for leaf in query.leaves)
    within = _Within(plain.chains, region) if region else plain
    return within.answer(replace(query, leaves=leaves), over)


class _Within(Plain):
    """Only what rolls up into one child."""

    def __init__(self, chains: Iterable[Sequence[dict[str, Any]]], child: str) -> None:
        super().__init__(chains)
        self.child = child

    def in_force(self, query: Query) -> list[dict[str, Any]]:
        return [e for e in super().in_force(query) if region_of(e, query) == self.child]
