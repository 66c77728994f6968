"""Weather alerts (预警): the messages about one event form a chain; what is in force follows from all of them.

We relay: a level is only ever the one that was told. Whoever is to be called is called at once when a chain begins or
rises; a lower level and the end are told to those who were called.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.contracts import codes
from services.contracts.alert.place import region_of
from services.contracts.region import Regions
from services.warning import discipline
from services.warning.house.routes import matching
from services.warning.matter import Called, Fact, Gone, Named, Post, Say, Send, Standing, Where
from services.warning.world import World

RANK = {"none": 0, "blue": 1, "yellow": 2, "orange": 3, "red": 4}
CLAIM = datetime.timedelta(seconds=60)
"""A red or orange chain that nobody at the desk has claimed for so long: the duty leader is called about it."""
OPEN_END = datetime.timedelta(hours=24)
"""Without a lift and without `expires` a person must confirm after so long; until then it stays in force."""
TOLD_FRESH = datetime.timedelta(minutes=30)
"""A lower level or the end is told within this time, or not at all."""
ISSUE = "weather.alert_received"


@dataclass(frozen=True)
class Stage:
    """What one message makes of its chain."""

    fact: Fact
    level: str
    before: str
    areas: tuple[str, ...]
    revision: int
    is_new: bool
    """It changes level or areas."""
    wider: bool
    """It names areas that were not named before."""

    @property
    def identifier(self) -> str:
        """Of the message."""
        return str(self.fact.data.get("identifier") or self.fact.id)

    @property
    def chain(self) -> str:
        """The chain that the door told its sender; it may have come to another one since."""
        return str(self.fact.data.get("chain_id") or self.fact.subject)

    @property
    def rises(self) -> bool:
        """Whether more people must know than before."""
        return RANK[self.level] > RANK[self.before] or (self.wider and self.level != "none")


class Alert:
    """The kind: its key is the chain, `sender code/identifier of the first message`."""

    name = "alert"
    types = frozenset([ISSUE, "warning.confirmed", "duty.alert_taken"])

    def where(self, fact: Fact, world: World) -> Iterable[Where]:
        """A message belongs where its chain, itself or what it refers to is known.

        An update or cancel that refers to nothing belongs to what its issuer has in force of this hazard there.
        """
        if fact.type == ISSUE:
            references = fact.data.get("references") or ()
            chain = str(fact.data.get("chain_id") or fact.subject)
            names = (fact.data.get("identifier"), *(str(r).split(",")[1] if "," in str(r) else r for r in references))
            joins = not references and fact.data.get("msg_type") in ("update", "cancel") and fact.data.get("hazard")
            where = situation(fact.data, concerned(fact, world.bureau.regions))
            yield Named(chain, tuple(str(name) for name in names if name), where, bool(joins))
        elif about := fact.data.get("chain_id") or fact.data.get("refers_to"):
            yield Named(str(about))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the chain stands now."""
        messages = _messages(facts)
        if not messages:
            return None
        chain = Chain(key, _stages(messages, world.bureau.regions), facts, world)
        return Standing(
            state=chain.state, shown=chain.shown(), region=chain.region, closed=chain.state == "ended",
            says=tuple(chain.says()), sends=tuple(chain.sends()), wake=chain.wake, due=chain.expires,
            names=tuple(dict.fromkeys([key, *(n for stage in chain.stages for n in (stage.identifier, stage.chain))])),
            refused=dict(chain.refused()), parents=(chain.situation,),
        )  # fmt: skip

    def regrets(self, key: str, gone: Sequence[Gone], world: World) -> Iterator[Send]:
        """Whoever was called about a message that was taken back is told so, once."""
        for wrong, by in gone:
            fresh = by.handled + TOLD_FRESH
            if wrong.type == ISSUE and by.live and world.now < fresh:
                text = world.house.messages.text(
                    "withdrawn", bureau=world.bureau.short_name, headline=str(wrong.data.get("headline") or "预警")
                )
                yield Send(f"withdrawn:{wrong.id}", Called(key), ("sms",), text, fresh, chain=key)


def _messages(facts: Sequence[Fact]) -> list[Fact]:
    """One fact per message; the same warning may come over several paths."""
    first: dict[str, Fact] = {}
    for fact in sorted((f for f in facts if f.type == ISSUE), key=lambda f: f.recorded):
        if fact.data.get("msg_type") in ("issue", "update", "cancel", None):
            first.setdefault(str(fact.data.get("identifier") or fact.id), fact)
    return sorted(first.values(), key=lambda f: (f.time, f.recorded, f.key))


