"""The ladder of one callout (叫应): the post, again the post, the deputy, the superior; then it is exhausted."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.warning.house.routes import Route
from services.warning.matter import Fact, Individual, Named, Post, Say, Send, Standing, Under, Where
from services.warning.world import World

STOPS = ("received", "need_support")
"""Answers that stop the ladder; any other sends it to the deputy at once."""
ZH = {"deputy": "副职", "superior": "上级"}
OVER = {"lifted": "已解除", "superseded": "已变更级别"}
"""Ends after which an answer is not needed any more."""
DESK = "bureau_duty"
LATE_FRESH = datetime.timedelta(minutes=30)
REPEATED = "callout.repeated"
SHOWN = 50
"""Attempts shown."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder."""

    name: str
    """post, again, deputy or superior."""
    at: datetime.datetime

    @property
    def to(self) -> str:
        """Whom it reaches, seen from the post."""
        return "post" if self.name == "again" else self.name


class Callout:
    """The kind: its key is the callout's id."""

    name = "callout"
    types = frozenset([
        "callout.opened", "callout.answered", "callout.attempted", REPEATED, "warning.level_changed", "warning.ended",
    ])  # fmt: skip

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """What concerns a chain concerns its open callouts; an answer may do for others of its group."""
        if fact.type.startswith("warning."):
            yield Under(str(fact.data.get("chain_id") or fact.subject))
        elif fact.subject:  # a receipt of a message that is no callout's has none
            yield Named(fact.subject)
            if fact.type == "callout.answered":
                yield Under(group_of(fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the callout stands now."""
        opened = next((f for f in facts if f.type == "callout.opened" and f.subject == key), None)
        if opened is None:
            return None
        call = Call(key, opened, facts, world)
        return Standing(
            state=call.state, shown=call.shown(), region=opened.region, closed=call.outcome != "",
            says=tuple(call.says()), sends=tuple(call.sends()), wake=call.wake, due=call.wake,
            refused=call.refused | {f.key: "已应答或已结束，不再呼叫" for f in call.repeats if not call.repeatable(f)},
            parents=(str(opened.data.get("chain_id")), *((group_of(key),) if opened.data.get("need") == "any" else ())),
        )  # fmt: skip


def group_of(callout_id: str) -> str:
    """The callouts of one message: `JY-0a1b2c3d4e`."""
    return "-".join(callout_id.split("-")[:2])


class Call:
    """A callout at one moment."""

    def __init__(self, key: str, opened: Fact, facts: Sequence[Fact], world: World) -> None:
        self.key, self.opened, self.world = key, opened, world
        self.route: Route = world.house.route(str(opened.data.get("route")))
        self._answers = [f for f in facts if f.type == "callout.answered"]
        self.answers = [f for f in self._answers if f.subject == key and self._is_of(f)]
        self.others = [f for f in self._answers if f.subject != key and self._is_of(f)]
        self.chain = [f for f in facts if f.type.startswith("warning.")]
        self.repeats = [f for f in facts if f.type == REPEATED and f.subject == key]
        self.attempts = [f for f in facts if f.type == "callout.attempted"]
        self.rungs = tuple(self._rungs())
        self.exhausts = opened.time + self.route.exhausted
        self.outcome, self.closed = self._end()

    @property
    def refused(self) -> dict[bytes, str]:
        """Decisions that came to nothing, and why."""
        of_others = [f for f in self._answers if f.subject == self.key and not self._is_of(f)]
        wrong = f"岗位不符：这次叫应的是{self.world.house.post(str(self.opened.data.get('post')))}"
        over = [f for f in self.repeats if not self.repeatable(f)]
        return dict.fromkeys((f.key for f in of_others), wrong) | dict.fromkeys(
            (f.key for f in over), "已应答或已结束，不再呼叫"
        )

    def _is_of(self, answer: Fact) -> bool:
        """Whether an answer is by the post that its callout calls, which its id ends with; one that names none is."""
        said = str(answer.data.get("post") or "")
        post = self.world.house.post_key(said) or said
        if answer.subject == self.key:
            return said == "" or post == self.opened.data.get("post")
        return said == "" or answer.subject.endswith(f"-{post}")

    def _rungs(self) -> Iterator[Rung]:
        start, route = self.opened.time, self.route
        turned_down = min((f.time for f in self.answers if f.data.get("answer") not in STOPS), default=None)
        yield Rung("post", start)
        if turned_down is None or start + route.repeat < turned_down:
            yield Rung("again", start + route.repeat)
        yield Rung("deputy", min(filter(None, (start + route.deputy, turned_down))))
        yield Rung("superior", start + route.superior)

    def _end(self) -> tuple[str, datetime.datetime | None]:
        """How it ended, and when; an empty text while it goes on. What came first holds."""
        ends = [(f.time, 0, "answered") for f in self._stopping()]
        ends += [(max(f.handled, self.opened.time), 1, how) for f in self.chain if (how := self._overtaken(f))]
        if self.exhausts <= self.world.now:
            ends.append((self.exhausts, 2, "exhausted"))
        at, _, outcome = min(ends, default=(None, 0, ""))
        return outcome, at

    def _stopping(self) -> Iterator[Fact]:
        """Answers that stop it: its own, and where one is enough, any of the group."""
        counted = [*self.answers, *(self.others if self.opened.data.get("need") == "any" else ())]
        return (f for f in counted if f.data.get("answer") in STOPS)

    def _overtaken(self, fact: Fact) -> str:
        """What a fact about the chain makes of it; empty: nothing, it is the one that opened it, or older."""
        revision = int(fact.data.get("revision") or 0)
        if fact.type == "warning.ended":
            return "lifted"
        if revision <= int(self.opened.data.get("revision") or 0) or fact.data.get("to") == self.opened.data.get(
            "level"
        ):
            return ""
        return "superseded" if fact.data.get("to") != "none" else "lifted"

    @functools.cached_property
    def state(self) -> str:
        """calling, escalated, or how it ended."""
        if self.outcome:
            return self.outcome
        return "escalated" if any(r.to != "post" for r in self._reached) else "calling"

    @functools.cached_property
    def _reached(self) -> list[Rung]:
        """The rungs whose time came before the end."""
        until = self.closed or self.world.now
        return [r for r in self.rungs if r.at <= self.world.now and (r.at < until or not self.outcome)]

    @functools.cached_property
    def wake(self) -> datetime.datetime | None:
        """The next rung."""
        if self.outcome:
            return None
        return min((m for m in [*(r.at for r in self.rungs), self.exhausts] if m > self.world.now), default=None)

    # --- said and sent --------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """Each step up, and the end."""
        post = str(self.opened.data.get("post"))
        for rung in (r for r in self._reached if r.to != "post"):
            reason = f"{self._minutes(rung.at)}分钟未应答"
            content = {"callout_id": self.key, "post": post, "to_post": ZH[rung.to], "reason": reason}
            yield Say(f"escalated:{rung.name}", "callout.escalated", content, rung.at, cause=self.opened.key)
        if self.outcome and self.closed:
            ended = {"callout_id": self.key, "outcome": self.outcome, "seconds": self._seconds(self.closed)}
            yield Say("closed", "callout.closed", ended, self.closed)

    def sends(self) -> Iterator[Send]:
        """The messages of every rung reached; what was missed while the hub was down is past."""
        for rung in self._reached:
            fresh = rung.at + self.route.freshness
            if fresh <= self.world.now:
                continue
            to = Post(str(self.opened.data.get("organisation")), str(self.opened.data.get("post")), rung.to)
            for channel in self.route.channels:
                yield Send(
                    f"{rung.name}:{channel}", to, (channel,), partial(self._text, channel), fresh,
                    chain=str(self.opened.data.get("chain_id")), callout=self.key, answerable=True,
                )  # fmt: skip

        yield from self._again()
        yield from self._late()
        if self.outcome == "exhausted" and self.world.now < self.exhausts + LATE_FRESH:
            yield from self._ring()

    def _ring(self) -> Iterator[Send]:
        """At the desk: nobody has answered, somebody must see to it."""
        people, root = self.world.house.people, self.world.bureau.region
        text = self.world.house.messages.text(
            "exhausted", bureau=self.world.bureau.short_name, headline=str(self.opened.data.get("headline") or ""),
            area=self._name, post=self.world.house.post(str(self.opened.data.get("post"))),
        )  # fmt: skip
        for one in people.targets((root,), DESK):
            if one.region == root:
                slot, fresh = f"exhausted:{one.code}", self.exhausts + LATE_FRESH
                yield Send(
                    slot, Post(one.code, DESK), ("console",), text, fresh, chain=str(self.opened.data["chain_id"])
                )

    def repeatable(self, fact: Fact) -> bool:
        """Whether a post may be called once more: while it has not answered, also when the ladder is exhausted."""
        return self.outcome in ("", "exhausted") or (self.closed is not None and fact.time < self.closed)

    def _again(self) -> Iterator[Send]:
        """What the desk has had sent once more, to the rung that was reached."""
        for fact in (f for f in self.repeats if f.live and self.repeatable(f)):
            fresh = fact.handled + self.route.freshness
            if fresh <= self.world.now:
                continue
            reached = [rung for rung in self.rungs if rung.at <= fact.time]
            rung = reached[-1].to if reached else "post"
            to = Post(str(self.opened.data.get("organisation")), str(self.opened.data.get("post")), rung)
            for channel in self.route.channels:
                yield Send(
                    f"repeat:{fact.id}:{channel}", to, (channel,), partial(self._text, channel), fresh,
                    chain=str(self.opened.data.get("chain_id")), callout=self.key, answerable=True,
                )  # fmt: skip

    def _late(self) -> Iterator[Send]:
        """Whoever replies by SMS after the end is told that it is over."""
        for fact in self.answers:
            person = str(fact.data.get("person_id") or "")
            fresh = fact.handled + LATE_FRESH
            over = self.outcome in OVER and self.closed is not None and fact.time > self.closed
            if over and person and fact.data.get("via") == "sms" and fact.live and fresh > self.world.now:
                to = Individual(person, str(self.opened.data.get("organisation")), str(self.opened.data.get("post")))
                text = self.world.house.messages.text(
                    "answered_late", bureau=self.world.bureau.short_name, over=OVER[self.outcome],
                    headline=str(self.opened.data.get("headline") or ""),
                )  # fmt: skip
                yield Send(f"late:{fact.id}", to, ("sms",), text, fresh, chain=str(self.opened.data.get("chain_id")))

    def _text(self, channel: str) -> str:
        key = "callout_voice" if channel == "voice" else "callout_sms"
        return self.world.house.messages.text(
            key, bureau=self.world.bureau.short_name, headline=str(self.opened.data.get("headline") or ""),
            area=self._name, level=str(self.opened.data.get("level")), link="{link}",
        )  # fmt: skip

    @property
    def _name(self) -> str:
        organisation = self.world.house.people.organisation(str(self.opened.data.get("organisation")))
        return organisation.name if organisation else str(self.opened.data.get("organisation"))

    def _seconds(self, at: datetime.datetime) -> float:
        return round((at - self.opened.time).total_seconds(), 1)

    def _minutes(self, at: datetime.datetime) -> str:
        return f"{self._seconds(at) / 60:g}"

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives; addresses are not in it."""
        said = self.opened.data
        return {
            "id": self.key, "callout_id": self.key, "chain": said.get("chain_id"), "revision": said.get("revision"),
            "organisation": said.get("organisation"), "organisation_name": self._name, "post": said.get("post"),
            "region": self.opened.region, "level": said.get("level"), "need": said.get("need"),
            "route": said.get("route"), "headline": said.get("headline"), "state": self.state,
            "opened": self.opened.time, "rung": self._reached[-1].name if self._reached else None,
            "next": self.wake, "outcome": self.outcome or None, "closed": self.closed,
            "seconds": self._seconds(self.closed) if self.closed else None, "drill": self.opened.drill or None,
            "answers": [
                {"person": f.data.get("person_id"), "answer": f.data.get("answer"), "via": f.data.get("via"),
                 "text": f.data.get("text"), "recorded_by": f.data.get("recorded_by"), "at": f.time}
                for f in self.answers
            ],
            "attempts": [
                {"channel": f.data.get("channel"), "post": f.data.get("post"), "no": f.data.get("attempt_no"),
                 "result": f.data.get("result"), "at": f.time} for f in self.attempts[-SHOWN:]
            ],
        }  # fmt: skip
