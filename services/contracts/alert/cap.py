"""CAP 1.2 (OASIS 2010-07-01): the codec."""

from __future__ import annotations

import re

from lxml import etree
from msgspec.structs import replace

from services.contracts.alert import model
from services.contracts.alert.events import BY_CODE
from services.contracts.alert.geometry import decimal_text, numbers
from services.contracts.alert.instant import compact, rfc3339
from services.contracts.alert.markup import (
    Element,
    Reading,
    Row,
    child,
    document,
    local,
    namespace,
    one_of,
    part,
    read_rows,
    text,
    text_of,
    time,
    write_rows,
)
from services.contracts.alert.model import COLOURS, Alert, Area, Flaw, Info, Malformed, Reference, Resource, Value
from services.contracts.alert.rules import refused
from services.contracts.alert.wording import colour_of

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
COLOUR, SENDER_CODE, EVENT_TYPE, AREA_CODE = "cma:color", "cma:senderCode", "cma:eventType", "cma:areaCode"
"""Names under which CAP carries what only 国突 has an element for."""
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_TRIPLE = 3
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_MIME = {
    "pdf": "application/pdf", "doc": "application/msword", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "png": "image/png", "txt": "text/plain", "mp3": "audio/mpeg", "mp4": "video/mp4",
}  # fmt: skip


def _read_words(element: Element, _path: str, _reading: Reading) -> tuple[str, ...]:
    return tuple(quoted or bare for quoted, bare in _WORD.findall(text_of(element)) if quoted or bare)