def _stages(messages: Sequence[Fact], regions: Regions) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    level = str(messages[0].data.get("prev_level") or "none")
    areas: tuple[str, ...] = ()
    revision = 0
    for fact in messages:
        before, known = level, areas
        cancel = fact.data.get("msg_type") == "cancel"
        level = "none" if cancel else str(fact.data.get("level") or level)
        areas = known if cancel and known else concerned(fact, regions)
        is_new = not stages or (level, areas) != (before, known)
        revision += is_new
        wider = bool(stages) and not cancel and not set(areas) <= set(known)
        stages.append(Stage(fact, level, before, areas, revision, is_new, wider))
    return tuple(stages)


def situation(message: Mapping[str, Any], areas: Iterable[str]) -> str:
    """Issuer, hazard and areas: of these one warning at a time is in force."""
    issuer = message.get("sender_code") or message.get("sender")
    return f"{issuer}|{message.get('hazard') or 'other'}|{','.join(sorted(areas))}"


def concerned(fact: Fact, regions: Regions) -> tuple[str, ...]:
    """The bureau's regions that the areas of a message mean; none: it lies outside, and calls nobody.

    Trailing zeros of a code say nothing; a superior of the bureau's root means the whole bureau.
    """
    areas = fact.data.get("areas") or ()
    found = [region for area in areas for code in str(area.get("code") or "").replace("，", ",").split(",")
             if code.strip() and (region := region_of(code.strip(), regions))]  # fmt: skip
    if not areas:
        found = [fact.region]
    return tuple(dict.fromkeys(found))


