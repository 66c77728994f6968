"""What can be wrong with an event at the door: one row per code, with the status that answers it."""

from __future__ import annotations

from typing import Any

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with one event of a request. `index` counts events (NDJSON: lines) from 0."""

    index: int
    id: str | None
    field: str
    reason: str
    code: str


CODES: dict[str, tuple[int, str]] = {
    "not_json":           (400, "a line or body that is not JSON"),
    "not_utf8":           (400, "a header or text that is not UTF-8"),
    "source_not_allowed": (403, "the source lies under none of the key's prefixes"),
    "type_not_allowed":   (403, "the key does not cover the type"),
    "region_not_allowed": (403, "the region lies under none of the key's regions"),
    "status_not_allowed": (403, "the key does not cover the status"),
    "right_missing":      (403, "the key lacks a right"),
    "origin_not_allowed": (403, "the type comes from people or from the hub itself"),
    "not_xml":            (400, "a body that is not well-formed XML"),
    "doctype":            (400, "XML with a DOCTYPE: no entities are read"),
    "event_too_large":    (413, "more than 256 KB"),
    "not_an_object":      (422, "an event or its data is no JSON object"),
    "missing":            (422, "something required is not there"),
    "not_text":           (422, "an attribute must be text"),
    "too_long":           (422, "more characters than allowed"),
    "characters":         (422, "control characters"),
    "attribute_name":     (422, "an attribute name other than a-z and 0-9"),
    "attribute_value":    (422, "an extension attribute that is no text, whole number, true or false"),
    "specversion":        (422, "not CloudEvents 1.0"),
    "content_type":       (422, "data that is not JSON"),
    "base64":             (422, "data_base64: the hub needs JSON data"),
    "namespace":          (422, "XML that is neither CAP 1.2 nor 国突"),
    "alert":              (422, "an element of a warning that is missing, unknown or not valid"),
    "names":              (422, "an identifier or sender that nothing could refer to"),
    "references":         (422, "an Update, Cancel, Ack or Error that names no earlier message"),
    "circular":           (422, "a message that refers to itself"),
    "postdated":          (422, "a message that refers to a later one"),
    "shape":              (422, "JSON that is not of the weather service's shape"),
    "unknown_type":       (422, "not a registered type"),
    "time_format":        (422, "not RFC 3339 with an offset"),
    "time_range":         (422, "outside the years 1900 to 2100"),
    "time_ahead":         (422, "more than 10 minutes in the future"),
    "subject_differs":    (422, "subject and the data field that equals it differ"),
    "value":              (422, "a value outside its list"),
    "correction":         (422, "corrects and correctssource do not fit together"),
    "number":             (422, "a number that JSON cannot carry exactly"),
    "depth":              (422, "nested deeper than 32 levels"),
}  # fmt: skip
"""Code → (status, about). Codes of data fields (from `contracts.check`) are not listed: they answer 422."""

_ORDER = (400, 403, 413, 422)


def status_of(problems: list[Problem]) -> int:
    """The one status for a mixed list: not parseable before not allowed before too large before not valid."""
    found = {CODES.get(problem.code, (422, ""))[0] for problem in problems}
    return next(status for status in _ORDER if status in found)


class Findings:
    """The problems of one event as they are found."""

    __slots__ = ("id", "index", "problems")

    def __init__(self, index: int, id_: Any) -> None:
        self.index = index
        self.id = id_[:256] if isinstance(id_, str) else None
        self.problems: list[Problem] = []

    def add(self, field: str, code: str, reason: str) -> None:
        """Note one problem; what was sent is repeated only in part."""
        self.problems.append(Problem(self.index, self.id, field[:200], reason[:500], code))
