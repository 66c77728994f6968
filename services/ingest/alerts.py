"""The hub's own alerts over HTTP: `POST /alertmanager` takes what Alertmanager sends in, through the same door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest import binding
from services.ingest.api import BODY_SECONDS, Desk
from services.ingest.formats import alertmanager
from services.ingest.problem import Problem
from services.ingest.words import problem_answer
from services.runtime import web
from services.runtime.access import ANY

MAX_BODY = web.MIB
SOURCE = "/alertmanager"
"""Of a key that is bound to no prefix."""


def router(desk: Desk) -> APIRouter:
    """The route of alerts."""
    routes = APIRouter()

    async def answer(request: Request, take: Callable[[int], None]) -> Response:
        key = desk.access.authenticate(request.headers.get("authorization"))
        if key is None:
            raise web.unauthorized()
        body = await web.read_body(request, MAX_BODY, BODY_SECONDS, take)
        source = next((prefix.rstrip("/") for prefix in key.scope.sources if prefix != ANY), SOURCE)
        try:
            events = alertmanager.read(body, source)
        except alertmanager.Unreadable as error:
            raise web.Refusal(400, str(error), [Problem(0, None, "", str(error), "not_json")]) from error
        sent = [binding.one(at, msgspec.json.encode(event)) for at, event in enumerate(events)]
        return await desk.take(sent, key, partial=False)

    @routes.post("/alertmanager", status_code=202, tags=["events"], **DOCS)
    async def post_alerts(request: Request) -> Response:
        return await desk.counted(request, answer)

    return routes


DOCS: dict[str, Any] = {
    "summary": "Publish what Alertmanager sends (webhook): alarms raised and closed",
    "description": (
        "The source is the key's prefix. An alert is one alarm from its beginning to its end; a notification that is "
        "repeated changes nothing. Alertmanager sends again after 503."
    ),
    "responses": {
        202: {"description": "On disk at the broker"},
        400: problem_answer("Not what Alertmanager sends"),
        401: problem_answer("No key, or one that is revoked"),
        403: problem_answer("Not allowed: source, type, region, status or right"),
        413: problem_answer("More than 1 MB"),
        503: problem_answer("Not confirmed by Kafka: send again"),
    },
    "openapi_extra": {
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    },
}
