"""How reporting is documented in OpenAPI: examples and answers."""

from __future__ import annotations

from typing import Any

Answers = dict[int | str, dict[str, Any]]

_FIGURE = {
    "key": "hazards_found",
    "value": 1286,
    "unit": "条",
    "from": "2023-01-01",
    "to": "2023-12-31",
    "region": "990111",
    "labels": {"level": "general"},
    "status": "actual",
    "events": 1286,
    "coverage": "live",
    "definition": {
        "hash": "5f0c2a4b9d1e7f63", "key": "hazards_found", "zh": "查出隐患", "unit": "条", "kind": "event",
        "of": "hazard.found", "measure": "count", "by": ["level", "mode", "campaign", "sector"], "labels": {},
        "about": "每条隐患计一次，按发现时间",
    },
    "as_of": "2024-01-05T01:00:00Z",
    "parts": [{"labels": {"month": "2023-01"}, "value": 97, "events": 97}],
    "compare": {
        "from": "2022-01-01", "to": "2022-12-31", "value": 1175, "change_pct": 9.4, "comparable": True, "reason": None,
    },
}  # fmt: skip
_PROBLEM = {
    "type": "about:blank",
    "title": "Not valid",
    "status": 422,
    "detail": "hazards_found has no label lvel: did you mean level",
    "problems": [
        {"field": "label.lvel", "reason": "hazards_found has no label lvel: did you mean level", "code": "unknown"}
    ],
}
_EVENT = {
    "specversion": "1.0", "id": "0191d5a4-7c00-7abc-8def-0123456789ab", "source": "/safety/bureau/inspections",
    "type": "hazard.found", "subject": "YH-2023-0117", "time": "2023-06-30T08:00:00+08:00", "region": "990111001",
    "status": "actual", "recordedtime": "2023-06-30T00:00:01.204311Z", "publisher": "bureau", "digest": "9c56…",
    "data": {"hazard_id": "YH-2023-0117", "level": "general", "mode": "joint"}, "in_force": True,
}  # fmt: skip
_STREAM = (
    'event: counter\ndata: {"key":"hazards_found","period":"day","from":"2023-06-30","to":"2023-06-30",'
    '"region":"990111","labels":{},"value":17,"as_of":"2023-06-30T08:00:00Z"}\n\n'
)
_RECORDED = [
    {"statistic": "accidents_reported", "from": "2021-01-01", "to": "2021-12-31", "value": 114, "unit": "起",
     "kind": "baseline", "basis_document": "2022年度法治政府建设报告", "page": "12"}
]  # fmt: skip
_RECORDED_TABLE = (
    "统计指标,起始日期,截止日期,数值,计量单位,类别\naccidents_reported,2021-01-01,2021-12-31,114,起,历史基数\n"
)
_TAKEN = {"accepted": [{"index": 0, "id": "0191d5a4-7c00-7abc-8def-0123456789ab", "source": "/hub/reporting"}],
          "problems": []}  # fmt: skip
_ACCOUNT = {
    "rows": [
        {"topic": "hazards", "partition": 0, "epoch": 1, "first": 0, "next": 5012, "end": 5012, "handled": 5000,
         "duplicate": 11, "quarantine": 1, "unexplained": 0}
    ],
    "unexplained": 0,
    "as_of": "2024-01-05T01:00:00Z",
}  # fmt: skip
_HEAD = {"topic": "hazards", "partition": 0, "epoch": 1, "next": 5012, "seal": "9c56…"}
_ASIDE = {
    "id": 7, "topic": "hazards", "partition": 0, "epoch": 1, "offset": 4711, "reason": "correction_mismatch",
    "detail": "its target has another type, subject or status", "late": False, "at": "2024-01-05T01:00:00Z",
    "redriven": None, "bytes": 613,
}  # fmt: skip


def text(name: str, about: str, example: str = "", **more: Any) -> dict[str, Any]:
    """A parameter of a query."""
    schema = {"type": "string", **({"example": example} if example else {}), **more}
    return {"name": name, "in": "query", "description": about, "schema": schema}


