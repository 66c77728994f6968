"""Feeds (数据来源): a publisher that has promised to send is silent when its cadence and grace have passed."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.contracts.families import TYPES
from services.runtime import bureau
from services.warning.heard import Heard
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.world import World

LOOK = datetime.timedelta(seconds=60)
"""A silent feed is looked at so often."""
FRESH = datetime.timedelta(hours=12)
DAYTIME = range(8, 20)
"""Hours of the day at which the desk is told."""
DESK = "bureau_duty"
SCORED = datetime.timedelta(days=30)
"""The scoreboard looks back so far."""


class Feed:
    """The kind: its key is the publisher and the type. It remembers by what it has said itself."""

    name = "feed"
    types = frozenset(["feed.silent", "feed.resumed", "feed.zero_declared"])

    def types_of(self, key: str, _world: World) -> frozenset[str]:
        """What must have been read before this feed is silent: what was sent in time may not be read yet."""
        return self.types | {key.partition("/")[2]}

    def seeds(self, world: World) -> Iterator[str]:
        """Every feed of bureau.toml."""
        return (f"{feed.publisher}/{feed.type}" for feed in world.bureau.feeds)

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """The feed it speaks of."""
        key = f"{fact.data.get('publisher')}/{fact.data.get('type')}"
        if key in set(self.seeds(world)):
            yield Named(key)

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """Whether it lives; None: the bureau has it no more."""
        row = next((f for f in world.bureau.feeds if f"{f.publisher}/{f.type}" == key), None)
        if row is None:
            return None
        promise = Promise(row, facts, world)
        return Standing(
            state=promise.state, shown=promise.shown(), region=world.bureau.region, says=tuple(promise.says()),
            sends=tuple(promise.sends()), wake=promise.wake, due=promise.deadline,
        )  # fmt: skip


class Promise:
    """A feed at one moment."""

    def __init__(self, row: bureau.Feed, facts: Sequence[Fact], world: World) -> None:
        self.row, self.world = row, world
        self.silences = {_since(f): f for f in facts if f.type == "feed.silent"}
        self.resumed = {_since(f): f for f in facts if f.type == "feed.resumed"}
        self.heard: Heard | None = world.heard.get((row.publisher, row.type))
        zeros = [f.recorded for f in facts if f.type == "feed.zero_declared"]
        self.last = max([*zeros, *([self.heard.last] if self.heard else [])], default=None)

    @property
    def deadline(self) -> datetime.datetime | None:
        """Until when something must come; None: nothing was promised, or nothing ever came."""
        if self.last is None or self.row.cadence is None:
            return None
        return self.last + self.row.cadence + self.row.grace

    @property
    def silent(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and self.deadline <= self.world.now

    @property
    def state(self) -> str:
        """live, silent, never (nothing came yet), or occasional (nothing was promised)."""
        if self.row.cadence is None:
            return "occasional"
        return "never" if self.last is None else "silent" if self.silent else "live"

    @property
    def wake(self) -> datetime.datetime | None:
        """When it must be looked at again; nothing tells the watch that a feed is heard."""
        return self.world.now + LOOK if self.silent else self.deadline

    # --- said and sent --------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """Each silence, and its end; what was said stays said."""
        since = self._text(self.last)
        for began, fact in self.silences.items():
            yield Say(f"silent:{began}", fact.type, fact.data, fact.time, fact.region)
            if began in self.resumed:
                said = self.resumed[began]
                yield Say(f"resumed:{began}", said.type, said.data, said.time, said.region)
            elif began != since:
                yield self._say("resumed", began, self._utc(self.last))
        if self.silent and since not in self.silences:
            yield self._say("silent", since, self._utc(self.deadline))

    def _say(self, what: str, since: str, at: datetime.datetime) -> Say:
        data = {"publisher": self.row.publisher, "type": self.row.type, "since": since}
        return Say(f"{what}:{since}", f"feed.{what}", data, at)

    def sends(self) -> Iterator[Send]:
        """To the desk, by day."""
        if not self.silent or self.world.now.astimezone(self.world.bureau.timezone).hour not in DAYTIME:
            return
        text = self.world.house.messages.text(
            "feed_silent", bureau=self.world.bureau.short_name, publisher=self.row.publisher, type=self._type,
            since=self._local(self.last),
        )  # fmt: skip
        for one in self.world.house.people.targets((self.world.bureau.region,), DESK):
            slot = f"told:{self._text(self.last)}:{one.code}"
            yield Send(slot, Post(one.code, DESK), ("sms",), text, self.world.now + FRESH, urgent=False)

    @property
    def _type(self) -> str:
        return TYPES[self.row.type].zh if self.row.type in TYPES else self.row.type

    def _local(self, moment: datetime.datetime | None) -> str:
        return moment.astimezone(self.world.bureau.timezone).strftime("%m月%d日%H:%M") if moment else ""

    def _utc(self, moment: datetime.datetime | None) -> datetime.datetime:
        return (moment or self.world.now).astimezone(datetime.UTC)

    def _text(self, moment: datetime.datetime | None) -> str:
        return self._utc(moment).isoformat().replace("+00:00", "Z") if moment else ""

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        return {
            "id": f"{self.row.publisher}/{self.row.type}", "publisher": self.row.publisher, "type": self.row.type,
            "type_name": self._type, "cadence_seconds": _seconds(self.row.cadence),
            "grace_seconds": _seconds(self.row.grace),
            "last": self.last, "since": self.last if self.silent else None, "deadline": self.deadline,
            "events": self.heard.events if self.heard else 0, "silences": len(self._recent),
            "silent_seconds": int(sum(self._recent, datetime.timedelta()).total_seconds()),
        }  # fmt: skip

    @property
    def _recent(self) -> list[datetime.timedelta]:
        """How long it was silent each time in the last thirty days."""
        begin = self.world.now - SCORED
        spans = []
        for since, fact in self.silences.items():
            end = self.resumed[since].time if since in self.resumed else self.world.now
            if end > begin:
                spans.append(end - max(fact.time, begin))
        return spans


def _since(fact: Fact) -> str:
    return str(fact.data.get("since"))


def _seconds(span: datetime.timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())


def scoreboard(feeds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Publishers by how well they keep their promises: `{publisher, feeds, live, silent, never, silences, …}`."""
    by_publisher: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for feed in feeds:
        by_publisher[str(feed["publisher"])].append(feed)
    rows = [_score(publisher, rows) for publisher, rows in by_publisher.items()]
    return sorted(rows, key=lambda row: (-row["silent_seconds"], -row["silences"], row["publisher"]))


def _score(publisher: str, feeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    states = [feed.get("state") for feed in feeds]
    return {
        "publisher": publisher, "feeds": len(feeds), **{s: states.count(s) for s in ("live", "silent", "never")},
        **{name: sum(feed.get(name) or 0 for feed in feeds) for name in ("silences", "silent_seconds", "events")},
        "last": max((str(feed["last"]) for feed in feeds if feed.get("last")), default=None),
    }  # fmt: skip
