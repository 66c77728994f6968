"""The pages: files that Vite has built, with a strict policy, and what they need to know of the bureau."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from services.console import BUILT
from services.contracts import codes
from services.runtime import bounds, bureau, web
from services.runtime.settings import Settings

PAGES = ("/", "/login", "/wall", "/desk", "/admin", "/partner", "/brief", "/report")
FIRST = (*PAGES, "/assets", "/bureau.json", "/map.geojson")
"""What the console answers, by the first part of the path."""
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "frame-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
    )
)  # fmt: skip
"""Content-Security-Policy: nothing from elsewhere, nothing written into a page."""
FOR_EVER, ALWAYS_ASK = "public, max-age=31536000, immutable", "no-cache"
HASHED = re.compile(r".+-[\w-]{8}\.(js|css)")
NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>页面还没有生成</title>
<h1>页面还没有生成</h1><p>中枢在正常工作，接口可用；只是网页的文件不在这里。</p>
<p>联网后执行 <code>make pages</code>，再刷新。不必重启中枢。</p>
<p lang="en">The pages have not been built. Run <code>make pages</code>, then reload.</p></html>"""
SHOWN_CODES = (codes.WEATHER_HAZARD, codes.WEATHER_LEVEL, codes.MESSAGE_TYPE, codes.CALLOUT_ANSWER)


class Strict(web.SecurityHeaders):
    """The headers of every answer, with the stricter policy of the pages."""

    headers = {**web.SECURITY_HEADERS, "Content-Security-Policy": POLICY}


class Pages:
    """Answers with the files of one build, and with one bureau's names."""

    def __init__(self, built: Path, of: bureau.Bureau) -> None:
        self.built = built
        self.map = of.folder / bounds.FILE
        self.about = {**about(of), "map": self.map.is_file()}

    async def page(self, _request: Request) -> Response:
        """Every page is the same file; its script looks at the address."""
        file = self.built / "index.html"
        if not file.is_file():
            return HTMLResponse(NOT_BUILT, 503, {"Retry-After": "10"})
        return FileResponse(file, headers={"Cache-Control": ALWAYS_ASK})

    async def asset(self, request: Request) -> Response:
        """A file of the build; its name changes with its content."""
        name = request.path_params["name"]
        file = self.built / "assets" / name
        if not file.is_file():
            return web.problem(404, f"no file {name[:64]}; reload the page, it has been built anew")
        kept = FOR_EVER if HASHED.fullmatch(name) else ALWAYS_ASK
        return FileResponse(file, headers={"Cache-Control": kept})

    async def bureau(self, _request: Request) -> Response:
        """Names of the bureau, its regions and coded values: nothing that is not public."""
        return web.json_answer(self.about, headers={"Cache-Control": ALWAYS_ASK})

    async def geometry(self, _request: Request) -> Response:
        """The bureau's own map, when it has one. Raises 404 in words."""
        if not self.map.is_file():
            return web.problem(404, "this bureau has no map.geojson; the pages draw a schematic")
        return FileResponse(self.map, media_type="application/geo+json", headers={"Cache-Control": ALWAYS_ASK})


def about(of: bureau.Bureau) -> dict[str, Any]:
    """`{name, short_name, region, timezone, regions: [{code, name, parent, kind}], codes: {list: {value: zh}}}`."""
    return {
        "name": of.name, "short_name": of.short_name, "region": of.region, "timezone": of.timezone.key,
        "regions": list(_regions(of)), "codes": {one.name: dict(one.values) for one in SHOWN_CODES},
    }  # fmt: skip


def _regions(of: bureau.Bureau) -> Iterator[dict[str, Any]]:
    for code in sorted(of.regions):
        one = of.regions.get(code)
        if one.kind != "community":
            yield {"code": one.code, "name": one.name, "parent": one.parent, "kind": one.kind}


def create(settings: Settings, built: Path = BUILT) -> Starlette:
    """The application."""
    pages = Pages(built, bureau.load(settings.bureau))
    routes = [
        *(Route(path, pages.page) for path in PAGES),
        Route("/assets/{name}", pages.asset),
        Route("/bureau.json", pages.bureau),
        Route("/map.geojson", pages.geometry),
    ]
    middleware = [Middleware(Strict), Middleware(GZipMiddleware, minimum_size=1024)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={Exception: web.HANDLERS[Exception]})


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Starlette]:
    """The application, to be given requests for what FIRST names."""
    yield create(settings)
