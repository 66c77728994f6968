"""The door: whether a raw event may come in, and the record it becomes.

Pure: the tree of regions, the register and the bureau's codes are arguments, so is the time. Every problem of an event
is found, not only the first. The rules are those of contract section 1; CloudEvents 1.0.2 for names and values.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from services.contracts import check, frame, identity
from services.contracts.event import HUB_ATTRIBUTES, PUBLISHER_ATTRIBUTES, STATUSES, Origin, Type, subject_of
from services.contracts.families import TYPES
from services.contracts.fields import moment
from services.contracts.topics import partition_of, topic_of
from services.ingest.binding import MAX_EVENT, Sent, is_json, media_type
from services.ingest.problem import Findings, Problem
from services.runtime.access import Key

RETRACTION = "event.retracted"
"""Takes an event back; `data.type` names the type taken back, and this counts as that type."""
AHEAD = datetime.timedelta(minutes=10)
YEARS = range(1900, 2101)
HISTORY = "history"
TELEMETRY = "telemetry"
"""The topic of readings, and its lane: they lie there in frames, and not for long."""


class Tree(Protocol):
    """What the door asks of `contracts.region.Regions`."""

    root: str

    def resolve(self, code: str) -> tuple[str, bool]:
        """The code and True, or its longest known prefix (else the root) and False."""
        ...

    def within(self, code: str, ancestor: str) -> bool:
        """Whether a code is the ancestor or lies below it."""
        ...


ExtraCodes = Mapping[tuple[str, str], Mapping[str, str]]
"""The bureau's own coded values and their Chinese names, by (type or "", field)."""
Check = Callable[[str, Mapping[str, Any], ExtraCodes], Iterable[tuple[str, str, str]]]
"""`contracts.check.check_data`: field, reason and code of every problem."""


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """An event that may come in: the record and where it goes."""

    index: int
    id: str
    source: str
    type: str
    topic: str
    partition: int | None
    """Fixed for urgent families; None: by the key."""
    key: bytes
    record: bytes


class _Attribute(msgspec.Struct, frozen=True):
    """A text attribute of the envelope: most characters, and whether it must be there."""

    name: str
    most: int
    required: bool = False


TEXTS = (
    _Attribute("id", 256, required=True),
    _Attribute("source", 512, required=True),
    _Attribute("type", 128, required=True),
    _Attribute("time", 64, required=True),
    _Attribute("subject", 1024),
    _Attribute("region", 64),
    _Attribute("status", 16),
    _Attribute("drill", 256),
    _Attribute("lane", 16),
    _Attribute("corrects", 256),
    _Attribute("correctssource", 512),
    _Attribute("datacontenttype", 128),
    _Attribute("dataschema", 1024),
)
MAX_EXTENSION = 4096
"""Characters of an extension attribute."""

