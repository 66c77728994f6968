"""Wall, desk and log-in: each task by key and by mouse, the numbers, both themes, and what is said without a hub."""

from __future__ import annotations

import datetime
import re
import time
import uuid
from collections.abc import Callable

import httpx
import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.watched import Person, Watched
from tests.contracts.alert.messages import OWN, guotu
from tests.deploy.test_up import Hub

Browse = Callable[..., Watched]
ZONE = datetime.timezone(datetime.timedelta(hours=8))
HAZARDS = 3
THEMES = ("light", "dark")
SIZES = "all => all.filter(e => e.innerText && e.offsetWidth > 1).map(e => parseFloat(getComputedStyle(e).fontSize))"
CLIPPED = "all => all.filter(e => e.scrollHeight > e.clientHeight + 1).map(e => e.className)"
"""Evaluated on the page: sizes of letters in px, and the blocks that do not fit."""


def warn(api: httpx.Client, colour: str = "Red", word: str = "红色", **more: str) -> str:
    """A warning that was sent this minute, through the door; its identifier."""
    now = datetime.datetime.now(ZONE)
    identifier = f"{OWN}_{now:%Y%m%d%H%M%S%f}"[:34]
    sent = f"{now:%Y-%m-%d %H:%M:%S}+08:00"
    said = {"headline": f"江滨区气象台发布暴雨{word}预警", "geocode": "990111000000", **more}
    body = guotu(identifier, colour=colour, sent=sent, **said)
    answer = api.post("/ingest/cap", content=body, headers={"content-type": "application/xml"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["chain"])


def hazards(api: httpx.Client, count: int) -> None:
    """Hazards found just now."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    events = [
        {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/weather/hazards", "type": "hazard.found",
         "time": now, "region": "990111001", "data": {"hazard_id": f"YH-{uuid.uuid4().hex[:8]}", "level": "general"}}
        for _ in range(count)
    ]  # fmt: skip
    answer = api.post("/ingest/events", json=events, headers={"content-type": "application/cloudevents-batch+json"})
    assert answer.status_code == 202, answer.text


def sound(page: Watched, name: str) -> None:
    """Nothing that axe-core minds, in both themes; a picture of each."""
    for theme in THEMES:
        page.theme(theme)
        page.page.wait_for_timeout(150)
        page.picture(f"{name}-{theme}")
        assert page.violations() == [], theme


def test_a_wrong_password_is_told_and_the_right_one_opens_the_desk(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/desk")
    sound(page, "login")
    page.page.fill("input[autocomplete=username]", people["watch"].name)
    page.page.fill("input[type=password]", "wrong")
    page.page.press("input[type=password]", "Enter")
    expect(page.page.get_by_role("alert")).to_have_text("账号或密码不对")
    page.log_in(people["watch"])
    expect(page.page.get_by_role("heading", name="待我处置")).to_be_visible()


def test_the_first_page_leads_on_and_speaks_english(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/").log_in(people["watch"])
    sound(page, "home")
    page.page.get_by_role("button", name="English").click()
    page.page.locator(".doors").get_by_role("link", name="Desk").click()
    expect(page.page.get_by_role("heading", name="For me")).to_be_visible()


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (3840, 2160)], ids=str)
def test_the_quiet_wall_is_legible_and_fits(browse: Browse, people: dict[str, Person], size: tuple[int, int]) -> None:
    page = browse("/wall", viewport={"width": size[0], "height": size[1]}).log_in(people["watch"])
    expect(page.page.locator(".alerts .empty")).to_contain_text("当前无生效预警")
    expect(page.page.locator(".tile").first).to_be_visible()
    scale = size[0] / 1920
    assert min(page.page.eval_on_selector_all(".wall *", SIZES)) >= 24 * scale - 0.5
    assert min(page.page.eval_on_selector_all(".digits", SIZES)) >= 72 * scale - 1
    over = page.page.eval_on_selector_all(".wall > section", CLIPPED)
    page.picture(f"wall-quiet-{size[0]}")
    assert over == []
    if size[0] == 1920:
        sound(page, "wall-quiet")


def test_the_numbers_are_those_of_the_api(browse: Browse, people: dict[str, Person], api: httpx.Client) -> None:
    page = browse("/wall").log_in(people["watch"])
    hazards(api, HAZARDS)
    cell = page.page.locator("[data-key=hazards_found][data-period=day] .digits")
    today = datetime.datetime.now(ZONE).date().isoformat()
    expect(cell).to_have_text(re.compile(r"[1-9]"), timeout=10_000)
    page.page.wait_for_timeout(1500)
    told = api.get("/reporting/statistics/hazards_found", params={"from": today, "to": today}).json()
    expect(cell).to_have_text(str(told["value"]))


def test_a_red_warning_takes_the_wall_and_is_claimed_and_answered_by_keys(
    browse: Browse, people: dict[str, Person], api: httpx.Client
) -> None:
    wall, desk = browse("/wall").log_in(people["watch"]), browse("/desk").log_in(people["watch"])
    expect(wall.page.locator(".alerts .empty")).to_be_visible()
    chain = warn(api)
    accepted = time.monotonic()
    expect(wall.page.locator(".wall.emergency")).to_be_visible(timeout=5000)
    took = time.monotonic() - accepted
    assert took < 1.0, f"{took:.2f} s"
    expect(wall.page.locator(".event")).to_contain_text("未认领")
    expect(wall.page.locator(".call").first).to_be_visible(timeout=5000)
    expect(desk.page.locator(".todo")).to_contain_text("暴雨红色预警")
    expect(wall.page.locator(".call")).to_have_count(17)
    assert wall.page.eval_on_selector_all(".wall > section", CLIPPED) == []
    sound(wall, "wall-red")
    desk.page.keyboard.press("a")
    expect(desk.page.locator(".detail")).to_contain_text(people["watch"].name, timeout=5000)
    expect(wall.page.locator(".event")).to_contain_text(f"认领 {people['watch'].name}", timeout=5000)
    sound(desk, "desk-alert")
    before = answered(api, chain)
    desk.page.keyboard.press("r")
    expect(desk.page.locator(".step.recording")).to_be_visible()
    desk.page.keyboard.press("1")
    expect(desk.page.locator(".detail h2")).to_contain_text("已应", timeout=5000)
    assert answered(api, chain) == before + 1
    sound(desk, "desk-callout")
    expect(wall.page.locator(".call.answered")).to_have_count(before + 1)
    calls = api.get("/warning/callouts", params={"chain": chain, "limit": "1000"}).json()["items"]
    expect(wall.page.locator(".calls .digits")).to_have_text(f"{before + 1}/{len(calls)}")
    assert api.get(f"/warning/alerts/{chain}").json()["claimed"]["by"] == people["watch"].name


def answered(api: httpx.Client, chain: str) -> int:
    found = api.get("/warning/callouts", params={"chain": chain, "limit": "1000"}).json()["items"]
    return sum(one["state"] == "answered" for one in found)


def test_a_notice_is_submitted_by_one_and_approved_by_another_with_two_keys(
    browse: Browse, people: dict[str, Person], api: httpx.Client
) -> None:
    by = {role: browse("/desk").log_in(people[role]) for role in ("watch", "approver")}
    for role, word, state in (("watch", "拟稿", "待批准"), ("approver", "待批准", "")):
        page = by[role].page
        page.locator(".todo button", has_text=word).first.click(timeout=15_000)
        page.locator(".detail h2").click()
        page.keyboard.press("Enter")
        expect(page.get_by_text("确认执行？")).to_be_visible()
        page.keyboard.press("y")
        expect(
            page.locator(".step").get_by_text("已记录").or_(page.locator(".detail h2", has_text=state or "生效"))
        ).to_be_visible(timeout=6000)
        by[role].picture(f"desk-notice-{role}")
    states = {one["state"] for one in api.get("/warning/notices").json()["items"]}
    assert states & {"issued", "overdue", "acknowledged"}, states


def claimed(api: httpx.Client, chain: str) -> object:
    return api.get(f"/warning/alerts/{chain}").json()["claimed"]


def test_every_key_has_its_button_and_a_place_to_look_it_up(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/desk").log_in(people["watch"])
    expect(page.page.get_by_role("heading", name="未应答")).to_be_visible(timeout=10_000)
    page.page.keyboard.press("j")
    expect(page.page.locator(".todo .chosen")).to_have_count(1)
    page.page.keyboard.press("?")
    expect(page.page.get_by_role("dialog")).to_be_visible()
    assert page.violations() == []
    page.page.keyboard.press("Escape")
    expect(page.page.get_by_role("dialog")).to_have_count(0)
    page.page.keyboard.press("g")
    page.page.keyboard.press("w")
    expect(page.page.locator(".wall")).to_be_visible()


def test_a_call_is_logged_by_key(browse: Browse, people: dict[str, Person], api: httpx.Client) -> None:
    page = browse("/desk").log_in(people["watch"])
    expect(page.page.locator(".roster li").first).to_be_visible(timeout=10_000)
    page.page.keyboard.press("n")
    dialog = page.page.get_by_role("dialog", name="值班日志")
    page.page.keyboard.type("石桥街道 张某")
    dialog.get_by_label("内容").fill("积水已排")
    assert page.violations() == []
    page.picture("desk-log")
    page.page.keyboard.press("Control+Enter")
    expect(page.page.locator(".side .click")).to_contain_text("已记录", timeout=5000)
    logs = [entry for shift in api.get("/warning/duty").json()["items"] for entry in shift.get("log", [])]
    assert "积水已排" in [entry["text"] for entry in logs]


def test_an_exercise_is_hatched_and_takes_no_wall(browse: Browse, people: dict[str, Person], api: httpx.Client) -> None:
    page = browse("/wall").log_in(people["watch"])
    expect(page.page.locator(".event h2")).to_be_visible(timeout=10_000)
    before = page.page.locator(".event h2").all_inner_texts()
    warn(api, headline="演练红色预警", status="Exercise", more="<incidents>YL-2026-1</incidents>")
    expect(page.page.locator(".drill")).to_contain_text("演练", timeout=5000)
    assert page.page.locator(".event h2").all_inner_texts() == before
    assert page.violations() == []
    page.picture("wall-exercise")


def test_a_refusal_stands_beside_the_button_with_its_reason(
    browse: Browse, people: dict[str, Person], api: httpx.Client
) -> None:
    page = browse("/desk").log_in(people["watch"])
    page.tolerated = ("Failed to load resource",)
    reason = {"type": "about:blank", "title": "Not possible now", "status": 409, "detail": "已由他人认领"}
    page.page.route("**/answer", lambda route: route.fulfill(status=409, json=reason))
    expect(page.page.get_by_role("heading", name="未应答")).to_be_visible(timeout=10_000)
    page.page.keyboard.press("u")
    page.page.get_by_role("button", name="记录应答").click()
    page.page.get_by_role("button", name="需支援").click()
    expect(page.page.locator(".step .refusal")).to_contain_text("已由他人认领", timeout=1000)
    page.picture("desk-refused")


def test_clicks_wait_while_the_hub_is_away_and_are_sent_once(
    browse: Browse, people: dict[str, Person], api: httpx.Client
) -> None:
    chain = warn(api, "Orange", "橙色")
    page = browse("/desk").log_in(people["watch"])
    page.tolerated = ("Failed to load resource",)
    expect(page.page.locator(".todo")).to_contain_text("橙色", timeout=5000)
    ids: list[str] = []
    page.page.on("request", lambda r: ids.append(r.post_data_json["id"]) if r.url.endswith("/take") else None)
    page.page.route("**/take", lambda route: route.abort())
    page.page.keyboard.press("a")
    expect(page.page.locator(".unsent")).to_have_text("未送达 1")
    page.picture("desk-unsent")
    page.page.unroute("**/take")
    expect(page.page.locator(".unsent")).to_have_count(0, timeout=6000)
    assert len(ids) >= 2
    assert len(set(ids)) == 1
    expect(page.page.locator(".detail")).to_contain_text(people["watch"].name, timeout=5000)
    assert claimed(api, chain)


def test_a_silent_hub_is_told_across_the_page(browse: Browse, people: dict[str, Person], hub: Hub) -> None:
    page = browse("/wall").log_in(people["watch"])
    expect(page.page.locator(".sources")).to_be_visible()
    process = psutil.Process(hub.processes()["hub-api"]["pid"])
    process.suspend()
    try:
        expect(page.page.locator(".stale")).to_have_text(re.compile(r"数据已停滞 00:1\d"), timeout=30_000)
        page.picture("wall-stale")
    finally:
        process.resume()
    expect(page.page.locator(".stale")).to_have_count(0, timeout=15_000)


def test_a_killed_hub_is_found_again_and_has_the_click(
    browse: Browse, people: dict[str, Person], api: httpx.Client, hub: Hub
) -> None:
    chain = warn(api, "Orange", "橙色")
    page = browse("/desk").log_in(people["watch"])
    page.tolerated = ("Failed to load resource",)
    expect(page.page.get_by_role("heading", name="认领")).to_be_visible(timeout=10_000)
    psutil.Process(hub.processes()["hub-api"]["pid"]).kill()
    page.page.keyboard.press("a")
    expect(page.page.locator(".unsent")).to_have_text("未送达 1")
    expect(page.page.locator(".unsent")).to_have_count(0, timeout=30_000)
    expect(page.page.locator(".detail")).to_contain_text(people["watch"].name, timeout=10_000)
    assert claimed(api, chain)


def test_the_desk_fits_a_telephone(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/desk", viewport={"width": 390, "height": 844}).log_in(people["watch"])
    expect(page.page.get_by_role("heading", name="未应答")).to_be_visible(timeout=10_000)
    wide = page.page.evaluate("document.documentElement.scrollWidth")
    page.picture("desk-phone")
    assert wide <= 390
