"""E-mail, by the bureau's own server (SMTP, TLS wherever the server offers it)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.warning.channels.channel import Message, NotNow

SECONDS = 10.0
SUBJECT = 60
"""Characters of the text that make the subject."""
FOR_NOW = range(400, 500)
"""RFC 5321 4.2.1: the server would take it later."""


class Email:
    """Sends letters one by one over one connection per call."""

    batch = 20

    def __init__(self, name: str, url: str, sender: str) -> None:
        self.name = name
        self._at, self._sender = urlsplit(url), sender or f"hub@{urlsplit(url).hostname}"

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Hand letters over; see `Channel`. What the server would take later waits."""
        try:
            async with self._server() as server:
                return [await self._send(server, message) for message in messages]
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            raise NotNow(f"{self.name}: {error!r}") from error

    async def check(self) -> None:
        """Log in and out. Raises NotNow."""
        await self.hand([])

    def _server(self) -> aiosmtplib.SMTP:
        at = self._at
        return aiosmtplib.SMTP(
            hostname=at.hostname, port=at.port, use_tls=at.scheme == "smtps", timeout=SECONDS,
            username=unquote(at.username) if at.username else None,
            password=unquote(at.password) if at.password else None,
        )  # fmt: skip

    async def _send(self, server: aiosmtplib.SMTP, message: Message) -> str:
        try:
            await server.send_message(letter(message, self._sender))
        except aiosmtplib.SMTPRecipientsRefused as error:
            return "waiting" if all(one.code in FOR_NOW for one in error.recipients) else "wrong_number"
        except aiosmtplib.SMTPResponseException as error:
            if error.code in FOR_NOW:
                return "waiting"
            return "failed"
        return "handed"

    async def close(self) -> None:
        """Nothing is kept open."""


def letter(message: Message, sender: str) -> EmailMessage:
    """The e-mail; handed over twice it has the same Message-ID. What could begin another header is left out."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, message.to
    mail["Subject"] = " ".join(message.text.split())[:SUBJECT]
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail
