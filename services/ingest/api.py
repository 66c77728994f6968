"""What the door answers: `POST /events` and the register of types."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts import frame, schema
from services.contracts.families import TYPES
from services.contracts.topics import topic_of
from services.ingest import binding, rejections
from services.ingest.binding import Sent
from services.ingest.door import TELEMETRY, Admitted, Door
from services.ingest.meters import Meters
from services.ingest.problem import Problem, status_of
from services.ingest.rejections import Rejections
from services.ingest.room import Room
from services.ingest.words import EVENTS_DOCS, TYPE_DOCS, TYPES_DOCS
from services.runtime import access, fault, log, web
from services.runtime.kafka import Record, Rejected, Unknown

MAX_BODY = 8 * web.MIB
MAX_IN_FLIGHT = 64 * web.MIB
BODY_SECONDS = 30.0
LOOK_SECONDS = 2.0
"""While Kafka is away it is looked for so often."""
MAX_PROBLEMS = 1_000
MAX_SUGGESTIONS = 20
MAX_TRACES = 20
"""Lines in the log about one request."""
URGENT = "urgent"
SLICE = 250
"""Events judged before others get their turn: about 5 ms."""
HEADERS = [("content-type", b"application/cloudevents+json")]
FRAME_HEADERS = [("content-type", b"application/json")]
_MICROSECOND = datetime.timedelta(microseconds=1)
_logger = log.get("door")


class Publisher(Protocol):
    """What the door asks of `runtime.kafka.Publisher`."""

    def publish(self, records: Sequence[Record]) -> Awaitable[None]:
        """Return when all are on disk at the broker. Raises Unknown or Rejected."""
        ...


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """One event that is on disk at the broker."""

    index: int
    id: str
    source: str


class Stamp:
    """Moments of acceptance: each later than the one before, so that corrections in one request have an order."""

    def __init__(self, clock: Callable[[], datetime.datetime]) -> None:
        self._clock = clock
        self._last = datetime.datetime.min.replace(tzinfo=datetime.UTC)

    def next(self) -> datetime.datetime:
        """The moment now, in UTC."""
        self._last = max(self._clock(), self._last + _MICROSECOND)
        return self._last


class Rate:
    """Events per second of the keys that have a limit: a bucket that holds one second, and may go into debt."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def take(self, key: access.Key, events: int) -> None:
        """Count events in. Raises 429 while the key still pays for earlier ones."""
        if key.scope.rate is None:
            return
        now = time.monotonic()
        free_at = self._free_at.get(key.id, 0.0)
        if free_at > now + 1:
            seconds = str(int(free_at - now) + 1)
            raise web.Refusal(
                429, f"this key may send {key.scope.rate:g} events per second", headers={"Retry-After": seconds}
            )
        self._free_at[key.id] = max(free_at, now) + events / key.scope.rate


class Verdict:
    """What came of the events of one request. Problems beyond the first 1,000 are only counted."""

    def __init__(self) -> None:
        self.admitted: list[Admitted] = []
        self.problems: list[Problem] = []
        self.status = 0
        self.count = 0
        self.refused: list[object] = []
        """The types of the events refused."""
        self.rejected: list[tuple[Any, list[Problem]]] = []
        """The first of them, as sent, and what is wrong with each."""

    def refuse(self, sent: Sent, problems: list[Problem]) -> None:
        """Note an event's problems."""
        self.refused.append(sent.value.get("type") if isinstance(sent.value, dict) else None)
        self.count += len(problems)
        if len(self.rejected) < rejections.EVENTS:
            self.rejected.append((sent.value, problems))
        self.problems += problems[: MAX_PROBLEMS - len(self.problems)]
        status = status_of(problems)
        self.status = min(self.status or status, status)


Answer = Callable[[Request, Callable[[int], None]], Awaitable[Response]]
"""Answers a request with events; is given what counts the bytes of its body into the budget."""


