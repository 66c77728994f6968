"""The fictional bureau's past and present, as the demonstration shows them."""

from __future__ import annotations

import datetime
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.cli.year import RIGHTS, Delivery, deliveries, live
from services.contracts.event import Origin
from services.contracts.families import TYPES
from services.ingest import binding
from services.ingest.door import Admitted, Door
from services.runtime import bureau as folders
from services.runtime.access import Key, Scope

FOLDER = Path(__file__).resolve().parents[3] / "bureaus" / "example"
TODAY = datetime.date(2025, 11, 22)
NOW = datetime.datetime(2025, 11, 22, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@cache
def past() -> tuple[Delivery, ...]:
    return tuple(deliveries(FOLDER, TODAY))


def stream(seed: str = "s") -> list[Delivery]:
    """Half an hour of the live stream, two seconds a fact."""
    clock = iter(NOW + datetime.timedelta(seconds=2 * n) for n in range(10_000))
    return [delivery for delivery, _pause in islice(live(FOLDER, seed, lambda: next(clock)), 900)]


def admitted(sent: list[Delivery], now: datetime.datetime) -> bool:
    folder = folders.load(FOLDER)
    scope = Scope(("/example",), statuses=("actual", "exercise", "test"), rights=RIGHTS)
    door, key = Door(folder.regions, folder.extra_codes), Key("k", "demo", scope)
    refused = [door.admit(binding.Sent(0, 0, delivery.event), key, now.astimezone(datetime.UTC)) for delivery in sent]
    return [answer for answer in refused if not isinstance(answer, Admitted)] == []


def test_the_door_admits_the_whole_past() -> None:
    assert admitted(list(past()), NOW)


def test_the_past_runs_from_last_january_until_yesterday() -> None:
    actual = [d.event["time"] for d in past() if "status" not in d.event and d.event.get("lane") != "history"]
    days = {datetime.datetime.fromisoformat(time).astimezone(NOW.tzinfo).date() for time in actual}
    assert datetime.date(2024, 1, 1) in days
    assert max(days) < TODAY
    assert {(day.year, day.month) for day in days} >= {(2024, m) for m in range(1, 13)} | {
        (2025, m) for m in range(1, 12)
    }


def test_every_family_that_people_report_has_a_past() -> None:
    told = {TYPES[d.event["type"]].family for d in past() if d.event["type"] != "event.retracted"}
    families = {type_.family for type_ in TYPES.values() if Origin.PARTNER in type_.origins}
    assert families - told == {"sensor", "event"}, "readings are telemetry, retractions are told apart"


def test_feeds_of_the_bureau_are_sent_by_their_publishers() -> None:
    own = {(d.event["type"], d.publisher) for d in past() if d.publisher != "audit"}
    promised = {(feed.type, feed.publisher) for feed in folders.load(FOLDER).feeds}
    assert promised <= own


def test_the_door_admits_the_live_stream() -> None:
    sent = stream()
    times = [datetime.datetime.fromisoformat(delivery.event["time"]) for delivery in sent]
    assert admitted(sent, max(times))
    assert times == sorted(times)


def test_hazards_found_live_are_soon_rectified() -> None:
    count = Counter(delivery.event["type"] for delivery in stream())
    assert count["hazard.found"] > count["hazard.rectified"] > count["hazard.found"] / 2


def test_the_stream_repeats_itself_only_by_retries() -> None:
    sent = [delivery.event for delivery in stream()]
    ids = Counter(event["id"] for event in sent)
    again = [id_ for id_, times in ids.items() if times > 1]
    assert 0 < len(again) < len(sent) / 20
    assert all(len({str(event) for event in sent if event["id"] == id_}) == 1 for id_ in again)


@pytest.mark.parametrize("seed", ["a", "b"])
def test_the_same_seed_gives_the_same_stream(seed: str) -> None:
    assert stream(seed) == stream(seed)
