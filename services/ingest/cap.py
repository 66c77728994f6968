"""Warnings over HTTP: `POST /cap` takes CAP 1.2, 国突 XML or a weather service's JSON in, through the same door.

While the broker is away the answer is 503 and the records wait in the spool: a sender that does not come again is not
lost, and one that does sends the same ids.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec.structs import replace

from services.contracts.alert import model, reading, weather
from services.contracts.alert.meaning import TYPE, Meaning, meaning
from services.contracts.alert.model import Alert, Info, Malformed
from services.contracts.alert.place import Ground
from services.ingest import binding
from services.ingest.api import BODY_SECONDS, Desk
from services.ingest.binding import MAX_EVENT
from services.ingest.door import Admitted
from services.ingest.problem import Problem, status_of
from services.ingest.spool import Full, Kept, Spool
from services.ingest.words import problem_answer
from services.runtime import log, web
from services.runtime.access import ANY, Key
from services.runtime.issuers import Issuers

MAX_BODY = 512 * 1024
SMALL = 32 * 1024
"""A larger body is read in a thread: about 10 ms of pure computing."""
ROOM = 4096
"""Bytes of an event that the hub adds to what came."""
LONG = 2_000
"""Characters of a text that stay when a message does not fit into an event."""
ATTRIBUTES = ("lane", "drill")
"""What a query parameter gives to the events."""
_logger = log.get("cap")


class Taken(msgspec.Struct, frozen=True):
    """One warning: its event, and its chain (None: an Ack or Error)."""

    id: str
    source: str
    chain: str | None


class CapDesk:
    """Takes warnings in, by the desk that takes events in."""

    def __init__(self, desk: Desk, ground: Ground, issuers: Issuers, spool: Spool) -> None:
        self.desk = desk
        self.ground = ground
        self.issuers = issuers
        self.spool = spool
        desk.meters.spool_waiting.set_function(lambda: len(spool))

    async def post(self, request: Request) -> Response:
        """Answer `POST /cap`."""
        return await self.desk.counted(request, self._answer)

    async def _answer(self, request: Request, take: Callable[[int], None]) -> Response:
        key = self.desk.access.authenticate(request.headers.get("authorization"))
        if key is None:
            raise web.unauthorized()
        shape = _shape(request)
        body = await web.read_body(request, MAX_BODY, BODY_SECONDS, take)
        given = {name: request.query_params[name] for name in ATTRIBUTES if request.query_params.get(name)}
        if len(body) > SMALL or self.ground.map:
            events, taken = await asyncio.to_thread(self._events, body, shape, _prefix(key), given)
        else:
            events, taken = self._events(body, shape, _prefix(key), given)
        self.desk.rate.take(key, len(events))
        await self._publish(self._admit(events, key), taken, key, _mark(events))
        more = {"items": taken} if len(taken) > 1 else {}
        return web.json_answer(msgspec.to_builtins(taken[0]) | more, 202)

    def _events(
        self, body: bytes, shape: str, prefix: str, given: dict[str, str]
    ) -> tuple[list[dict[str, Any]], list[Taken]]:
        """The events of a body, and what is answered about them."""
        events, taken = list[dict[str, Any]](), list[Taken]()
        for alert, raw in _read(body, shape):
            severity = self.issuers.of(alert.sender_code, alert.sender).severity
            means = meaning(alert, self.ground, severity)
            events.append(_event(means, raw, prefix, given, shape))
            taken.append(Taken(means.id, events[-1]["source"], means.chain))
        return events, taken

    def _admit(self, events: list[dict[str, Any]], key: Key) -> list[Admitted]:
        """The records, all or nothing."""
        admitted, rejected = list[Admitted](), list[tuple[Any, list[Problem]]]()
        for at, event in enumerate(events):
            # As JSON and back: the door judges what any publisher could have sent.
            judged = self.desk.door.admit(binding.one(at, msgspec.json.encode(event)), key, self.desk.stamp.next())
            if isinstance(judged, Admitted):
                admitted.append(judged)
            else:
                rejected.append((event, judged))
        if not rejected:
            return admitted
        self.desk.meters.events("rejected", (TYPE for _ in rejected))
        self.desk.rejections.tell(key.name, self.desk.stamp.next(), rejected)
        problems = [problem for _, judged in rejected for problem in judged]
        raise web.Refusal(status_of(problems), "the warning was not accepted: see problems", problems)

    async def _publish(self, admitted: list[Admitted], taken: list[Taken], key: Key, mark: str) -> None:
        """Publish behind what waits already. Raises 503, with the records kept on disk, while Kafka is away."""
        if len(self.spool) == 0 or await self.spool.drain():
            try:
                await self.desk.publish(admitted)
            except web.Refusal as refusal:
                if refusal.status_code != 503:
                    raise
            else:
                return
        chains = tuple(one.chain for one in taken)
        kept = Kept(self.desk.stamp.next(), key.name, mark, chains, tuple(admitted))
        try:
            await self.spool.keep(kept)
        except Full:
            raise web.not_now("Kafka is away and the spool is full: not kept, send again", 5) from None
        except OSError as error:
            _logger.exception("cap.not_kept")
            raise web.not_now("Kafka is away and the disk takes nothing: not kept, send again", 5) from error
        detail = "Kafka is away: kept on disk and published by itself later; sending it again changes nothing"
        first = msgspec.to_builtins(taken[0])
        raise web.Refusal(503, detail, headers={"Retry-After": "5"}, kept=True, **first)


def router(cap: CapDesk) -> APIRouter:
    """The routes of warnings."""
    routes = APIRouter()

    @routes.post("/cap", status_code=202, tags=["warnings"], **CAP_DOCS)
    async def post_cap(request: Request) -> Response:
        return await cap.post(request)

    @routes.get("/spool", tags=["warnings"], **SPOOL_DOCS)
    async def show_spool(who: web.Reader) -> Response:  # noqa: ARG001  only readers may look
        return web.json_answer({"items": cap.spool.waiting(), "next": None})

    return routes


def _shape(request: Request) -> str:
    """The name of the JSON's shape; empty: XML. Raises 415 or 422."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise web.Refusal(415, f"content encoding {encoding[:40]}: send the body as it is")
    media, _ = binding.media_type(request.headers.get("content-type", ""))
    shape = request.query_params.get("shape", "")
    if shape and shape not in weather.SHAPES:
        raise web.Refusal(422, f"no shape {shape[:40]}: one of {', '.join(weather.SHAPES)}")
    if media == "multipart/form-data" or (not shape and media.endswith("json")):
        raise web.Refusal(415, f"content type {media}: send XML itself, or JSON with ?shape={'|'.join(weather.SHAPES)}")
    return shape


