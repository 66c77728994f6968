"""Notices (工作提示单): drafted when a chain rises, issued (orange and red: by two people), signed for, lifted."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning import chain as chains
from services.warning.chain import Chain, Stage
from services.warning.house import measures
from services.warning.house.people import Organisation
from services.warning.house.routes import matching
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.paper import Draft, Form, Issued, Papers, severe
from services.warning.world import World

FORM = Form(
    "提示单", "notice_id", "warning.notice_drafted", "warning.notice_submitted", "warning.notice_approved",
    "warning.notice_refused", ("recipients", "cautions", "measures", "due_minutes", "text"),
)  # fmt: skip
ISSUED, LIFTED, ACKNOWLEDGED = "warning.notice_issued", "warning.notice_lifted", "warning.notice_acknowledged"
NUMBERED = "document.numbered"
FRESH = datetime.timedelta(hours=1)
"""The recipients are told within this time after it was issued or fell due, or not at all."""


class Notice:
    """The kind: its key is the notice's id; one for each chain, with a revision for each of the chain's."""

    name = "notice"
    types = chains.TYPES | FORM.types | {LIFTED, ACKNOWLEDGED, NUMBERED}

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """What the chain comes to, and what is done about its notice."""
        if fact.type in chains.TYPES:
            yield Named(notice_of(chains.about(fact)))
        elif fact.type == NUMBERED:
            if about := fact.data.get("refers_to"):
                yield Named(str(about))
        else:
            yield Named(str(fact.data.get("notice_id") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the notice stands now; None: the chain asks for none."""
        chain = chains.chain_of(facts)
        if chain is None:
            return None
        sheet = Sheet(key, chain, facts, world)
        if not sheet.papers.drafts:
            return None
        return Standing(
            state=sheet.state, shown=sheet.shown(), region=chain.last.fact.region, closed=sheet.closed,
            says=tuple(sheet.says()), sends=tuple(sheet.sends()), wake=sheet.wake,
            due=sheet.due if sheet.owing else None, refused=sheet.refused,
        )  # fmt: skip


def notice_of(chain: str) -> str:
    """The id of a chain's notice."""
    return f"TSD-{hashlib.sha256(chain.encode()).hexdigest()[:10]}"


