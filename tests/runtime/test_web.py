"""What every answer carries, whoever gives it: the security headers, and a cookie that keeps to TLS."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request
from fastapi.responses import Response

from deploy.local.api import Front
from services.console import app as console
from services.runtime import access, access_api, audit, log, metrics, person, session, web
from services.runtime.settings import Settings


async def _ready() -> dict[str, str]:
    return {}


async def fails(_request: Request) -> Response:
    raise RuntimeError("ours")


def front(tmp_path: Path) -> Front:
    """The one port with a service, the log-in and the pages; no part runs."""
    service = web.create_app("t", about="", registry=metrics.new_registry(), ready=_ready, body_limit=10)

    @service.get("/broken")
    async def broken() -> None:
        raise RuntimeError("ours")

    @service.post("/sent")
    async def sent(request: Request) -> Any:
        return {"bytes": len(await request.body())}

    pages = console.create(Settings(), tmp_path)
    pages.add_route("/desk/broken", fails)
    people = session.create(Settings(), access.Access(""))

    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        await people({**scope, "root_path": ""}, receive, send)

    found = Front()
    found.apps = {"/t": service, "/session": rooted, "/": pages}
    return found


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/t/health/live", 200), ("GET", "/t/metrics", 200), ("GET", "/t/docs", 200), ("GET", "/t/x", 404),
        ("PUT", "/t/health/live", 405), ("POST", "/t/sent", 413), ("GET", "/t/broken", 500), ("GET", "/x/y", 404),
        ("GET", "/session", 503), ("GET", "/desk", 503), ("GET", "/assets/x", 404), ("GET", "/desk/broken", 500),
    ],
)  # fmt: skip
async def test_every_answer_carries_the_security_headers(tmp_path: Path, method: str, path: str, status: int) -> None:
    transport = httpx.ASGITransport(front(tmp_path), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.request(method, path, content=b"x" * 11 if method == "POST" else None)
    assert answer.status_code == status
    assert set(map(str.lower, web.SECURITY_HEADERS)) - answer.headers.keys() == set()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "object-src 'none'" in policy or "default-src 'none'" in policy
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]


async def test_whoever_comes_over_tls_is_told_to_stay_there(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(front(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="https://hub") as client:
        for path in ("/t/health/live", "/desk", "/session"):
            assert (await client.get(path)).headers["strict-transport-security"] == web.TLS_ALONE


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_cookie_given_over_tls_never_travels_without(scheme: str) -> None:
    request = Request({"type": "http", "scheme": scheme, "server": ("hub", 443), "path": "/session", "headers": []})
    cookie = session._with_cookie(Response(), request, "t", session.LIFETIME).headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict"} <= set(cookie.split("; "))
    assert ("secure" in cookie.split("; ")) == (scheme == "https")


def test_whoever_may_not_is_written_into_the_log() -> None:
    out = io.StringIO()
    log.configure("test", stream=out)
    until = datetime.datetime.now(datetime.UTC) + session.LIFETIME
    who = access.Access("")
    held = {hashlib.sha256(b"t").digest(): access.Session("王敏", "watch", "", "word", until)}
    who.snapshot = access.Snapshot(1, {}, held)
    headers = [(b"cookie", f"{web.SESSION_COOKIE}=t".encode()), (b"x-csrf-token", b"word")]
    asked = Request({"type": "http", "method": "POST", "path": "/access/keys", "headers": headers})
    assert person.person_of(who, asked, "watch").name == "王敏"
    with pytest.raises(web.Refusal):
        person.person_of(who, asked, "administrator")
    (line,) = out.getvalue().splitlines()
    written = json.loads(line)
    assert (written["event"], written["who"], written["path"]) == ("person.refused", "王敏", "/access/keys")


@pytest.mark.parametrize("asked", [{"limit": "²"}, {"limit": "9" * 5000}, {"limit": "0"}, {"cursor": "²"}])
def test_what_is_no_number_is_a_mistake_of_who_asks(asked: dict[str, str]) -> None:
    with pytest.raises(web.Refusal) as refused:
        access_api._asked(asked)
    assert refused.value.status_code == 422
    assert access_api._asked({"limit": "7"}) == audit.Asked(size=7)
