"""What a notice, its number and a response come to, folded from facts alone: order, repetition and mistakes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from services.warning import said
from services.warning.matter import Fact, Say, Standing
from services.warning.notice import Notice, notice_of
from services.warning.response import Response, response_of
from services.warning.series import Series
from tests.warning.folding import fact, world

CHAIN = "99011141600000/1"
NOTICE, RESPONSE = notice_of(CHAIN), response_of(CHAIN)
CITY = [{"code": "990111", "name": "江滨区"}]


def stage(revision: int, to: str, at: str, **more: Any) -> Fact:
    """What a message made of the chain."""
    data = {"chain_id": CHAIN, "revision": revision, "to": to, "areas": CITY, "hazard": "rainstorm",
            "headline": f"暴雨{to}", "basis_alert_id": f"m{revision}"}  # fmt: skip
    return fact("warning.level_changed", CHAIN, at, data, source=said.SOURCE, **more)


def ended(at: str) -> Fact:
    return fact("warning.ended", CHAIN, at, {"chain_id": CHAIN, "how": "cancelled"}, source=said.SOURCE)


def by(name: str, verb: str, at: str, revision: int = 1, **more: Any) -> Fact:
    """Somebody's step about the notice."""
    return fact(f"warning.notice_{verb}", NOTICE, at, {"notice_id": NOTICE, "revision": revision, "by": name, **more})


def spoken(say: Say, at: str) -> Fact:
    """What was said, as a fact."""
    return fact(say.type, "x", at, dict(say.data), source=said.SOURCE, id=say.slot)


def folded(facts: Sequence[Fact], now: str) -> Standing:
    """How the notice stands, its own drafts among the facts."""
    kind = Notice()
    first = kind.fold(NOTICE, facts, world(now))
    assert first is not None
    drafts = [
        dataclasses.replace(spoken(say, "07-01 03:00"), subject=NOTICE)
        for say in first.says if say.type == "warning.notice_drafted"
    ]  # fmt: skip
    standing = kind.fold(NOTICE, [*facts, *drafts], world(now))
    assert standing is not None
    return standing


RED = stage(1, "red", "07-01 03:10")


def types(standing: Standing) -> list[str]:
    return [say.type.partition(".")[2] for say in standing.says]


def test_a_red_notice_needs_two_people_in_either_order() -> None:
    alone = folded([RED, by("甲", "submitted", "07-01 03:12"), by("甲", "approved", "07-01 03:13")], "07-01 03:20")
    assert (alone.state, types(alone)) == ("submitted", ["notice_drafted"])
    turned = folded([RED, by("乙", "approved", "07-01 03:12"), by("乙", "submitted", "07-01 03:13")], "07-01 03:20")
    assert (turned.state, list(turned.refused.values())) == ("approved", ["须由两人签署: 乙 已审批, 请另一人送审"])
    both = folded([RED, by("乙", "approved", "07-01 03:12"), by("甲", "submitted", "07-01 03:13")], "07-01 03:20")
    assert (both.state, types(both)) == ("issued", ["notice_drafted", "notice_issued"])


def test_what_is_changed_after_its_approval_must_be_approved_again() -> None:
    changed = by("甲", "submitted", "07-01 03:13", measures=["另一项"])
    standing = folded([RED, by("乙", "approved", "07-01 03:12"), changed], "07-01 03:20")
    assert standing.state == "submitted"


def test_what_was_sent_back_is_put_forward_again() -> None:
    steps = [
        by("甲", "submitted", "07-01 03:12"), by("乙", "refused", "07-01 03:13", reason="措施不全"),
        by("丙", "approved", "07-01 03:14"), by("甲", "submitted", "07-01 03:15"),
    ]  # fmt: skip
    back = folded([RED, *steps[:2]], "07-01 03:20")
    assert (back.state, back.shown["reason"]) == ("refused", "措施不全")
    assert folded([RED, *steps], "07-01 03:20").state == "issued"


