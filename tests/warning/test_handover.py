"""The list of a hand-over, who is on duty, and the brief: nothing open says 无."""

from __future__ import annotations

from typing import Any

from services.warning import brief, handover
from services.warning.duty import Shift
from services.warning.handover import filled, on_duty
from tests.warning.folding import example, moment, world

NOW = moment("07-16 07:50")
SHIFT: dict[str, Any] = {
    "id": "ZB-1", "from": "2026-07-15T08:00:00+08:00", "to": "2026-07-16T08:00:00+08:00", "post_name": "局值班室",
    "person": "柳明哲",
    "log": [{"event": "e1", "kind": "来电", "text": "积水<已排>", "at": "2026-07-15T22:10:00+08:00"}],
}  # fmt: skip
OPEN: dict[str, list[dict[str, Any]]] = {
    "alert": [{"id": "c", "headline": "暴雨橙色预警", "level": "orange", "areas": [{"name": "石桥街道"}]}],
    "callout": [{"id": "JY-1", "organisation_name": "石桥街道办事处", "post_name": "街道值班室", "state": "escalated"}],
    "loop": [
        {"id": "hazard/far", "due": "2026-07-20T08:00:00+08:00", "state": "open"},
        {"id": "hazard/late", "title": "隐患逾期", "due": "2026-07-10T08:00:00+08:00", "state": "overdue"},
        {"id": "hazard/near", "title": "隐患临期", "due": "2026-07-16T18:00:00+08:00", "state": "open"},
    ],
    "notice": [
        {"id": "n1", "title": "提示单一", "state": "drafted"},
        {"id": "n2", "title": "提示单二", "state": "issued"},
        {"id": "n3", "title": "提示单三", "state": "submitted"},
    ],
    "response": [
        {"id": "XY-1", "matter": "江滨区暴雨应急响应", "state": "started"},
        {"id": "XY-2", "matter": "石桥街道暴雨应急响应", "state": "ended"},
        {"id": "XY-3", "matter": "临港街道暴雨应急响应", "state": "started", "pending": {"step": "end"}},
    ],
    "feed": [{"id": "f", "publisher": "grid", "type": "hazard.found", "state": "silent"}],
}


def sections(found: dict[str, Any]) -> dict[str, list[str]]:
    return {s["key"]: [item["text"] for item in s["items"]] for s in found["sections"] if s["items"]}


def test_the_list_is_filled_from_what_is_open() -> None:
    found = filled(SHIFT, OPEN, NOW)
    assert sections(found) == {
        "alerts": ["暴雨橙色预警（橙色，石桥街道）"],
        "callouts": ["石桥街道办事处 街道值班室：已升级，仍未应答"],
        "clocks": ["隐患逾期", "隐患临期"],
        "responses": ["江滨区暴雨应急响应", "临港街道暴雨应急响应"],
        "notices": ["提示单一", "提示单三"],
        "proposals": ["临港街道暴雨应急响应"],
        "feeds": ["grid hazard.found"],
        "log": ["来电：积水<已排>"],
    }
    assert found["open_items"][0] == "在效预警：暴雨橙色预警（橙色，石桥街道）"
    assert not any("值班日志" in line for line in found["open_items"])


def test_nothing_open_is_an_empty_list_with_every_section() -> None:
    found = filled({"id": "ZB-1"}, {}, NOW)
    assert (found["empty"], found["open_items"], len(found["sections"])) == (True, [], len(handover.SECTIONS) + 1)


def test_an_empty_night_has_a_brief_that_says_so() -> None:
    read, _ = example()
    one = brief.brief({**SHIFT, "log": []}, read.name, {}, {}, NOW, read.timezone)
    assert one.empty
    assert brief.plain(one).count("   无\n") == len(one.sections)
    assert one.period == "2026年7月15日08:00 至 2026年7月16日08:00"


def test_a_brief_tells_what_happened_and_what_stays_open() -> None:
    read, _ = example()
    one = brief.brief(SHIFT, read.name, {"alert": ["暴雨橙色预警 橙色 in_force"]}, OPEN, NOW, read.timezone)
    told = dict(one.sections)
    assert told["收到预警"] == ("暴雨橙色预警 橙色 in_force",)
    assert told["值班日志"] == ("22:10 来电：积水<已排>",)
    assert told["未结：静默来源"] == ("grid hazard.found",)
    page = brief.page(one)
    assert "积水&lt;已排&gt;" in page
    assert "柳明哲" in page
    assert brief.model(one)["empty"] is False


def test_who_is_on_duty_and_which_shift_nobody_took_over() -> None:
    _, house = example()
    turn = next(s for s in house.people.turns("JB00", "bureau_duty") if s.covers(NOW))
    at = turn.to + (moment("07-16 08:10") - moment("07-16 08:00"))
    standing = Shift().fold(turn.id, (), world(at))
    assert standing is not None
    told = {**standing.shown, "id": turn.id, "state": standing.state}

    def desk(shifts: list[dict[str, Any]]) -> dict[str, Any]:
        rows = on_duty(house, shifts, at)
        return next(r for r in rows if (r["organisation"], r["post"]) == ("JB00", "bureau_duty"))

    assert desk([told])["handover"]["person_id"] == turn.person
    assert desk([{**told, "state": "accepted"}])["handover"] is None
    assert [p["person_id"] for p in desk([])["persons"]] != [turn.person]