def _read(body: bytes, shape: str) -> list[tuple[Alert, bytes]]:
    """The warnings of a body, each with its bytes. Raises 400, 413 or 422 with every flaw."""
    try:
        return weather.parse(body, shape) if shape else [(reading.parse(body), body)]
    except Malformed as error:
        problems = [Problem(0, None, flaw.path[:200], flaw.reason[:500], flaw.code) for flaw in error.flaws[:100]]
        detail = "the warning was not accepted: see problems"
        raise web.Refusal(status_of(problems), detail, problems) from error


def _prefix(key: Key) -> str:
    first = next((prefix for prefix in key.scope.sources if prefix != ANY), "")
    return first.rstrip("/")


def _mark(events: list[dict[str, Any]]) -> str:
    """Stands for what was sent."""
    return hashlib.sha256(msgspec.json.encode(events)).hexdigest()


def _event(means: Meaning, raw: bytes, prefix: str, given: dict[str, str], shape: str) -> dict[str, Any]:
    """The CloudEvent of a warning, as any publisher could have sent it."""
    packed = {"deflate": base64.b64encode(zlib.compress(raw, 9)).decode()}
    data = {
        **means.data,
        "via": weather.SHAPES[shape].via if shape else "push",
        "raw_digest": f"sha256-{hashlib.sha256(raw).hexdigest()}",
        "raw": packed,
    }
    event = {
        "specversion": "1.0", "id": means.id, "source": f"{prefix}/{means.sender}", "type": TYPE,
        "subject": means.subject, "time": means.time, "region": means.region, "status": means.status,
        "drill": means.drill, **given, "data": data,
    }  # fmt: skip
    return _fitted({name: value for name, value in event.items() if value != ""})