@pytest.mark.parametrize(("level", "state"), [("yellow", "issued"), ("orange", "submitted")])
def test_one_is_enough_below_orange(level: str, state: str) -> None:
    facts = [stage(1, level, "07-01 03:10"), by("甲", "submitted", "07-01 03:12")]
    assert folded(facts, "07-01 03:20").state == state


def test_nothing_is_drafted_below_yellow_of_the_past_or_outside() -> None:
    fold = Notice().fold
    assert fold(NOTICE, [stage(1, "blue", "07-01 03:10")], world("07-01 03:20")) is None
    assert fold(NOTICE, [stage(1, "red", "07-01 03:10", lane="history")], world("07-01 03:20")) is None
    outside = dataclasses.replace(RED, data={**RED.data, "areas": []})
    assert fold(NOTICE, [outside], world("07-01 03:20")) is None
    at_once = dataclasses.replace(ended("07-01 03:10"), handled=RED.handled)
    assert fold(NOTICE, [RED, at_once], world("07-01 03:20")) is None


ISSUED = [RED, by("甲", "submitted", "07-01 03:12"), by("乙", "approved", "07-01 03:13")]


def test_it_is_revised_when_the_level_changes_and_old_drafts_are_dead() -> None:
    lower = stage(2, "yellow", "07-01 05:40")
    late = by("丙", "submitted", "07-01 05:50", revision=1)
    standing = folded([*ISSUED, lower, late], "07-01 06:00")
    assert standing.state == "drafted"
    assert standing.shown["level"] == "yellow"
    assert [r["state"] for r in standing.shown["revisions"]] == ["issued", "drafted"]
    assert "新的变化" in next(iter(standing.refused.values()))


@pytest.mark.parametrize("over", [stage(2, "blue", "07-01 05:40"), ended("07-01 05:40")], ids=["blue", "ended"])
def test_it_is_lifted_with_its_chain(over: Fact) -> None:
    standing = folded([*ISSUED, over], "07-01 06:00")
    assert (standing.state, standing.closed, types(standing)[-1]) == ("lifted", True, "notice_lifted")
    assert standing.sends == ()
    unsigned = folded([RED, over], "07-01 06:00")
    assert (unsigned.state, types(unsigned)) == ("withdrawn", ["notice_drafted"])


def test_a_receipt_counts_for_a_recipient_and_after_the_issue() -> None:
    def signs(name: str, at: str) -> Fact:
        return fact("warning.notice_acknowledged", NOTICE, at, {"notice_id": NOTICE, "recipient": name})

    early = folded([RED, signs("望江街道办事处", "07-01 03:11")], "07-01 03:20")
    assert list(early.refused.values()) == ["提示单尚未下发"]
    standing = folded([*ISSUED, signs("JB01", "07-01 03:20"), signs("邻区", "07-01 03:21")], "07-01 04:00")
    assert [r["recipient"] for r in standing.shown["receipts"]] == ["望江街道办事处"]
    assert list(standing.refused.values()) == ["邻区不是这份提示单的接收单位"]
    assert standing.state == "overdue"


def test_what_is_said_to_be_issued_carries_its_number_once_it_has_one() -> None:
    (before,) = [say for say in folded(ISSUED, "07-01 03:20").says if say.type == "warning.notice_issued"]
    number = {"refers_to": NOTICE, "revision": 1, "document_no": "江应急提示〔2026〕1号", "number": 1}
    numbered = fact("document.numbered", "江应急提示〔2026〕", "07-01 03:13", number, source=said.SOURCE)
    (after,) = [say for say in folded([*ISSUED, numbered], "07-01 03:20").says if say.slot == before.slot]
    assert ("document_no" in before.data, after.data["document_no"]) == (False, "江应急提示〔2026〕1号")
    assert before.grows
    assert after.data.keys() - before.data.keys() == {"document_no"}


# --- numbers ----------------------------------------------------------------------------------------------------


