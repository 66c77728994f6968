"""Administration, partner and brief: each task by mouse and by key, who may not, both themes, telephone and desktop."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_console import hazards, sound, warn
from tests.browser.watched import Person, Watched
from tests.deploy.test_up import Hub

Browse = Callable[..., Watched]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
WIDTH = "document.documentElement.scrollWidth"
NOT_ITS_OWN = (
    "/warning/alerts", "/warning/contacts/book", "/reporting/statistics/hazards_found", "/live", "/access/keys",
)  # fmt: skip
HEAD = "隐患编号,发生时间,级别,区域代码\n"


@pytest.fixture(scope="module")
def staff(hub: Hub) -> dict[str, Person]:
    """Somebody with each role that looks after the hub, and a partner's person."""
    hub.run("keys", "add", "grid", "--source", "/grid", "--type", "hazard.*", "--type", "patrol.*", "--json")
    found = {}
    for role, more in (("administrator", ()), ("granter", ()), ("wall", ()), ("partner", ("--publisher", "grid"))):
        made = json.loads(hub.run("users", "add", f"{role}-office", "--role", role, *more, "--json").stdout)
        found[role] = Person(made["name"], made["password"])
    return found


def secret(page: Page) -> str:
    """What is shown only once; the dialog is closed by key."""
    shown = page.locator("[data-secret]")
    expect(shown).to_be_visible(timeout=5000)
    text = shown.inner_text()
    page.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    return text


def test_one_makes_an_account_another_grants_it_and_it_ends_within_a_second(
    browse: Browse, staff: dict[str, Person]
) -> None:
    boss = browse("/admin", viewport=DESKTOP).log_in(staff["administrator"])
    expect(boss.page.locator("tr", has_text="granter-office")).to_be_visible()
    boss.page.keyboard.press("n")
    boss.page.get_by_role("dialog").get_by_label("账号").fill("wang")
    assert boss.violations() == []
    boss.picture("admin-new-account")
    boss.page.keyboard.press("Enter")
    password = secret(boss.page)
    row = boss.page.locator("tr", has_text="wang")
    expect(row).to_contain_text("待授权")
    expect(row.get_by_role("button", name="授权")).to_have_count(0)
    sound(boss, "admin-users")

    guest = browse("/desk", viewport=DESKTOP)
    guest.tolerated = ("Failed to load resource",)
    guest.page.fill("input[autocomplete=username]", "wang")
    guest.page.fill("input[type=password]", password)
    guest.page.keyboard.press("Enter")
    expect(guest.page.get_by_role("alert")).to_contain_text("尚未授权")

    granter = browse("/admin", viewport=DESKTOP).log_in(staff["granter"])
    theirs = granter.page.locator("tr", has_text="wang")
    theirs.get_by_role("button", name="授权", exact=True).click()
    granter.page.get_by_role("dialog").get_by_label("角色").select_option("watch")
    granter.page.get_by_role("dialog").get_by_label("角色").press("Tab")
    granter.picture("admin-grant")
    granter.page.get_by_role("dialog").get_by_role("button", name="授权").click()
    expect(theirs).to_contain_text("使用中", timeout=5000)

    guest.log_in(Person("wang", password))
    expect(guest.page.get_by_role("heading", name="待我处置")).to_be_visible()
    guest.page.wait_for_timeout(500)
    theirs.get_by_role("button", name="收回权限").click()
    granter.page.keyboard.press("Enter")
    began = time.monotonic()
    expect(guest.page.locator("form input[type=password]")).to_be_visible(timeout=3000)
    assert time.monotonic() - began < 2


def test_a_key_is_shown_once_and_granted_by_another(browse: Browse, staff: dict[str, Person], hub: Hub) -> None:
    boss = browse("/admin#keys", viewport=DESKTOP).log_in(staff["administrator"])
    boss.page.get_by_role("button", name="新增钥匙").click()
    dialog = boss.page.get_by_role("dialog")
    dialog.get_by_label("报送单位").fill("街道台")
    dialog.get_by_label("source 前缀（空格分隔）").fill("/street")
    assert boss.violations() == []
    dialog.get_by_role("button", name="新增").click()
    header = {"authorization": f"Bearer {secret(boss.page)}"}
    assert httpx.get(f"{hub.url}/ingest/mine", headers=header, trust_env=False).status_code == 401
    expect(boss.page.locator("tr", has_text="街道台")).to_contain_text("待授权")
    sound(boss, "admin-keys")
    granter = browse("/admin#keys", viewport=DESKTOP).log_in(staff["granter"])
    granter.page.locator("tr", has_text="街道台").get_by_role("button", name="授权").click()
    granter.page.keyboard.press("Enter")
    expect(granter.page.locator("tr", has_text="街道台")).to_contain_text("使用中", timeout=5000)
    assert httpx.get(f"{hub.url}/ingest/mine", headers=header, trust_env=False).status_code == 200


