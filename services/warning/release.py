"""Public messages (预警发布): what the public is told, in the eight statements of the law (art. 64), by two people."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from services.warning import chain as chains
from services.warning.chain import Chain, Stage
from services.warning.house import measures
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.paper import Form, Papers, severe
from services.warning.world import World

FORM = Form(
    "发布稿", "warning_id", "warning.release_drafted", "warning.release_drafted", "warning.release_approved", "",
    ("channel", "target_area", "text", "cautions", "measures", "issuer"),
)  # fmt: skip
RELEASED = "warning.released"
STATEMENTS: Mapping[str, str] = {
    "category": "预警类别", "level": "级别", "starts": "起始时间", "areas": "可能影响的范围", "cautions": "警示事项",
    "measures": "应当采取的措施", "issuer": "发布单位", "issued_at": "发布时间",
}  # fmt: skip
"""Emergency Response Law (2024), art. 64."""
CHANNELS = ("sms", "broadcast")
CATEGORY = "气象灾害"
FRESH = datetime.timedelta(hours=1)


class Release:
    """The kind: its key is the warning's id; drafted for orange and red, published when two people have signed."""

    name = "release"
    types = chains.TYPES | FORM.types

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """What the chain comes to, and who signs."""
        if fact.type in chains.TYPES:
            yield Named(release_of(chains.about(fact)))
        else:
            yield Named(str(fact.data.get("warning_id") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the publication stands now; None: the chain asks for none."""
        chain = chains.chain_of(facts)
        if chain is None:
            return None
        public = Public(key, chain, facts, world)
        if not public.papers.drafts:
            return None
        return Standing(
            state=public.state, shown=public.shown(), region=chain.last.fact.region,
            closed=public.papers.current is None, says=tuple(public.says()), sends=tuple(public.sends()),
            refused=public.papers.refused,
        )  # fmt: skip


def release_of(chain: str) -> str:
    """The id of a chain's publication."""
    return f"YJ-{hashlib.sha256(chain.encode()).hexdigest()[:10]}"


class Public:
    """A publication at one moment."""

    def __init__(self, key: str, chain: Chain, facts: Sequence[Fact], world: World) -> None:
        self.key, self.chain, self.world = key, chain, world
        self.papers = Papers(FORM, key, chain, facts, self._draft, lambda _level: True)

    def _draft(self, stage: Stage) -> dict[str, Any] | None:
        """The statements as far as the rules know them; level and category are only ever those that were told."""
        advice = measures.of(self.world.bureau).advice(stage.level, stage.hazard) if severe(stage.level) else None
        if advice is None:
            return None
        return {
            "category": f"{CATEGORY}（{stage.hazard_zh}）", "level": stage.level,
            "starts": stage.fact.time.isoformat(timespec="seconds"), "areas": stage.areas,
            "target_area": [str(area.get("name")) for area in stage.areas], "cautions": advice.cautions,
            "measures": advice.measures, "issuer": self.world.bureau.name, "channel": CHANNELS,
            "text": f"{stage.headline}。{advice.cautions}",
        }  # fmt: skip

    @property
    def state(self) -> str:
        """drafted, submitted, approved, issued, or withdrawn and over when the warning has moved on."""
        current = self.papers.current
        if current is None:
            return "over" if self.papers.issued else "withdrawn"
        return current.paper.state

    def says(self) -> Iterator[Say]:
        """The drafts, and what was published."""
        yield from self.papers.drafting()
        for one in self.papers.issued:
            content = {k: v for k, v in one.content.items() if k not in ("by", "basis_alert_id") and v}
            released = {**content, "issued_at": one.signed.time.isoformat(timespec="seconds")}
            stage = one.draft.stage
            yield Say(
                f"released:{stage.identifier}", RELEASED, released, one.signed.time, stage.fact.region, one.signed.key
            )

    def sends(self) -> Iterator[Send]:
        """The streets are asked to pass it on."""
        for draft, signed in self.papers.issued:
            if draft is not self.papers.current or self.world.now >= signed.time + FRESH:
                continue
            content = draft.paper.content
            text = self.world.house.messages.text(
                "release", bureau=self.world.bureau.short_name, headline=draft.stage.headline, area=draft.stage.where,
                text=str(content.get("text") or draft.stage.headline),
            )  # fmt: skip
            for organisation in self.world.house.people.targets(chains.names(draft.stage.areas), "street_duty"):
                to = Post(organisation.code, "street_duty")
                yield Send(f"release:{draft.revision}:{organisation.code}", to, ("sms",), text, signed.time + FRESH,
                           chain=self.chain.id)  # fmt: skip

    def shown(self) -> Mapping[str, Any]:
        """What its GET gives: the eight statements, and which of them are missing."""
        draft = self.papers.current or self.papers.drafts[-1]
        content, signed = draft.paper.content, draft.paper.signed
        stated = {**{name: content.get(name) for name in STATEMENTS}, "issued_at": signed.time if signed else None}
        return {
            "id": self.key, "warning_id": self.key, "chain": self.chain.id, "state": self.state,
            "revision": draft.revision, "headline": draft.stage.headline, **stated,
            "missing": [zh for name, zh in STATEMENTS.items() if name != "issued_at" and not stated[name]],
            "channel": content.get("channel"), "target_area": content.get("target_area"),
            "text": content.get("text"), **draft.paper.shown(), "drill": draft.stage.fact.drill or None,
            "revisions": [{"revision": d.revision, "level": d.stage.level, "state": d.paper.state}
                          for d in self.papers.drafts],
        }  # fmt: skip
