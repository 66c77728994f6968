"""Papers that follow a warning: drafted by rule for each of its revisions, signed by people, overtaken by the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.warning import said
from services.warning.chain import Chain, Stage
from services.warning.matter import Fact, Say
from services.warning.signing import Paper


@dataclass(frozen=True)
class Form:
    """A kind of paper: its events, and what people may change in it."""

    title: str
    id_field: str
    drafted: str
    submitted: str
    """The same as `drafted` when whoever writes it puts it forward at once."""
    approved: str
    refused: str
    editable: tuple[str, ...]

    @property
    def types(self) -> frozenset[str]:
        """The events of its way to be signed."""
        return frozenset(filter(None, (self.drafted, self.submitted, self.approved, self.refused)))


@dataclass
class Draft:
    """The paper of one revision of the chain."""

    stage: Stage
    paper: Paper
    rule: Mapping[str, Any]
    """As the hub drafted it."""

    @property
    def revision(self) -> int:
        """As it was drafted."""
        return int(self.paper.content["revision"])


class Issued(NamedTuple):
    """A paper that has gone out."""

    draft: Draft
    signed: Fact
    """The last signature."""

    @property
    def content(self) -> dict[str, Any]:
        """What was signed."""
        return self.draft.paper.content


Make = Callable[[Stage], dict[str, Any] | None]
"""What the rules draft for a stage; None: nothing."""


class Papers:
    """The papers of a chain, folded from the facts about them."""

    def __init__(
        self, form: Form, key: str, chain: Chain, facts: Sequence[Fact], make: Make, both: Callable[[str], bool]
    ) -> None:
        self.form, self.key, self.chain = form, key, chain
        self.refused: dict[bytes, str] = {}
        drafted = {str(f.data.get("basis_alert_id")): f for f in facts if f.type == form.drafted and _of_hub(f)}
        self.drafts = [d for stage in chain.stages if (d := self._draft(stage, drafted, make, both))]
        for fact in facts:
            if fact.type in form.types and not _of_hub(fact) and (why := self._step(fact)):
                self.refused[fact.key] = why

    def _draft(
        self, stage: Stage, drafted: Mapping[str, Fact], make: Make, both: Callable[[str], bool]
    ) -> Draft | None:  # fmt: skip
        known = drafted.get(stage.identifier)
        if known is not None:
            content = dict(known.data)
        elif stage.fresh and stage.areas and (made := make(stage)):
            content = {
                self.form.id_field: self.key, "chain_id": self.chain.id, "revision": stage.revision,
                "basis_alert_id": stage.identifier, **made,
            }  # fmt: skip
        else:
            return None
        return Draft(stage, Paper(dict(content), both(stage.level), self.form.title), content)

    def _step(self, fact: Fact) -> str:
        """Take one step; the reason when it is refused."""
        if not fact.live:
            return f"{self.form.title}不能补录签署"
        draft = next((d for d in self.drafts if d.revision == fact.data.get("revision")), None)
        if draft is None:
            return f"没有第{fact.data.get('revision')}次修订的{self.form.title}稿"
        if why := self._overtaken(draft, fact):
            return why
        if fact.type == self.form.approved:
            return draft.paper.approve(fact)
        if fact.type == self.form.refused:
            return draft.paper.send_back(fact)
        edits = {name: value for name in self.form.editable if (value := fact.data.get(name))}
        return draft.paper.put_forward(fact, edits, final=fact.type == self.form.submitted)

    def _overtaken(self, draft: Draft, fact: Fact) -> str:
        later = self.chain.stages[self.chain.stages.index(draft.stage) + 1 :]
        if any(stage.fact.handled <= fact.handled for stage in later):
            return f"预警已有新的变化, 请办理最新一次修订的{self.form.title}"
        if self.chain.ended and self.chain.ended.handled <= fact.handled:
            return f"预警已结束, {self.form.title}不再签发"
        return ""

    @property
    def issued(self) -> list[Issued]:
        """Those that were signed."""
        return [Issued(draft, draft.paper.signed) for draft in self.drafts if draft.paper.signed]

    @property
    def current(self) -> Draft | None:
        """The paper of the stage that holds; None: it asks for none."""
        last = self.drafts[-1] if self.drafts else None
        return last if last and last.stage is self.chain.last and not self.chain.ended else None

    def drafting(self) -> Iterator[Say]:
        """Each draft as the hub wrote it."""
        for draft in self.drafts:
            fact = draft.stage.fact
            content = {k: v for k, v in draft.rule.items() if v not in (None, "", (), [])}
            slot = f"drafted:{draft.stage.identifier}"
            yield Say(slot, self.form.drafted, content, fact.handled, fact.region, fact.key)


def _of_hub(fact: Fact) -> bool:
    return fact.source == said.SOURCE


def severe(level: str) -> bool:
    """Orange and red go out only with two signatures."""
    return level in ("orange", "red")
