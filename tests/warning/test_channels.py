"""Channels hand letters over, each in its way, and say of each what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.runtime.settings import ROOT, Settings
from services.warning.channels.channel import Message, Never, NotNow
from services.warning.channels.chat import Chat
from services.warning.channels.email import Email, letter
from services.warning.channels.file import FileOutbox
from services.warning.channels.gateway import Gateway, signature, verifies
from services.warning.channels.register import CHANNELS, channels
from services.warning.channels.testing import TestGateway
from services.warning.channels.webhook import Webhook, public
from services.warning.house import routes

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MADE = "2026-07-01T03:10:00+08:00"


def message(to: str, id_: str = "a1") -> Message:
    return Message(
        id_, to, "【江滨】暴雨红色预警。收到回1", "https://hub.example/n/x", "c", "JY-1", "street_duty", MADE
    )


@contextlib.asynccontextmanager
async def listening(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Web:
    """Keeps what it was posted, and answers with a status."""

    def __init__(self, status: int = 200, body: str = "") -> None:
        self.status, self.body = status, body
        self.posted: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        self.posted.append((headers, await reader.readexactly(int(headers["content-length"]))))
        more = "location: https://elsewhere.example/\r\n" if self.status == 302 else ""
        length = f"content-length: {len(self.body)}\r\nconnection: close\r\n"
        writer.write(f"HTTP/1.1 {self.status} x\r\n{length}{more}\r\n{self.body}".encode())
        await writer.drain()
        writer.close()


class Mails:
    """A mail server that refuses `nobody` for good, and `later` for now."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        while line := (await reader.readline()).decode().strip():
            if line == "DATA":
                writer.write(b"354 go on\r\n")
                self.texts.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            refused = "550 nobody" if "nobody@" in line else "450 later" if "later@" in line else "250 ok"
            writer.write(f"{'221 bye' if line == 'QUIT' else refused}\r\n".encode())
            await writer.drain()
        writer.close()


def test_every_file_is_in_the_register_and_every_route_knows_them_all() -> None:
    files = {path.stem for path in (ROOT / "services/warning/channels").glob("*.py")} - {"__init__"}
    assert files - {"channel", "register", "testing", "prober"} == {
        "file", "gateway", "email", "webhook", "chat", "console"
    }  # fmt: skip
    assert set(CHANNELS) == set(routes.CHANNELS)


def test_under_test_no_channel_reaches_anybody(settings: Settings) -> None:
    assert {type(one) for one in channels(settings, datetime.datetime.now)} == {TestGateway}


async def test_a_gateway_gets_lists_that_are_signed_and_says_of_each_what_became_of_it() -> None:
    told = json.dumps({"results": [{"message_id": "b", "result": "wrong_number"}]})
    web = Web(body=told)
    async with listening(web) as port:
        gateway = Gateway("sms", f"http://127.0.0.1:{port}/", SECRET)
        assert await gateway.hand([message("1", "a"), message("2", "b")]) == ["handed", "wrong_number"]
        await gateway.close()
    headers, body = web.posted[0]
    assert verifies(SECRET, headers, body, float(headers["webhook-timestamp"]))
    assert [m["to"] for m in json.loads(body)["messages"]] == ["1", "2"]


@pytest.mark.parametrize(("status", "kind"), [(500, NotNow), (429, NotNow), (400, Never), (302, Never)])
async def test_a_gateway_that_does_not_take_it_does_so_for_now_or_for_ever(status: int, kind: type[Exception]) -> None:
    async with listening(Web(status)) as port:
        gateway = Gateway("sms", f"http://127.0.0.1:{port}/", SECRET)
        with pytest.raises(kind):
            await gateway.check()
        await gateway.close()


async def test_a_mail_is_refused_for_good_or_waits_or_goes() -> None:
    mails = Mails()
    async with listening(mails) as port:
        mail = Email("email", f"smtp://127.0.0.1:{port}", "hub@bureau.example")
        letters = [message(f"{who}@example.org") for who in ("r1", "nobody", "later")]
        assert await mail.hand(letters) == ["handed", "wrong_number", "waiting"]
    assert len(mails.texts) == 1
    assert "Message-ID: <a1@bureau.example>" in mails.texts[0]
    with pytest.raises(NotNow):
        await mail.check()


def test_a_text_cannot_begin_a_header() -> None:
    mail = letter(message("r1@example.org")._replace(text="预警\r\nBcc: all@example.org"), "hub@bureau.example")
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]


async def test_a_webhook_is_signed_and_follows_nobody() -> None:
    for status, outcome in ((204, "handed"), (302, "failed"), (404, "failed"), (503, "waiting")):
        web = Web(status)
        async with listening(web) as port:
            webhook = Webhook("webhook", SECRET, ["127.0.0.1"])
            assert await webhook.hand([message(f"http://127.0.0.1:{port}/hook?a=1")]) == [outcome]
            await webhook.close()
        headers, body = web.posted[0]
        assert headers["webhook-id"] == "a1"
        assert verifies(SECRET, headers, body, float(headers["webhook-timestamp"]))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://169.254.169.254/",
        "https://0x7f000001/", "https://localhost/", "https://[::ffff:10.0.0.1]/", "https://1.1.1.1:x/", "file:///etc",
        "ftp://1.1.1.1/", "",
    ],
)  # fmt: skip
async def test_a_webhook_goes_to_no_private_address(address: str) -> None:
    webhook = Webhook("webhook", SECRET)
    assert await webhook.hand([message(address)]) == ["wrong_number"]
    await webhook.close()


def test_public_addresses() -> None:
    assert [public(n) for n in ("1.1.1.1", "2606:4700::1111", "100.64.0.1", "224.0.0.1", "0.0.0.0")] == [
        True, True, False, False, False
    ]  # fmt: skip


async def test_chats_are_those_of_services_alone() -> None:
    assert await Chat("apprise").hand([message("json://127.0.0.1/"), message("file:///x")]) == ["wrong_number"] * 2


async def test_the_file_outbox_has_a_line_for_each(tmp_path: Path) -> None:
    outbox = FileOutbox("sms", tmp_path / "outbox")
    await outbox.check()
    await outbox.hand([message("1"), message("2")])
    lines = (tmp_path / "outbox" / "sms.ndjson").read_text().splitlines()
    assert [json.loads(line)["to"] for line in lines] == ["1", "2"]


def test_a_signature_of_any_characters_is_no_signature() -> None:
    now = 1_800_000_000.0
    good = signature("s", "1", str(int(now)), b"{}")
    told = {"webhook-id": "1", "webhook-timestamp": str(int(now)), "webhook-signature": f"v1,é {good}"}
    assert verifies("s", told, b"{}", now)
    assert not verifies("", told, b"{}", now)
    for wrong in ({"webhook-signature": "v1,é"}, {"webhook-timestamp": "²"}, {"webhook-timestamp": "9" * 5000}):
        assert not verifies("s", told | wrong, b"{}", now)
