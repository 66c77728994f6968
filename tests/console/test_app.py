"""The files of the pages: how they are served, and what is said when they are not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.console import app as console
from services.runtime.settings import Settings


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build of three files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>pages</title>")
    (tmp_path / "assets" / "index-B03TSl6w.js").write_text("1;" * 1000)
    (tmp_path / "assets" / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("secret")
    return tmp_path


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(console.create(Settings(), built))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


@pytest.mark.parametrize("path", console.PAGES)
async def test_every_page_is_the_same_file_with_a_strict_policy(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert "pages" in answer.text
    assert answer.headers["cache-control"] == console.ALWAYS_ASK
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_a_file_with_a_hash_is_kept_for_ever_and_comes_compressed(client: httpx.AsyncClient) -> None:
    script = await client.get("/assets/index-B03TSl6w.js")
    assert script.headers["cache-control"] == console.FOR_EVER
    assert script.headers["content-encoding"] == "gzip"
    assert "javascript" in script.headers["content-type"]
    icon = await client.get("/assets/icon.svg")
    assert icon.headers["cache-control"] == console.ALWAYS_ASK


@pytest.mark.parametrize("name", ["..%2fsecret", "%2e%2e", "none.js", "..%2f..%2fapp.py"])
async def test_nothing_but_the_build_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/assets/{name}")).status_code == 404


async def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(console.create(Settings(), tmp_path / "nothing"))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.get("/desk")
    assert answer.status_code == 503
    assert "make pages" in answer.text


async def test_the_bureau_tells_its_names(client: httpx.AsyncClient) -> None:
    told = (await client.get("/bureau.json")).json()
    assert told["region"] == "990111"
    assert {"code": "990111001", "name": "望江街道", "parent": "990111", "kind": "street"} in told["regions"]
    assert told["codes"]["weather_level"]["red"] == "红色"
