"""国突 XML (国家突发事件预警信息发布系统; GB/T 35965.1-2018, GB/T 34283-2017): the codec.

Not CAP: no namespace, `sendTime` with a blank, colours as severity, methods of telling under `code`, and as references
only the identifier of the first message.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from msgspec.structs import replace

from services.contracts.alert import model
from services.contracts.alert.cap import EVENT_TYPE, SENDER_CODE, words
from services.contracts.alert.events import code_in, named_in
from services.contracts.alert.instant import BEIJING
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
from services.contracts.alert.model import (
    COLOURS,
    Alert,
    Area,
    Flaw,
    Info,
    Malformed,
    Method,
    Reference,
    Resource,
    Value,
)
from services.contracts.alert.rules import refused
from services.contracts.alert.wording import colour_of

CERTAINTIES = ("Observed", "VeryLikely", "Likely", "Possible", "Unlikely", "Unknown")
SENDER = re.compile(r"\d{6}[0-9A-Z]{8}")
_COMMAS = re.compile(r"[\s,，;；]+")
_TRIPLE = re.compile(r"[^\s,]+,\s*([^\s,]+),\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\s,;]*")
"""A reference as CAP writes it; as a list of identifiers its sender would be the first message of every chain."""
_COLOUR = {
    "red": "red", "orange": "orange", "yellow": "yellow", "blue": "blue", "unknown": "", "9": "", "": "",
    "1": "red", "2": "orange", "3": "yellow", "4": "blue",
}  # fmt: skip


def _read_methods(element: Element, path: str, reading: Reading) -> tuple[Method, ...]:
    return tuple(
        Method(**read_rows(method, f"{path}/method[{n}]", METHOD, reading))
        for n, method in enumerate(element, 1)
        if local(method) == "method"
    )


def _write_methods(parent: Element, name: str, value: tuple[Method, ...]) -> None:
    code = child(parent, name)
    for method in value:
        write_rows(child(code, "method"), METHOD, method)


def _read_references(element: Element, _path: str, _reading: Reading) -> tuple[Reference, ...]:
    told = _TRIPLE.sub(r"\1 ", text_of(element))
    return tuple(Reference(identifier=word) for word in _COMMAS.split(told) if word)


def _write_references(parent: Element, name: str, value: tuple[Reference, ...]) -> None:
    child(parent, name, ",".join(reference.identifier for reference in value))


def _read_codes(element: Element, _path: str, _reading: Reading) -> tuple[Value, ...]:
    return tuple(Value(value=word) for word in _COMMAS.split(text_of(element)) if word)


def _write_codes(parent: Element, name: str, value: tuple[Value, ...]) -> None:
    child(parent, name, ",".join(code.value for code in value))


def _read_colour(element: Element, path: str, reading: Reading) -> str:
    told = text_of(element)
    if told.lower() not in _COLOUR:
        reading.add(path, f"{told[:40]!r} is not one of Red, Orange, Yellow, Blue, Unknown")
    return _COLOUR.get(told.lower(), "")


def _write_colour(parent: Element, name: str, value: str) -> None:
    child(parent, name, value.capitalize() or "Unknown")


def _written(value: str) -> str:
    return value.replace("T", " ")


def _time(element: str, name: str, *, needed: bool = False) -> Row:
    return time(element, name, _written, BEIJING, needed=needed, always=True)


METHOD = (
    text("methodName", "name", needed=True), text("message", "message", always=True),
    text("audienceGrp", "audience_group", always=True), text("audenceprt", "audience", always=True),
)  # fmt: skip
RESOURCE = (text("resourceDesc", "resource_desc"), text("size", "size"), text("digest", "digest"))
AREA = (
    text("areaDesc", "area_desc", always=True),
    text("polygon", "polygon", many=True, always=True),
    text("circle", "circle", many=True, always=True),
    Row("geocode", "geocode", _read_codes, _write_codes, always=True, words=True),
)
INFO = (
    text("language", "language", always=True),
    text("eventType", "event_type", always=True),
    one_of("urgency", "urgency", model.URGENCIES),
    Row("severity", "colour", _read_colour, _write_colour, always=True),
    one_of("certainty", "certainty", CERTAINTIES, also={"very likely": "VeryLikely"}),
    _time("effective", "effective"),
    _time("onset", "onset"),
    _time("expires", "expires"),
    text("senderName", "sender_name", always=True),
    text("headline", "headline", always=True),
    text("description", "description", always=True),
    text("instruction", "instruction", always=True),
    text("web", "web", always=True),
    part("resource", "resource", Resource, RESOURCE),
    part("area", "area", Area, AREA, extra=True),
)
ALERT = (
    text("identifier", "identifier", needed=True),
    text("sender", "sender", needed=True),
    text("senderCode", "sender_code", always=True),
    _time("sendTime", "sent", needed=True),
    one_of("status", "status", model.STATUSES, needed=True),
    one_of("msgType", "msg_type", model.MESSAGE_TYPES, needed=True),
    one_of("scope", "scope", model.SCOPES),
    Row("code", "method", _read_methods, _write_methods, always=True, words=True),
    text("secClassification", "sec_classification", always=True),
    text("note", "note", always=True),
    Row("references", "references", _read_references, _write_references, always=True, words=True),
    words("incidents", "incidents"),
    part("info", "info", Info, INFO, extra=True),
)


def is_guotu(root: Element) -> bool:
    """Whether a document is one of 国突: an alert without namespace."""
    return local(root) == "alert" and not namespace(root)


def read(root: Element) -> Alert:
    """The alert of a document. Raises Malformed with every flaw."""
    if not is_guotu(root):
        raise Malformed([Flaw("", f"{local(root)} in {namespace(root) or 'no namespace'} is not 国突", "namespace")])
    reading = Reading("")
    values = read_rows(root, "alert", ALERT, reading, extra=True)
    if reading.flaws:
        raise Malformed(reading.flaws)
    alert = Alert(format="guotu", **_defaults(values))
    if flaws := refused(alert):
        raise Malformed(flaws)
    return alert


def _defaults(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"scope": values["scope"] or "Public", "info": tuple(_settled(info) for info in values["info"])}


def _settled(info: Info) -> Info:
    """The severity that CAP has for the colour; what is left out is unknown."""
    return replace(
        info,
        severity=COLOURS.get(info.colour, "Unknown"),
        urgency=info.urgency or "Unknown",
        certainty=info.certainty or "Unknown",
    )


def render(alert: Alert) -> bytes:
    """The document."""
    root = etree.Element("alert")
    write_rows(root, ALERT, alert if alert.format == "guotu" else as_guotu(alert))
    return document(root)


# What came in another format


def as_guotu(alert: Alert) -> Alert:
    """The alert of another format in the words of 国突; a level only when one was told."""
    return replace(
        alert,
        sender_code=alert.sender_code or sender_code_of(alert),
        info=tuple(_info(info) for info in alert.info),
        extension=(),
    )


def sender_code_of(alert: Alert) -> str:
    """The sender's code as a CAP message may carry it: as parameter, as sender, or at the head of its identifier."""
    told = [p.value for info in alert.info for p in info.parameter if p.value_name == SENDER_CODE]
    candidates = [alert.sender_code, *told, alert.sender, alert.identifier.partition("_")[0]]
    return next((code for code in candidates if SENDER.fullmatch(code)), "")


def event_type_of(info: Info) -> str:
    """The event code as told, or the code of the event named."""
    told = [value.value for value in info.event_code if value.value_name == EVENT_TYPE]
    told += [value.value for value in info.event_code]
    code = info.event_type or next((code for value in told if (code := code_in(value))), "")
    named = None if code else named_in(info.event) or named_in(info.headline)
    return code or (named.code if named else "")


def _info(info: Info) -> Info:
    return replace(
        info,
        event_type=event_type_of(info),
        colour=info.colour or colour_of(info),
        area=tuple(replace(area, extension=()) for area in info.area),
        extension=(),
    )
