"""The year is a trap: a hub that broke one promise would get published figures wrong."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from services.ingest import binding
from services.ingest.door import Admitted, Door
from services.reporting import statistics
from services.runtime import bureau as folders
from services.runtime.access import Key, Scope
from tests.figures.oracle import FOLDER, Oracle, figures
from tests.figures.publish import RIGHTS
from tests.figures.year import BUREAUS, year

Events = list[dict[str, Any]]


def _each_counts(events: Events) -> Iterator[dict[str, Any]]:
    """Duplicates and conflicts are taken as new facts."""
    seen: set[tuple[str, str]] = set()
    for n, event in enumerate(events):
        name = (event["source"], event["id"])
        yield {**event, "id": f"{event['id']}/{n}"} if name in seen else event
        seen.add(name)


def _conflicts_win(events: Events) -> Iterator[dict[str, Any]]:
    """The last of one identity counts."""
    last = {(event["source"], event["id"]): event for event in events}
    return (last[event["source"], event["id"]] for event in events)


def _corrections_add(events: Events) -> Iterator[dict[str, Any]]:
    """Corrections are counted besides what they correct."""
    return ({k: v for k, v in event.items() if k != "corrects"} for event in events)


def _early_corrections_lost(events: Events) -> Iterator[dict[str, Any]]:
    """A correction must find its target, else it is only a fact."""
    seen: set[tuple[str, str]] = set()
    for event in events:
        target = (event.get("correctssource", event["source"]), event.get("corrects", ""))
        early = "corrects" in event and target not in seen
        yield {k: v for k, v in event.items() if k != "corrects"} if early else event
        seen.add((event["source"], event["id"]))


def _foreign_corrections_lost(events: Events) -> Iterator[dict[str, Any]]:
    """A chain is looked for within one source."""
    return ({k: v for k, v in event.items() if k != "correctssource"} for event in events)


def _retractions_lost(events: Events) -> Iterator[dict[str, Any]]:
    return (event for event in events if event["type"] != "event.retracted")


def _exercises_count(events: Events) -> Iterator[dict[str, Any]]:
    return ({**event, "status": "actual"} for event in events)


def _history_lost(events: Events) -> Iterator[dict[str, Any]]:
    return (event for event in events if event.get("lane") != "history")


BROKEN: dict[Callable[[Events], Iterator[dict[str, Any]]], int] = {
    _each_counts: 40,
    _conflicts_win: 20,
    _corrections_add: 60,
    _early_corrections_lost: 20,
    _foreign_corrections_lost: 15,
    _retractions_lost: 60,
    _exercises_count: 60,
    _history_lost: 20,
}
"""What a hub might do wrong, and how many of the 192 figures that spoils at least."""


@cache
def events(bureau: str) -> Events:
    return [delivery.event for delivery in year(bureau)]


def wrong(bureau: str, oracle: Oracle) -> int:
    return sum(oracle.ask(figure.query, figure.member) != figure.value for figure in figures(bureau))


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__.strip("_"))
def test_a_broken_promise_spoils_published_figures(broken: Callable[[Events], Iterator[dict[str, Any]]]) -> None:
    assert sum(wrong(b, Oracle(b, broken(events(b)))) for b in BUREAUS) >= BROKEN[broken]


def test_days_of_another_time_zone_spoil_published_figures() -> None:
    spoilt = 0
    for bureau in BUREAUS:
        oracle = Oracle(bureau, events(bureau))
        for type_, known in oracle.known.items():
            oracle.known[type_] = [dataclasses.replace(k, day=k.time.astimezone(datetime.UTC).date()) for k in known]
        spoilt += wrong(bureau, oracle)
    assert spoilt >= 60


def test_facts_of_the_days_beside_the_period_spoil_published_figures() -> None:
    spoilt = 0
    for bureau in BUREAUS:
        oracle = Oracle(bureau, events(bureau))
        for figure in figures(bureau):
            first = figure.query.partition("from=")[2][:10]
            before = datetime.date.fromisoformat(first) - datetime.timedelta(days=1)
            wider = figure.query.replace(first, before.isoformat())
            spoilt += oracle.ask(wider, figure.member) != figure.value
    assert spoilt >= 60


def test_the_same_year_comes_every_time() -> None:
    year.cache_clear()
    again = [delivery.event for delivery in year("pukou-2023")]
    assert again == events("pukou-2023")


@pytest.mark.parametrize("bureau", BUREAUS)
def test_the_door_admits_every_delivery(bureau: str) -> None:
    folder = folders.load(FOLDER / bureau)
    scope = Scope((f"/{bureau}",), statuses=("actual", "exercise", "test"), rights=RIGHTS)
    door, key = Door(folder.regions, folder.extra_codes), Key("k", "year", scope)
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    for event in events(bureau):
        admitted = door.admit(binding.Sent(0, 0, event), key, now)
        assert isinstance(admitted, Admitted), admitted


@pytest.mark.parametrize("bureau", BUREAUS)
def test_a_bureau_folder_has_no_mistake(bureau: str) -> None:
    assert statistics.definitions(folders.load(FOLDER / bureau))
