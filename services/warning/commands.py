"""What people may do: one row per command. A command is an event of a logged-in person; its outcome is the watch's."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from services.contracts import identity
from services.contracts.event import subject_of
from services.contracts.families import TYPES
from services.contracts.topics import partition_of, topic_of
from services.runtime.kafka import Record

SOURCE = "/hub/people"
HEADERS = (("content-type", b"application/cloudevents+json"),)
Make = Callable[[Mapping[str, Any], Mapping[str, Any], str], dict[str, Any]]
"""(the matter as shown, what was sent, who) -> the data of the event."""
DESK = ("watch", "approver", "administrator")
APPROVERS = ("approver", "administrator")


class Command(NamedTuple):
    """One thing that can be done to a matter."""

    list: str
    verb: str
    type: str
    roles: tuple[str, ...]
    make: Make
    about: str


def _take(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    return {
        "shift_id": sent.get("shift_id") or "desk", "post": sent.get("post") or "bureau_duty", "person_id": who,
        "refers_to": matter["id"],
    }  # fmt: skip


def _confirm(matter: Mapping[str, Any], _sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    return {"chain_id": matter["id"], "revision": matter.get("revision"), "by": who}


def _answer(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    return {
        "callout_id": matter["id"], "post": sent.get("post") or matter.get("post"), "person_id": sent.get("person"),
        "via": sent.get("via") or "phone_recorded", "answer": sent.get("answer") or "received",
        "text": sent.get("text"), "recorded_by": who,
    }  # fmt: skip


COMMANDS: tuple[Command, ...] = (
    Command("alerts", "take", "duty.alert_taken", DESK, _take, "认领"),
    Command("alerts", "confirm", "warning.confirmed", DESK, _confirm, "确认"),
    Command("callouts", "answer", "callout.answered", DESK, _answer, "记录应答"),
)
BY_PATH = {(command.list, command.verb): command for command in COMMANDS}


def event(
    type_: str, content: Mapping[str, Any], *, id_: str, who: str, scope: str, region: str, now: datetime.datetime
) -> Record:
    """The event of a person, on its way to Kafka."""
    status, _, drill = scope.partition(":")
    told = {name: value for name, value in content.items() if value is not None}
    moment = now.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    sent = {
        "specversion": "1.0", "id": id_, "source": SOURCE, "type": type_,
        "subject": subject_of(TYPES[type_], told) or "", "time": moment, "region": region, "status": status, **({"drill": drill} if drill else {}),
        "datacontenttype": "application/json", "data": told,
    }  # fmt: skip
    record = {**sent, "recordedtime": moment, "publisher": who, "digest": identity.digest(sent)}
    topic = topic_of(TYPES[type_])
    key = str(sent["subject"]).encode()
    return Record(topic.name, key, msgspec.json.encode(record), HEADERS, partition_of(TYPES[type_], topic))
