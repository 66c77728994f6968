"""How the door is documented in OpenAPI: examples and answers."""

from __future__ import annotations

from typing import Any

from services.ingest.problem import CODES

_EVENT = {
    "specversion": "1.0",
    "id": "0191d5a4-7c00-7abc-8def-0123456789ab",
    "source": "/safety/bureau/inspections",
    "type": "hazard.found",
    "subject": "YH-2023-0117",
    "time": "2023-06-30T08:00:00+08:00",
    "region": "320111",
    "data": {"hazard_id": "YH-2023-0117", "level": "general", "mode": "joint"},
}
_ACCEPTED = {"accepted": [{"index": 0, "id": _EVENT["id"], "source": _EVENT["source"]}], "problems": []}
_PROBLEM = {
    "type": "about:blank",
    "title": "Not valid",
    "status": 422,
    "detail": "nothing was accepted: see problems; ?partial=true takes the valid events",
    "problems": [
        {"index": 0, "id": _EVENT["id"], "field": "time", "code": "time_format",
         "reason": "must be RFC 3339 with an offset, like 2023-06-30T08:00:00+08:00"}
    ],
}  # fmt: skip

_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time"],
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 256},
        "source": {"type": "string", "minLength": 1, "maxLength": 512},
        "type": {"type": "string", "minLength": 1, "maxLength": 128},
        "time": {"type": "string", "format": "date-time"},
        "subject": {"type": "string", "minLength": 1, "maxLength": 1024},
        "region": {"type": "string", "maxLength": 64},
        "status": {"enum": ["actual", "exercise", "test"]},
        "drill": {"type": "string", "maxLength": 256},
        "lane": {"enum": ["history"]},
        "corrects": {"type": "string", "maxLength": 256},
        "correctssource": {"type": "string", "maxLength": 512},
        "datacontenttype": {"type": "string"},
        "data": {"type": "object"},
    },
    "additionalProperties": {"type": ["string", "integer", "boolean"]},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "problems"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "limit": {"type": "integer"},
        "problem_count": {"type": "integer", "description": "when more than the 1,000 listed"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": ["string", "null"]},
                    "field": {"type": "string"},
                    "reason": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}
_ACCEPTED_SCHEMA = {
    "type": "object",
    "required": ["accepted", "problems"],
    "properties": {
        "accepted": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "id", "source"],
                "properties": {
                    "index": {"type": "integer"},
                    "id": {"type": "string"},
                    "source": {"type": "string"},
                },
            },
        },
        "problems": _PROBLEM_SCHEMA["properties"]["problems"],  # type: ignore[index]
    },
}


def problem_answer(about: str, example: Any = None) -> dict[str, Any]:
    """A row of `responses`: an RFC 9457 answer."""
    content: dict[str, Any] = {"schema": _PROBLEM_SCHEMA}
    return {
        "description": about,
        "content": {"application/problem+json": content | ({"example": example} if example else {})},
    }


def _codes(status: int) -> str:
    return "; ".join(f"`{code}` {about}" for code, (s, about) in CODES.items() if s == status)


EVENTS_DOCS: dict[str, Any] = {
    "summary": "Publish events",
    "description": (
        "CloudEvents 1.0: structured, binary (`ce-…` headers) and batched mode, and NDJSON (one event a line). "
        "202 means: on disk at the broker. All or nothing; with `?partial=true` the valid events are taken and both "
        "lists come back. When several kinds of problem meet, the status is the first of 400, 403, 413, 422; "
        "`problems` lists all. `application/json` is taken as structured or batched when it carries `specversion`. "
        "The same `source` and `id` again changes nothing, so send again after a 503."
    ),
    "responses": {
        202: {
            "description": "On disk at the broker",
            "content": {"application/json": {"schema": _ACCEPTED_SCHEMA, "example": _ACCEPTED}},
        },
        400: problem_answer(f"Not parseable: {_codes(400)}"),
        401: problem_answer("No key, or one that is revoked"),
        403: problem_answer(f"Not allowed: {_codes(403)}"),
        408: problem_answer("The body has not arrived in 30 seconds"),
        413: problem_answer("Over a limit, which is named: event 256 KB, body 8 MB, batch 5,000, NDJSON 10,000 lines"),
        415: problem_answer("A content type, charset or encoding that the hub does not read"),
        422: problem_answer(f"Not valid: {_codes(422)}; and codes of data fields", _PROBLEM),
        429: problem_answer("More events per second than the key may send; see Retry-After"),
        503: problem_answer("Not known whether accepted: send again with the same ids after Retry-After seconds"),
    },
    "openapi_extra": {
        "security": [{"key": []}],
        "parameters": [
            {"name": "partial", "in": "query", "schema": {"type": "boolean"}, "description": "take the valid events"}
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {"schema": _EVENT_SCHEMA, "example": _EVENT},
                "application/cloudevents-batch+json": {
                    "schema": {"type": "array", "maxItems": 5000, "items": _EVENT_SCHEMA},
                    "example": [_EVENT],
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
                "application/json": {
                    "schema": {"type": "object"},
                    "example": _EVENT["data"],
                },
            },
        },
    },
}
TYPES_DOCS: dict[str, Any] = {
    "summary": "The register of event types",
    "responses": {200: {"description": "Every type: Chinese name, subject fields, origins, topic"}},
}
TYPE_DOCS: dict[str, Any] = {
    "summary": "One event type with JSON Schema and example",
    "responses": {
        200: {"description": "The type, the JSON Schema of its data, and an example"},
        404: problem_answer("No such type; names like it"),
    },
}
