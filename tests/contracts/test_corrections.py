"""Chains of corrections against the contract's sentences, for every order of arrival and every split into batches."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.corrections import Member, judge
from tests.reporting.truth import by_the_book

START = datetime.datetime(2023, 6, 1, tzinfo=datetime.UTC)
NAMES = "abcdef"


def member(name: str, target: str = "", at: int = 0, subject: str = "h1", **more: object) -> Member:
    shape = {"type": "hazard.found", "status": "actual", "retracts": False, **more}
    return Member(name.encode(), target.encode() or None, subject=subject, source="/a", id=name,
                  recorded=START + datetime.timedelta(seconds=at), **shape)  # type: ignore[arg-type]  # fmt: skip


def counting(*members: Member) -> set[str]:
    return {key.decode() for key in judge(members).counting}


def test_of_a_chain_the_member_that_no_other_corrects_counts() -> None:
    assert counting(member("a"), member("b", "a"), member("c", "b")) == {"c"}


def test_of_several_heads_the_latest_counts() -> None:
    assert counting(member("a"), member("b", "a", at=2), member("c", "a", at=1)) == {"b"}


def test_two_corrections_of_what_has_not_come_count_once() -> None:
    assert counting(member("b", "a", at=2), member("c", "a", at=1)) == {"b"}
    assert counting(member("b", "a", at=1), member("c", "a", at=2, retracts=True)) == set()


def test_a_correction_of_what_has_not_come_holds_nothing_back_that_it_would_not_fit() -> None:
    assert counting(member("b", "a"), member("c", "a", subject="h2"), member("d", "a", status="exercise")) == set("bcd")


def test_what_corrects_a_retraction_counts_again() -> None:
    assert counting(member("a"), member("b", "a", retracts=True), member("c", "b")) == {"c"}


def test_what_does_not_fit_counts_nothing_and_says_why() -> None:
    verdict = judge(
        [member("a"), member("b", "a", subject="h2"), member("c", "c"), member("d", "e"), member("e", "d", 9)]
    )
    assert verdict.counting == {b"a", b"d"}
    assert [verdict.misfits[k] for k in (b"b", b"c", b"e")] == [
        "its target has another type, subject or status", "it corrects itself", "the chain would close into a circle",
    ]  # fmt: skip


@st.composite
def chains(draw: st.DrawFn) -> list[Member]:
    """Up to six events that correct and take back one another in any way, also where that is wrong."""
    drawn = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)):
        target = draw(st.sampled_from(["", *NAMES, "x"]))
        drawn.append(member(
            name, target, at=draw(st.integers(0, 3)), subject=draw(st.sampled_from(["h1", "h1", "h1", "h2"])),
            retracts=bool(target) and draw(st.booleans()),
        ))  # fmt: skip
    return drawn


@given(chains())
def test_the_verdict_is_what_the_contract_says(members: list[Member]) -> None:
    verdict = judge(members)
    assert (verdict.counting, verdict.misfits.keys()) == by_the_book(members)


@given(chains(), st.randoms())
def test_the_order_in_which_members_are_given_does_not_matter(members: list[Member], random: object) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled) == judge(members)