_QUERY = [
    text("from", "first local day; default: the year's first", "2023-01-01", format="date"),
    text("to", "last local day; default: the year's last", "2023-12-31", format="date"),
    text("region", "a code of regions.csv; default: the whole bureau"),
    text("status", "figures of each status are apart", enum=["actual", "exercise", "test"]),
    text("drill", "one drill, with status=exercise or test"),
    text("by", "labels, or `region` (its children), `day`, `month`; several with commas"),
    text("compare", "`year`: the same days a year earlier", enum=["year"]),
    text("known_at", "as of an earlier moment, by today's definition", format="date-time"),
    text("tree", "`now`: regions as they are today, a code that is gone counts as its successor", enum=["now"]),
    {
        "name": "label", "in": "query", "style": "form", "explode": True,
        "description": "`label.NAME=VALUE`, any number: only what has this label",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    },
]  # fmt: skip
_CURSOR = text("cursor", "`next` of the page before")


def answers(about: str, example: Any, *codes: int) -> Answers:
    """The answers of a route: success with its example, the others as problems."""
    reasons = {
        400: "not parseable",
        401: "no valid key or session",
        403: "not the right, or not the region",
        404: "no such thing",
        409: "nothing in it can be sent again",
        422: "not a question that has an answer: see problems",
        503: "not now: the database is away, or a new definition is being counted",
    }
    problem = {"application/problem+json": {"schema": {"type": "object"}, "example": _PROBLEM}}
    good = {"description": about, "content": {"application/json": {"schema": {"type": "object"}, "example": example}}}
    return {200: good, **{code: {"description": reasons[code], "content": problem} for code in (401, 403, *codes)}}


def docs(summary: str, told: Answers, parameters: list[Any] | None = None) -> dict[str, Any]:
    """What a route says of itself."""
    extra = {"openapi_extra": {"parameters": parameters}} if parameters else {}
    return {"summary": summary, "responses": told, "response_model": None, **extra}


STATISTICS = docs(
    "The figures that can be asked for",
    answers("all definitions", {"items": [_FIGURE["definition"]], "next": None}),
)
FIGURE = docs("One figure for any period", answers("the figure", _FIGURE, 404, 422, 503), _QUERY)
EVENTS = docs(
    "The events behind a figure",
    answers("those in force, by time; personal fields masked", {"items": [_EVENT], "next": None}, 404, 422, 503),
    [*_QUERY, _CURSOR, {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}],
)
EVENT = docs(
    "One event, and what caused it",
    answers("as published, personal fields masked; causes from the nearest", {"event": _EVENT, "causes": []}, 404, 503),
)
LIVE = docs(
    "What moves, while it moves",
    {
        200: {
            "description": "`snapshot`, then `counter` at most four times a second, `heartbeat` every 5 s; `resync`: "
            "come again",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _STREAM}},
        }
    },
    [text("keys", "only these figures, with commas"), text("region", "default: the whole bureau")],
)
FIGURES = docs(
    "Record figures by hand: baselines from before the hub, and what no event can give (`figure.recorded`)",
    answers("published", {}, 400, 422, 503)
    | {202: {"description": "on disk at the broker", "content": {"application/json": {"example": _TAKEN}}}},
) | {"openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"type": "array", "items": {"type": "object"}}, "example": _RECORDED},
    "text/csv": {"schema": {"type": "string"}, "example": _RECORDED_TABLE}}}}}  # fmt: skip
ACCOUNTING = docs("Every record that was read, accounted for", answers("the account", _ACCOUNT, 503))
SEALS = docs(
    "The last seal of every partition: keep it, and nothing before it can change unseen",
    answers("the heads", {"items": [_HEAD], "next": None, "as_of": "2024-01-05T01:00:00Z"}, 503),
)
QUARANTINE = docs("What could not be read", answers("by id", {"items": [_ASIDE], "next": None}, 422, 503))
SET_ASIDE = docs("One record that was set aside", answers("with its event or text", _ASIDE, 404, 422, 503))
REDRIVE = docs(
    "Send a record through the door again",
    answers("never: the door's 202 is handed on", {}, 404, 409, 422, 503)
    | {202: {"description": "on disk at the broker; judged like any event", "content": {"application/json": {}}}},
)
