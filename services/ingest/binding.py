"""From an HTTP request or a Kafka record to raw events: CloudEvents 1.0 structured, binary and batched, and NDJSON.

Pure. Whether an event is a good one is the door's matter; here only bytes become JSON values. Source: CloudEvents
HTTP Protocol Binding 1.0.2 and JSON Event Format 1.0.2. Beyond them, plain `application/json` is taken as structured
or batched when it carries `specversion`: that is what people send with curl.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from math import inf
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from services.ingest.problem import Problem

MAX_EVENT = 256 * 1024
MAX_BATCH = 5_000
MAX_LINES = 10_000
MAX_DEPTH = 32

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
ACCEPTED = (STRUCTURED, BATCH, NDJSON, "application/json with ce-… headers (binary mode)")

Headers = Iterable[tuple[bytes, bytes]]


class Unparsable(ValueError):
    """400: the whole request is not what its content type says."""


class Unsupported(ValueError):
    """415: a content type, charset or encoding that the door does not read."""


class TooMany(ValueError):
    """413: more events than a request may carry; `limit` is that number."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"{what} may carry up to {limit} events")
        self.limit = limit


KafkaHeaders = Iterable[tuple[str, bytes | None]]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """One event as sent: its place in the request, its size in bytes, and its value or why there is none."""

    index: int
    size: int
    value: Any = None
    problem: Problem | None = None


