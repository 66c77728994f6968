"""The register as JSON Schema 2020-12: one schema and one whole example per event type, generated from its class.

The schema describes a CloudEvent in structured mode as a publisher sends it (CloudEvents 1.0.2); field names carry
their Chinese headings. It is a little stricter than the door, which also takes null for an absent field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.contracts.event import STATUSES, Type, subject_of
from services.contracts.families import CLASS_OF, FIELDS, TYPES
from services.contracts.fields import MONEY, FieldSpec
from services.contracts.glossary import Term, attribute, term

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SOURCE = "//example.org/bureau"
RETRACTED_SUBJECT = "YH-2023-0117"
"""A retraction has no subject of its own: its example takes back the one of hazard.found."""

_REQUIRED = ("specversion", "id", "source", "type", "time")
_TEXT = {"type": "string", "minLength": 1}
_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {**_TEXT, "maxLength": 256},
    "source": {**_TEXT, "maxLength": 512, "format": "uri-reference"},
    "subject": {**_TEXT, "maxLength": 1024},
    "time": {**_TEXT, "format": "date-time"},
    "region": _TEXT,
    "status": {"enum": list(STATUSES), "default": "actual"},
    "drill": _TEXT,
    "lane": {"const": "history"},
    "corrects": _TEXT,
    "correctssource": {**_TEXT, "format": "uri-reference"},
    "datacontenttype": _TEXT,
    "dataschema": {**_TEXT, "format": "uri"},
}
NamedCodes = Mapping[tuple[str, str], Mapping[str, str]]
"""The values a bureau adds, with their Chinese names, by (type, field); no type means every type with the field."""
_NO_CODES: NamedCodes = MappingProxyType({})


def json_schema(type_name: str, extra_codes: NamedCodes = _NO_CODES) -> dict[str, Any]:
    """The schema of a whole event of one type, with a bureau's own codes. KeyError for an unknown type."""
    type_ = TYPES[type_name]
    attributes = {name: {**_titled(attribute(name)), **rule} for name, rule in _ATTRIBUTES.items()}
    return {
        "$schema": DIALECT,
        "$id": f"urn:event:{type_name}",
        "title": type_.zh,
        "description": CLASS_OF[type_name].__doc__,
        "type": "object",
        "required": list(_REQUIRED),
        "properties": {**attributes, "type": {"const": type_name}, "data": {"$ref": "#/$defs/data"}},
        "examples": [example_event(type_name)],
        "x-origins": sorted(type_.origins),
        "x-subject": list(type_.subject),
        "x-keys": list(type_.keys),
        "$defs": {"data": _data_schema(type_name, extra_codes)},
    }


def _data_schema(type_name: str, extra_codes: NamedCodes) -> dict[str, Any]:
    properties = {}
    for name, spec in FIELDS[type_name].items():
        extra = {**extra_codes.get(("", name), {}), **extra_codes.get((type_name, name), {})}
        properties[name] = _field_schema(type_name, spec, extra)
    return {"type": "object", "properties": properties}


def _field_schema(type_name: str, spec: FieldSpec, extra: Mapping[str, str]) -> dict[str, Any]:
    one = dict(spec.kind.schema)
    if spec.codes:
        names = {**spec.codes.values, **extra}
        one = {"type": "string", "enum": list(names), "x-zh": names}
    row = term(type_name, spec.name)
    schema = {**_titled(row), **({"type": "array", "items": one} if spec.many else one)}
    unit = "元" if spec.kind is MONEY else row.unit
    return schema | ({"x-unit": unit} if unit else {}) | ({"x-personal": True} if spec.personal else {})


def _titled(row: Term) -> dict[str, Any]:
    return {"title": row.zh, "description": row.about}


def example_event(type_name: str) -> dict[str, Any]:
    """A whole CloudEvent of one type, as a publisher would send it. KeyError for an unknown type."""
    type_, data = TYPES[type_name], dict(CLASS_OF[type_name].example)
    event = {
        "specversion": "1.0",
        "id": _example_id(type_name),
        "source": SOURCE,
        "type": type_name,
        "subject": _example_subject(type_, data),
        "time": "2023-07-16T09:30:00+08:00",
        "datacontenttype": "application/json",
        "data": data,
    }
    return event if type_.subject else {**event, "corrects": _example_id(data["type"])}


def _example_subject(type_: Type, data: Mapping[str, Any]) -> str:
    return subject_of(type_, data) or RETRACTED_SUBJECT


def _example_id(type_name: str) -> str:
    """A UUIDv7 that is always the same for a type."""
    tail = hashlib.sha256(type_name.encode()).hexdigest()
    return f"01895c51-9dc0-7{tail[:3]}-8{tail[3:6]}-{tail[6:18]}"
