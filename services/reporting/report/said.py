"""What reporting says of its editions: frozen, an answer frozen, a document numbered. Ids follow from what they say."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from services.contracts import identity
from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.reporting.report.edition import Edition
from services.runtime import outbox
from services.runtime.kafka import RECORD_BYTES, Record

SOURCE = "/hub/reporting"
PEOPLE = "/hub/people"
HEADERS = (("content-type", b"application/cloudevents+json"),)
FROZEN, ANSWERED, NUMBERED = "report.edition_frozen", "report.answer_frozen", "document.numbered"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def frozen(edition: Edition, figures: Mapping[str, Any], at: datetime.datetime) -> outbox.Row:
    """An edition is frozen; figures too many for a record are left out, their digest covers them."""
    scope = edition.scope
    data = {
        "edition": edition.id, "template": scope.template, "region_code": scope.region, "revision": edition.revision,
        "from": scope.first.isoformat(), "to": scope.last.isoformat(), "cutoff": edition.cutoff.isoformat(),
        "content_sha256": edition.digest, "figures": dict(figures),
    }  # fmt: skip
    if len(_encode(data)) > RECORD_BYTES // 2:
        del data["figures"]
    return _row(FROZEN, f"{edition.id}/{edition.attempt}", data, scope.region, at)


def answered(
    id_: str, region: str, cutoff: datetime.datetime, digest: str, figures: Mapping[str, Any], content: str,
    at: datetime.datetime,
) -> Record:  # fmt: skip
    """The figures of an answer are frozen."""
    data = {"edition": id_, "cutoff": cutoff.isoformat(), "content_sha256": digest, "figures": dict(figures),
            "frozen": content}  # fmt: skip
    return event(ANSWERED, data, id_=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ANSWERED}/{id_}")), source=SOURCE,
                 who="hub", region=region, now=at)  # fmt: skip


def numbered(series: str, number: int, edition: Edition) -> outbox.Row:
    """A document has its number."""
    data = {"series": series, "number": number, "subject": edition.id, "refers_to": edition.id,
            "revision": edition.revision}  # fmt: skip
    assert edition.issued is not None  # noqa: S101  only what is issued is numbered
    return _row(NUMBERED, f"{series}/{number}", data, edition.scope.region, edition.issued)


def _row(type_: str, name: str, data: Mapping[str, Any], region: str, at: datetime.datetime) -> outbox.Row:
    record = event(type_, data, id_=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{type_}/{name}")), source=SOURCE,
                   who="hub", region=region, now=at)  # fmt: skip
    return outbox.Row(record.topic, record.key, record.value, partition=record.partition)


def event(
    type_: str, data: Mapping[str, Any], *, id_: str, source: str, who: str, region: str, now: datetime.datetime
) -> Record:
    """An event of the hub or, from PEOPLE, of a person."""
    stated = {name: value for name, value in data.items() if value is not None}
    moment = now.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sent = {
        "specversion": "1.0", "id": id_, "source": source, "type": type_,
        "subject": subject_of(TYPES[type_], stated) or "", "time": moment, "region": region, "status": "actual",
        "datacontenttype": "application/json", "data": stated,
    }  # fmt: skip
    plain = msgspec.json.decode(_encode(sent))
    record = {**plain, "recordedtime": moment, "publisher": who, "digest": identity.digest(plain)}
    topic = topic_of(TYPES[type_])
    return Record(
        topic.name, str(sent["subject"]).encode(), _encode(record), HEADERS, partition_of(TYPES[type_], topic)
    )
