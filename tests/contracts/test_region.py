"""The tree of regions: laws that hold for any tree, and what keeps rows from being one."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.region import Region, Regions, problems

D = datetime.date


@st.composite
def trees(draw: st.DrawFn) -> Regions:
    """A root and up to twenty regions, each under one made before it; codes say nothing about parents."""
    codes = draw(st.lists(st.from_regex(r"[0-9]{1,6}", fullmatch=True), min_size=1, max_size=20, unique=True))
    rows = [Region(codes[0], "root", "")]
    rows += [Region(c, c, draw(st.sampled_from([r.code for r in rows]))) for c in codes[1:]]
    return Regions(draw(st.permutations(rows)))


@given(trees())
def test_a_made_tree_has_no_problems(tree: Regions) -> None:
    assert problems(tree.rows) == []


@given(trees())
def test_everything_lies_within_the_root_and_itself(tree: Regions) -> None:
    assert tree.subtree(tree.root) == frozenset(tree)
    assert all(tree.within(code, code) and tree.within(code, tree.root) for code in tree)


@given(trees())
def test_a_subtree_is_its_region_and_the_subtrees_below_it(tree: Regions) -> None:
    for code in tree:
        below = [tree.subtree(row.code) for row in tree.rows if row.parent == code]
        assert tree.subtree(code) == frozenset({code}).union(*below)
        assert sum(map(len, below)) == len(tree.subtree(code)) - 1


@given(trees())
def test_a_path_leads_from_the_root_through_parents(tree: Regions) -> None:
    for code in tree:
        path = tree.path(code)
        assert (path[0], path[-1]) == (tree.root, code)
        assert all(tree.get(below).parent == above for above, below in itertools.pairwise(path))


@given(trees(), st.from_regex(r"[0-9]{0,8}", fullmatch=True))
def test_an_unknown_code_resolves_to_its_longest_known_prefix(tree: Regions, code: str) -> None:
    found, known = tree.resolve(code)
    assert known == (code in tree)
    known_prefixes = [code[:n] for n in range(1, len(code) + 1) if code[:n] in tree]
    assert found == (max(known_prefixes, key=len) if known_prefixes else tree.root)


def test_roll_up_follows_the_parent_not_the_digits() -> None:
    tree = Regions([Region("99", "root", ""), Region("9901", "a", "99"), Region("990101", "moved", "99")])
    assert tree.subtree("9901") == {"9901"}


RENAMED = Regions(
    [
        Region("9", "root", ""),
        Region("91", "east", "9"),
        Region("92", "west", "9"),
        Region("911", "village", "91", to=D(2022, 6, 30)),
        Region("911", "village", "92", from_=D(2022, 7, 1)),
    ]
)


def test_a_region_that_moved_rolls_up_by_the_tree_of_the_day() -> None:
    assert "911" in RENAMED.subtree("91", D(2022, 6, 30))
    assert "911" in RENAMED.subtree("92", D(2022, 7, 1))
    assert "911" not in RENAMED.subtree("91", D(2022, 7, 1))
    assert RENAMED.subtree("92") == {"92", "911"}


def test_a_region_that_ended_still_belongs_somewhere() -> None:
    tree = Regions([Region("9", "root", ""), Region("91", "gone", "9", to=D(2020, 1, 1), successor="9")])
    assert "91" in tree.subtree("9", D(2023, 1, 1))


@pytest.mark.parametrize(
    ("rows", "index", "what"),
    [
        ([Region("1", "a", "2"), Region("2", "b", "1")], 0, "没有一行的上级为空"),
        ([Region("0", "r", ""), Region("1", "a", "2"), Region("2", "b", "1")], 1, "回到它自己"),
        ([Region("0", "r", ""), Region("1", "a", "1")], 1, "回到它自己"),
        ([Region("0", "r", ""), Region("1", "a", "7")], 1, "上级代码 7 不在表中"),
        ([Region("0", "r", ""), Region("1", "a", "")], 1, "0 已是根"),
        ([Region("0", "r", ""), Region("1", "a", "0"), Region("1", "b", "0")], 2, "代码 1 重复"),
        ([Region("0", "r", ""), Region("1", "a", "0", to=D(2020, 1, 1), successor="8")], 1, "承接代码 8"),
        ([Region("0", "r", ""), Region("1", "a", "0", to=D(2020, 1, 1), successor="1")], 1, "由自己承接"),
        ([Region("0", "r", ""), Region("1", "a", "0", successor="0")], 1, "没有截止日"),
        ([Region("0", "r", ""), Region("1", "a", "0", from_=D(2021, 1, 1), to=D(2020, 1, 1))], 1, "起始日晚于"),
    ],
)
def test_what_keeps_rows_from_being_a_tree(rows: list[Region], index: int, what: str) -> None:
    assert any(p.index == index and what in p.what for p in problems(tuple(rows)))
