"""The report page: an edition from draft to issue through the hands of all roles, by mouse and by key; one refused."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_console import sound
from tests.browser.watched import Person, Watched
from tests.deploy.test_up import Hub

Browse = Callable[..., Watched]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
WIDTH = "document.documentElement.scrollWidth"
HANDS = ("clerk", "reviewer", "legal", "signer")
STEPS = (("clerk", "起草", "待核稿"), ("reviewer", "核稿", "待法制审核"), ("legal", "法制审核", "待签发"),
         ("signer", "签发", "待印发"), ("clerk", "印发", "已印发"))  # fmt: skip
TEXT = "台风外围影响，全区提前转移低洼院落居民。"


@pytest.fixture(scope="module")
def hands(hub: Hub) -> dict[str, Person]:
    """Somebody with each role through which a report passes."""
    found = {}
    for role in HANDS:
        made = json.loads(hub.run("users", "add", f"{role}-1", "--role", role, "--json").stdout)
        found[role] = Person(made["name"], made["password"])
    return found


def enter(browse: Browse, who: Person, path: str = "/report") -> Watched:
    return browse(path, viewport=DESKTOP).log_in(who)


def state(page: Page) -> Locator:
    return page.locator("[data-state]")


def ask(page: Page, template: str) -> str:
    """A new edition of this year by the dialog; its id once its figures are there."""
    page.get_by_role("button", name="起草 N").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("模板").select_option(template)
    dialog.get_by_role("button", name="本年").click()
    dialog.get_by_role("button", name="起草并取数").click()
    return cut(page)


def cut(page: Page) -> str:
    expect(page.get_by_text("正在取数")).to_have_count(0, timeout=15_000)
    expect(state(page)).not_to_have_text("等待取数", timeout=15_000)
    return page.url.partition("#")[2]


def write(page: Page, slot: str, text: str) -> None:
    field = page.locator(f"textarea[data-slot='{slot}']")
    field.fill(text)
    field.press("Control+Enter")
    expect(page.locator(".written", has=field)).to_contain_text("撰写", timeout=5000)


def test_an_edition_goes_from_hand_to_hand_by_mouse_and_its_next_version_by_key(
    browse: Browse, hands: dict[str, Person], api: httpx.Client
) -> None:
    pages = {role: enter(browse, hands[role]) for role in HANDS}
    clerk = pages["clerk"]
    expect(clerk.page.get_by_text("还没有版次")).to_be_visible()
    first = ask(clerk.page, "bulletin")
    write(clerk.page, "处置情况", TEXT)
    expect(clerk.page.frame_locator("iframe").locator("main")).to_contain_text(TEXT)
    clerk.page.locator("button.line").first.click()
    expect(clerk.page.get_by_role("dialog")).to_contain_text("第1行背后的事件")
    clerk.page.keyboard.press("Escape")
    for role, step, after in STEPS:
        page = pages[role].page
        page.goto(f"{page.url.partition('#')[0]}#{first}")
        page.get_by_role("button", name=f"{step} Y").click()
        page.get_by_role("button", name=f"是：{step}").click()
        expect(state(page)).to_have_text(after, timeout=5000)
        expect(page.locator(".acts")).not_to_contain_text("是：")
    sound(clerk, "report-issued")
    with clerk.page.expect_download() as saved:
        clerk.page.get_by_role("link", name="DOCX").click()
    assert saved.value.suggested_filename.endswith(".docx")

    clerk.page.keyboard.press("n")
    expect(clerk.page.locator(".about")).to_contain_text("V2", timeout=5000)
    second = cut(clerk.page)
    field = clerk.page.locator("textarea[data-slot='处置情况']")
    expect(field).to_have_value(TEXT)
    clerk.page.keyboard.press("e")
    clerk.page.keyboard.type("关于")
    clerk.page.keyboard.press("Control+Enter")
    expect(clerk.page.locator(".written").first).to_contain_text("撰写", timeout=5000)
    clerk.page.keyboard.press("Tab")
    clerk.page.evaluate("document.activeElement.blur()")
    for role, _, after in STEPS:
        page = pages[role].page
        page.keyboard.press("l")
        expect(page.locator("[data-row]").first).to_have_attribute("href", f"#{second}", timeout=8000)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.locator("[data-next]")).to_be_visible(timeout=5000)
        page.keyboard.press("y")
        page.keyboard.press("y")
        expect(state(page)).to_have_text(after, timeout=5000)
    clerk.page.keyboard.press("3")
    expect(clerk.page.locator("#tab-panel")).to_contain_text("文字不同的段落", timeout=8000)
    assert clerk.violations() == []
    clerk.picture("report-differences")
    clerk.page.keyboard.press("[")
    expect(clerk.page.get_by_text("已由新版替代")).to_be_visible(timeout=5000)
    clerk.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(clerk.page.get_by_role("tab", name="预览")).to_be_visible()
    sound(clerk, "report-phone")
    assert clerk.page.evaluate(WIDTH) <= PHONE["width"]


def test_a_refused_edition_says_what_where_and_by_how_much(
    browse: Browse, hands: dict[str, Person], api: httpx.Client
) -> None:
    done = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/weather/tasks", "region": "990111001",
            "type": "command.task_completed", "time": datetime.datetime.now(datetime.UTC).isoformat(),
            "data": {"task_id": "T-1"}}  # fmt: skip
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert api.post("/ingest/events", json=[done], headers=batch).status_code == 202
    clerk = enter(browse, hands["clerk"])
    ask(clerk.page, "bulletin")
    expect(state(clerk.page)).to_have_text("校核未通过")
    problem = clerk.page.locator("[data-problem]").first
    expect(problem).to_contain_text("部分大于整体")
    expect(problem).to_contain_text("应为 ≤")
    sound(clerk, "report-refused")
    problem.get_by_role("button", name="事件 1").click()
    expect(clerk.page.get_by_role("dialog").locator("li")).to_have_count(1, timeout=5000)
    assert clerk.violations() == []
    clerk.page.keyboard.press("Escape")

    clerk.page.keyboard.press("l")
    ask(clerk.page, "monthly")
    expect(clerk.page.get_by_role("heading", name="须写明的说明")).to_be_visible()
    for slot in clerk.page.locator("textarea[data-slot]").evaluate_all("all => all.map(one => one.dataset.slot)"):
        write(clerk.page, slot, "设备更换，数据另行补报。")
    clerk.page.evaluate("document.activeElement.blur()")
    clerk.page.keyboard.press("c")
    expect(state(clerk.page)).to_have_text("已定数，起草中", timeout=15_000)
    sound(clerk, "report-outline")

    reviewer = enter(browse, hands["reviewer"], f"/report#{clerk.page.url.partition('#')[2]}")
    expect(reviewer.page.locator("[data-whose]")).to_contain_text("须由 统计", timeout=5000)
    expect(reviewer.page.locator("[data-next]")).to_have_count(0)


def test_figures_are_asked_freely_and_what_is_away_is_said(browse: Browse, hands: dict[str, Person]) -> None:
    page = enter(browse, hands["clerk"])
    page.page.keyboard.press("2")
    expect(page.page.locator("[data-figure]")).to_be_visible(timeout=5000)
    sound(page, "report-numbers")
    page.tolerated = ("Failed to load resource",)
    page.page.route("**/reporting/editions?*", lambda route: route.abort())
    page.page.keyboard.press("1")
    expect(page.page.locator(".as-of .away")).to_contain_text("中枢没有应答")
    assert page.violations() == []
    page.page.unroute("**/reporting/editions?*")
    page.page.get_by_role("button", name="English").click()
    expect(page.page.get_by_role("link", name="Annual report").or_(page.page.get_by_text("Cut-off"))).not_to_have_count(
        0
    )
