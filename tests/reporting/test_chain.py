"""Chains of corrections against the contract's sentences, for every order of arrival and every split into batches."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.chain import Member, judge

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
    assert judge(members).counting == by_the_book(members)


@given(chains(), st.randoms())
def test_the_order_in_which_members_are_given_does_not_matter(members: list[Member], random: object) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled) == judge(members)


def by_the_book(members: Iterable[Member]) -> set[bytes]:
    """Contract, section 2, word for word and without care for time: links that fit, groups, latest head of each."""
    by_key = {m.key: m for m in members}
    links: dict[bytes, bytes] = {}
    unfit = set()
    for m in sorted(by_key.values(), key=lambda m: m.rank):
        if m.target is None:
            continue
        target = by_key.get(m.target)
        fits = target is None or (m.fits(target) and m.key not in _line(m.target, links))
        if not fits or m.target == m.key:
            unfit.add(m.key)
        else:
            links[m.key] = m.target
    groups: dict[object, list[Member]] = {}
    for m in by_key.values():
        if m.key not in unfit and m.key not in links.values():
            groups.setdefault((_line(m.key, links)[-1], m.type, m.subject, m.status), []).append(m)
    heads = (max(group, key=lambda m: m.rank) for group in groups.values())
    return {m.key for m in heads if not m.retracts}


def _line(key: bytes, links: dict[bytes, bytes]) -> list[bytes]:
    """A member, what it corrects, what that corrects, …"""
    line = [key]
    while line[-1] in links:
        line.append(links[line[-1]])
    return line
