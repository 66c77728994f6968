"""Questions for figures: what they mean, and that the tally answers them like a plain count over the events."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from services.reporting import amount, asof, behind, period, question
from services.reporting.answer import answer
from services.reporting.question import Query, Unclear
from tests.records import record
from tests.reporting import naive
from tests.reporting.conftest import Reader
from tests.reporting.naive import CATALOGUE, DEFINITIONS, Plain

TODAY = datetime.date(2024, 5, 6)
NOW = datetime.datetime(2024, 5, 6, 4, tzinfo=datetime.UTC)


def ask(text: str, **more: Any) -> Query:
    """A question in the form `key?from=…&by=…`."""
    key, _, rest = text.partition("?")
    parameters = [(name, value) for name, _, value in (pair.partition("=") for pair in rest.split("&")) if name]
    return question.parse(key, parameters, CATALOGUE, TODAY, **more)


def wrong(text: str) -> tuple[int, list[tuple[str, str]]]:
    """The status of a question without an answer, and what is wrong with it: field and code."""
    with pytest.raises(Unclear) as caught:
        ask(text)
    return caught.value.status, [(p.field, p.code) for p in caught.value.problems]


# --- what a question means --------------------------------------------------------------------------------------------


def test_without_a_period_the_current_year_is_meant() -> None:
    assert ask("found").period == (datetime.date(2024, 1, 1), datetime.date(2024, 12, 31))
    assert ask("found?from=2023-05-01").period == (datetime.date(2023, 5, 1), datetime.date(2023, 12, 31))
    assert ask("found?to=2022-05-01").period == (datetime.date(2022, 1, 1), datetime.date(2022, 5, 1))


def test_the_row_is_told_by_its_labels() -> None:
    assert ask("posts?label.state=desk").definition.measure.kind == "count"
    assert ask("found?label.level=major&by=mode,month").by == ("mode", "month")
    assert ask("found?by=mode&by=region&by=mode").by == ("mode", "region")
    assert ask("fine_each?label.kind=fine").leaves[1].labels == {"kind": "fine"}


@pytest.mark.parametrize(
    ("text", "status", "problems"),
    [
        ("nothing", 404, [("key", "unknown_key")]),
        ("unseen", 404, [("key", "unknown_key")]),
        ("found?region=11", 404, [("region", "unknown_region")]),
        ("found?from=2023-13-01", 422, [("from", "not_a_date")]),
        ("found?from=20230101", 422, [("from", "not_a_date")]),
        ("found?from=2023-02-01&to=2023-01-31", 422, [("from", "from_after_to")]),
        ("found?label.color=red", 422, [("label.color", "unknown_label")]),
        ("found?lable.level=major", 422, [("lable.level", "unknown_parameter")]),
        ("found?label.level=major&label.level=general", 422, [("label.level", "twice")]),
        ("found?by=kind", 422, [("by", "unknown_label")]),
        ("found?by=day,month", 422, [("by", "twice")]),
        ("found?from=1990-01-01&to=2023-12-31&by=day", 422, [("by", "too_many")]),
        ("found?status=real", 422, [("status", "unknown_value")]),
        ("found?drill=YL-1", 422, [("drill", "status_needed")]),
        ("found?compare=month", 422, [("compare", "unknown_value")]),
        ("found?from=0001-01-01&compare=year", 422, [("compare", "out_of_range")]),
        ("found?known_at=2023-01-01T00:00:00", 422, [("known_at", "not_a_time")]),
        ("found?tree=then", 422, [("tree", "unknown_value")]),
        ("posts", 422, [("label", "several_rows")]),
        ("posts?label.state=gone", 422, [("label", "unknown_label")]),
        ("major_pct?label.level=major", 422, [("label.level", "unknown_label")]),
        ("major_pct?by=level", 422, [("by", "unknown_label")]),
        ("found?status=real&by=kind&from=x", 422,
         [("from", "not_a_date"), ("by", "unknown_label"), ("status", "unknown_value")]),
    ],
)  # fmt: skip
def test_everything_wrong_is_named(text: str, status: int, problems: list[tuple[str, str]]) -> None:
    assert wrong(text) == (status, problems)


def test_a_plus_that_came_as_a_blank_is_an_offset() -> None:
    at = datetime.datetime(2023, 1, 1, tzinfo=naive.SHANGHAI)
    assert ask("found?known_at=2023-01-01T00:00:00 08:00").known_at == at
    assert ask("found?known_at=2023-01-01").known_at == at


def test_a_day_a_year_before() -> None:
    assert period.year_before(datetime.date(2024, 2, 29)) == datetime.date(2023, 2, 28)
    assert period.year_before(datetime.date(2025, 2, 28)) == datetime.date(2024, 2, 28)


@pytest.mark.parametrize(
    ("first", "last", "months", "edges"),
    [
        ("2023-01-01", "2023-12-31", ("2023-01-01", "2023-12-31"), []),
        ("2023-01-02", "2023-03-30", ("2023-02-01", "2023-02-28"), ["2023-01-02/2023-01-31", "2023-03-01/2023-03-30"]),
        ("2023-01-02", "2023-02-27", None, ["2023-01-02/2023-02-27"]),
        ("2024-02-01", "2024-02-28", None, ["2024-02-01/2024-02-28"]),
        ("0001-01-01", "9999-12-31", ("0001-01-01", "9999-12-31"), []),
        ("9999-12-02", "9999-12-31", None, ["9999-12-02/9999-12-31"]),
    ],
)
def test_a_period_is_cut_into_whole_months_and_days(
    first: str, last: str, months: tuple[str, str] | None, edges: list[str]
) -> None:
    whole, rest = period.cut(period.Period(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)))
    assert whole == (months and tuple(map(datetime.date.fromisoformat, months)))
    assert [f"{e.first}/{e.last}" for e in rest] == edges


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [("110", "100", "10.0"), ("1", "3", "-66.7"), ("5", "0", None), ("1.0005", "1", "0.1"), ("0", "-4", "100.0")],
)
def test_change_is_rounded_half_up(now: str, before: str, change: str | None) -> None:
    assert amount.change_pct(Decimal(now), Decimal(before)) == (change and Decimal(change))


def test_amounts_are_shown_exactly() -> None:
    assert amount.shown(Decimal("1234567890123456.70"), "元") == "1234567890123456.70"
    assert amount.shown(Decimal("0.125"), "元", "mean") == "0.13"
    assert amount.shown(Decimal("2.50"), "小时") == Decimal("2.5")
    assert amount.shown(Decimal("20.00"), "条") == 20
    assert amount.ratio(Decimal(1), Decimal(3), "%") == Decimal("33.33")
    assert amount.ratio(Decimal(1), Decimal(8), "倍") == Decimal("0.13")
    assert amount.ratio(Decimal(1), Decimal(0), "%") is None


# --- the tally against a plain count ----------------------------------------------------------------------------------

QUESTIONS = (
    "?from=2023-01-01&to=2023-12-31",
    "?from=2022-03-15&to=2024-02-29",
    "?from=2023-06-30&to=2023-06-30",
    "?from=2023-01-31&to=2023-03-01&region=990111002",
    "?from=2023-06-01&to=2023-07-31&region=990111001",
    "?from=2023-01-01&to=2023-12-31&region=990111002&tree=now",
    "?from=0001-01-01&to=9999-12-31&region=990111001001",
    "?from=2022-01-01&to=2024-12-31&status=exercise",
    "?from=2022-01-01&to=2024-12-31&status=exercise&drill=YL-2",
    "?from=2022-01-01&to=2024-12-31&status=test&region=990111001",
    "?from=2022-06-01&to=2023-08-15&known_at=2024-01-01T05:00:00Z",
    "?from=2023-01-01&to=2023-12-31&region=990111001&known_at=2024-01-01T09:30:00Z",
    "?from=2023-03-20&to=2023-07-10&by=region",
    "?from=2023-03-20&to=2023-07-10&by=region&tree=now",
    "?from=2023-03-20&to=2023-07-10&by=month",
    "?from=2023-06-20&to=2023-07-10&by=day&region=990111001",
    "?from=2023-01-01&to=2023-12-31&by=LABEL",
    "?from=2023-01-01&to=2023-12-31&by=LABEL,region,month",
)


@pytest.fixture
async def counted(reader: Reader) -> tuple[Reader, Plain]:
    """Some 700 events, counted."""
    chains = naive.stream(seed=7, size=600)
    reader.definitions = DEFINITIONS
    await reader.read(naive.records(chains, seed=8))
    return reader, Plain(chains)


async def test_every_kind_of_question_is_answered_like_a_plain_count(counted: tuple[Reader, Plain]) -> None:
    reader, plain = counted
    asked = 0
    for d in CATALOGUE.definitions:
        constants = "".join(f"&label.{name}={value}" for name, value in d.labels)
        for rest in QUESTIONS:
            query = _meant(d.key, rest + constants)
            if query is None:
                continue
            asked += 1
            found = await _answer(reader, query)
            value, events = plain.answer(query, query.period)
            assert (found["value"], found["events"]) == (_shown(value, query, found), events), (d.key, rest)
            if query.by:
                _same_parts(found, plain, query, (d.key, rest))
    assert asked > 250


def _meant(key: str, rest: str) -> Query | None:
    """The question, with a label of the row's in place of LABEL; None when the row is hidden or has no label."""
    rows = CATALOGUE.rows.get(key, ())
    label = next((name for d in rows for name in d.label_names), "")
    if not rows or ("LABEL" in rest and not label):
        return None
    return ask(key + rest.replace("LABEL", label))


