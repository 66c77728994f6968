"""The life of an edition: asked for, cut, passed from hand to hand, issued, superseded. Pure: a fact and a state in, a
state out.

    requested → frozen → 起草 drafted → 核稿 reviewed → 法制审核 cleared → 签发 signed → 印发 issued
        ↓↑          ↑________________________ 退回 ________________________|
      refused
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

REQUESTED, REFUSED, FROZEN = "requested", "refused", "frozen"
DRAFTED, REVIEWED, CLEARED, SIGNED, ISSUED = "drafted", "reviewed", "cleared", "signed", "issued"
SUPERSEDED = "superseded"
"""Shown of an issued edition after which another was issued; it changes no byte of it."""
OPEN = frozenset({REQUESTED, REFUSED, FROZEN})
"""While it is being written."""
RETURN = "return"
LONGEST = 20_000
"""Characters of a paragraph."""


class Step(NamedTuple):
    """One hand through which an edition passes."""

    name: str
    zh: str
    roles: tuple[str, ...]
    before: frozenset[str]
    after: str
    another: bool = False
    """It must be somebody else than who wrote the edition."""


CLERKS = ("clerk", "administrator")
"""Who does the writing; what is judged and signed is nobody's but the office's own."""
STEPS: tuple[Step, ...] = (
    Step("draft", "起草", CLERKS, frozenset({FROZEN}), DRAFTED),
    Step("review", "核稿", ("reviewer",), frozenset({DRAFTED}), REVIEWED, another=True),
    Step("legal", "法制审核", ("legal",), frozenset({REVIEWED}), CLEARED, another=True),
    Step("sign", "签发", ("signer",), frozenset({CLEARED}), SIGNED, another=True),
    Step("issue", "印发", CLERKS, frozenset({SIGNED}), ISSUED),
    Step(RETURN, "退回", ("clerk", "reviewer", "legal", "signer", "administrator"),
         frozenset({DRAFTED, REVIEWED, CLEARED, SIGNED}), FROZEN),
)  # fmt: skip
BY_NAME = {step.name: step for step in STEPS}
WRITERS = BY_NAME["draft"].roles
"""Who asks for editions and writes their paragraphs."""


class Refused(ValueError):
    """What a person may not do with an edition now; the text says why."""


class Paragraph(msgspec.Struct, frozen=True):
    """A hand-written paragraph."""

    text: str
    by: str
    at: datetime.datetime


class Done(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step that was taken."""

    step: str
    by: str
    at: datetime.datetime
    reason: str = ""


class Scope(msgspec.Struct, frozen=True):
    """What an edition is about; those of one scope are revisions of each other."""

    template: str
    region: str
    first: datetime.date
    last: datetime.date


class Edition(msgspec.Struct, frozen=True):
    """An edition as it stands."""

    id: str
    scope: Scope
    revision: int
    cutoff: datetime.datetime
    author: str
    requested: datetime.datetime
    state: str = REQUESTED
    attempt: int = 1
    """Which cut is waited for, or was the last."""
    problems: tuple[dict[str, Any], ...] = ()
    """Why it was refused: `{check, slots, expected, found, events}`."""
    frozen: datetime.datetime | None = None
    digest: str = ""
    """SHA-256 (hex) of what was frozen."""
    paragraphs: dict[str, Paragraph] = {}
    steps: tuple[Done, ...] = ()
    """Those of all rounds, in order."""
    number: str = ""
    issued: datetime.datetime | None = None
    superseded_by: str = ""

    @property
    def shown_state(self) -> str:
        """The state, `superseded` included."""
        return SUPERSEDED if self.superseded_by else self.state

    @property
    def writers(self) -> frozenset[str]:
        """Who wrote it: none of them may review, clear or sign it."""
        drafters = [done.by for done in self.steps if done.step == "draft"]
        return frozenset([self.author, *drafters, *(p.by for p in self.paragraphs.values())])


class Asked(NamedTuple):
    """A person's wish for an edition."""

    id: str
    scope: Scope
    revision: int
    cutoff: datetime.datetime


