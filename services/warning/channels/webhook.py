"""Webhook: one signed POST (Standard Webhooks) per letter, to the address of a person or an organisation.

The address stands among the contacts, so it is not trusted: only https, no private address unless the settings name its
host, no redirect, and the connection goes to the very address that was judged.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
from collections.abc import Collection, Sequence
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec

from services.warning.channels.channel import Message, NotNow
from services.warning.channels.gateway import shown, signature

SECONDS = 10.0
LATER = frozenset([408, 425, 429])


class Refused(Exception):
    """An address that is not called."""


class Webhook:
    """Posts letters, several at once."""

    batch = 20

    def __init__(self, name: str, secret: str, private: Collection[str] = ()) -> None:
        self.name = name
        self._secret, self._private = secret, frozenset(private)
        self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False)

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Hand letters over; see `Channel`. Each receiver answers for itself."""
        return list(await asyncio.gather(*map(self._post, messages)))

    async def check(self) -> None:
        """There is nothing between us and the receivers."""

    async def _post(self, message: Message) -> str:
        body = msgspec.json.encode({"type": "message", "timestamp": message.at, "data": shown(message)})
        at = str(int(datetime.datetime.now(datetime.UTC).timestamp()))
        try:
            url, host = await self._judged(urlsplit(message.to))
            headers = {
                "host": host, "content-type": "application/json", "webhook-id": message.id, "webhook-timestamp": at,
                "webhook-signature": signature(self._secret, message.id, at, body),
            }  # fmt: skip
            extensions = {"sni_hostname": urlsplit(message.to).hostname}
            async with self._client.stream("POST", url, content=body, headers=headers, extensions=extensions) as answer:
                return _outcome(answer.status_code)
        except (Refused, ValueError):
            return "wrong_number"
        except (NotNow, httpx.HTTPError):
            return "waiting"

    async def _judged(self, url: SplitResult) -> tuple[str, str]:
        """The URL by number, and the host it is for. Raises Refused, NotNow."""
        host = url.hostname or ""
        own = host in self._private
        if not host or url.scheme not in (("http", "https") if own else ("https",)):
            raise Refused("https, and a host")
        port = url.port or (443 if url.scheme == "https" else 80)
        number = await _number(host, port, own)
        shown_number = f"[{number}]" if ":" in number else number
        query = f"?{url.query}" if url.query else ""
        return f"{url.scheme}://{shown_number}:{port}{url.path or '/'}{query}", url.netloc.rpartition("@")[2]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _number(host: str, port: int, own: bool) -> str:
    """The address of a host; all that it has must be public ones. Raises Refused, NotNow."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotNow(f"{host}: {error}") from error
    numbers = [str(row[4][0]) for row in found]
    if not own and not all(public(number) for number in numbers):
        raise Refused(f"{host} is a private address; HUB_WEBHOOK_PRIVATE may name it")
    return numbers[0]


def public(number: str) -> bool:
    """Whether anybody on the internet could mean it: no loopback, private, link-local or multicast address."""
    address = ipaddress.ip_address(number.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)


def _outcome(status: int) -> str:
    if status in LATER or status >= 500:
        return "waiting"
    return "handed" if status < 300 else "failed"
