"""One hub and one Chromium for all tests of the pages; who is logged in, and what the pages may not do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from services.console import BUILT
from services.runtime.settings import ROOT
from tests.browser.watched import Person, Watched
from tests.deploy.test_up import Hub

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
WIDE = {"width": 1920, "height": 1080}
MISSING = [
    what
    for what, there in (
        ("Chromium（Debian：apt-get install chromium fonts-wqy-zenhei）", CHROMIUM),
        ("网页（make pages）", (BUILT / "index.html").is_file()),
        ("axe-core（make pages）", (BUILT.parent / "node_modules" / "axe-core" / "axe.min.js").is_file()),
    )
    if not there
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say clearly what is missing: skipped at home, a failure where everything must be there."""
    reason = f"缺少 {'、'.join(MISSING)}"
    for item in items:
        if MISSING and Path(item.fspath).parent == Path(__file__).parent:
            if os.environ.get("CI"):
                pytest.exit(reason, 1)
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], int]) -> Iterator[Hub]:
    running = Hub(tmp_path_factory.mktemp("browser"), ports(), environment="test").up()
    yield running
    running.end()


@pytest.fixture(scope="session")
def key(hub: Hub) -> str:
    """A key that sends and reads everything."""
    rights = [word for right in ("publish", "read") for word in ("--right", right)]
    statuses = [word for status in ("actual", "exercise") for word in ("--status", status)]
    made = hub.run("keys", "add", "weather", "--source", "/weather", *rights, *statuses, "--json")
    return str(json.loads(made.stdout)["key"])


@pytest.fixture(scope="session")
def people(hub: Hub) -> dict[str, Person]:
    """Somebody with each role of the desk."""
    found = {}
    for role in ("watch", "approver"):
        made = hub.run("users", "add", f"{role}-1", "--role", role, "--json")
        found[role] = Person(**{k: v for k, v in json.loads(made.stdout).items() if k in ("name", "password")})
    return found


@pytest.fixture(scope="session")
def api(hub: Hub, key: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=hub.url, headers=headers, timeout=30, trust_env=False) as client:
        for _ in range(100):
            if client.get("/ingest/mine").is_success:
                break
        yield client


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser, hub: Hub) -> Iterator[Callable[..., Watched]]:
    """Opens pages; at the end none may have said an error, or asked another host."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def open_page(path: str, **options: object) -> Watched:
        context = chromium.new_context(**{"viewport": WIDE, "locale": "zh-CN", **options})  # type: ignore[arg-type]
        page: Page = context.new_page()
        watched = Watched(page, hub.url)
        opened.append((context, watched))
        page.goto(hub.url + path)
        return watched

    yield open_page
    for context, watched in opened:
        context.close()
        assert watched.foreign == []
        assert watched.errors == []


def pictures() -> Path:
    """Where screenshots go."""
    folder = ROOT / ".screenshots"
    folder.mkdir(exist_ok=True)
    return folder