def request(before: Edition | None, last: Edition | None, asked: Asked, by: str, at: datetime.datetime) -> Edition:
    """A new revision, or another cut of one that is still being written. `last` is the newest of the scope.

    A new revision keeps the paragraphs of the one before it.
    """
    if before is None:
        revision = (last.revision if last else 0) + 1
        if asked.revision != revision:
            raise Refused(f"下一版是第 {revision} 版, 不是 {asked.id}: 请再申请一次")
        kept = dict(last.paragraphs) if last else {}
        return Edition(asked.id, asked.scope, revision, asked.cutoff, by, at, paragraphs=kept)
    if before.scope != asked.scope:
        raise Refused(f"{before.id} 是另一份报告")
    if before.state not in OPEN:
        raise Refused(f"{before.id} 已{_where(before)}, 不能再取数: 退回后再取, 或另出一版")
    return msgspec.structs.replace(
        before, state=REQUESTED, cutoff=asked.cutoff, attempt=before.attempt + 1, problems=(), frozen=None, digest=""
    )


def write(edition: Edition, slot: str, text: str, by: str, at: datetime.datetime) -> Edition:
    """A paragraph is written, or with an empty text taken out."""
    if edition.state not in OPEN:
        raise Refused(f"{edition.id} 已{_where(edition)}, 正文不能再改: 先退回")
    if not slot:
        raise Refused("没有写明是哪一段")
    if len(text) > LONGEST:
        raise Refused(f"一段至多 {LONGEST} 字, 这一段有 {len(text)} 字")
    kept = {name_: one for name_, one in edition.paragraphs.items() if name_ != slot}
    written = {slot: Paragraph(text, by, at)} if text.strip() else {}
    return msgspec.structs.replace(edition, paragraphs={**kept, **written})


def take(edition: Edition, step: str, by: str, at: datetime.datetime, reason: str = "", newer: str = "") -> Edition:
    """A step is taken. `newer`: a later edition of the same scope that is issued already."""
    if why := hindrance(edition, step, by, reason, newer):
        raise Refused(why)
    row = BY_NAME[step]
    done = (*edition.steps, Done(step, by, at, reason.strip()))
    issued = at if row.after == ISSUED else None
    return msgspec.structs.replace(edition, state=row.after, steps=done, issued=issued)


def hindrance(edition: Edition, step: str, by: str, reason: str = "", newer: str = "") -> str:
    """Why somebody may not take a step now; empty: nothing is in the way."""
    row = BY_NAME.get(step)
    if row is None:
        return f"没有步骤 {step[:40]}: 可用 {', '.join(BY_NAME)}"
    if edition.superseded_by or newer:
        return f"{edition.id} 已被 {edition.superseded_by or newer} 替代"
    if edition.state not in row.before:
        return f"{edition.id} 现在{_where(edition)}, 不能{row.zh}"
    if row.another and by in edition.writers:
        return f"{by} 是撰稿人, {row.zh}须由另一人"
    if step == RETURN and not reason.strip():
        return "退回须写明理由"
    return ""


def cut(
    edition: Edition, attempt: int, at: datetime.datetime, digest: str, problems: Sequence[dict[str, Any]]
) -> Edition:
    """What was found at the cut: it is frozen, or refused with its problems."""
    if edition.state != REQUESTED or edition.attempt != attempt:
        raise Refused(f"{edition.id} 不再等这一次取数")
    if problems:
        return msgspec.structs.replace(edition, state=REFUSED, problems=tuple(problems), digest=digest)
    return msgspec.structs.replace(edition, state=FROZEN, frozen=at, digest=digest)


def _where(edition: Edition) -> str:
    """Where it stands, in a word."""
    return WHERE[edition.shown_state]


WHERE = {
    REQUESTED: "等待取数", REFUSED: "校核未通过", FROZEN: "起草中", DRAFTED: "送核稿", REVIEWED: "送法制审核",
    CLEARED: "送签发", SIGNED: "待印发", ISSUED: "印发", SUPERSEDED: "被替代",
}  # fmt: skip


def id_of(scope: Scope, revision: int, root: str) -> str:
    """The id of a revision: `annual-2023-1`, of a part of the bureau `annual-320111002-2023-1`."""
    inner = "" if scope.region == root else f"-{scope.region}"
    return f"{scope.template}{inner}-{span(scope.first, scope.last)}-{revision}"


def span(first: datetime.date, last: datetime.date) -> str:
    """`2023`, `2023-06`, `2023-06-30`, or `20230101-20230930`."""
    if first == last:
        return first.isoformat()
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31) and first.year == last.year:
        return f"{first.year:04d}"
    whole = last.day == calendar.monthrange(last.year, last.month)[1]
    if first.day == 1 and whole and (first.year, first.month) == (last.year, last.month):
        return first.isoformat()[:7]
    return f"{first:%Y%m%d}-{last:%Y%m%d}"