_NAME = re.compile(r"[a-z0-9]{1,64}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Door:
    """Judges raw events for one bureau."""

    def __init__(
        self,
        regions: Tree,
        extra_codes: ExtraCodes | None = None,
        *,
        types: Mapping[str, Type] = TYPES,
        check_data: Check = check.check_data,
    ) -> None:
        self.regions = regions
        self.extra_codes = extra_codes or {}
        self.types = types
        self.check_data = check_data
        self._within: dict[tuple[tuple[str, ...], str], bool] = {}
        self._covers: dict[tuple[tuple[str, ...], str], bool] = {}

    def admit(self, sent: Sent, key: Key, now: datetime.datetime) -> Admitted | list[Problem]:
        """The record of one event, or everything that is wrong with it. `now`: aware, in UTC, becomes recordedtime."""
        if sent.problem is not None:
            return [sent.problem]
        if not isinstance(sent.value, dict):
            return [Problem(sent.index, None, "", "an event is a JSON object", "not_an_object")]
        event = {k: v for k, v in sent.value.items() if v is not None and k not in HUB_ATTRIBUTES}
        found = Findings(sent.index, event.get("id"))
        if sent.size > MAX_EVENT:
            found.add("", "event_too_large", f"{sent.size} bytes: an event may have up to 256 KB ({MAX_EVENT} bytes)")
        _check_attributes(event, found)
        data = _data(event, found)
        type_ = self._type(event, data, found)
        region, given = self._region(event, key)
        flags = _check_time(event, type_, now, found)
        self._check_scope(event, type_, key, region, found)
        _check_correction(event, type_, key, found)
        subject, data = _subject(event, type_, data, found)
        self._check_data(event, type_, data, found)
        digest = _digest(event, found)
        if found.problems or type_ is None:
            return found.problems
        record = {
            **event,
            "subject": subject,
            "region": region,
            "status": event.get("status", "actual"),
            "recordedtime": now.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
            "publisher": key.name,
            "digest": digest,
            "data": data,
        }
        if "corrects" in event:
            record.setdefault("correctssource", event["source"])
        if given:
            record["regiongiven"] = given
        if flags:
            record["flags"] = flags
        if filled := _filled_in(event, data, type_):
            record["filled"] = filled
        topic = topic_of(type_, event.get("lane", ""))
        key_ = subject if topic.lane != TELEMETRY else frame.site_of(data, subject)
        return Admitted(
            sent.index, event["id"], event["source"], event["type"], topic.name, partition_of(type_, topic),
            key_.encode(), _encode(record),
        )  # fmt: skip

    def similar(self, name: str) -> str:
        """Registered types whose names are like this one, as the end of a sentence; empty when there is none."""
        like = difflib.get_close_matches(name, self.types, n=3, cutoff=0.6)
        return f"; did you mean {' or '.join(like)}?" if like else ""

    def _type(self, event: dict[str, Any], data: dict[str, Any], found: Findings) -> Type | None:
        """The type the event counts as: of a retraction, the type taken back."""
        name = event.get("type")
        if not isinstance(name, str) or not name:
            return None
        field = "type"
        if name == RETRACTION:
            field, name = "data.type", data.get("type")
        type_ = self.types.get(name) if isinstance(name, str) else None
        if type_ is None or type_.name == RETRACTION:
            found.add(field, "unknown_type", f"{name} is not a registered type")
            return None
        return type_

    def _region(self, event: dict[str, Any], key: Key) -> tuple[str, str]:
        """The region in the tree, and the code as given when it is not in the tree."""
        given = event.get("region")
        if isinstance(given, str) and given:
            code, known = self.regions.resolve(given)
            return code, "" if known else given
        only = key.scope.regions[0] if len(key.scope.regions) == 1 else self.regions.root
        return self.regions.resolve(only)[0], ""

    def _check_scope(self, event: dict[str, Any], type_: Type | None, key: Key, region: str, found: Findings) -> None:
        scope = key.scope
        source, status, lane = event.get("source"), event.get("status", "actual"), event.get("lane", "")
        if isinstance(source, str) and not scope.owns(source):
            prefixes = ", ".join(scope.sources) or "none"
            found.add("source", "source_not_allowed", f"{source} lies under no prefix of the key ({prefixes})")
        if status not in STATUSES:
            found.add("status", "value", f"{status} is not one of {', '.join(STATUSES)}")
        elif status not in scope.statuses:
            found.add("status", "status_not_allowed", f"the key does not cover the status {status}")
        if not self._is_within(scope.regions, region):
            found.add("region", "region_not_allowed", f"{region} lies under none of {', '.join(scope.regions)}")
        if lane not in ("", HISTORY):
            found.add("lane", "value", f"{lane} is not a lane to publish on: leave it out, or history")
        for right in _rights(event, key):
            if not key.may(right):
                found.add("", "right_missing", f"the key has not the right `{right}`")
        if type_ is not None:
            self._check_type(type_, lane, key, found)

    def _check_type(self, type_: Type, lane: Any, key: Key, found: Findings) -> None:
        if Origin.PARTNER not in type_.origins and lane != HISTORY:
            origins = " and ".join(sorted(type_.origins))
            found.add("type", "origin_not_allowed", f"{type_.name} comes from {origins}, not through the door")
        globs = key.scope.types
        covered = self._covers.get((globs, type_.name))
        if covered is None:
            covered = self._covers[globs, type_.name] = key.scope.types_allow(type_.name)
        if not covered:
            found.add("type", "type_not_allowed", f"{type_.name} matches none of {', '.join(globs)}")

    def _is_within(self, regions: tuple[str, ...], code: str) -> bool:
        if not regions:
            return True
        inside = self._within.get((regions, code))
        if inside is None:
            inside = self._within[regions, code] = any(self.regions.within(code, r) for r in regions)
        return inside

    def _check_data(self, event: dict[str, Any], type_: Type | None, data: dict[str, Any], found: Findings) -> None:
        if type_ is None:
            return
        for field, reason, code in self.check_data(event["type"], data, self.extra_codes):
            found.add(f"data.{field}", code, reason)


def _rights(event: dict[str, Any], key: Key) -> Iterable[str]:
    """The rights that an event asks for, by what it is; correcting another source is asked for where that is seen."""
    if event.get("lane") == HISTORY:
        yield "history"
    if event.get("type") == RETRACTION:
        yield "retract"
    elif event.get("lane") != HISTORY and not ("corrects" in event and key.may("correct")):
        yield "publish"


def _check_attributes(event: dict[str, Any], found: Findings) -> None:
    """Every attribute's form, and whether all that are required are there."""
    for name, value in event.items():
        most = _MOST.get(name)
        if most is None:
            if name not in PUBLISHER_ATTRIBUTES:
                _check_extension(name, value, found)
        elif type(value) is not str:
            found.add(name, "not_text", "must be text")
        elif not value:
            found.add(name, "missing", "must not be empty")
        elif len(value) > most:
            found.add(name, "too_long", f"is longer than {most} characters")
        elif not value.isprintable() and _CONTROL.search(value):
            found.add(name, "characters", "holds control characters")
    for name in _REQUIRED - event.keys():
        found.add(name, "missing", "is required")
    if event.get("specversion") != "1.0":
        found.add("specversion", "specversion", 'must be "1.0"')
    kind = event.get("datacontenttype", "application/json")
    if kind != "application/json" and isinstance(kind, str) and not is_json(media_type(kind)[0]):
        found.add("datacontenttype", "content_type", "must be JSON: application/json or a type ending in +json")


_MOST = {row.name: row.most for row in TEXTS}
_REQUIRED = frozenset(row.name for row in TEXTS if row.required)


def _check_extension(name: str, value: Any, found: Findings) -> None:
    if name == "data_base64":
        found.add(name, "base64", "the hub reads JSON data: send it as `data`")
    elif not _NAME.fullmatch(name):
        found.add(name[:64], "attribute_name", "attribute names are 1 to 64 of a-z and 0-9; fields belong into `data`")
    elif isinstance(value, str):
        if len(value) > MAX_EXTENSION:
            found.add(name, "too_long", f"is longer than {MAX_EXTENSION} characters")
        elif _CONTROL.search(value):
            found.add(name, "characters", "holds control characters")
    elif not isinstance(value, bool) and not (isinstance(value, int) and -(2**31) <= value < 2**31):
        found.add(name, "attribute_value", "must be text, true, false or a whole number of 32 bits")


def _data(event: dict[str, Any], found: Findings) -> dict[str, Any]:
    data = event.get("data", {})
    if isinstance(data, dict):
        return data
    found.add("data", "not_an_object", "must be a JSON object")
    return {}


def _check_time(event: dict[str, Any], type_: Type | None, now: datetime.datetime, found: Findings) -> str:
    """Whether `time` can be; returns the flag `clock` where a type is kept whatever its clock says."""
    given = event.get("time")
    if not isinstance(given, str) or not given:
        return ""
    at = moment(given)
    if at is None:
        found.add("time", "time_format", "must be RFC 3339 with an offset, like 2023-06-30T08:00:00+08:00")
        return ""
    sane = at.year in YEARS
    if sane and at - now <= AHEAD:
        return ""
    if type_ is not None and not type_.clock and _fits_everywhere(at):
        return "clock"
    if not sane:
        found.add("time", "time_range", f"must lie in the years {YEARS.start} to {YEARS.stop - 1}")
    elif type_ is None or not type_.ahead:
        found.add("time", "time_ahead", f"is more than 10 minutes ahead of {now:%Y-%m-%dT%H:%M:%SZ}")
    return ""


def _fits_everywhere(at: datetime.datetime) -> bool:
    """Whether a moment can be told in any time zone (the first and last day of the calendar cannot)."""
    bare = at.replace(tzinfo=None)
    return datetime.datetime(1, 1, 3) <= bare <= datetime.datetime(9999, 12, 29)  # noqa: DTZ001  compared bare


def _check_correction(event: dict[str, Any], type_: Type | None, key: Key, found: Findings) -> None:
    """Whether `corrects` may be; what it names is looked up by the ledger, in whatever order the two arrive."""
    if "corrects" not in event:
        if "correctssource" in event:
            found.add("correctssource", "correction", "needs `corrects`, the id of the event it corrects")
        if event.get("type") == RETRACTION:
            found.add("corrects", "missing", "is required: the id of the event taken back")
        return
    if type_ is not None and topic_of(type_, event.get("lane", "")).lane == TELEMETRY:
        found.add("corrects", "correction", f"{type_.name} is not kept: there is nothing to correct or take back")
    target = event.get("correctssource", event.get("source"))
    if isinstance(target, str) and not key.scope.owns(target) and not key.may("correct"):
        found.add("correctssource", "right_missing", f"{target} is another's source: needs the right `correct`")


def _subject(
    event: dict[str, Any], type_: Type | None, data: dict[str, Any], found: Findings
) -> tuple[str, dict[str, Any]]:
    """The subject and the data, each filled from the other."""
    given = event.get("subject")
    if type_ is None or (given is not None and not isinstance(given, str)):
        return "", data
    retraction = event["type"] == RETRACTION
    named = None if retraction else subject_of(type_, data)
    if given is None and named is None:
        fields = "" if retraction else f", or data.{' and data.'.join(type_.subject)}"
        found.add("subject", "missing", f"is required{fields}")
        return "", data
    if given is None or retraction or named == given:
        return str(given or named), data
    if named is None:
        data = _filled(type_, data, given)
        named = subject_of(type_, data)
    if named != given:
        found.add("subject", "subject_differs", f"{given} is not data.{'/'.join(type_.subject)}, which is {named}")
    return given, data


def _filled(type_: Type, data: dict[str, Any], subject: str) -> dict[str, Any]:
    """The data with the fields that the subject names; fields that are there stay."""
    parts = subject.split("/", len(type_.subject) - 1)
    missing = {name: part for name, part in zip(type_.subject, parts, strict=False) if data.get(name) in (None, "")}
    return {**data, **missing}


def _filled_in(event: dict[str, Any], data: dict[str, Any], type_: Type) -> str:
    """What the hub filled in (see `contracts.event.as_sent`)."""
    names = [name for name in ("subject", "region", "status", "data") if name not in event]
    if "corrects" in event and "correctssource" not in event:
        names.append("correctssource")
    sent = event.get("data", data)
    if sent is not data:
        names += (_was(name, sent) for name in type_.subject if sent.get(name) != data[name])
    return " ".join(names)


def _was(name: str, sent: dict[str, Any]) -> str:
    return f"data.{name}={_encode(sent[name]).decode()}" if name in sent else f"data.{name}"


def _digest(event: dict[str, Any], found: Findings) -> str:
    """The digest of what was sent; fractions are doubles there (RFC 8785)."""
    try:
        return identity.digest(event)
    except ValueError:
        pass
    try:
        return identity.digest(_doubles(event))
    except (ValueError, OverflowError):
        found.add("data", "number", "holds a number beyond 2^53 or the range of doubles: send it as text")
        return ""


def _doubles(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {k: _doubles(v) for k, v in value.items()}
    return [_doubles(v) for v in value] if isinstance(value, list) else value
