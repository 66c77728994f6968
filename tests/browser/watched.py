"""A page under watch: what it asks, what it complains of, how it reads to those who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

from services.console import BUILT
from services.runtime.settings import ROOT

AXE = BUILT.parent / "node_modules" / "axe-core" / "axe.min.js"
SAYS = """async () => (await axe.run()).violations.map(
  v => v.id + ': ' + v.nodes.map(n => n.target + ' ' + n.failureSummary).join('; '))"""


@dataclass(frozen=True)
class Person:
    """Somebody's log-in."""

    name: str
    password: str


class Watched:
    """One page; `tolerated` are the beginnings of console errors that a test provokes itself."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.tolerated: tuple[str, ...] = ()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # nobody is logged in at first, and a service hears of a session a moment after it was opened
        expected = ("401 (Unauthorized)" in message.text) or message.text.startswith(self.tolerated or ("\0",))
        if message.type == "error" and not expected:
            self.errors.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc and not request.url.startswith("data:"):
            self.foreign.append(request.url)

    def log_in(self, who: Person) -> Watched:
        self.page.fill("input[autocomplete=username]", who.name)
        self.page.fill("input[type=password]", who.password)
        self.page.press("input[type=password]", "Enter")
        self.page.wait_for_selector("form", state="detached")
        return self

    def theme(self, name: str) -> None:
        self.page.evaluate("name => { document.documentElement.dataset.theme = name }", name)

    def picture(self, name: str) -> None:
        folder = ROOT / ".screenshots"
        folder.mkdir(exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png")

    def violations(self) -> list[Any]:
        """What axe-core finds; evaluated by the debugger, for which the page's policy does not hold."""
        self.page.evaluate(AXE.read_text("utf-8"))
        return list(self.page.evaluate(SAYS))