class Chain:
    """A chain at one moment."""

    def __init__(self, key: str, stages: tuple[Stage, ...], facts: Sequence[Fact], world: World) -> None:
        self.key, self.stages, self.world = key, stages, world
        self.last = stages[-1]
        self.first = stages[0].fact
        self.confirmed = [f for f in facts if f.type == "warning.confirmed"]
        self.claims = [f for f in facts if f.type == "duty.alert_taken"]
        self.claimed = next(iter(self.claims), None)
        self.expires = _moment(self.last.fact.data.get("expires"))
        self.trusted = world.house.may_call(self.first.data)
        self.hazard = str(self.last.fact.data.get("hazard") or self.first.data.get("hazard") or "other")
        self.highest = max((s.level for s in stages), key=RANK.__getitem__)
        self.how, self.ended = self._end()
        self.state = "ended" if self.how else "unconfirmed" if self._open_end <= world.now else "in_force"
        self._calls = list(self._callings())
        self.inhibitor = discipline.inhibitor(self._told(), world.reds.get(self.first.scope, ()), world.bureau.regions)

    @property
    def region(self) -> str:
        """The region of all its areas: the one, else the bureau."""
        return self.last.areas[0] if len(self.last.areas) == 1 else self.world.bureau.region

    @property
    def situation(self) -> str:
        """By which a message that refers to nothing finds it."""
        return situation({**self.first.data, "hazard": self.hazard}, self.last.areas)

    @property
    def _open_end(self) -> datetime.datetime:
        return self.expires or self.last.fact.time + OPEN_END

    def _end(self) -> tuple[str, datetime.datetime | None]:
        """How it ended, and when; an empty text while it is in force."""
        if self.last.fact.data.get("msg_type") == "cancel":
            return "cancelled", self.last.fact.time
        if self.expires and self.expires <= self.world.now:
            return "expired", self.expires
        open_end = self.last.fact.time + OPEN_END
        late = [f for f in self.confirmed if not self.expires and f.recorded >= open_end]
        return ("confirmed", late[0].time) if late else ("", None)

    def refused(self) -> Iterator[tuple[bytes, str]]:
        """Decisions that came to nothing, and why."""
        for fact in self.claims[1:]:
            yield fact.key, f"已由 {self.claims[0].data.get('person_id')} 认领"
        for fact in self.confirmed:
            open_end = self.expires is None and fact.recorded >= self.last.fact.time + OPEN_END
            if self.trusted and not open_end:
                yield fact.key, "无需确认：预警来自可直接叫应的发布单位，且未超24小时"

    def _told(self) -> Mapping[str, Any]:
        """What another chain may be told by: issuer, hazard, level and areas."""
        return {
            "id": self.key, "level": self.last.level, "hazard": self.hazard,
            "sender_code": self.first.data.get("sender_code"), "areas": [{"code": code} for code in self.last.areas],
        }  # fmt: skip

    # --- said -----------------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """Levels, the highest one, the end, and the callouts that follow."""
        for stage in self.stages:
            if stage.is_new:
                yield self._changed(stage)
        if RANK[self.highest]:
            rated = {"chain_id": self.key, "highest": self.highest, "hazard": self.hazard}
            yield Say("rated", "warning.chain_rated", rated, self.first.time, self.region, lane=self._lane)
        if self.how and self.ended:
            ended = {"chain_id": self.key, "revision": self.last.revision, "how": self.how}
            yield Say("ended", "warning.ended", ended, self.ended, self.region, lane=self._lane)
        for stage, cause, route, post, organisation in self._calls:
            if self.inhibitor or self.world.now - cause.recorded > route.freshness:
                continue
            callout_id = callout_of(self.key, stage.identifier, organisation.code, post)
            opened = {
                "callout_id": callout_id, "chain_id": self.key, "revision": stage.revision, "post": post,
                "organisation": organisation.code, "need": route.need, "route": route.key, "level": stage.level,
                "headline": self._headline(stage),
            }  # fmt: skip
            yield Say(f"callout:{callout_id}", "callout.opened", opened, self.world.now, organisation.region, cause.key)

    @property
    def _lane(self) -> str:
        return "" if any(stage.fact.live for stage in self.stages) else "history"

    def _changed(self, stage: Stage) -> Say:
        content = {
            "chain_id": self.key, "revision": stage.revision, "from": stage.before, "to": stage.level,
            "areas": [{"code": c, "name": self.world.bureau.regions.get(c).name} for c in stage.areas],
            "hazard": self.hazard, "headline": self._headline(stage), "basis_alert_id": stage.identifier,
        }  # fmt: skip
        return Say(
            f"level:{stage.identifier}", "warning.level_changed", content, stage.fact.time, self.region, lane=self._lane
        )

    def _callings(self) -> Iterator[tuple[Stage, Fact, Any, str, Any]]:
        """Stage, the fact that lets it call, route, post and organisation of every callout."""
        called: set[tuple[str, str, str]] = set()
        for at, stage in enumerate(self.stages):
            if RANK[stage.level] < RANK[stage.before]:
                called.clear()  # should it rise again, all are called again
            cause = self._may_call(stage, self.stages[at + 1 :])
            if cause is None:
                continue
            for route in matching(self.world.house.routes, stage.level, self.hazard):
                if cause.handled - cause.recorded > route.freshness:
                    continue
                for post in route.posts:
                    for organisation in self.world.house.people.targets(stage.areas, post):
                        if (stage.level, organisation.code, post) not in called:
                            called.add((stage.level, organisation.code, post))
                            yield stage, cause, route, post, organisation

    def _may_call(self, stage: Stage, later: Sequence[Stage]) -> Fact | None:
        """The fact that lets a stage call people: itself, or for an issuer not trusted a person's confirmation."""
        if not (stage.rises and stage.fact.live and stage.areas) or self.first.scope == "test":
            return None
        fact = stage.fact
        if not self.trusted:
            confirmed = [f for f in self.confirmed if f.recorded >= fact.recorded]
            if not confirmed:
                return None
            fact = confirmed[0]
        expires = _moment(stage.fact.data.get("expires"))
        gone = expires is not None and expires <= fact.handled
        overtaken = any(other.is_new and other.fact.handled <= fact.handled for other in later)
        return None if gone or overtaken else fact

    # --- sent -----------------------------------------------------------------------------------------------------

    def sends(self) -> Iterator[Send]:
        """What those are told who were called before, and the duty leader when nobody claims the chain."""
        for at, stage in enumerate(self.stages[1:], 1):
            overtaken = any(
                other.is_new and other.fact.handled <= stage.fact.handled for other in self.stages[at + 1 :]
            )
            if stage.is_new and RANK[stage.level] < RANK[stage.before] and stage.fact.live and not overtaken:
                key = "downgraded" if RANK[stage.level] else "lifted"
                yield self._tell(f"{key}:{stage.identifier}", key, stage)
        if self.how == "expired" and self.ended and self._calls and self.ended >= self.last.fact.handled:
            yield self._tell(f"expired:{self.last.identifier}", "lifted", self.last, self.ended)
        if (at_ := self._claim_by) and at_ <= self.world.now < at_ + TOLD_FRESH:
            yield from self._unclaimed(at_)

    def _tell(self, slot: str, key: str, stage: Stage, at: datetime.datetime | None = None) -> Send:
        text = self.world.house.messages.text(key, **self._words(stage))
        fresh = (at or stage.fact.handled) + TOLD_FRESH
        return Send(slot, Called(self.key), ("sms",), text, fresh, chain=self.key)

    def _unclaimed(self, at: datetime.datetime) -> Iterator[Send]:
        text = self.world.house.messages.text("unclaimed", **self._words(self.last))
        for organisation in self.world.house.people.leading():
            to = Post(organisation.code, "duty_leader")
            yield Send(f"unclaimed:{organisation.code}", to, ("voice", "sms"), text, at + TOLD_FRESH, chain=self.key)

    @property
    def _claim_by(self) -> datetime.datetime | None:
        """Until when somebody at the desk must have claimed it; None: nobody needs to, or somebody has."""
        if self.claimed or self.how or RANK[self.last.level] < RANK["orange"] or not self._calls or self.inhibitor:
            return None
        return min(cause.handled for _, cause, *_ in self._calls) + CLAIM

    @property
    def wake(self) -> datetime.datetime | None:
        """When time alone changes how it stands."""
        moments = [self._claim_by, None if self.how else self._open_end]
        return min((m for m in moments if m and m > self.world.now), default=None)

    # --- shown ----------------------------------------------------------------------------------------------------

    def _headline(self, stage: Stage) -> str:
        level = codes.WEATHER_LEVEL.values.get(stage.level, stage.level)
        hazard = codes.WEATHER_HAZARD.values.get(self.hazard, self.hazard)
        return str(stage.fact.data.get("headline") or f"{hazard}{level}预警")

    def _words(self, stage: Stage) -> dict[str, str]:
        regions = self.world.bureau.regions
        return {
            "bureau": self.world.bureau.short_name,
            "headline": self._headline(stage),
            "hazard": codes.WEATHER_HAZARD.values.get(self.hazard, self.hazard),
            "level": codes.WEATHER_LEVEL.values.get(stage.level, stage.level),
            "before": codes.WEATHER_LEVEL.values.get(stage.before, stage.before),
            "area": "、".join(regions.get(code).name for code in stage.areas),
        }

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        regions, last = self.world.bureau.regions, self.last
        told = next((s for s in reversed(self.stages) if RANK[s.level]), last)
        return {
            "id": self.key, "chain": self.key, "state": self.state, "level": last.level, "highest": self.highest,
            "hazard": self.hazard, "event_code": last.fact.data.get("event_code"), "headline": self._headline(told),
            "areas": [{"code": c, "name": regions.get(c).name} for c in last.areas], "outside": not last.areas,
            "sender": self.first.data.get("sender"), "sender_code": self.first.data.get("sender_code"),
            "trusted": self.trusted, "confirmed": bool(self.confirmed), "revision": last.revision,
            "issued": self.first.time, "revised": last.fact.time, "expires": self.expires, "ended": self.ended,
            "how": self.how or None, "inferred": self.first.data.get("msg_type") in ("update", "cancel"),
            "note": "超24小时未见解除" if self.state == "unconfirmed" else None,
            "claimed": self.claimed and {
                "by": self.claimed.data.get("person_id"), "post": self.claimed.data.get("post"),
                "at": self.claimed.time,
            },
            "unclaimed": bool((by := self._claim_by) and by <= self.world.now),
            "called": 0 if self.inhibitor else len(self._calls), "inhibited_by": self.inhibitor,
            "drill": self.first.drill or None,
            "messages": [
                {"id": s.identifier, "msg_type": s.fact.data.get("msg_type"), "level": s.level, "sent": s.fact.time,
                 "received": s.fact.recorded, "source": s.fact.source, "event": s.fact.id} for s in self.stages
            ],
        }  # fmt: skip


def callout_of(chain: str, identifier: str, organisation: str, post: str) -> str:
    """The id of a callout: the same message calls a post once."""
    return f"JY-{hashlib.sha256(f'{chain}|{identifier}'.encode()).hexdigest()[:10]}-{organisation}-{post}"


def _moment(value: Any) -> datetime.datetime | None:
    """A moment of an event's data, as the door has let it in."""
    return datetime.datetime.fromisoformat(value) if isinstance(value, str) and value else None
