"""SMS and voice: a gateway that takes lists of recipients over signed HTTP (Standard Webhooks).

`POST {messages: [{message_id, to, text, link, …}]}`; any 2xx takes all, or answers
`{"results": [{"message_id", "result"}]}`. Calls back with receipts and replies, signed with the same secret.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
from collections.abc import Sequence

import httpx
import msgspec

from services.warning.channels.channel import Message, Never, NotNow

SECONDS = 10.0
RESULTS = frozenset(["handed", "failed", "wrong_number"])
_SECONDS = re.compile(r"[0-9]{1,12}")


class Gateway:
    """One gateway over kept connections."""

    def __init__(self, name: str, url: str, secret: str, batch: int = 200) -> None:
        self.name, self.batch = name, batch
        self._url, self._secret = url, secret
        self._client = httpx.AsyncClient(timeout=SECONDS, trust_env=False, follow_redirects=False)

    async def check(self) -> None:
        """Hand over an empty list. Raises NotNow or Never."""
        await self.hand([])

    async def hand(self, messages: Sequence[Message]) -> list[str]:
        """Hand letters over; see `Channel`."""
        body = msgspec.json.encode({"channel": self.name, "messages": [shown(m) for m in messages]})
        at = str(int(datetime.datetime.now(datetime.UTC).timestamp()))
        id_ = hashlib.sha256("".join(m.id for m in messages).encode() or at.encode()).hexdigest()[:32]
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": at,
            "webhook-signature": signature(self._secret, id_, at, body),
        }
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise NotNow(repr(error)) from error
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise NotNow(f"{self.name}: {answer.status_code}")
        if not answer.is_success:
            raise Never(f"{self.name}: {answer.status_code} {answer.text[:200]}")
        return _results(answer, messages)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def shown(message: Message) -> dict[str, str]:
    """A message on the wire."""
    return {"message_id": message.id, **{k: v for k, v in message._asdict().items() if k != "id"}}


def _results(answer: httpx.Response, messages: Sequence[Message]) -> list[str]:
    try:
        told = {r["message_id"]: r["result"] for r in answer.json()["results"]}
    except (ValueError, KeyError, TypeError):
        told = {}
    return [told[m.id] if told.get(m.id) in RESULTS else "handed" for m in messages]


def signature(secret: str, id_: str, at: str, body: bytes) -> str:
    """The header `webhook-signature` of Standard Webhooks, one signature for each secret (`new,old` while one is being
    replaced): whoever knows one of them finds his."""
    return " ".join(_signed(one, id_, at, body) for one in secret.split(","))


def _signed(secret: str, id_: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    mac = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def verifies(secret: str, headers: dict[str, str], body: bytes, now: float, tolerance: float = 300.0) -> bool:
    """Whether a call-back is signed with the secret, and its timestamp (seconds) is not older than the tolerance."""
    id_, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (secret and _SECONDS.fullmatch(at) and abs(now - int(at)) <= tolerance):
        return False
    expected = signature(secret, id_, at, body).encode().split(b" ")
    given = headers.get("webhook-signature", "").encode().split(b" ")  # of texts only ASCII ones can be compared
    return any(hmac.compare_digest(one, mine) for one in given for mine in expected)
