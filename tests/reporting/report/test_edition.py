"""The life of an edition, exhaustively: every step in every state by everybody, and what each leaves as it was."""

from __future__ import annotations

import datetime
import itertools

import msgspec
import pytest

from services.reporting.report import edition
from services.reporting.report.edition import BY_NAME, STEPS, Asked, Edition, Refused, Scope

AT = datetime.datetime(2024, 1, 5, tzinfo=datetime.UTC)
SCOPE = Scope("annual", "990111", datetime.date(2023, 1, 1), datetime.date(2023, 12, 31))
ASKED = Asked("annual-2023-1", SCOPE, 1, AT)
NAMES = ("clerk", "other", "signer")
STATES = ("requested", "refused", "frozen", "drafted", "reviewed", "cleared", "signed", "issued")
ORDER = ("draft", "review", "legal", "sign", "issue")
HANDS = {"draft": "clerk", "review": "other", "legal": "other", "sign": "signer", "issue": "clerk"}


def fresh() -> Edition:
    return edition.request(None, None, ASKED, "clerk", AT)


def frozen() -> Edition:
    return edition.cut(fresh(), 1, AT, "abc", [])


def at(state: str) -> Edition:
    """An edition that has come to a state by the way there is."""
    if state == "requested":
        return fresh()
    if state == "refused":
        return edition.cut(fresh(), 1, AT, "", [{"check": "total"}])
    one = frozen()
    for step in ORDER:
        if one.state == state:
            return one
        one = edition.take(one, step, HANDS[step], AT)
    return one


@pytest.mark.parametrize(("state", "step", "who"), list(itertools.product(STATES, [*BY_NAME], NAMES)))
def test_a_step_is_taken_in_its_order_and_by_another_where_another_is_needed(state: str, step: str, who: str) -> None:
    one, row = at(state), BY_NAME[step]
    legal = state in row.before and not (row.another and who == "clerk")
    if legal:
        taken = edition.take(one, step, who, AT, "理由")
        assert (taken.state, taken.steps[-1].step, taken.steps[-1].by) == (row.after, step, who)
        assert (taken.digest, taken.paragraphs, taken.cutoff) == (one.digest, one.paragraphs, one.cutoff)
    else:
        with pytest.raises(Refused, match=r".+"):
            edition.take(one, step, who, AT, "理由")
    assert bool(edition.hindrance(one, step, who, "理由")) != legal


@pytest.mark.parametrize("state", STATES)
def test_paragraphs_and_cuts_are_for_what_is_still_being_written(state: str) -> None:
    one = at(state)
    if state in edition.OPEN:
        assert edition.write(one, "x", "字", "clerk", AT).paragraphs["x"].text == "字"
        again = edition.request(one, one, ASKED, "clerk", AT)
        assert (again.state, again.attempt, again.problems) == ("requested", 2, ())
    else:
        with pytest.raises(Refused):
            edition.write(one, "x", "字", "clerk", AT)
        with pytest.raises(Refused):
            edition.request(one, one, ASKED, "clerk", AT)


@pytest.mark.parametrize("state", STATES)
def test_only_the_cut_that_is_waited_for_freezes(state: str) -> None:
    one = at(state)
    for attempt in (0, 1, 2):
        if state == "requested" and attempt == 1:
            assert edition.cut(one, attempt, AT, "d", []).state == "frozen"
        else:
            with pytest.raises(Refused):
                edition.cut(one, attempt, AT, "d", [])


@pytest.mark.parametrize("state", STATES)
def test_nothing_moves_once_a_later_one_is_issued(state: str) -> None:
    for step in BY_NAME:
        assert edition.hindrance(at(state), step, "other", "理由", newer="annual-2023-2")
        superseded = msgspec.structs.replace(at(state), superseded_by="annual-2023-2")
        assert edition.hindrance(superseded, step, "other", "理由")
        assert superseded.shown_state == "superseded"


def test_who_wrote_a_paragraph_may_not_sign_it() -> None:
    one = edition.write(frozen(), "x", "字", "signer", AT)
    for step in ORDER[:3]:
        one = edition.take(one, step, HANDS[step], AT)
    with pytest.raises(Refused, match="撰稿人"):
        edition.take(one, "sign", "signer", AT)
    assert edition.take(one, "sign", "another", AT).state == "signed"


def test_a_return_needs_a_reason_and_begins_anew() -> None:
    one = at("signed")
    with pytest.raises(Refused, match="理由"):
        edition.take(one, "return", "signer", AT, "  ")
    back = edition.take(one, "return", "signer", AT, "数字存疑")
    assert (back.state, back.steps[-1].reason) == ("frozen", "数字存疑")
    assert edition.write(back, "x", "改", "clerk", AT).paragraphs
    assert len(edition.take(back, "draft", "clerk", AT).steps) == 6


def test_a_revision_keeps_the_paragraphs_and_has_the_next_number() -> None:
    last = edition.write(frozen(), "x", "字", "clerk", AT)
    two = edition.request(None, last, Asked("annual-2023-2", SCOPE, 2, AT), "other", AT)
    assert (two.revision, two.paragraphs["x"].text, two.state) == (2, "字", "requested")
    for revision in (1, 3):
        with pytest.raises(Refused, match="第 2 版"):
            edition.request(None, last, Asked(f"annual-2023-{revision}", SCOPE, revision, AT), "other", AT)


def test_an_id_belongs_to_one_scope() -> None:
    other = msgspec.structs.replace(SCOPE, template="monthly")
    with pytest.raises(Refused, match="另一份"):
        edition.request(fresh(), None, ASKED._replace(scope=other), "clerk", AT)


def test_an_empty_text_takes_a_paragraph_out_and_a_long_one_is_refused() -> None:
    one = edition.write(frozen(), "x", "字", "clerk", AT)
    assert edition.write(one, "x", " ", "clerk", AT).paragraphs == {}
    with pytest.raises(Refused, match="至多"):
        edition.write(one, "x", "字" * (edition.LONGEST + 1), "clerk", AT)
    with pytest.raises(Refused):
        edition.write(one, "", "字", "clerk", AT)


def test_every_step_has_a_way_to_it() -> None:
    assert {step.after for step in STEPS} | {"requested", "refused"} == set(STATES)


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2023-01-01", "2023-12-31", "annual-2023-1"),
        ("2024-02-01", "2024-02-29", "annual-2024-02-1"),
        ("2024-02-01", "2024-02-28", "annual-20240201-20240228-1"),
        ("2023-06-30", "2023-06-30", "annual-2023-06-30-1"),
        ("2023-01-01", "2024-12-31", "annual-20230101-20241231-1"),
    ],
)
def test_an_id_says_the_days(first: str, last: str, name: str) -> None:
    scope = msgspec.structs.replace(
        SCOPE, first=datetime.date.fromisoformat(first), last=datetime.date.fromisoformat(last)
    )
    assert edition.id_of(scope, 1, "990111") == name
    assert edition.id_of(scope, 1, "99") == name.replace("annual-", "annual-990111-")


def test_an_edition_survives_the_database() -> None:
    one = edition.take(edition.write(frozen(), "y", "字", "clerk", AT), "draft", "clerk", AT)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Edition) == one