async def _answer(reader: Reader, query: Query) -> dict[str, Any]:
    if query.known_at is None:
        async with reader.connection.transaction(isolation="repeatable_read", readonly=True):
            return await answer(reader.connection, CATALOGUE, query, NOW)
    async with asof.known(reader.settings.postgres_dsn, CATALOGUE, query) as connection:
        return await answer(connection, CATALOGUE, query, NOW)


def _shown(value: Decimal | None, query: Query, found: dict[str, Any] | None = None) -> amount.Value:
    if found and found["coverage"] == "none" and not found["events"]:
        return None
    d = query.definition
    if d.ratio and value is not None:
        value = amount.rounded(value, 2)
    return amount.shown(value, d.unit, d.measure.kind if d.measure else "")


def _same_parts(found: dict[str, Any], plain: Plain, query: Query, what: Any) -> None:
    """Each part is the figure asked for it alone, and no part is missing."""
    spans = period.parts(query.period, query.every) if query.every else [(None, query.period)]
    expected = {}
    for first, over in spans:
        named = {query.every: period.name(first, query.every)} if first else {}
        names = [name for name in query.by if name != query.every]
        split = naive.split(plain, query, over) if names else {(): plain.answer(query, over)}
        for values, (value, events) in split.items():
            if events or value or not names:
                at = tuple(sorted({**dict(zip(names, values, strict=True)), **named}.items()))
                expected[at] = (_shown(value, query), events)
    parts = {tuple(sorted(p["labels"].items())): (p["value"], p["events"]) for p in found["parts"]}
    assert parts == expected, what