def _fitted(event: dict[str, Any]) -> dict[str, Any]:
    """An event within 256 KB: of a large message the bytes stay, which say all; at worst the model with texts cut."""
    data = event["data"]
    if _size(event) <= MAX_EVENT - ROOM:
        return event
    bytes_only = {name: value for name, value in data.items() if name != "alert"}
    if _size(fitted := {**event, "data": bytes_only}) <= MAX_EVENT - ROOM:
        return fitted
    cut = model.to_object(_cut(model.from_object(data["alert"])))
    flaws = [*data.get("flaws", ()), "size: does not fit into an event; long texts and attachments were cut"]
    short = {name: value[:LONG] if isinstance(value, str) else value for name, value in bytes_only.items()}
    return {**event, "data": {**{n: v for n, v in short.items() if n != "raw"}, "alert": cut, "flaws": flaws}}


def _cut(alert: Alert) -> Alert:
    """A message without attachments and extensions, its texts cut."""
    info = tuple(_cut_info(one) for one in alert.info[:10])
    method = tuple(replace(one, message=one.message[:LONG]) for one in alert.method[:10])
    return replace(alert, info=info, method=method, extension=())


def _cut_info(info: Info) -> Info:
    return replace(
        info,
        description=info.description[:LONG],
        instruction=info.instruction[:LONG],
        extension=(),
        resource=tuple(replace(one, deref_uri="") for one in info.resource[:50]),
        area=tuple(replace(one, polygon=(), extension=()) for one in info.area[:500]),
    )


def _size(event: dict[str, Any]) -> int:
    return len(msgspec.json.encode(event))


CAP_DOCS: dict[str, Any] = {
    "summary": "Publish a warning: CAP 1.2, 国突 XML, or a weather service's JSON",
    "description": (
        "XML is told apart by its content: `alert` in the namespace of CAP 1.2, or in none (国突). JSON needs "
        "`?shape=`. The source is the key's prefix, `/` and the sender; the chain is the sender's code and the "
        "identifier of the earliest message referred to; Ack and Error are kept and have no chain. Areas outside the "
        "bureau are kept, shown and call nobody. A warning is never refused for its clock. While the broker is away "
        "the answer is 503 with `kept: true`: the warning lies on disk and is published by itself later."
    ),
    "responses": {
        202: {"description": "On disk at the broker: id, source and chain; of several warnings all in `items`"},
        400: problem_answer("Not well-formed XML or JSON, or XML with a DOCTYPE"),
        401: problem_answer("No key, or one that is revoked"),
        403: problem_answer("Not allowed: source, type, region, status or right"),
        408: problem_answer("The body has not arrived in 30 seconds"),
        413: problem_answer("More than 512 KB"),
        415: problem_answer("A content type or encoding that is no warning"),
        422: problem_answer("Not a warning of its format: every problem with its element"),
        429: problem_answer("More warnings per second than the key may send"),
        503: problem_answer("The broker is away: kept on disk when `kept` is true, else send again"),
    },
    "openapi_extra": {
        "security": [{"key": []}],
        "parameters": [
            {
                "name": "shape",
                "in": "query",
                "schema": {"enum": list(weather.SHAPES)},
                "description": "whose JSON it is",
            },
            {"name": "drill", "in": "query", "schema": {"type": "string"}, "description": "the drill it belongs to"},
            {"name": "lane", "in": "query", "schema": {"enum": ["history"]}, "description": "counted, nobody is told"},
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/cap+xml": {"schema": {"type": "string"}},
                "application/xml": {"schema": {"type": "string"}},
                "application/json": {"schema": {"type": "object"}},
            },
        },
    },
}
SPOOL_DOCS: dict[str, Any] = {
    "summary": "Warnings that wait on disk for the broker",
    "responses": {
        200: {"description": "Oldest first: id, source, chain, received, publisher, bytes and why it waits"},
        401: problem_answer("No key or session"),
        403: problem_answer("A key without the right `read`"),
    },
}