def _write_words(parent: Element, name: str, value: tuple[str, ...]) -> None:
    child(parent, name, " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in value))


def words(element: str, name: str) -> Row:
    """A row for words separated by blanks; a word with blanks in it stands in quotes."""
    return Row(element, name, _read_words, _write_words, words=True)


def _read_references(element: Element, path: str, reading: Reading) -> tuple[Reference, ...]:
    found = []
    for triple in text_of(element).split():
        told = triple.split(",")
        sent = rfc3339(told[-1]) if len(told) == _TRIPLE else None
        if sent and told[0] and told[1]:
            found.append(Reference(sender=told[0], identifier=told[1], sent=sent))
        else:
            reading.add(path, f"{triple[:80]!r} is not sender,identifier,sent")
    return tuple(found)


def _write_references(parent: Element, name: str, value: tuple[Reference, ...]) -> None:
    child(parent, name, " ".join(f"{r.sender},{r.identifier},{r.sent}" for r in value))


def _time(element: str, name: str, *, needed: bool = False) -> Row:
    return time(element, name, str, needed=needed)


VALUE = (text("valueName", "value_name", needed=True), text("value", "value", always=True))
RESOURCE = (
    text("resourceDesc", "resource_desc", needed=True), text("mimeType", "mime_type", needed=True),
    text("size", "size"), text("uri", "uri"), text("derefUri", "deref_uri"), text("digest", "digest"),
)  # fmt: skip
AREA = (
    text("areaDesc", "area_desc", needed=True), text("polygon", "polygon", many=True),
    text("circle", "circle", many=True), part("geocode", "geocode", Value, VALUE), text("altitude", "altitude"),
    text("ceiling", "ceiling"),
)  # fmt: skip
INFO = (
    text("language", "language"),
    one_of("category", "category", model.CATEGORIES, many=True, needed=True),
    text("event", "event", needed=True),
    one_of("responseType", "response_type", model.RESPONSES, many=True),
    one_of("urgency", "urgency", model.URGENCIES, needed=True),
    one_of("severity", "severity", model.SEVERITIES, needed=True),
    one_of("certainty", "certainty", model.CERTAINTIES, needed=True, also={"very likely": "Likely"}),
    text("audience", "audience"),
    part("eventCode", "event_code", Value, VALUE),
    _time("effective", "effective"),
    _time("onset", "onset"),
    _time("expires", "expires"),
    text("senderName", "sender_name"),
    text("headline", "headline"),
    text("description", "description"),
    text("instruction", "instruction"),
    text("web", "web"),
    text("contact", "contact"),
    part("parameter", "parameter", Value, VALUE),
    part("resource", "resource", Resource, RESOURCE),
    part("area", "area", Area, AREA),
)
ALERT = (
    text("identifier", "identifier", needed=True),
    text("sender", "sender", needed=True),
    _time("sent", "sent", needed=True),
    one_of("status", "status", model.STATUSES, needed=True),
    one_of("msgType", "msg_type", model.MESSAGE_TYPES, needed=True),
    text("source", "source"),
    one_of("scope", "scope", model.SCOPES, needed=True),
    text("restriction", "restriction"),
    words("addresses", "addresses"),
    text("code", "code", many=True),
    text("note", "note"),
    Row("references", "references", _read_references, _write_references, words=True),
    words("incidents", "incidents"),
    part("info", "info", Info, INFO),
)


def is_cap(root: Element) -> bool:
    """Whether a document says that it is CAP 1.2."""
    return local(root) == "alert" and namespace(root) == NAMESPACE


def read(root: Element) -> Alert:
    """The alert of a document. Raises Malformed with every flaw."""
    if not is_cap(root):
        raise Malformed([Flaw("", f"{local(root)} in {namespace(root) or 'no namespace'} is not CAP 1.2", "namespace")])
    reading = Reading(NAMESPACE)
    values = read_rows(root, "alert", ALERT, reading)
    if reading.flaws:
        raise Malformed(reading.flaws)
    alert = Alert(format="cap", **values)
    if flaws := refused(alert):
        raise Malformed(flaws)
    return alert


def render(alert: Alert) -> bytes:
    """The document, valid by the schema of CAP 1.2."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    write_rows(root, ALERT, alert if alert.format == "cap" else as_cap(alert))
    return document(root)


# What came in another format: nothing is added but what CAP cannot do without.


def as_cap(alert: Alert) -> Alert:
    """The alert of another format in the words of CAP."""
    return replace(
        alert,
        sender=_one_word(alert.sender),
        references=tuple(_reference(r, alert) for r in alert.references),
        info=tuple(_info(info, alert) for info in alert.info),
        extension=(),
    )


def _one_word(name: str) -> str:
    return re.sub(r"[\s,<&]+", "_", name)


def _reference(reference: Reference, alert: Alert) -> Reference:
    sent = reference.sent or compact(reference.identifier.partition("_")[2][:14]) or alert.sent
    return Reference(sender=_one_word(reference.sender or alert.sender), identifier=reference.identifier, sent=sent)


def _info(info: Info, alert: Alert) -> Info:
    event, colour = BY_CODE.get(info.event_type), colour_of(info)
    told = [
        Value(value_name=COLOUR, value=colour.capitalize()),
        Value(value_name=SENDER_CODE, value=alert.sender_code),
        Value(value_name="cma:secClassification", value=alert.sec_classification),
        Value(value_name="cma:web", value="" if _URI.fullmatch(info.web) else info.web),
        *(Value(value_name=f"cma:method:{method.name}", value=method.message) for method in alert.method),
    ]
    code = (Value(value_name=EVENT_TYPE, value=info.event_type),) if info.event_type else ()
    return replace(
        info,
        language=info.language if _LANGUAGE.fullmatch(info.language) else "zh-CN",
        web=info.web if _URI.fullmatch(info.web) else "",
        category=info.category or ("Met",),
        event=info.event or (event.zh if event else "") or info.headline or "预警",
        certainty="Likely" if info.certainty == "VeryLikely" else info.certainty,
        severity=COLOURS.get(colour, info.severity),
        event_code=info.event_code + code,
        parameter=info.parameter + tuple(value for value in told if value.value),
        resource=tuple(_resource(resource) for resource in info.resource),
        area=tuple(_area(area) for area in info.area),
        extension=(),
    )


def _resource(resource: Resource) -> Resource:
    kind = _MIME.get(resource.resource_desc.rpartition(".")[2].lower(), "application/octet-stream")
    size = resource.size if re.fullmatch(r"\d+", resource.size) else ""
    return replace(
        resource, resource_desc=resource.resource_desc or "附件", mime_type=resource.mime_type or kind, size=size
    )


def _area(area: Area) -> Area:
    return replace(
        area,
        area_desc=area.area_desc or "、".join(code.value for code in area.geocode) or "未注明",
        geocode=tuple(Value(value_name=code.value_name or AREA_CODE, value=code.value) for code in area.geocode),
        circle=tuple(_in_km(circle) for circle in area.circle),
        extension=(),
    )


def _in_km(circle: str) -> str:
    """A circle in metres as CAP has it; what is none stays."""
    found = numbers(circle)
    if len(found) != _TRIPLE:
        return circle
    latitude, longitude, metres = found
    return f"{decimal_text(latitude)},{decimal_text(longitude)} {decimal_text(metres / 1000)}"
