"""Callouts of people on duty, and the contacts they reach (叫应)."""

from __future__ import annotations

from typing import Annotated, Any

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import OBJECT, TEXT, Count, Id, Moment, Number, Personal, Text


class CalloutOpened(Data, frozen=True, kw_only=True):
    """The hub begins to call a post."""

    about = row("callout.opened", "叫应发起", "callout_id", origin="hub")
    example = {
        "callout_id": "JY-20230716-03",
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
        "post": "值班岗",
        "organisation": "江浦街道办事处",
        "need": "any",
    }

    callout_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    post: Text | None = None
    organisation: Text | None = None
    need: Annotated[str, codes.CALLOUT_NEED] | None = None


class CalloutAttempted(Data, frozen=True, kw_only=True):
    """One attempt to reach a post."""

    about = row("callout.attempted", "叫应尝试", "callout_id", origin="hub")
    example = {
        "callout_id": "JY-20230716-03",
        "post": "值班岗",
        "channel": "voice",
        "attempt_no": 1,
        "result": "handed",
        "message_id": "0197f3a2-5b1c-4c5e-9d0e-3f6a1b2c4d5e",
    }

    callout_id: Id | None = None
    post: Text | None = None
    channel: Text | None = None
    attempt_no: Count | None = None
    result: Annotated[str, codes.ATTEMPT_RESULT] | None = None
    message_id: Id | None = None


class CalloutAnswered(Data, frozen=True, kw_only=True):
    """A post has answered."""

    about = row("callout.answered", "叫应应答", "callout_id", origin="hub person")
    example = {
        "callout_id": "JY-20230716-03",
        "post": "值班岗",
        "person_id": "P-0101",
        "via": "sms",
        "answer": "received",
        "text": "收到，已上岗",
        "recorded_by": "值班员甲",
    }

    callout_id: Id | None = None
    post: Text | None = None
    person_id: Id | None = None
    via: Annotated[str, codes.ANSWER_VIA] | None = None
    answer: Annotated[str, codes.CALLOUT_ANSWER] | None = None
    text: Annotated[str, TEXT, Personal] | None = None
    recorded_by: Annotated[str, TEXT, Personal] | None = None


class CalloutRepeated(Data, frozen=True, kw_only=True):
    """Somebody at the desk has a post called once more, now."""

    about = row("callout.repeated", "再次叫应", "callout_id", origin="person")
    example = {"callout_id": "JY-20230716-03", "post": "值班岗", "recorded_by": "值班员甲"}

    callout_id: Id | None = None
    post: Text | None = None
    recorded_by: Annotated[str, TEXT, Personal] | None = None


class CalloutEscalated(Data, frozen=True, kw_only=True):
    """Nobody answered: the next post is called."""

    about = row("callout.escalated", "叫应升级", "callout_id", origin="hub")
    example = {"callout_id": "JY-20230716-03", "post": "值班岗", "to_post": "带班领导岗", "reason": "5分钟未应答"}

    callout_id: Id | None = None
    post: Text | None = None
    to_post: Text | None = None
    reason: Text | None = None


class CalloutClosed(Data, frozen=True, kw_only=True):
    """A callout is over."""

    about = row("callout.closed", "叫应结束", "callout_id", origin="hub")
    example = {"callout_id": "JY-20230716-03", "outcome": "answered", "seconds": 95}

    callout_id: Id | None = None
    outcome: Annotated[str, codes.CALLOUT_OUTCOME] | None = None
    seconds: Number | None = None


class ContactUpserted(Data, frozen=True, kw_only=True):
    """How a person on duty is reached is new or has changed."""

    about = row("contact.upserted", "联系人更新", "person_id")
    example = {
        "person_id": "P-0101",
        "organisation": "江浦街道办事处",
        "post": "值班岗",
        "deputy_id": "P-0102",
        "channels": [{"kind": "sms", "address": "13800000000"}],
        "valid_to": "2026-06-30",
    }

    person_id: Id | None = None
    organisation: Text | None = None
    post: Text | None = None
    deputy_id: Id | None = None
    channels: tuple[Annotated[dict[str, Any], OBJECT, Personal], ...] = ()
    valid_to: Moment | None = None


class ContactVerified(Data, frozen=True, kw_only=True):
    """A contact has been verified."""

    about = row("contact.verified", "联系人核实", "person_id")
    example = {"person_id": "P-0101", "organisation": "江浦街道办事处", "post": "值班岗"}

    person_id: Id | None = None
    organisation: Text | None = None
    post: Text | None = None


class ContactTested(Data, frozen=True, kw_only=True):
    """A contact has been test-called."""

    about = row("contact.tested", "联系人测试", "person_id/channel", origin="hub")
    example = {"person_id": "P-0101", "channel": "sms", "result": "delivered", "seconds": 95}

    person_id: Id | None = None
    channel: Text | None = None
    result: Text | None = None
    seconds: Number | None = None


TYPES = (
    CalloutOpened,
    CalloutAttempted,
    CalloutAnswered,
    CalloutRepeated,
    CalloutEscalated,
    CalloutClosed,
    ContactUpserted,
    ContactVerified,
    ContactTested,
)