def issue(name: str, at: str, revision: int = 1) -> Fact:
    data = {"notice_id": name, "revision": revision, "level": "red", "hazard": "rainstorm"}
    return fact("warning.notice_issued", name, at, data, source=said.SOURCE)


def numbers(facts: Sequence[Fact]) -> dict[str, int]:
    standing = Series().fold("江应急提示〔2026〕", facts, world("07-02 00:00"))
    assert standing is not None
    return {f"{say.data['refers_to']}/{say.data['revision']}": say.data["number"] for say in standing.says}


def given(facts: Sequence[Fact]) -> list[Fact]:
    standing = Series().fold("江应急提示〔2026〕", facts, world("07-02 00:00"))
    assert standing is not None
    return [spoken(say, "07-01 03:00") for say in standing.says]


def test_numbers_have_no_gap_and_are_never_given_anew() -> None:
    first, second = issue("A", "07-01 03:10"), issue("B", "07-01 04:10")
    assert numbers([first, second]) == {"A/1": 1, "B/1": 2}
    known = given([second])
    assert numbers([first, second, *known]) == {"B/1": 1, "A/1": 2}, "given is given, whatever came before"
    known = given([first, second])
    assert numbers([second, *known]) == {"A/1": 1, "B/1": 2}, "what is taken back keeps its number"
    again = issue("A", "07-01 05:10", revision=2)
    assert numbers([second, again, *known]) == {"A/1": 1, "B/1": 2, "A/2": 3}


# --- responses --------------------------------------------------------------------------------------------------


def signed(name: str, step: str, at: str, **more: Any) -> Fact:
    data = {"response_id": RESPONSE, "step": step, "by": name, **more}
    return fact("emergency.response_signed", RESPONSE, at, data)


def approved(name: str, at: str) -> Fact:
    return fact("emergency.response_approved", RESPONSE, at, {"response_id": RESPONSE, "by": name})


def response(facts: Sequence[Fact], now: str) -> Standing:
    standing = Response().fold(RESPONSE, facts, world(now))
    assert standing is not None
    return standing


STARTED = [RED, signed("甲", "start", "07-01 03:20"), approved("乙", "07-01 03:21")]


def test_a_response_states_its_matter_level_time_and_measures() -> None:
    standing = response(STARTED, "07-01 03:30")
    start = next(say for say in standing.says if say.type == "emergency.response_started")
    assert start.data["level"] == "I"
    assert start.data["area"] == "江滨区"
    assert start.data["measures"]
    assert start.data["expected_until"] == "2026-07-02T03:10:00+08:00"
    assert response(STARTED, "07-02 03:11").shown["overrun"]


def test_another_level_may_be_started_than_the_one_proposed() -> None:
    steps = [signed("甲", "start", "07-01 03:20", level="II"), approved("乙", "07-01 03:21")]
    assert response([RED, *steps], "07-01 03:30").shown["level"] == "II"
    wrong = signed("甲", "start", "07-01 03:20", level="特级")
    assert "没有这样的响应级别" in next(iter(response([RED, wrong], "07-01 03:30").refused.values()))


def test_the_end_of_the_warning_only_proposes_the_end_of_the_response() -> None:
    over = [*STARTED, ended("07-01 09:20")]
    standing = response(over, "07-01 10:00")
    assert (standing.state, standing.closed, standing.shown["proposed"]) == ("started", False, "none")
    steps = [signed("甲", "end", "07-01 10:10"), approved("甲", "07-01 10:11"), approved("乙", "07-01 10:12")]
    last = response([*over, *steps], "07-01 10:20")
    assert (last.state, last.closed) == ("ended", True)
    assert len(last.refused) == 1


def test_a_response_that_nobody_started_goes_with_its_warning() -> None:
    standing = response([RED, ended("07-01 09:20")], "07-01 10:00")
    assert (standing.state, standing.closed) == ("withdrawn", True)
    late = response([RED, ended("07-01 09:20"), signed("甲", "start", "07-01 09:30")], "07-01 10:00")
    assert list(late.refused.values()) == ["预警已结束, 不再启动响应"]
