"""What the desk has besides its list: search, numbers, hand-over, raw events, numbers of telephones, a mute."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_console import ZONE, hazards, sound, warn
from tests.browser.watched import Person, Watched

Browse = Callable[..., Watched]
MOST_SCRIPT = 400_000
"""Bytes of JavaScript as they are sent."""
SCRIPTS = """performance.getEntriesByType('resource').filter(e => e.name.endsWith('.js'))
  .reduce((n, e) => n + e.encodedBodySize, 0)"""


@pytest.fixture
def desk(browse: Browse, people: dict[str, Person]) -> Watched:
    page = browse("/desk").log_in(people["watch"])
    expect(page.page.locator(".roster li").first).to_be_visible(timeout=10_000)
    return page


def test_one_field_finds_people_and_warnings(desk: Watched, api: httpx.Client) -> None:
    chain = warn(api, "Yellow", "黄色")
    page = desk.page
    page.keyboard.press("/")
    dialog = page.get_by_role("dialog", name="查找")
    page.keyboard.type(chain[-14:])
    found = dialog.get_by_role("button", name=re.compile("暴雨黄色预警")).first
    expect(found).to_be_visible(timeout=6000)
    assert desk.violations() == []
    found.click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".detail h2")).to_contain_text("暴雨黄色预警")
    page.locator(".detail").get_by_role("button", name=re.compile("^原文")).first.click()
    raw = page.get_by_role("dialog", name="原始事件与起因")
    expect(raw).to_contain_text("weather.alert_received", timeout=8000)
    expect(raw).to_contain_text("<?xml", timeout=5000)
    assert desk.violations() == []
    page.keyboard.press("Escape")
    expect(raw).to_have_count(0)


def test_a_number_has_its_definition_its_parts_and_its_events(desk: Watched, api: httpx.Client) -> None:
    hazards(api, 2)
    page = desk.page
    page.keyboard.press("s")
    today = datetime.datetime.now(ZONE).date()
    time.sleep(1)
    expect(page.locator("[data-figure]")).to_have_text(re.compile(r"\d"), timeout=20_000)
    told = api.get(
        "/reporting/statistics/hazards_found", params={"from": f"{today:%Y}-01-01", "to": f"{today}"}
    ).json()["value"]
    expect(page.locator("[data-figure]")).to_have_text(str(told), timeout=20_000)
    page.get_by_label("分项").select_option("region")
    expect(page.locator(".numbers table tbody tr").first).to_be_visible(timeout=5000)
    page.locator(".numbers h2").click()
    page.keyboard.press("f")
    expect(page.locator(".behind li").first).to_be_visible(timeout=5000)
    sound(desk, "desk-numbers")
    with page.expect_download() as saved:
        page.get_by_role("button", name="导出表格").click()
    assert "查出隐患" in saved.value.path().read_text("utf-8-sig")


def test_a_shift_is_handed_over_with_its_list(desk: Watched) -> None:
    page = desk.page
    page.keyboard.press("x")
    expect(page.locator(".hand-over")).to_contain_text("在效预警", timeout=8000)
    sound(desk, "desk-handover")
    # to accept what nobody has handed over is refused, beside the button and with its reason
    desk.tolerated = ("Failed to load resource",)
    page.get_by_role("button", name="接班", exact=True).click()
    expect(page.locator(".hand-over .refusal")).to_be_visible(timeout=3000)
    page.get_by_label("交班备注").fill("夜间加强巡查")
    page.get_by_role("button", name="交班", exact=True).click()
    expect(page.locator(".hand-over")).to_contain_text("已交班", timeout=8000)
    expect(page.locator(".hand-over")).to_contain_text("夜间加强巡查")


def test_a_whole_telephone_number_is_asked_for(desk: Watched) -> None:
    contacts = desk.page.get_by_role("region", name="联系人")
    expect(contacts.locator(".phone").first).to_contain_text("****", timeout=8000)
    contacts.get_by_role("button", name=re.compile("查看号码")).first.click()
    expect(contacts.locator(".phone").first).not_to_contain_text("****", timeout=3000)


def test_who_has_not_answered_is_called_again_by_two_keys(desk: Watched, api: httpx.Client) -> None:
    warn(api, "Orange", "橙色", headline="江滨区气象台发布大风橙色预警")
    expect(desk.page.get_by_role("heading", name="未应答")).to_be_visible(timeout=10_000)
    desk.page.keyboard.press("u")
    expect(desk.page.get_by_role("button", name="再次呼叫")).to_be_visible()
    desk.page.keyboard.press("c")
    expect(desk.page.locator(".step").get_by_text("已记录")).to_be_visible(timeout=5000)


def test_a_first_report_opens_an_incident_by_key(desk: Watched, api: httpx.Client) -> None:
    page = desk.page
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="值班日志")
    dialog.get_by_label("类别").select_option("首报")
    dialog.get_by_label("地点和情况").fill("望江街道下穿通道积水，一车被困")
    assert desk.violations() == []
    page.keyboard.press("Control+Enter")
    expect(page.locator(".side .click")).to_contain_text("已记录", timeout=5000)
    assert api.get("/warning/incidents", params={"open": "true"}).json()["items"]


def test_a_first_page_is_small_and_soon_there(browse: Browse, people: dict[str, Person]) -> None:
    page = browse("/desk")
    seconds = page.page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") / 1000
    page.page.wait_for_selector("input[type=password]")
    scripts = page.page.evaluate(SCRIPTS)
    assert 0 < scripts <= MOST_SCRIPT
    assert seconds < 1.5


def test_printing_gives_a_sheet_without_controls(desk: Watched) -> None:
    desk.page.keyboard.press("x")
    expect(desk.page.locator(".hand-over")).to_contain_text("在效预警", timeout=8000)
    desk.page.emulate_media(media="print")
    expect(desk.page.locator(".tools")).to_be_hidden()
    expect(desk.page.locator(".hand-over h2")).to_be_visible()
    desk.picture("desk-print")
