"""How editions are documented in OpenAPI: examples and answers."""

from __future__ import annotations

from typing import Any

from services.reporting.words import answers, docs, text

_ID = "annual-2023-1"
_ROW = {
    "id": _ID, "template": "annual", "region": "990111", "from": "2023-01-01", "to": "2023-12-31", "revision": 1,
    "version": "V1", "state": "frozen", "state_zh": "已定数，起草中", "cutoff": "2024-01-05T00:00:00+08:00",
    "author": "clerk", "requested": "2024-01-05T01:00:00Z", "frozen": "2024-01-05T01:00:02Z", "number": "",
    "issued": None, "superseded_by": "",
}  # fmt: skip
_PROBLEM = {"check": "total", "slots": ["cases_filed", "cases_filed{kind=admin}"], "expected": 12, "found": 11,
            "events": 23}  # fmt: skip
_WHOLE = {
    **_ROW, "problems": [_PROBLEM], "paragraphs": {"highlights": {"text": "……", "by": "clerk", "at": "…"}},
    "next": [{"step": "draft", "zh": "起草", "allowed": True, "hindrance": ""}], "outline": [], "lines": [],
}  # fmt: skip
_DONE = {"event": {"id": "0191d5a4-7c00-7abc-8def-0123456789ab", "source": "/hub/people"}, "outcome": "accepted"}
_DRIFT = {"slot": "accidents_reported", "printed": 11, "now": 12, "unit": "起", "events": [
    {"id": "0191d5a4-…", "source": "/safety", "type": "accident.reported", "time": "2023-12-31T23:50:00+08:00",
     "recordedtime": "2024-01-01T00:00:00Z", "region": "990111"}]}  # fmt: skip


def _body(example: Any) -> dict[str, Any]:
    """The body of a request."""
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}}


def _later(example: Any) -> dict[int | str, dict[str, Any]]:
    return {202: {"description": "on disk at the broker", "content": {"application/json": {"example": example}}}}


TEMPLATES = docs("The templates of reports", answers("with their mistakes", {"items": [], "next": None}))
REQUEST = docs(
    "Ask for an edition: figures as known at the cut-off (a clerk, or a key with the right `correct`)",
    answers("never", {}, 400, 404, 409, 422, 503) | _later({"id": _ID}),
) | _body({"template": "annual", "from": "2023-01-01", "to": "2023-12-31", "region": "990111",
           "cutoff": "2024-01-05T00:00:00+08:00"})  # fmt: skip
PARAGRAPH = docs(
    "Write a paragraph of an edition, or with `note:SLOT` why a feed was silent",
    answers("written", _DONE, 400, 404, 409, 422, 503) | _later({"command": "…"}),
) | _body({"slot": "highlights", "text": "……"})
CUT = docs(
    "Read the figures of an edition again, while it is being written",
    answers("waits for its cut-off", _DONE, 400, 404, 409, 422, 503) | _later({"command": "…"}),
) | _body({"cutoff": "2024-01-06T00:00:00+08:00"})
STEP = docs(
    "Pass an edition on: draft, review, legal, sign, issue; or return, with a reason",
    answers("taken", _DONE, 400, 404, 409, 503) | _later({"command": "…"}),
) | _body({"reason": ""})
COMMAND = docs("What became of a command", answers("taken", _DONE, 409, 503) | _later({"command": "…"}))
EDITIONS = docs(
    "Editions, the newest first",
    answers("those of the regions one may see", {"items": [_ROW], "next": None}, 422, 503),
    [text("template", "only of this template"), text("state", "only in this state"), text("cursor", "`next`")],
)
EDITION = docs("An edition, and what one may do with it", answers("as it stands", _WHOLE, 404, 503))
DRIFT = docs(
    "What is counted otherwise today than an edition prints, and by which events",
    answers("figures that have moved", {"items": [_DRIFT], "next": None}, 404, 409, 503),
)
DIFF = docs("What two editions print differently", answers("figures and paragraphs", {"items": []}, 404, 409, 503))
LINE = docs(
    "The events behind a printed number, as of the cut",
    answers("those in force then, by time", {"items": [], "next": None}, 404, 409, 422, 503),
    [text("cursor", "`next` of the page before"), text("limit", "1 to 1000")],
)
ANSWER = docs(
    "Freeze single figures for a citizen's question (a clerk, or a key with the right `correct`)",
    answers("never", {}, 400, 404, 422, 503) | _later({"id": "answer-20240105-1f2e3d"}),
) | _body({"questions": [{"key": "penalties_imposed", "from": "2022-01-01", "to": "2022-09-30"}]})
ANSWERS = docs("An answer to a citizen, as it was frozen", answers("figures and definitions", {}, 404, 503))


def rendering(format_: str) -> dict[str, Any]:
    """An edition or answer as a file."""
    return docs(
        f"As {format_.upper()}: the bytes as issued; before that a draft", answers("the file", {}, 404, 409, 503)
    )