def test_every_tab_is_reached_by_key_and_sound_in_both_themes(browse: Browse, staff: dict[str, Person]) -> None:
    page = browse("/admin", viewport=DESKTOP).log_in(staff["administrator"])
    expect(page.page.locator("tr", has_text="granter-office")).to_be_visible()
    page.page.keyboard.press("3")
    row = page.page.locator("tr", has_text="R001").first
    expect(row).to_contain_text("138****0001")
    row.get_by_role("button", name="查看号码").click()
    expect(row).to_contain_text("13800000001")
    sound(page, "admin-contacts")
    page.page.keyboard.press("4")
    expect(page.page.locator(".month li")).not_to_have_count(0)
    expect(page.page.locator(".month .post").first).to_be_visible()
    sound(page, "admin-roster")
    page.page.keyboard.press("5")
    expect(page.page.locator("tbody tr").first).to_be_visible()
    sound(page, "admin-routes")
    page.page.keyboard.press("6")
    expect(page.page.get_by_text("没有静默")).to_be_visible()
    page.page.keyboard.press("n")
    page.page.get_by_role("dialog").get_by_label("理由").fill("设备检修")
    page.page.keyboard.press("Enter")
    silence = page.page.locator("tr", has_text="设备检修")
    expect(silence).to_contain_text("生效中", timeout=8000)
    sound(page, "admin-silences")
    silence.get_by_role("button", name="结束").click()
    expect(silence.locator(".tag")).to_have_text("已结束", timeout=15_000)
    page.page.keyboard.press("7")
    expect(page.page.locator("tbody")).to_contain_text("查看号码")
    expect(page.page.locator("tbody")).to_contain_text("127.0.0.1")
    sound(page, "admin-audit")
    page.page.get_by_label("事项").select_option("contact")
    expect(page.page.locator("tbody tr", has_text="R001").first).to_be_visible()
    expect(page.page.locator("tbody tr", has_not_text="查看号码")).to_have_count(0)
    page.page.keyboard.press("Escape")
    page.page.get_by_role("button", name="English").click()
    expect(page.page.get_by_role("tab", name="Accounts")).to_be_visible()


def test_a_partner_uploads_its_table_after_a_dry_run_and_sees_only_its_own(
    browse: Browse, staff: dict[str, Person], api: httpx.Client
) -> None:
    page = browse("/", viewport=DESKTOP).log_in(staff["partner"])
    expect(page.page.get_by_role("heading", name="约定的数据源")).to_be_visible()
    expect(page.page.locator(".block", has_text="约定的数据源").locator("tbody tr")).to_have_count(2)
    chosen = page.page.get_by_label("内容")
    chosen.select_option("hazard.found")
    page.tolerated = ("Failed to load resource",)  # what is wrong is answered with 422
    give(page, HEAD + "YH-P1,2026-06-30,一般隐患,990111001\nYH-P2,昨天,特大,990111001\n")
    wrong = page.page.locator(".answer tbody tr")
    expect(wrong.first).to_contain_text("3")
    expect(wrong.first).to_contain_text("发生时间")
    page.picture("partner-wrong")
    with page.page.expect_download() as saved:
        page.page.get_by_role("button", name="下载标注结果的表格").click()
    assert saved.value.suggested_filename.endswith("结果.xlsx")
    give(page, HEAD + "YH-P1,2026-06-30,一般隐患,990111001\n")
    expect(page.page.locator(".answer")).to_contain_text("没有错误，可送入 1")
    page.page.get_by_role("button", name="送入").click()
    expect(page.page.locator(".taken")).to_contain_text("1", timeout=5000)
    sound(page, "partner")
    for path in (
        "/warning/alerts",
        "/reporting/statistics/hazards_found",
        "/live",
        "/warning/contacts/book",
        "/access/keys",
    ):
        assert page.page.evaluate("path => fetch(path).then(a => a.status)", path) == 403, path
    mine = page.page.evaluate("fetch('/warning/feeds?limit=1000').then(a => a.json())")
    assert {feed["publisher"] for feed in mine["items"]} == {"grid"}


