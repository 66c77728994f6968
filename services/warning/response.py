"""Responses (应急响应): proposed by the rules of the bureau, started, changed and ended by two people (arts. 71-72)."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.warning import chain as chains
from services.warning.chain import Chain, Stage
from services.warning.house import measures
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.signing import Paper, signer
from services.warning.world import World

PROPOSED = "emergency.response_proposed"
SIGNED, APPROVED = "emergency.response_signed", "emergency.response_approved"
STARTED, CHANGED, ENDED = (
    "emergency.response_started", "emergency.response_level_changed", "emergency.response_ended",
)  # fmt: skip
STEPS: Mapping[str, str] = {"start": "启动", "change": "调整", "end": "终止"}
SAYS: Mapping[str, str] = {"start": STARTED, "change": CHANGED, "end": ENDED}
NONE = "none"
"""The level that proposes the end."""
FRESH = datetime.timedelta(hours=1)
STATEMENTS: Mapping[str, str] = {"level": "级别", "expected_until": "预计期限", "measures": "应急处置措施"}
"""What a start must state besides its matter (Emergency Response Law, art. 72)."""


@dataclass
class Step:
    """One step that was, or is to be, signed."""

    step: str
    paper: Paper
    before: str
    """The level before."""

    @property
    def level(self) -> str:
        """The level after it."""
        return NONE if self.step == "end" else str(self.paper.content.get("level") or "")


@dataclass
class Course:
    """The steps of a response."""

    done: list[Step] = field(default_factory=list)
    pending: Step | None = None

    @property
    def level(self) -> str:
        """The level that runs; empty: none."""
        last = self.done[-1] if self.done else None
        return "" if last is None or last.step == "end" else last.level


class Response:
    """The kind: its key is the response's id; one for each chain."""

    name = "response"
    types = chains.TYPES | {PROPOSED, SIGNED, APPROVED}

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """What the chain comes to, and what people decide."""
        if fact.type in chains.TYPES:
            yield Named(response_of(chains.about(fact)))
        else:
            yield Named(str(fact.data.get("response_id") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the response stands now; None: nothing proposes one."""
        chain = chains.chain_of(facts)
        if chain is None:
            return None
        command = Command(key, chain, facts, world)
        if not command.proposals:
            return None
        return Standing(
            state=command.state, shown=command.shown(), region=chain.last.fact.region, closed=command.closed,
            says=tuple(command.says()), sends=tuple(command.sends()), wake=command.wake, due=command.until,
            refused=command.refused,
        )  # fmt: skip


def response_of(chain: str) -> str:
    """The id of a chain's response."""
    return f"XY-{hashlib.sha256(chain.encode()).hexdigest()[:10]}"


class Command:
    """A response at one moment."""

    def __init__(self, key: str, chain: Chain, facts: Sequence[Fact], world: World) -> None:
        self.key, self.chain, self.world = key, chain, world
        self.refused: dict[bytes, str] = {}
        self.proposals = self._proposals({str(f.data.get("basis_alert_id")): f for f in facts if f.type == PROPOSED})
        self.course = Course()
        for fact in (f for f in facts if f.type in (SIGNED, APPROVED)):
            if why := self._take(fact):
                self.refused[fact.key] = why

    # --- proposed -------------------------------------------------------------------------------------------------

    def _proposals(self, known: Mapping[str, Fact]) -> list[tuple[Fact, dict[str, Any]]]:
        """The stage or end that proposes it, and what; only where it differs from the proposal before."""
        found: list[tuple[Fact, dict[str, Any]]] = []
        for stage in self.chain.stages:
            said = known.get(stage.identifier)
            content = dict(said.data) if said else self._propose(stage, stage.identifier)
            before = found[-1][1]["level"] if found else NONE
            if content and content["level"] != before:
                found.append((stage.fact, content))
        ended = self.chain.ended
        if ended and found and found[-1][1]["level"] != NONE:
            found.append((ended, dict(known["ended"].data) if "ended" in known else self._withdrawal("ended")))
        return found

    def _propose(self, stage: Stage, identifier: str) -> dict[str, Any] | None:
        if not (stage.fresh and stage.areas):
            return None
        answer = measures.of(self.world.bureau).answer(stage.level, stage.hazard)
        if answer is None:
            return self._withdrawal(identifier)
        until = stage.fact.time + answer.expected
        return {
            **self._withdrawal(identifier), "level": answer.response, "expected_until": _written(until),
            "measures": answer.measures,
        }  # fmt: skip

    def _withdrawal(self, identifier: str) -> dict[str, Any]:
        """The proposal that no response is needed (any more)."""
        last = self.chain.last
        return {
            "response_id": self.key, "hazard": last.hazard, "level": NONE, "chain_id": self.chain.id,
            "area": self.chain.stages[0].where or last.where, "basis_alert_id": identifier,
        }  # fmt: skip

    def proposed(self, at: datetime.datetime) -> dict[str, Any]:
        """The proposal that was known at a moment."""
        known = [content for cause, content in self.proposals if cause.handled <= at]
        return known[-1] if known else self.proposals[0][1]

    # --- decided --------------------------------------------------------------------------------------------------

    def _take(self, fact: Fact) -> str:
        """Take one decision; the reason when it is refused."""
        if not fact.live:
            return "应急响应不能补录签署"
        if fact.type == APPROVED:
            return self._approve(fact)
        step = str(fact.data.get("step") or "start")
        if step == "refuse":
            return self._send_back(fact)
        if step == "start" and self.course.level:
            step = "change"
        if why := self._illegal(step, fact):
            return why
        pending = self.course.pending
        if pending is None or pending.step != step:
            pending = self._opened(step, fact)
        elif pending.paper.author and pending.paper.author != signer(fact):
            return f"{pending.paper.author} 已提出{STEPS[step]}, 等待另一人批准"
        return self._done(pending, pending.paper.put_forward(fact, self._edits(fact)))

    def _illegal(self, step: str, fact: Fact) -> str:
        if step not in STEPS:
            return f"没有这样的步骤: {step}"
        if step != "start" and not self.course.level:
            return "响应尚未启动"
        if step == "start" and self.chain.ended and self.chain.ended.handled <= fact.handled:
            return "预警已结束, 不再启动响应"
        level = fact.data.get("level")
        if level and level not in measures.RESPONSE_LEVELS:
            return f"没有这样的响应级别: {level}"
        if step == "change" and (level or self.proposed(fact.handled)["level"]) == self.course.level:
            return f"响应已是{self.course.level}级"
        return ""

    def _opened(self, step: str, fact: Fact) -> Step:
        """A step with what the rules propose for it."""
        proposed = self.proposed(fact.handled)
        content = {name: proposed.get(name) for name in STATEMENTS if proposed.get(name)} if step != "end" else {}
        if content.get("level") == NONE:
            content.pop("level")
        return Step(step, Paper(content, title=f"{STEPS[step]}响应"), self.course.level)

    def _edits(self, fact: Fact) -> dict[str, Any]:
        return {name: value for name in STATEMENTS if (value := fact.data.get(name))}

    def _approve(self, fact: Fact) -> str:
        pending = self.course.pending
        if pending is None:
            step = self._wanted(fact)
            if not step:
                return "没有待批准的事项"
            pending = self._opened(step, fact)
        return self._done(pending, pending.paper.approve(fact))

    def _wanted(self, fact: Fact) -> str:
        """The step that the proposal asks for; empty: none."""
        level = self.proposed(fact.handled)["level"]
        if level == NONE:
            return "end" if self.course.level else ""
        return "" if level == self.course.level else "change" if self.course.level else "start"

    def _send_back(self, fact: Fact) -> str:
        if self.course.pending is None:
            return "没有待批准的事项"
        why = self.course.pending.paper.send_back(fact)
        self.course.pending = None
        return why

    def _done(self, step: Step, why: str) -> str:
        if why:
            return why
        missing = [zh for name, zh in STATEMENTS.items() if step.step == "start" and not step.paper.content.get(name)]
        if missing:
            return f"启动响应须写明{'、'.join(missing)}"
        self.course.pending = step
        if step.paper.signed:
            self.course.done.append(step)
            self.course.pending = None
        return ""

    # --- how it stands --------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """proposed, submitted, approved, started, ended or withdrawn."""
        if self.course.level:
            return "started"
        if self.course.done:
            return "ended"
        if self.chain.ended or self.proposals[-1][1]["level"] == NONE:
            return "withdrawn"
        return self.course.pending.paper.state if self.course.pending else "proposed"

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be done: it has ended with its warning, or never began."""
        return self.state == "withdrawn" or (self.state == "ended" and self.proposals[-1][1]["level"] == NONE)

    @property
    def until(self) -> datetime.datetime | None:
        """Until when it is expected to last."""
        if not self.course.level:
            return None
        stated = [s.paper.content.get("expected_until") for s in self.course.done if s.step != "end"]
        text = next((t for t in reversed(stated) if t), None)
        return _moment(str(text)) if text else None

    @property
    def wake(self) -> datetime.datetime | None:
        """When it has lasted longer than expected."""
        until = self.until
        return until if until and until > self.world.now else None

    # --- said and sent --------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """Each proposal, and each step that two people have signed."""
        for cause, content in self.proposals:
            yield Say(
                f"proposed:{content['basis_alert_id']}",
                PROPOSED,
                _filled(content),
                cause.handled,
                cause.region,
                cause.key,
            )
        for number, step in enumerate(self.course.done, 1):
            if signed := step.paper.signed:
                yield Say(
                    f"{step.step}:{number}", SAYS[step.step], _filled(self._stated(step)), signed.time,
                    self.chain.last.fact.region, signed.key,
                )  # fmt: skip

    def _stated(self, step: Step) -> dict[str, Any]:
        stated = {"response_id": self.key, "chain_id": self.chain.id}
        if step.step == "end":
            return stated
        if step.step == "change":
            return {
                **stated,
                "from": step.before,
                "to": step.level,
                **{k: step.paper.content.get(k) for k in ("expected_until", "measures")},
            }
        first = self.proposals[0][1]
        return {
            **stated, "hazard": first["hazard"], "area": first["area"], "approved_by": self.world.bureau.name,
            **{name: step.paper.content.get(name) for name in STATEMENTS},
        }  # fmt: skip

    def sends(self) -> Iterator[Send]:
        """The bureau's leaders and the desks of the area are told of every step."""
        areas = chains.names(self.chain.stages[0].areas)
        for number, step in enumerate(self.course.done, 1):
            at = step.paper.signed.time if step.paper.signed else self.world.now
            if not at <= self.world.now < at + FRESH:
                continue
            level = "" if step.step == "end" else f"{step.level}级"
            text = self.world.house.messages.text(
                "response", bureau=self.world.bureau.short_name, title=f"{STEPS[step.step]}应急响应",
                level=f"{self.chain.last.hazard_zh}{level}", area=self.chain.stages[0].where,
            )  # fmt: skip
            for post in ("duty_leader", "street_duty"):
                for organisation in self.world.house.people.targets(areas, post):
                    to = Post(organisation.code, post)
                    yield Send(f"{step.step}:{number}:{organisation.code}:{post}", to, ("sms",), text, at + FRESH,
                               chain=self.chain.id)  # fmt: skip

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        last, proposed, pending = self.chain.last, self.proposals[-1][1], self.course.pending
        return {
            "id": self.key, "response_id": self.key, "chain": self.chain.id, "state": self.state,
            "matter": f"{self.chain.stages[0].where}{last.hazard_zh}应急响应", "hazard": last.hazard,
            "areas": self.chain.stages[0].areas, "level": self.course.level or None, "warning_level": last.level,
            "proposed": proposed["level"], "proposal": {k: proposed.get(k) for k in STATEMENTS},
            "expected_until": self.until, "overrun": bool(self.until and self.until <= self.world.now),
            "measures": next((s.paper.content.get("measures") for s in reversed(self.course.done)
                              if s.paper.content.get("measures")), None),
            "pending": pending and {"step": pending.step, "zh": STEPS[pending.step], **pending.paper.content,
                                    **pending.paper.shown(), "state": pending.paper.state},
            "steps": [{"step": s.step, "zh": STEPS[s.step], "from": s.before or None, "level": s.level,
                       **s.paper.shown()} for s in self.course.done],
            "drill": self.chain.stages[0].fact.drill or None,
        }  # fmt: skip


def _written(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _filled(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value not in (None, "", (), [])}
