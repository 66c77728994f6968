"""Call-backs of gateways: receipts of messages, replies of people. Each becomes an event; the watch draws from it."""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts import codes, identity
from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.runtime import web
from services.runtime.kafka import Record
from services.warning import reply, said
from services.warning.callout.record import test_of
from services.warning.channels.gateway import verifies
from services.warning.commands import HEADERS
from services.warning.matter import Say
from services.warning.meters import Meters
from services.warning.reply import Called

if TYPE_CHECKING:
    from services.warning.api import Desk

VIA = {"sms": "sms", "voice": "key"}
"""Channel → how an answer came; any other channel: by a link or a text, so `sms`."""
LOGGED = {"voice": "语音按键"}
TESTED_WITHIN = datetime.timedelta(hours=24)
"""So long after the test of a contact a reply is about it, when no callout is open."""
MOST = 1000
"""Receipts in one call at most."""
ZH = {"lifted": "已解除", "superseded": "已被取代", "exhausted": "叫应已结束", "answered": "已应答"}
Found = Mapping[uuid.UUID, Mapping[str, Any]]


class Callbacks:
    """Takes what gateways call back with."""

    def __init__(self, desk: Desk, meters: Meters) -> None:
        self.desk, self.meters = desk, meters

    # --- receipts -------------------------------------------------------------------------------------------------

    async def receipt(self, channel: str, request: Request) -> Response:
        """`{message_id, to, result, at}`, or a list of them. Raises 401, 404, 422."""
        sent = self._sent(request, await request.body())
        receipts = sent if isinstance(sent, list) else [sent]
        if problems := list(_problems(receipts)):
            raise web.Refusal(422, "see problems", problems)
        async with self.desk.taken() as connection:
            rows = await connection.fetch(LETTERS, [uuid.UUID(r["message_id"]) for r in receipts], channel)
        found: Found = {row["id"]: dict(row) for row in rows}
        outcomes = [_outcome(r, found) for r in receipts]
        for outcome, times in Counter(outcomes).items():
            self.meters.receipts.labels(outcome).inc(times)
        now = self.desk.now()
        fresh = [r for r, outcome in zip(receipts, outcomes, strict=True) if outcome == "taken"]
        if fresh:
            pairs = [(r, found[uuid.UUID(r["message_id"])]) for r in fresh]
            await self.desk.say(*(one for r, letter in pairs for one in self._attempted(r, letter, now)))
        if set(outcomes) == {"unknown"}:
            raise web.Refusal(404, f"no message of channel {channel[:64]} has this message_id")
        return web.json_answer({"outcome": outcomes[0], "outcomes": outcomes})

    def _attempted(
        self, receipt: Mapping[str, Any], letter: Mapping[str, Any], now: datetime.datetime
    ) -> Iterator[Record]:
        content = {
            "callout_id": letter["callout"] or None, "post": letter["post"], "channel": letter["channel"],
            "attempt_no": max(1, letter["tries"]), "result": receipt["result"], "message_id": str(letter["id"]),
        }  # fmt: skip
        at = reply.moment(receipt.get("at"), letter["made"], now)
        say = Say("receipt", "callout.attempted", content, at, self.desk.bureau.region)
        id_ = reply.id_of("receipt", str(letter["id"]), receipt["result"])
        yield event(say, id_, letter["scope"], now)
        if tested := test_of(letter, receipt["result"], at, self.desk.bureau.region):
            yield event(tested, reply.id_of("tested", id_), letter["scope"], now)

    # --- replies --------------------------------------------------------------------------------------------------

    async def reply(self, channel: str, request: Request) -> Response:
        """`{from, text, at, message_id}`: answers the open callouts of this number, or stands in the log.

        With the `message_id` of the call or text that it replies to, those of its chain. Raises 401, 422.
        """
        body = await request.body()
        sent = self._sent(request, body)
        number, text = sent.get("from"), sent.get("text")
        if not (isinstance(number, str) and number.strip() and isinstance(text, str)):
            raise web.Refusal(422, "send {from, text, at}: a number, and what was written or pressed")
        said_at = str(sent.get("at") or request.headers.get("webhook-id") or self.desk.now().isoformat())
        base = reply.id_of("reply", channel, number, text, said_at)
        answer = reply.meaning(text)
        async with self.desk.taken() as connection:
            if await connection.fetchval(HANDLED, uuid.UUID(bytes=identity.key(said.SOURCE, base))):
                return self._replied("duplicate", [])
            rows = await connection.fetch(CALLED, reply.numbers(number))
            asked = await connection.fetchrow(ASKED, id_) if (id_ := _message_id(sent)) else None
            called = reply.answered([Called(*row) for row in rows], tuple(asked) if asked else None)
            tested = None
            if answer == "received" and all(one.closed for one in called):
                tested = await connection.fetchrow(TESTED, reply.numbers(number), self.desk.now() - TESTED_WITHIN)
        if tested:
            return await self._works(dict(tested), base)
        if answer is None or not called:
            return await self._log(channel, sent, base, called)
        return await self._answer(channel, sent, base, answer, called)

    async def _answer(
        self, channel: str, sent: Mapping[str, Any], base: str, answer: str, called: Sequence[Called]
    ) -> Response:
        now = self.desk.now()
        records = []
        for n, one in enumerate(called):
            content = {
                "callout_id": one.callout, "post": one.post, "person_id": one.person or None,
                "via": VIA.get(channel, "sms"), "answer": answer, "text": sent["text"][:500] or None,
            }  # fmt: skip
            say = Say("answer", "callout.answered", content, reply.moment(sent.get("at"), one.made, now), one.region)
            records.append(event(say, reply.id_of(base, str(n)) if n else base, one.scope, now))
        await self.desk.say(*records)
        over = next((one.state for one in called if one.closed), "")
        return self._replied("over" if over else "answered", called, ZH.get(over, over))

    async def _works(self, letter: Mapping[str, Any], base: str) -> Response:
        """Somebody has answered the test of a contact."""
        now = self.desk.now()
        if say := test_of(letter, "answered", now, self.desk.bureau.region):
            await self.desk.say(event(say, base, letter["scope"], now))
        return self._replied("tested", [])

    async def _log(self, channel: str, sent: Mapping[str, Any], base: str, called: Sequence[Called]) -> Response:
        """What no callout waits for, or nobody but a person can read, stands in the log of the desk."""
        now = self.desk.now()
        about = called[0] if called else None
        content = {
            "shift_id": "desk", "kind": LOGGED.get(channel, "短信回复"), "text": sent["text"][:500] or "(空)",
            "caller": sent["from"][:64], "refers_to": about.chain or about.callout if about else None,
        }  # fmt: skip
        say = Say("log", "duty.logged", content, now, about.region if about else self.desk.bureau.region)
        await self.desk.say(event(say, base, about.scope if about else "actual", now))
        return self._replied("logged" if about else "unknown_number", [])

    def _replied(self, outcome: str, called: Sequence[Called], note: str = "") -> Response:
        self.meters.replies.labels(outcome).inc()
        return web.json_answer({"outcome": outcome, "callouts": [one.callout for one in called], "note": note or None})

    # --- who calls back -------------------------------------------------------------------------------------------

    def _sent(self, request: Request, body: bytes) -> Any:
        """The body, if it is signed. Raises 401, 400."""
        settings = self.desk.settings
        secret = settings.gateway_secret.get_secret_value()
        open_ = settings.environment == "test" and not secret
        real = datetime.datetime.now(datetime.UTC).timestamp()
        if not open_ and not verifies(secret, dict(request.headers), body, real):
            self.meters.receipts.labels("forged").inc()
            raise web.Refusal(401, "sign with Standard Webhooks and HUB_GATEWAY_SECRET, not older than 5 minutes")
        try:
            sent = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise web.Refusal(400, f"not JSON: {error}") from error
        if not isinstance(sent, dict) and "receipts" not in request.url.path:
            raise web.Refusal(400, "send a JSON object")
        return sent