class Desk:
    """Takes the events of a request in: reads, judges, publishes, answers."""

    def __init__(
        self,
        door: Door,
        who: access.Access,
        publisher: Publisher,
        meters: Meters,
        clock: Callable[[], datetime.datetime],
        room: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.door = door
        self.room = Room(room)
        self.access = who
        self.publisher = publisher
        self.meters = meters
        self.stamp = Stamp(clock)
        self.rate = Rate()
        self.budget = web.Budget(MAX_IN_FLIGHT)
        self.kafka_state = "ok"
        self._looking: asyncio.Task[None] | None = None
        self.rejections = Rejections(publisher, meters)
        meters.bytes_in_flight.set_function(lambda: self.budget.used)
        meters.keys_age.set_function(lambda: who.age_seconds)

    async def post(self, request: Request) -> Response:
        """Answer `POST /events`."""
        return await self.counted(request, self._answer)

    async def counted(self, request: Request, answer: Answer) -> Response:
        """Answer a request with events, with its bytes in the budget until it is done, and its status counted."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            self.budget.take(size)
            taken += size

        status = 500
        try:
            response = await answer(request, take)
            status = response.status_code
        except web.Refusal as refusal:
            status = refusal.status_code
            raise
        finally:
            self.budget.give(taken)
            self.meters.requests.labels(status).inc()
        return response

    async def _answer(self, request: Request, take: Callable[[int], None]) -> Response:
        key = self.access.authenticate(request.headers.get("authorization"))
        if key is None:
            raise web.unauthorized()
        body = await web.read_body(request, MAX_BODY, BODY_SECONDS, take)
        return await self.take(_read(request, body), key, partial=_partial(request))

    async def take(self, events: list[Sent], key: access.Key, *, partial: bool) -> Response:
        """Judge and publish some events, and answer: all or nothing, unless the valid ones are asked for."""
        self.rate.take(key, len(events))
        verdict = await self._judge(events, key)
        self.meters.events("rejected", verdict.refused)
        self.rejections.tell(key.name, self.stamp.next(), verdict.rejected)
        if verdict.count and not partial:
            return self._refusal(verdict)
        await self.publish(verdict.admitted)
        accepted = [Accepted(a.index, a.id, a.source) for a in verdict.admitted]
        return web.json_answer({"accepted": accepted, **self._problems(verdict)}, 202)

    async def _judge(self, events: list[Sent], key: access.Key) -> Verdict:
        verdict = Verdict()
        for start in range(0, len(events), SLICE):
            if start:
                await asyncio.sleep(0)
            for sent in events[start : start + SLICE]:
                judged = self.door.admit(sent, key, self.stamp.next())
                if isinstance(judged, Admitted):
                    verdict.admitted.append(judged)
                else:
                    verdict.refuse(sent, judged)
        return verdict

    def _refusal(self, verdict: Verdict) -> Response:
        """All or nothing: the answer when something is wrong."""
        self.meters.events("held_back", (admitted.type for admitted in verdict.admitted))
        detail = "nothing was accepted: see problems; ?partial=true takes the valid events"
        members = self._problems(verdict)
        return web.problem(verdict.status, detail, members.pop("problems"), **members)

    def _problems(self, verdict: Verdict) -> dict[str, Any]:
        """The problems for an answer; `problem_count` when there are more than are listed."""
        more = {"problem_count": verdict.count} if verdict.count > len(verdict.problems) else {}
        unknown = [p for p in verdict.problems if p.code == "unknown_type"][:MAX_SUGGESTIONS]
        hints = {p: self.door.similar(p.reason.partition(" ")[0]) for p in unknown}
        problems = [
            msgspec.structs.replace(p, reason=p.reason + hints[p]) if hints.get(p) else p for p in verdict.problems
        ]
        return {"problems": problems, **more}

    async def publish(self, admitted: list[Admitted]) -> None:
        """Hand all to Kafka at once. Raises 503 when there is no room, or it is not sure that they are on disk."""
        if not admitted:
            return
        self.room.check({a.topic for a in admitted})
        records = records_of(admitted)
        types = [a.type for a in admitted]
        try:
            with self.meters.publish_seconds.time():
                # A client that hangs up must not cut a send in half.
                await asyncio.shield(asyncio.ensure_future(self.publisher.publish(records)))
        except Unknown as error:
            self.kafka_state = f"not confirmed: {error}"
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            self.meters.events("unknown", types)
            raise web.not_now(
                "not confirmed by Kafka: whether they are in is unknown; send again with the same ids"
            ) from error
        except Rejected as error:
            self.kafka_state = f"refused: {error}"
            self.meters.events("unknown", types)
            _logger.exception("door.rejected_by_kafka")
            raise web.not_now("Kafka refuses the records: the hub's operator must act", 60) from error
        self.kafka_state = "ok"
        self.meters.events("accepted", types)
        _trace(admitted)
        fault.at("ingest.acknowledged")

    async def _look(self) -> None:
        """Until Kafka is there again: a door that says it is not ready may be sent nobody to find out by."""
        while self.kafka_state != "ok":
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(Unknown, Rejected):
                await self.publisher.publish([])
                self.kafka_state = "ok"


def _trace(admitted: Sequence[Admitted]) -> None:
    """A line for each urgent case: where its trace begins (decision 43)."""
    cases = dict.fromkeys((a.key, a.type) for a in admitted if a.topic == URGENT)
    for key, kind in list(cases)[:MAX_TRACES]:
        _logger.info("door.accepted", trace=key.decode("utf-8", "replace"), type=kind)


def records_of(admitted: Sequence[Admitted]) -> list[Record]:
    """What goes to Kafka: a record for each event; readings of one site share one."""
    records = [Record(a.topic, a.key, a.record, HEADERS, a.partition) for a in admitted if a.topic != TELEMETRY]
    if len(records) < len(admitted):
        readings = ((a.key, a.record) for a in admitted if a.topic == TELEMETRY)
        records += (Record(TELEMETRY, site, value, FRAME_HEADERS) for site, value in frame.frames(readings))
    return records


def _read(request: Request, body: bytes) -> list[Sent]:
    encoding = request.headers.get("content-encoding", "")
    if encoding.strip().lower() not in ("", "identity"):
        raise web.Refusal(415, f"content encoding {encoding[:40]}: send the body as it is")
    try:
        return binding.read(request.headers.get("content-type", ""), request.headers.raw, body)
    except binding.Unparsable as error:
        raise web.Refusal(400, str(error), [Problem(0, None, "", str(error), "not_json")]) from error
    except binding.Unsupported as error:
        raise web.Refusal(415, str(error)) from error
    except binding.TooMany as error:
        raise web.Refusal(413, str(error), limit=error.limit) from error


def _partial(request: Request) -> bool:
    return request.query_params.get("partial", "").lower() in ("true", "1", "yes")


def router(desk: Desk) -> APIRouter:
    """The routes of the door."""
    routes = APIRouter()

    @routes.post("/events", status_code=202, tags=["events"], **EVENTS_DOCS)
    async def post_events(request: Request) -> Response:
        return await desk.post(request)

    @routes.get("/types", tags=["register"], **TYPES_DOCS)
    async def list_types() -> Response:
        return web.json_answer({"items": [_row(name) for name in TYPES], "next": None})

    @routes.get("/types/{type}", tags=["register"], **TYPE_DOCS)
    async def show_type(type: str) -> Response:  # noqa: A002  the path's own word
        if type not in TYPES:
            raise web.Refusal(404, f"{type[:128]} is not a registered type{desk.door.similar(type[:128])}")
        described = {"schema": schema.json_schema(type, desk.door.extra_codes), "example": schema.example_event(type)}
        return web.json_answer(_row(type) | described)

    return routes


def _row(name: str) -> dict[str, Any]:
    about = TYPES[name]
    return {
        "type": name,
        "zh": about.zh,
        "subject": list(about.subject),
        "origins": sorted(about.origins),
        "ahead": about.ahead,
        "topic": topic_of(about).name if name != "event.retracted" else None,
    }
