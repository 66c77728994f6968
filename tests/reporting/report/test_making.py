"""What an edition is made of: changes against the one before, the figure of the year before as it was printed."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from services.contracts.region import Region
from services.reporting.report import edition, frozen, making
from services.reporting.report.edition import Scope
from services.reporting.report.frozen import Asked, Frozen

AT = datetime.datetime(2024, 1, 5, tzinfo=datetime.UTC)


def kept(**figures: dict[str, Any]) -> Frozen:
    return Frozen(
        id="annual-2022-1", region="9", from_=datetime.date(2022, 1, 1), to=datetime.date(2022, 12, 31), cutoff=AT,
        at=AT, questions=tuple(Asked(name, name, ()) for name in figures), figures=figures, definitions=(),
        regions=(Region("9", "区", ""),), timezone="Asia/Shanghai",
    )  # fmt: skip


def answer(value: Any, year: int = 2023, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": "起", "from": f"{year}-01-01", "to": f"{year}-12-31", **more}


def part(value: int, **labels: str) -> dict[str, Any]:
    return {"labels": labels, "value": value, "events": value}


def test_only_what_is_printed_otherwise_is_a_change() -> None:
    before = kept(a=answer(1, 2022), b=answer(Decimal("2.50"), 2022), c=answer(None, 2022), gone=answer(1, 2022))
    now = {"a": answer(2), "b": answer("2.5"), "c": answer(0), "new": answer(9)}
    assert making.changes(before, now) == (
        {"slot": "a", "before": "1起", "now": "2起"},
        {"slot": "c", "before": "本期无此项记录", "now": "0起"},
    )


def test_a_part_that_moved_is_a_change_though_the_whole_is_the_same() -> None:
    one = answer(3, parts=[part(1, level="major"), part(2, level="general")])
    other = answer(3, parts=[part(2, level="major"), part(1, level="general")])
    assert making.differ(one, other)
    assert not making.differ(one, dict(one))


@pytest.mark.parametrize(
    ("printed", "known", "days", "shown"),
    [(12, 12, 2022, False), (12, 11, 2022, True), (None, 11, 2022, False), (12, 11, 2021, False)],
)
def test_the_year_before_is_told_as_printed_where_it_is_known_otherwise(
    printed: int | None, known: int, days: int, shown: bool
) -> None:
    now = {"a": answer(10, compare={"from": "2022-01-01", "to": "2022-12-31", "value": known}), "b": answer(1)}
    found = making.printed_before(now, kept(a=answer(printed, days), b=answer(7, 2022)), "2022 V1")
    assert found == ({"a": {"edition": "2022 V1", "value": printed}} if shown else {})


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ((2024, 1, 1), (2024, 12, 31), ((2023, 1, 1), (2023, 12, 31))),
        ((2024, 2, 1), (2024, 2, 29), ((2023, 2, 1), (2023, 2, 28))),
        ((2025, 2, 1), (2025, 2, 28), ((2024, 2, 1), (2024, 2, 29))),
        ((2024, 1, 1), (2024, 9, 15), ((2023, 1, 1), (2023, 9, 15))),
    ],
)
def test_the_report_of_a_year_earlier(first: Any, last: Any, before: Any) -> None:
    scope = Scope("annual", "9", datetime.date(*first), datetime.date(*last))
    found = making.year_before(scope)
    assert (found.first, found.last) == tuple(datetime.date(*day) for day in before)


def test_what_is_frozen_comes_back_as_it_was_and_to_the_byte() -> None:
    one = kept(b=answer(Decimal("2.50")), a=answer("94.50"))
    content = frozen.encode(one)
    assert frozen.encode(frozen.decode(content)) == content
    assert list(frozen.decode(content).figures) == ["b", "a"], "in the order of the questions"


def test_one_note_does_for_all_that_a_feed_brings() -> None:
    figures = {
        "hazards_found": {"key": "hazards_found", "definition": {"of": "hazard.found"}},
        "hazards_found{level=major}": {"key": "hazards_found", "definition": {"of": "hazard.found{level=major}"}},
        "closure_pct": {"key": "closure_pct", "definition": {"of": "hazards_found / hazards_closed"}},
    }
    problems = [{"check": "silent", "slots": [slot]} for slot in figures] + [{"check": "total", "slots": ["x"]}]
    assert making.notes_needed(problems, figures) == [
        {"note": "note:hazard.found", "slots": ["hazards_found", "hazards_found{level=major}"]},
        {"note": "note:closure_pct", "slots": ["closure_pct"]},
    ]
    for name, covered in (("hazard.found", 2), ("hazards_found", 2), ("hazards_found{level=major}", 1), ("x", 0)):
        scope = Scope("annual", "9", datetime.date(2023, 1, 1), datetime.date(2023, 12, 31))
        one = edition.request(None, None, edition.Asked("annual-2023-1", scope, 1, AT), "clerk", AT)
        assert len(making.notes(edition.write(one, f"note:{name}", "设备检修。", "clerk", AT), figures)) == covered
