"""What a silence hides and what nothing hides; red beside orange; several messages in one."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

from services.warning.discipline import LONGEST, about, grouped, inhibitor, matches, silence_of
from services.warning.letter import Letter
from services.warning.matter import Fact, Named, Standing
from services.warning.silence import Silence
from tests.warning.folding import example, fact, moment, world

KIND = Silence()
NOW = moment("07-16 12:00")
REGIONS = example()[0].regions
ALARM: dict[str, Any] = {
    "kind": "alarm",
    "id": "a1",
    "type": "device.offline",
    "region": "990111003001",
    "level": "blue",
}


def created(at: str = "07-16 08:00", **data: Any) -> Fact:
    said = {
        "id": "s1", "matchers": {"type": "device.offline"}, "owner": "柳明哲", "reason": "检修",
        "until": "2026-07-16T20:00:00+08:00", **data,
    }  # fmt: skip
    return fact("silence.created", "s1", at, said)


def fold(*facts: Fact, now: datetime.datetime = NOW) -> Standing:
    standing = KIND.fold("s1", facts, world(now))
    assert standing is not None
    return standing


# a silence


def test_a_silence_holds_until_its_end() -> None:
    standing = fold(created())
    assert (standing.state, standing.due, standing.sends) == ("active", moment("07-16 20:00"), ())
    assert (standing.shown["owner"], standing.shown["reason"]) == ("柳明哲", "检修")
    assert list(KIND.where(created(), world(NOW))) == [Named("s1")]
    over = fold(created(), now=moment("07-16 20:00"))
    assert (over.state, over.closed, [s.type for s in over.says]) == ("over", True, ["silence.expired"])


def test_the_desk_is_reminded_before_it_ends() -> None:
    assert fold(created()).wake == moment("07-16 19:30")
    (send,) = fold(created(), now=moment("07-16 19:30")).sends
    assert "「检修」将于20:00到期，已隐去消息0条" in str(send.text)
    hidden = KIND.fold("s1", [created()], world(moment("07-16 19:30"), hidden={"s1": 7, "s2": 1}))
    assert hidden is not None
    assert "已隐去消息7条" in str(hidden.sends[0].text)
    assert fold(created("07-16 19:45"), now=moment("07-16 19:50")).sends == (), "it is as short as that"


def test_the_latest_word_makes_it_longer_or_ends_it() -> None:
    longer = created("07-16 12:00", until="2026-07-17T08:00:00+08:00")
    assert fold(created(), longer, now=moment("07-16 21:00")).state == "active"
    ended = created("07-16 11:00", until="2026-07-16T11:00:00+08:00")
    over = fold(created(), ended)
    assert (over.state, next(iter(over.says)).time) == ("over", moment("07-16 11:00"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"owner": None}, "静默缺少责任人"), ({"reason": ""}, "静默缺少理由"), ({"until": None}, "静默缺少截止时间"),
        ({"matchers": {}}, "静默缺少范围"), ({"matchers": {"level": "red"}}, "红色预警和法定时限不能静默"),
        ({"until": "2026-09-16T20:00:00+08:00"}, "静默最长 30 天"),
    ],
    ids=lambda value: str(value),
)  # fmt: skip
def test_a_silence_without_owner_reason_or_end_is_refused(data: dict[str, Any], why: str) -> None:
    one = created(**data)
    standing = fold(one)
    assert (standing.state, standing.closed, standing.refused) == ("refused", True, {one.key: why})


# what it hides


def hides(matchers: dict[str, Any], told: dict[str, Any], now: datetime.datetime = NOW) -> bool:
    shown = {"id": "s1", "matchers": matchers, "until": "2026-07-16T20:00:00+08:00"}
    return silence_of(told, [shown], REGIONS, now) == "s1"


def test_every_matcher_must_fit() -> None:
    assert hides({"type": "device.offline"}, ALARM)
    assert hides({"type": ["device.online", "device.offline"], "region": "990111003"}, ALARM), "a region with its parts"
    assert not hides({"type": "device.offline", "region": "990111004"}, ALARM)
    assert not hides({"publisher": "grid"}, ALARM), "what is not told does not fit"
    assert not matches({}, ALARM, REGIONS)


def test_it_hides_nothing_after_its_end() -> None:
    assert not hides({"type": "device.offline"}, ALARM, moment("07-16 20:00"))


@pytest.mark.parametrize(
    "more", [{"level": "red"}, {"level": "yellow", "highest": "red"}, {"statutory": True}], ids=str
)
def test_red_and_a_limit_set_by_law_are_never_hidden(more: dict[str, Any]) -> None:
    assert not hides({"type": "device.offline"}, {**ALARM, **more})


def test_what_may_be_named_is_what_the_matter_shows() -> None:
    told = about(("loop", "actual", "hazard/h1"), Standing("overdue", {"level": "blue", "id": "x"}, "990111003"))
    assert (told["kind"], told["loop"], told["id"], told["state"]) == ("loop", "hazard", "hazard/h1", "overdue")


# red beside orange


def warning(id_: str, level: str, *areas: str, **more: Any) -> dict[str, Any]:
    said = {"id": id_, "level": level, "state": "in_force", "sender_code": "99011141600000", "hazard": "rainstorm"}
    return {**said, "areas": [{"code": code} for code in areas], **more}


def test_red_inhibits_orange_of_the_same_issuer_hazard_and_area() -> None:
    red = warning("r", "red", "990111003")
    assert inhibitor(warning("o", "orange", "990111003001"), [red], REGIONS) == "r"
    for other in (
        warning("o", "orange", "990111"), warning("o", "orange", "990111003", hazard="fog"),
        warning("o", "orange", "990111003", sender_code="99000041600000"), warning("o", "yellow", "990111003"),
        warning("o", "orange"), warning("r", "orange", "990111003"),
    ):  # fmt: skip
        assert inhibitor(other, [red], REGIONS) is None
    assert inhibitor(warning("o", "orange", "990111003"), [{**red, "state": "ended"}], REGIONS) is None


# several in one


def letter(text: str, **more: Any) -> Letter:
    fields: dict[str, Any] = {
        "id": uuid.uuid4(), "kind": "feed", "scope": "actual", "matter": text, "slot": "s", "chain": "", "callout": "",
        "organisation": "JB00", "post": "bureau_duty", "person": "R004", "channel": "sms", "address": "1", "text": text,
        "token": "", "urgent": False, "made": NOW, "fresh": NOW, "next": NOW, "state": "waiting",
    }  # fmt: skip
    return Letter(**{**fields, **more})


def test_what_can_wait_goes_out_as_one_message() -> None:
    one, two, other = letter("甲"), letter("乙"), letter("丙", person="R005")
    rows = grouped([one, two, other])
    assert [(r.text, r.state) for r in rows if isinstance(r, Letter)] == [
        ("（共2条）1. 甲 2. 乙", "waiting"), ("乙", "grouped"), ("丙", "waiting"),
    ]  # fmt: skip


def test_what_is_urgent_or_is_answered_goes_out_alone() -> None:
    rows = [letter("甲", urgent=True), letter("乙", token="t"), letter("丙", state="unreachable"), letter("丁")]
    assert grouped(rows) == rows


def test_a_message_is_not_made_too_long() -> None:
    rows = [letter("甲" * (LONGEST - 1)), letter("乙乙")]
    assert grouped(rows) == rows
