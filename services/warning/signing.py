"""Signing: what is issued needs somebody who puts it forward and, where it matters, another who approves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.warning.matter import Fact


@dataclass
class Paper:
    """Something on its way to be signed. Each step gives the reason for which it is refused; empty: it holds."""

    content: dict[str, Any]
    both: bool = True
    """Two different people must sign."""
    title: str = ""
    state: str = "drafted"
    """drafted, submitted, approved, refused, issued."""
    author: str = ""
    approver: str = ""
    reason: str = ""
    """Why it was sent back."""
    signed: Fact | None = None
    """The fact with which everybody needed has signed."""
    attached: list[Any] = field(default_factory=list)
    """What lay before the one who signed last."""

    def put_forward(self, fact: Fact, edits: Mapping[str, Any], *, final: bool = True) -> str:
        """Somebody writes it, and with `final` asks for it to go out; a changed text needs a new approval."""
        if self.signed:
            return f"{self.title}已签发, 不能再改"
        by = signer(fact)
        changed = any(self.content.get(name) != value for name, value in edits.items())
        approver = "" if changed else self.approver
        if final and self.both and approver == by:
            return f"须由两人签署: {by} 已审批, 请另一人送审"
        self.content |= edits
        self.author, self.approver = by, approver
        self.state, self.reason = ("submitted" if final else "drafted"), ""
        if final and (not self.both or self.approver):
            self._sign(fact)
        return ""

    def approve(self, fact: Fact) -> str:
        """Somebody lets it go out."""
        if self.signed:
            return f"{self.title}已签发"
        by = signer(fact)
        if self.both and self.author == by:
            return f"须由两人签署: {by} 是拟稿人, 不能审批自己的稿, 请另一人审批"
        self.approver, self.state, self.reason = by, "approved", ""
        if not self.both or self.author:
            self._sign(fact)
        return ""

    def send_back(self, fact: Fact) -> str:
        """Somebody refuses it; it has to be put forward again."""
        if self.signed:
            return f"{self.title}已签发, 不能退回"
        self.author = self.approver = ""
        self.state, self.reason = "refused", str(fact.data.get("reason") or "")
        return ""

    def _sign(self, fact: Fact) -> None:
        self.signed, self.state = fact, "issued"
        self.attached = list(fact.data.get("open_hazards") or ())

    def shown(self) -> dict[str, Any]:
        """How far it is."""
        return {
            "author": self.author or None, "approver": self.approver or None, "both": self.both,
            "reason": self.reason or None, "signed": self.signed.time if self.signed else None,
        }  # fmt: skip


def signer(fact: Fact) -> str:
    """Who takes the step: the account that was logged in."""
    return str(fact.data.get("by") or fact.publisher)
