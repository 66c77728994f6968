"""A person records figures: what was sent is judged, and becomes `figure.recorded` events of the hub's own source."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from services.contracts import check, identity
from services.contracts.event import subject_of
from services.contracts.families import FIELDS, TYPES
from services.contracts.topics import partition_of, topic_of
from services.reporting.catalogue import Catalogue
from services.reporting.definition import select
from services.reporting.grammar import label_text
from services.reporting.recorded import TYPE
from services.runtime.kafka import Record

SOURCE = "/hub/reporting"
HEADERS = (("content-type", b"application/cloudevents+json"),)
MAX = 1000
"""Figures in one request."""
NEEDED = ("statistic", "from", "to", "value", "kind")
_ENVELOPE = ("region", "corrects")
_encode = msgspec.json.encode


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with one figure."""

    index: int
    field: str
    reason: str
    code: str


class Accepted(NamedTuple):
    """A figure that may be published: its identity, and its record on Kafka."""

    id: str
    record: Record


def judge(sent: list[Any], of: Catalogue, who: str, now: datetime.datetime) -> list[Accepted] | list[Problem]:
    """The events that figures become, or everything that is wrong with them: all or nothing."""
    problems = [problem for index, item in enumerate(sent) for problem in _problems(index, item, of)]
    return problems or [_event(item, of, who, now) for item in sent]


def _problems(index: int, item: Any, of: Catalogue) -> list[Problem]:
    if not isinstance(item, dict):
        return [Problem(index, "", "a figure is a JSON object", "not_an_object")]
    found = [(name, f"{name} is required", "missing") for name in NEEDED if item.get(name) in (None, "")]
    found += [
        (name, f"a figure has no {name}", "unknown")
        for name in item
        if name not in FIELDS[TYPE] and name not in _ENVELOPE
    ]
    found += [(name, "must be text", "kind") for name in _ENVELOPE if not isinstance(item.get(name, ""), str)]
    found += check.check_data(TYPE, {name: value for name, value in item.items() if name not in _ENVELOPE})
    if not found:
        found += [*_wrong_days(item), *_wrong_row(item, of), *_wrong_region(item, of)]
    return [Problem(index, *one) for one in found]


def _wrong_days(item: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    if item["from"] > item["to"]:
        return [("from", f"from {item['from']} is after to {item['to']}", "from_after_to")]
    return []


def _wrong_row(item: Mapping[str, Any], of: Catalogue) -> list[tuple[str, str, str]]:
    """The figure must be of one row, in its unit."""
    key = item["statistic"]
    if key not in of.rows:
        return [("statistic", f"there is no statistic {key}", "unknown_key")]
    labels = {name: label_text(value) for name, value in (item.get("labels") or {}).items()}
    rows = select(of.rows[key], key, labels)
    if len(rows) != 1:
        return [("labels", f"{key} has {len(rows) or 'no'} rows with these labels", "unknown_label")]
    if item.get("unit", rows[0].unit) != rows[0].unit:
        return [("unit", f"the unit of {key} is {rows[0].unit}", "unit")]
    return []


def _wrong_region(item: Mapping[str, Any], of: Catalogue) -> list[tuple[str, str, str]]:
    region = item.get("region", of.regions.root)
    return [] if region in of.regions else [("region", f"there is no region {region}", "unknown_region")]


def _event(item: Mapping[str, Any], of: Catalogue, who: str, now: datetime.datetime) -> Accepted:
    """The event; `subject` names statistic and days."""
    type_ = TYPES[TYPE]
    data = {name: value for name, value in item.items() if name not in _ENVELOPE}
    moment = now.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sent = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": SOURCE, "type": TYPE,
        "subject": subject_of(type_, data), "time": moment, "region": item.get("region", of.regions.root),
        "status": "actual", "data": data,
        **({"corrects": item["corrects"], "correctssource": SOURCE} if item.get("corrects") else {}),
    }  # fmt: skip
    record = {**sent, "recordedtime": moment, "publisher": who, "digest": identity.digest(sent)}
    topic = topic_of(type_)
    key = str(sent["subject"]).encode()
    return Accepted(str(sent["id"]), Record(topic.name, key, _encode(record), HEADERS, partition_of(type_, topic)))