def _fraction(text: str) -> Decimal | float:
    """A decimal, so that an amount leaves as it came; infinite, which the door refuses, beyond the range of doubles."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return inf
    return number if -300 < number.adjusted() < 300 else inf


_decode = msgspec.json.Decoder(float_hook=_fraction).decode
_decode_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BOM = b"\xef\xbb\xbf"


def read(content_type: str, headers: Headers, body: bytes) -> list[Sent]:
    """The events of a request, in order. Raises Unparsable, Unsupported or TooMany for the request as a whole."""
    media, parameters = media_type(content_type)
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise Unsupported(f"charset {parameters['charset']}: JSON is UTF-8 (RFC 8259)")
    body = body.removeprefix(_BOM)
    if media == STRUCTURED:
        return [_whole(body)]
    if media == BATCH:
        return _batch(body)
    if media == NDJSON:
        return _lines(body)
    attributes = _attributes(headers)
    if attributes:
        return [_binary(media, content_type, attributes, body)]
    if media == "application/json":
        return _plain(body)
    raise Unsupported(f"content type {media or 'missing'}: send one of {', '.join(ACCEPTED)}")


def read_kafka(headers: KafkaHeaders, value: bytes | None) -> Sent:
    """The event in a Kafka record; whatever is wrong with it becomes its problem.

    CloudEvents Kafka Protocol Binding 1.0.2: structured by `content-type`, else binary by `ce_` headers, whose values
    are UTF-8 as they are. Beyond it, a record without either is taken as structured: that is what people send with
    kcat.
    """
    body = (value or b"").removeprefix(_BOM)
    try:
        texts = {name.lower(): _utf8(name, text or b"") for name, text in headers}
        content_type = texts.get("content-type", "")
        attributes = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}
        media, _ = media_type(content_type)
        if attributes and media not in (STRUCTURED, BATCH):
            return _binary(media or "application/json", content_type or "application/json", attributes, body)
        return one(0, body)
    except Unparsable as error:
        return Sent(0, len(body), problem=Problem(0, None, "", str(error), "not_json"))
    except Unsupported as error:
        return Sent(0, len(body), problem=Problem(0, None, "", str(error), "content_type"))


def _utf8(name: str, text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise Unparsable(f"header {name[:100]} is not UTF-8") from error


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """Media type in lower case and its parameters: `application/json; charset=utf-8`."""
    media, *rest = content_type.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def is_json(media: str) -> bool:
    """Whether a media type is JSON: `application/json`, `text/json` or `…+json`."""
    return media in ("application/json", "text/json") or media.endswith("+json")


def one(index: int, raw: bytes) -> Sent:
    """One event from its JSON bytes; what is not JSON, or JSON that must not go on, becomes its problem."""
    try:
        value = _decode(raw)
    except _BROKEN as error:
        reason = str(error) or "not JSON"
        return Sent(index, len(raw), problem=Problem(index, None, "", f"not JSON: {reason}", "not_json"))
    return Sent(index, len(raw), value, _strange(index, raw, value))


def _whole(body: bytes) -> Sent:
    sent = one(0, body)
    if sent.problem is not None and sent.problem.code == "not_json":
        raise Unparsable(sent.problem.reason)
    return sent


def _batch(body: bytes) -> list[Sent]:
    try:
        parts = _decode_batch(body)
    except _BROKEN as error:
        raise Unparsable(f"not a JSON array of events: {error}") from error
    if len(parts) > MAX_BATCH:
        raise TooMany(MAX_BATCH, "a batch")
    return [one(index, bytes(part)) for index, part in enumerate(parts)]


def _lines(body: bytes) -> list[Sent]:
    """NDJSON: index = line number − 1; blank lines are skipped but keep their number."""
    if body.count(b"\n") + (not body.endswith(b"\n")) > MAX_LINES:
        raise TooMany(MAX_LINES, "NDJSON")
    lines = enumerate(body.split(b"\n"))
    return [_named(one(index, line)) for index, line in lines if line.strip()]


def _named(sent: Sent) -> Sent:
    """A broken line says which line it is, as an editor counts."""
    problem = sent.problem
    if problem is None or problem.code != "not_json":
        return sent
    return Sent(sent.index, sent.size, problem=msgspec.structs.replace(
        problem, field=f"line {sent.index + 1}", reason=f"line {sent.index + 1} is {problem.reason}"
    ))  # fmt: skip


def _plain(body: bytes) -> list[Sent]:
    """`application/json` without ce- headers: an event or a batch, if it shows that it is one."""
    sent = _whole(body)
    first = sent.value[0] if isinstance(sent.value, list) and sent.value else sent.value
    if not isinstance(first, dict) or "specversion" not in first:
        raise Unsupported(f"application/json without specversion: send one of {', '.join(ACCEPTED)}")
    return [sent] if first is sent.value else _batch(body)


def _binary(media: str, content_type: str, attributes: dict[str, str], body: bytes) -> Sent:
    if "data" in attributes:
        raise Unparsable("ce-data is no attribute: in binary mode the body is the data")
    size = len(body) + sum(len(name) + len(value) for name, value in attributes.items())
    raw: dict[str, Any] = dict(attributes)
    raw.pop("datacontenttype", None)  # it is the Content-Type header
    if not body:
        return Sent(0, size, raw)
    if not is_json(media):
        raise Unsupported(f"data of content type {media or 'unknown'}: the hub reads JSON data")
    sent = _whole(body)
    value = {**raw, "datacontenttype": content_type, "data": sent.value}
    return Sent(0, size, value, sent.problem)


def _attributes(headers: Headers) -> dict[str, str]:
    """The ce- headers. Raises Unparsable for what is not UTF-8 after percent-decoding."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(b"ce-"):
            found[lower[3:].decode("latin-1")] = _header_text(lower, value)
    return found


_ESCAPED = re.compile(rb"\\(.)")


def _header_text(name: bytes, value: bytes) -> str:
    """A header's value: unquoted, then percent-decoded once (HTTP binding 3.1.3.2)."""
    value = value.strip()
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = _ESCAPED.sub(rb"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise Unparsable(f"header {name.decode('latin-1')} is not UTF-8 after percent-decoding") from error


def _strange(index: int, raw: bytes, value: Any) -> Problem | None:
    """Deep nesting and U+0000, which no database text can hold; looked for only when the bytes hint at them."""
    id_ = value.get("id") if isinstance(value, dict) else None
    id_ = id_ if isinstance(id_, str) else None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        return Problem(index, id_, "", f"nested deeper than {MAX_DEPTH} levels", "depth")
    if b"\\u0000" in raw and _holds_nul(value):
        return Problem(index, id_, "", "text with the character U+0000", "characters")
    return None


def _deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper(v, levels - 1) for v in inner if isinstance(v, dict | list))


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(k) or _holds_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
