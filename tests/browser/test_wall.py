"""The wall's own states: an exercise alone, a running response, the bureau's map, the reload at night, the sounds."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.watched import Person, Watched

Browse = Callable[..., Watched]
ZONE = datetime.timezone(datetime.timedelta(hours=8))
SQUARE = [[118.5, 32.0], [118.7, 32.0], [118.7, 32.2], [118.5, 32.2], [118.5, 32.0]]
MAP = {"features": [{"properties": {"code": "990111001"}, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}]}
RED: dict[str, Any] = {
    "id": "C1", "chain": "C1", "state": "in_force", "level": "red", "highest": "red", "region": "990111", "version": 1,
    "headline": "江滨区气象台发布暴雨红色预警", "areas": [{"code": "990111", "name": "江滨区"}], "messages": [],
    "claimed": None, "due": None,
}  # fmt: skip


def told(page: Watched, now: datetime.datetime, **matters: object) -> None:
    """From now on the page's stream says this, and nothing more."""
    stamped = json.loads(json.dumps(matters).replace("NOW", now.isoformat()))
    snapshot = {"as_of": now.isoformat(), "region": "990111", "counters": [], "alerts": [], "callouts": [],
                "responses": [], **stamped}  # fmt: skip
    body = f"event: snapshot\ndata: {json.dumps(snapshot)}\n\n"

    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="text/event-stream")

    page.page.route("**/live", answer)
    page.page.route("**/warning/loops?*", lambda route: route.fulfill(json={"items": [], "next": None}))


def matter(**more: object) -> dict[str, Any]:
    return {**RED, "issued": "NOW", "changed": "NOW", "status": "actual", **more}


def opened(browse: Browse, who: Person, **matters: object) -> Watched:
    page = browse("/wall")
    told(page, datetime.datetime.now(ZONE), **matters)
    return page.log_in(who)


def test_an_exercise_alone_takes_the_wall_in_a_hatched_frame(browse: Browse, people: dict[str, Person]) -> None:
    page = opened(browse, people["watch"], exercises={"alerts": [matter(status="exercise", drill="YL-1")]})
    expect(page.page.locator(".wall.drilling.emergency")).to_be_visible(timeout=8000)
    expect(page.page.locator(".event .kind")).to_have_text("演练")
    assert page.page.locator(".wall section.drilled .kind").all_inner_texts().count("演练") >= 3
    assert page.violations() == []
    page.picture("wall-exercise-alone")


def test_what_is_real_stands_above_an_exercise(browse: Browse, people: dict[str, Person]) -> None:
    drill = matter(status="exercise", drill="YL-1", headline="演练红色预警")
    page = opened(browse, people["watch"], alerts=[matter(level="orange")], exercises={"alerts": [drill]})
    expect(page.page.locator(".event.orange")).to_be_visible(timeout=8000)
    expect(page.page.locator(".wall.drilling")).to_have_count(0)
    expect(page.page.locator(".strip .drill")).to_contain_text("演练红色预警")


def test_a_running_response_keeps_the_emergency(browse: Browse, people: dict[str, Person]) -> None:
    steps = [{"step": "start", "signed": "NOW", "author": "a", "approver": "b", "zh": "启动"}]
    response = matter(id="X1", response_id="X1", state="started", level="Ⅱ", matter="江滨区暴雨应急响应", steps=steps)
    page = opened(browse, people["watch"], responses=[response])
    expect(page.page.locator(".event")).to_contain_text("江滨区暴雨应急响应", timeout=8000)
    expect(page.page.locator(".response")).to_contain_text("街道报数")
    assert page.violations() == []
    page.picture("wall-response")


def test_the_bureaus_own_map_is_drawn(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/")
    about = page.page.evaluate("async () => (await fetch('/bureau.json')).json()")
    page.page.route("**/bureau.json", lambda route: route.fulfill(json={**about, "map": True}))
    page.page.route("**/map.geojson", lambda route: route.fulfill(json=MAP))
    told(page, datetime.datetime.now(ZONE), alerts=[matter(level="yellow")])
    page.page.goto(page.url + "/wall")
    page.log_in(people["watch"])
    expect(page.page.locator(".geo .area.yellow")).to_be_visible(timeout=8000)
    assert page.violations() == []


def test_the_wall_begins_anew_at_night_when_nothing_is_in_force(browse: Browse, people: dict[str, Person]) -> None:
    late = datetime.datetime.now(ZONE).replace(hour=4, minute=29, second=59)
    for alerts, expected in (([matter(level="yellow")], 0), ([], 1)):
        page = browse("/wall")
        told(page, late, alerts=alerts)
        page.log_in(people["watch"])
        loads: list[str] = []
        page.page.on("load", lambda _page, loads=loads: loads.append("load"))
        expect(page.page.locator(".clock")).to_contain_text("04:30", timeout=9000)
        page.page.wait_for_timeout(1500)
        assert len(loads) == expected


def test_a_red_sounds_until_it_is_claimed(browse: Browse, people: dict[str, Person]) -> None:
    page = opened(browse, people["watch"], alerts=[matter()])
    expect(page.page.locator(".sound")).to_contain_text("点此开启", timeout=8000)
    expect(page.page.locator(".sound")).to_have_attribute("data-sounded", "alarm")
    page.page.locator(".sound").click()
    expect(page.page.locator(".sound")).to_have_text("声音 开")


def test_the_walls_are_muted_by_name(browse: Browse, people: dict[str, Person]) -> None:
    """The last of all: for five minutes no wall of this hub sounds."""
    wall = browse("/wall").log_in(people["watch"])
    expect(wall.page.locator(".wall")).to_be_visible()
    desk = browse("/desk").log_in(people["watch"])
    expect(desk.page.locator(".roster li").first).to_be_visible(timeout=10_000)
    desk.page.keyboard.press("m")
    expect(wall.page.locator(".sound")).to_contain_text(re.compile(r"静音至 \d\d:\d\d"), timeout=5000)
    expect(wall.page.locator(".sound")).to_contain_text(people["watch"].name)