class Sheet:
    """A notice at one moment."""

    def __init__(self, key: str, chain: Chain, facts: Sequence[Fact], world: World) -> None:
        self.key, self.chain, self.world = key, chain, world
        self.papers = Papers(FORM, key, chain, facts, self._draft, severe)
        self.refused = dict(self.papers.refused)
        self.numbers = {f.data.get("revision"): f.data for f in facts if f.type == NUMBERED}
        self.lifted_by = self._lifted_by(facts)
        self.receipts = self._receipts([f for f in facts if f.type == ACKNOWLEDGED])

    # --- drafted --------------------------------------------------------------------------------------------------

    def _draft(self, stage: Stage) -> dict[str, Any] | None:
        """What the rules ask for at this stage."""
        advice = measures.of(self.world.bureau).advice(stage.level, stage.hazard)
        if advice is None or advice.due is None:
            return None
        return {
            "hazard": stage.hazard, "level": stage.level, "headline": stage.headline, "areas": stage.areas,
            "recipients": [o.name for o in self._concerned(stage)], "cautions": advice.cautions,
            "measures": advice.measures, "due_minutes": int(advice.due.total_seconds() // 60),
        }  # fmt: skip

    def _concerned(self, stage: Stage) -> list[Organisation]:
        """The organisations whose posts the routes call, but the bureau itself."""
        people, root = self.world.house.people, self.world.bureau.regions.root
        posts = [p for route in matching(self.world.house.routes, stage.level, stage.hazard) for p in route.posts]
        found = {o.code: o for post in posts for o in people.targets(chains.names(stage.areas), post)}
        return [o for o in found.values() if o.region != root]

    # --- issued ---------------------------------------------------------------------------------------------------

    @property
    def last(self) -> Issued | None:
        """The one issued last."""
        return self.papers.issued[-1] if self.papers.issued else None

    @property
    def issued_at(self) -> datetime.datetime | None:
        """When the last one was issued."""
        return self.last.signed.time if self.last else None

    @property
    def due(self) -> datetime.datetime | None:
        """Until when the last one is to be signed for."""
        return _due(self.last) if self.last else None

    def _lifted_by(self, facts: Sequence[Fact]) -> Fact | None:
        """The person's decision that lifts the last one issued."""
        for fact in (f for f in facts if f.type == LIFTED and f.source != chains.HUB):
            if self.last is None or self.issued_at is None or fact.time < self.issued_at:
                self.refused[fact.key] = "提示单尚未下发, 没有可解除的"
            else:
                return fact
        return None

    @property
    def over(self) -> tuple[str, Fact] | None:
        """Why it is no longer needed, and since which fact; None: it holds."""
        if self.chain.ended:
            return "预警已解除", self.chain.ended
        if self.lifted_by:
            return str(self.lifted_by.data.get("reason") or "人工解除"), self.lifted_by
        if self.papers.current is None:
            return f"预警已变为{self.chain.last.level_zh}", self.chain.last.fact
        return None

    @property
    def closed(self) -> bool:
        """Whether nothing more is to be done."""
        return self.over is not None

    @property
    def state(self) -> str:
        """drafted, submitted, approved, refused, issued, overdue, acknowledged, lifted or withdrawn."""
        if self.over:
            return "lifted" if self.last else "withdrawn"
        current = self.papers.current
        if current and not current.paper.signed:
            return current.paper.state
        if not self.owing:
            return "acknowledged"
        return "overdue" if self.due and self.due <= self.world.now else "issued"

    @property
    def wake(self) -> datetime.datetime | None:
        """When it falls due unsigned."""
        due = self.due
        return due if due and due > self.world.now and self.owing and not self.closed else None

    # --- signed for -----------------------------------------------------------------------------------------------

    @property
    def recipients(self) -> list[str]:
        """Of the last one issued."""
        return [str(name) for name in self.last.content.get("recipients") or ()] if self.last else []

    def _receipts(self, facts: Sequence[Fact]) -> dict[str, Fact]:
        """Recipient → its first receipt for the last one issued."""
        found: dict[str, Fact] = {}
        for fact in facts:
            name = self._recipient(fact)
            if self.issued_at is None:
                self.refused[fact.key] = "提示单尚未下发"
            elif name not in self.recipients:
                self.refused[fact.key] = f"{name or '未写明的单位'}不是这份提示单的接收单位"
            elif fact.time >= self.issued_at:
                found.setdefault(name, fact)
        return found

    def _recipient(self, fact: Fact) -> str:
        said = str(fact.data.get("recipient") or "")
        known = self.world.house.people.organisation(said)
        return known.name if known else said

    @property
    def owing(self) -> list[str]:
        """Recipients that have not signed."""
        return [name for name in self.recipients if name not in self.receipts]

    # --- said and sent --------------------------------------------------------------------------------------------

    def says(self) -> Iterator[Say]:
        """The drafts, what was issued, and the end."""
        yield from self.papers.drafting()
        for one in self.papers.issued:
            slot, region = f"issued:{one.draft.stage.identifier}", one.draft.stage.fact.region
            content = {**_issued(one), **({"document_no": number} if (number := self.number(one.draft)) else {})}
            yield Say(slot, ISSUED, content, one.signed.time, region, one.signed.key, grows=True)
        if self.over and self.last and not self.lifted_by:
            reason, cause = self.over
            draft = self.last.draft
            content = {"notice_id": self.key, "chain_id": self.chain.id, "revision": draft.revision, "reason": reason}
            yield Say(f"lifted:{draft.stage.identifier}", LIFTED, content, cause.time, cause.region, cause.key)

    def sends(self) -> Iterator[Send]:
        """Its recipients are told that it is there, and once more when it falls due unsigned."""
        last = self.last
        if last is None or self.closed or not self.number(last.draft):
            return
        if self.world.now < last.signed.time + FRESH:
            yield from self._tell("notice_issued", last, self.recipients, last.signed.time)
        if _due(last) <= self.world.now < _due(last) + FRESH:
            yield from self._tell("notice_overdue", last, self.owing, _due(last))

    def _tell(self, text: str, last: Issued, names: Iterable[str], at: datetime.datetime) -> Iterator[Send]:
        words = self.world.house.messages.text(text, **self._words(last))
        people, stage = self.world.house.people, last.draft.stage
        routes = matching(self.world.house.routes, stage.level, stage.hazard)
        posts = dict.fromkeys(post for route in routes for post in route.posts)
        for organisation in filter(None, map(people.organisation, names)):
            for to in (Post(organisation.code, post) for post in posts):
                if people.reach(to, self.world.now):
                    slot = f"{text}:{last.draft.revision}:{to.organisation}:{to.post}"
                    yield Send(slot, to, ("sms",), words, at + FRESH, chain=self.chain.id)

    def _words(self, last: Issued) -> dict[str, str]:
        stage = last.draft.stage
        return {
            "bureau": self.world.bureau.short_name, "headline": stage.headline, "number": self.number(last.draft),
            "due": f"{_due(last).astimezone(self.world.bureau.timezone):%m月%d日%H:%M}", "area": stage.where,
        }  # fmt: skip

    def number(self, draft: Draft) -> str:
        """`江应急提示〔2026〕1号`; empty until it is given."""
        return str(self.numbers.get(draft.revision, {}).get("document_no") or "")

    # --- shown ----------------------------------------------------------------------------------------------------

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives."""
        draft = self.papers.current or self.papers.drafts[-1]
        return {
            "id": self.key, "notice_id": self.key, "chain": self.chain.id, "state": self.state,
            "reason": self.over[0] if self.over else draft.paper.reason or None,
            "drill": draft.stage.fact.drill or None, **self._content(draft), **draft.paper.shown(),
            "issued": self.issued_at, "due": self.due, "overdue": self.owing if self.state == "overdue" else [],
            "receipts": [{"recipient": name, "at": fact.time} for name, fact in self.receipts.items()],
            "owing": self.owing, "revisions": [self._revision(one) for one in self.papers.drafts],
        }  # fmt: skip

    def _content(self, draft: Draft) -> dict[str, Any]:
        names = ("hazard", "level", "headline", "areas", "recipients", "cautions", "measures", "due_minutes", "text")
        content = {name: draft.paper.content.get(name) for name in names}
        hazards = draft.paper.attached if draft.paper.signed else None
        return {**content, "revision": draft.revision, "document_no": self.number(draft) or None,
                "open_hazards": hazards}  # fmt: skip

    def _revision(self, draft: Draft) -> dict[str, Any]:
        signed = draft.paper.signed
        return {
            **self._content(draft), **draft.paper.shown(), "state": draft.paper.state,
            "issued": signed.time if signed else None, "number": self.numbers.get(draft.revision, {}).get("number"),
        }  # fmt: skip


def _due(one: Issued) -> datetime.datetime:
    """Until when it is to be signed for."""
    return one.signed.time + datetime.timedelta(minutes=int(one.content.get("due_minutes") or 0))


def _issued(one: Issued) -> dict[str, Any]:
    """What is said of a notice that goes out."""
    content = {k: v for k, v in one.content.items() if k not in ("by", "due_minutes") and v}
    attached = {"open_hazards": one.draft.paper.attached} if one.draft.paper.attached else {}
    return {**content, "due": _due(one).isoformat(timespec="seconds"), **attached}
