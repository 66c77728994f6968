"""A feed is silent after its cadence and grace, resumes when it is heard, and its publisher has a score."""

from __future__ import annotations

import datetime
import json
from typing import Any

from services.warning.feed import Feed, scoreboard
from services.warning.heard import Ear, Heard
from services.warning.matter import Fact, Named, Say, Standing
from tests.warning.folding import fact, moment, world

KIND = Feed()
KEY = "grid/hazard.found"
"""Every 7 days, and four of grace."""
LAST = moment("07-01 10:00")
DUE = moment("07-12 10:00")


def fold(*facts: Fact, now: datetime.datetime, last: datetime.datetime | None = LAST, key: str = KEY) -> Standing:
    heard = {("grid", "hazard.found"): Heard(last, last, 3)} if last else {}
    standing = KIND.fold(key, facts, world(now, heard=heard))
    assert standing is not None
    return standing


def said(say: Say) -> Fact:
    return fact(say.type, KEY, say.time, say.data)


def test_every_feed_of_the_bureau_stands() -> None:
    assert KEY in set(KIND.seeds(world(LAST)))
    assert KIND.fold("nobody/hazard.found", (), world(LAST)) is None


def test_a_feed_that_was_never_heard_is_not_silent() -> None:
    standing = fold(now=DUE, last=None)
    assert (standing.state, standing.wake, list(standing.says)) == ("never", None, [])
    assert fold(now=DUE, key="weather/weather.alert_received").state == "occasional"


def test_it_is_silent_when_cadence_and_grace_have_passed() -> None:
    before = fold(now=DUE - datetime.timedelta(seconds=1))
    assert (before.state, before.wake, list(before.says), before.sends) == ("live", DUE, [], ())
    silent = fold(now=DUE)
    (say,) = silent.says
    assert (silent.state, say.type, say.time) == ("silent", "feed.silent", DUE)
    assert say.data == {"publisher": "grid", "type": "hazard.found", "since": "2026-07-01T02:00:00Z"}
    (send,) = silent.sends
    assert "grid的" in send.text
    assert fold(now=moment("07-13 03:00")).sends == (), "nobody is woken"


def test_it_resumes_when_it_is_heard_and_each_silence_is_said_once() -> None:
    (silent,) = fold(now=DUE).says
    heard_again = DUE + datetime.timedelta(hours=2)
    standing = fold(said(silent), now=heard_again, last=heard_again)
    _, resumed = standing.says
    assert (standing.state, resumed.type, resumed.time) == ("live", "feed.resumed", heard_again)
    later = fold(said(silent), said(resumed), now=heard_again + datetime.timedelta(days=2), last=heard_again)
    assert [(s.slot, s.time) for s in later.says] == [(silent.slot, silent.time), (resumed.slot, resumed.time)]
    second = fold(said(silent), said(resumed), now=moment("07-25 00:00"), last=heard_again)
    assert [s.type for s in second.says] == ["feed.silent", "feed.resumed", "feed.silent"]


def test_a_declared_zero_is_a_sign_of_life() -> None:
    zero = fact("feed.zero_declared", KEY, "07-08 10:00", {"publisher": "grid", "type": "hazard.found", "period": "w"})
    assert list(KIND.where(zero, world(DUE))) == [Named(KEY)]
    assert fold(zero, now=DUE).state == "live"


def test_who_keeps_silent_longest_stands_first() -> None:
    (silent,) = fold(now=DUE).says
    late = dict(fold(said(silent), now=DUE + datetime.timedelta(hours=3)).shown, state="silent")
    other: dict[str, Any] = {"publisher": "hotline", "state": "live", "silences": 0, "silent_seconds": 0, "events": 9}
    first, second = scoreboard([other, late])
    assert (first["publisher"], first["silent"], first["silences"], first["silent_seconds"]) == ("grid", 1, 1, 10800)
    assert (second["publisher"], second["live"], second["events"]) == ("hotline", 1, 9)


def test_the_ear_hears_only_feeds_and_no_imports() -> None:
    ear = Ear({("grid", "hazard.found")})

    def record(**more: Any) -> bytes:
        sent = {"type": "hazard.found", "publisher": "grid", "recordedtime": "2026-07-01T02:00:00.000001Z", **more}
        return json.dumps(sent).encode()

    for one in (record(lane="history"), record(publisher="town"), record(type="patrol.completed"), b"\xff", b"[]"):
        ear.hear(one)
    assert ear.heard == {}
    ear.hear(record())
    ear.hear(record(recordedtime="2026-07-02T02:00:00Z"))
    heard = ear.heard["grid", "hazard.found"]
    assert (heard.events, heard.first.day, heard.last.day) == (2, 1, 2)