def event(say: Say, id_: str, scope: str, now: datetime.datetime) -> Record:
    """What is said outside a turn, on its way to Kafka."""
    record = said.record(say, id_=id_, scope=scope, region=say.region, now=now)
    row = said.row(record, say.type, subject_of(TYPES[say.type], say.data) or "")
    return Record(row.topic, row.key, row.value, HEADERS, row.partition)


def _problems(receipts: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """What is wrong with receipts, as the `problems` of a 422."""
    if not 0 < len(receipts) <= MOST:
        yield {"index": None, "field": "", "reason": f"1 to {MOST} receipts", "code": "size"}
    for index, one in enumerate(receipts[:MOST]):
        for field, reason in _wrong(one):
            yield {"index": index, "field": field, "reason": reason, "code": "value"}


def _wrong(receipt: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(receipt, dict):
        return [("", "an object")]
    wrong = []
    if receipt.get("result") not in codes.ATTEMPT_RESULT.values:
        wrong.append(("result", f"one of {', '.join(codes.ATTEMPT_RESULT.values)}"))
    try:
        uuid.UUID(str(receipt.get("message_id")))
    except ValueError:
        wrong.append(("message_id", "the id under which the message was handed over"))
    return wrong


def _message_id(sent: Mapping[str, Any]) -> uuid.UUID | None:
    """Of what a reply answers; a gateway need not know it."""
    try:
        return uuid.UUID(str(sent.get("message_id")))
    except ValueError:
        return None


def _outcome(receipt: Mapping[str, Any], found: Found) -> str:
    """taken, duplicate (it is known) or unknown."""
    letter = found.get(uuid.UUID(receipt["message_id"]))
    if letter is None:
        return "unknown"
    known = (letter["state"], letter["result"])
    return "duplicate" if receipt["result"] in known or letter["state"] == "delivered" else "taken"


LETTERS = """
SELECT id, kind, scope, matter, callout, post, channel, state, result, tries, made FROM delivery
 WHERE id = ANY($1::uuid[]) AND channel = $2"""
ASKED = "SELECT scope, chain FROM delivery WHERE id = $1"
HANDLED = "SELECT true FROM handled WHERE key = $1"
TESTED = """
SELECT kind, scope, matter, channel, made FROM delivery
 WHERE address = ANY($1) AND kind = 'contact' AND made > $2 ORDER BY made DESC LIMIT 1"""
CALLED = """
SELECT d.callout, d.scope, d.chain, d.person, d.post, m.region, d.made, m.closed, m.state
  FROM (SELECT DISTINCT ON (scope, callout) callout, scope, chain, person, post, made FROM delivery
         WHERE address = ANY($1) AND callout <> '' ORDER BY scope, callout, made DESC) d
  JOIN matter m ON m.kind = 'callout' AND m.scope = d.scope AND m.key = d.callout
 ORDER BY d.made DESC, d.callout LIMIT 200"""


def add_routes(routes: APIRouter, callbacks: Callbacks) -> None:
    """The routes of gateways."""

    @routes.post("/receipts/{channel}", tags=["gateways"], summary="A gateway says what became of a message")
    async def post_receipt(channel: str, request: Request) -> Response:
        return await callbacks.receipt(channel, request)

    @routes.post("/replies/{channel}", tags=["gateways"], summary="A person has replied to a message or pressed a key")
    async def post_reply(channel: str, request: Request) -> Response:
        return await callbacks.reply(channel, request)