def give(page: Watched, text: str) -> None:
    table = {"name": "隐患.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.page.locator("input[type=file]").set_input_files(table)  # type: ignore[arg-type]


def test_the_brief_fits_a_telephone_and_each_number_opens_its_events(
    browse: Browse, people: dict[str, Person], api: httpx.Client, hub: Hub
) -> None:
    submit(hub, api, warn(api), people["watch"])
    page = browse("/brief", viewport=PHONE).log_in(people["approver"])
    expect(page.page.locator("#force")).to_contain_text("暴雨红色预警", timeout=10_000)
    expect(page.page.locator("#sign li").first).to_contain_text("批准", timeout=15_000)
    expect(page.page.locator("#streets tbody tr")).not_to_have_count(0)
    page.page.wait_for_timeout(600)
    sound(page, "brief-phone")
    page.page.screenshot(path=".screenshots/brief-phone-whole.png", full_page=True)
    assert page.page.evaluate(WIDTH) <= PHONE["width"]
    page.page.locator("#streets .sum button").first.click()
    expect(page.page.get_by_role("dialog").locator("li").first).to_be_visible(timeout=5000)
    assert page.violations() == []
    page.picture("brief-events")
    page.page.keyboard.press("Escape")
    approve = page.page.locator("#sign li").first.get_by_role("button", name="批准")
    approve.click()
    expect(page.page.locator("#sign li").first.get_by_role("button", name="是：批准")).to_be_visible()
    page.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    sound(page, "brief-desktop")
    page.page.emulate_media(media="print")
    expect(page.page.get_by_role("navigation")).to_have_count(0)
    page.page.screenshot(path=".screenshots/brief-print.png", full_page=True)


def submit(hub: Hub, api: httpx.Client, chain: str, who: Person) -> None:
    """The drafted notice of a warning goes to whoever signs."""
    with httpx.Client(base_url=hub.url, trust_env=False) as client:
        csrf = client.post("/session", json={"name": who.name, "password": who.password}).json()["csrf"]
        for _ in range(100):
            found = [one for one in api.get("/warning/notices").json()["items"] if one["chain"] == chain]
            if found:
                break
            time.sleep(0.1)
        path = f"/warning/notices/{found[0]['id']}/submit"
        assert client.post(path, json={}, headers={"x-csrf-token": csrf}).status_code in (200, 202)


def test_administration_fits_a_telephone(browse: Browse, staff: dict[str, Person]) -> None:
    page = browse("/admin", viewport=PHONE).log_in(staff["administrator"])
    for n in range(1, 8):
        page.page.keyboard.press(str(n))
        expect(page.page.locator(".as-of").first).to_contain_text("更新于")
        page.picture(f"phone-admin-{n}")
        assert page.page.evaluate(WIDTH) <= PHONE["width"], n


def test_a_display_is_logged_in_by_its_link_and_sees_the_wall_only(
    browse: Browse, staff: dict[str, Person], people: dict[str, Person]
) -> None:
    who = staff["wall"]
    page = browse(f"/wall#display={who.name}:{who.password}")
    expect(page.page.locator(".wall")).to_be_visible()
    expires = max(one["expires"] for one in page.page.context.cookies())
    assert expires > time.time() + datetime.timedelta(days=300).total_seconds()
    other = people["watch"]
    wrong = browse(f"/wall#display={other.name}:{other.password}")
    expect(wrong.page.locator("form input[type=password]")).to_be_visible()


def test_what_cannot_be_asked_is_said_with_its_age(browse: Browse, staff: dict[str, Person]) -> None:
    page = browse("/admin", viewport=DESKTOP).log_in(staff["administrator"])
    page.tolerated = ("Failed to load resource",)
    expect(page.page.locator(".as-of").first).to_contain_text("更新于")
    page.page.route("**/access/keys", lambda route: route.abort())
    page.page.keyboard.press("2")
    expect(page.page.locator(".as-of .away")).to_contain_text("中枢没有应答")
    assert page.violations() == []
    page.picture("admin-away")
    page.page.unroute("**/access/keys")
    expect(page.page.locator("tr", has_text="grid")).to_be_visible(timeout=6000)


def test_who_has_nothing_here_is_told(browse: Browse, people: dict[str, Person], api: httpx.Client) -> None:
    hazards(api, 1)
    page = browse("/partner", viewport=DESKTOP).log_in(people["watch"])
    page.tolerated = ("Failed to load resource",)
    expect(page.page.locator("main")).to_contain_text("角色")