async def test_a_month_that_has_not_begun_is_no_nought(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    await reader.read([])
    found = await _answer(reader, ask("found?by=month"))
    assert [part["labels"]["month"] for part in found["parts"]] == [f"2024-0{n}" for n in range(1, 6)]
    assert len((await _answer(reader, ask("found?from=2024-05-01&by=day")))["parts"]) == TODAY.day
    assert found["as_of"].isoformat() == "2024-05-06T12:00:00+08:00"


async def test_a_month_ahead_that_has_events_is_shown(reader: Reader) -> None:
    reader.definitions = DEFINITIONS
    await reader.read([record(at=datetime.datetime(2024, 7, 1, tzinfo=naive.SHANGHAI))])
    found = await _answer(reader, ask("found?by=month"))
    assert [part["labels"]["month"][-2:] for part in found["parts"]] == ["01", "02", "03", "04", "05", "07"]


async def test_the_events_behind_a_figure_are_those_counted(counted: tuple[Reader, Plain]) -> None:
    reader, plain = counted
    for text in (
        "found?from=2023-01-01&to=2023-12-31&label.level=major",
        "found?from=2022-01-01&to=2024-12-31&status=exercise&drill=YL-1",
        "fines?from=2023-06-01&to=2023-07-31&region=990111002",
        "units?from=2023-01-01&to=2023-06-30&label.mode=live",
        "drill_last?to=2023-06-30", "drill_stock?to=2023-06-30&region=990111001",
        "major_pct?from=2023-01-01&to=2023-12-31",
    ):  # fmt: skip
        query = ask(text)
        _, events = plain.answer(query, query.period)
        items: list[dict[str, Any]] = []
        at: str | None = ""
        while at is not None:
            page = await behind.page(reader.connection, CATALOGUE, query, behind.cursor(at), 7)
            items, at = items + page["items"], page["next"]
            assert len(page["items"]) <= 7
        assert len(items) == events, text
        assert len({(i["id"], i.get("figure")) for i in items}) == events
        in_force = {e["id"] for e in plain.in_force(query)}
        assert all(i["in_force"] and i["id"] in in_force for i in items)


async def test_a_comparison_has_the_same_basis(counted: tuple[Reader, Plain]) -> None:
    reader, plain = counted
    query = ask("found?from=2023-05-01&to=2024-02-29&compare=year&region=990111001")
    found = (await _answer(reader, query))["compare"]
    before = (datetime.date(2022, 5, 1), datetime.date(2023, 2, 28))
    assert (found["from"], found["to"]) == before
    value, _ = plain.answer(query, before)
    now, _ = plain.answer(query, query.period)
    assert found["value"] == value
    assert found["change_pct"] == amount.change_pct(now, value)
    assert found["comparable"] is True


async def test_without_events_there_is_no_figure_unless_the_type_was_sent_lately(counted: tuple[Reader, Plain]) -> None:
    reader, _ = counted
    lived = await _answer(reader, ask("found?from=2025-01-01&to=2025-01-31"))
    assert (lived["value"], lived["coverage"]) == (0, "live")
    gone = await _answer(reader, ask("found?from=2029-01-01&to=2029-01-31"))
    assert (gone["value"], gone["coverage"]) == (None, "none")
    stock = await _answer(reader, ask("drill_stock?from=2029-01-01&to=2029-01-31"))
    assert stock["value"] > 0
