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
from services.warning.contact import REQUESTED

SOURCE = "/hub/people"
HEADERS = (("content-type", b"application/cloudevents+json"),)
Make = Callable[[Mapping[str, Any], Mapping[str, Any], str], dict[str, Any]]
"""(the matter as shown, what was sent, who) -> the data of the event."""
DESK = ("watch", "approver", "administrator")
APPROVERS = ("approver", "administrator")
RECIPIENTS = ("partner", *DESK)


class Command(NamedTuple):
    """One thing that can be done to a matter."""

    list: str
    verb: str
    type: str
    """Empty: which one follows from the step of a case."""
    roles: tuple[str, ...]
    make: Make
    about: str
    opens: bool = False
    """It makes the matter: there need not be one of this id."""


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


def _repeat(matter: Mapping[str, Any], _sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    return {"callout_id": matter["id"], "post": matter.get("post"), "recorded_by": who}


def _first_report(matter: Mapping[str, Any], sent: Mapping[str, Any], _who: str) -> dict[str, Any]:
    """What somebody has told the desk of an incident, for the first time."""
    names = ("kind", "place", "occurred_at", "reporter", "learned_at", "severity")
    return {"incident_id": matter["id"], "stage": "first", **{name: sent.get(name) or None for name in names}}


def _written(*names: str) -> Make:
    """A paper's id, chain and revision, who it is, and what was sent of these fields."""

    def make(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
        return {
            **{name: matter[name] for name in ("notice_id", "warning_id") if name in matter},
            "chain_id": matter["chain"], "revision": sent.get("revision", matter.get("revision")), "by": who,
            **{name: sent[name] for name in names if sent.get(name)},
        }  # fmt: skip

    return make


def _before(make: Make) -> Make:
    """With the open hazards of the area, as they lie before whoever signs."""

    def with_hazards(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
        return {**make(matter, sent, who), "open_hazards": matter.get("open_hazards") or None}

    return with_hazards


def _acknowledge(matter: Mapping[str, Any], sent: Mapping[str, Any], _who: str) -> dict[str, Any]:
    return {"notice_id": matter["notice_id"], "recipient": sent.get("recipient")}


def _test(matter: Mapping[str, Any], sent: Mapping[str, Any], _who: str) -> dict[str, Any]:
    return {"person_id": matter["id"], "channel": sent.get("channel") or "sms", "result": REQUESTED}


def _step(step: str) -> Make:
    """A step of a response: what it states, and who puts it forward."""

    def make(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
        stated = {name: sent.get(name) for name in ("level", "expected_until", "measures", "reason")}
        return {"response_id": matter["response_id"], "step": step, "by": who, **stated}

    return make


def _approve_response(matter: Mapping[str, Any], _sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    return {"response_id": matter["response_id"], "by": who, "step": (matter.get("pending") or {}).get("step")}


def _said(key: str, *names: str) -> Make:
    """The matter's id as the field `key`, and what was sent of these fields."""

    def make(matter: Mapping[str, Any], sent: Mapping[str, Any], _who: str) -> dict[str, Any]:
        return {key: matter["id"], **{name: sent.get(name) for name in names}}

    return make


def _accept(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    """Whoever the roster names takes over, unless another is named."""
    incoming = (matter.get("next") or {}).get("person_id")
    return {"shift_id": matter["id"], "person_id": sent.get("person_id") or incoming or who}


def _silence(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    told = {name: sent.get(name, matter.get(name)) for name in ("matchers", "reason", "until")}
    return {"id": matter["id"], "owner": sent.get("owner") or who, **told}


def _end_silence(matter: Mapping[str, Any], sent: Mapping[str, Any], who: str) -> dict[str, Any]:
    """It ended when it began: the latest word of its id holds."""
    return {**_silence(matter, sent, who), "until": matter.get("since")}


def _case(_matter: Mapping[str, Any], sent: Mapping[str, Any], _who: str) -> dict[str, Any]:
    """The data of the event that the step is: `services.warning.loops.command` has written it."""
    return dict(sent)


_SHIFT = ("organisation", "post", "person_id", "from", "to")
_NOTICE = _written("recipients", "cautions", "measures", "due_minutes", "text")
_RELEASE = _written("channel", "target_area", "text", "cautions", "measures", "issuer")
COMMANDS: tuple[Command, ...] = (
    Command("alerts", "take", "duty.alert_taken", DESK, _take, "认领"),
    Command("alerts", "confirm", "warning.confirmed", DESK, _confirm, "确认"),
    Command("callouts", "answer", "callout.answered", DESK, _answer, "记录应答"),
    Command("callouts", "call", "callout.repeated", DESK, _repeat, "再次叫应"),
    Command("incidents", "start", "incident.reported", DESK, _first_report, "记首报", opens=True),
    Command("contacts", "test", "contact.tested", DESK, _test, "测试联系方式", opens=True),
    Command("duty", "hand_over", "duty.handed_over", DESK, _said("shift_id", "open_items", "notes"), "交班"),
    Command("duty", "accept", "duty.handover_accepted", DESK, _accept, "接班"),
    Command("duty", "log", "duty.logged", DESK, _said("shift_id", "kind", "text", "caller", "refers_to"), "记值班日志"),
    Command("duty", "roll_call", "duty.roll_called", DESK, _said("shift_id", "unit", "answered_seconds"), "点名"),
    Command("duty", "brief", "duty.brief_issued", DESK, _said("shift_id", "notes"), "发值班要情"),
    Command("duty", "mute", "duty.muted", DESK, _said("shift_id", "person_id", "until", "reason"), "免打扰"),
    Command("duty", "swap", "duty.shift_swapped", DESK, _said("shift_id", *_SHIFT), "换班"),
    Command("duty", "assign", "duty.shift_assigned", DESK, _said("shift_id", *_SHIFT), "排班", opens=True),
    Command("contacts", "confirm", "contact.verified", DESK, _said("person_id"), "核实联系人"),
    Command("silences", "start", "silence.created", DESK, _silence, "设置静默", opens=True),
    Command("silences", "end", "silence.created", DESK, _end_silence, "结束静默"),
    Command("notices", "take", "warning.notice_drafted", DESK, _NOTICE, "拟稿"),
    Command("notices", "submit", "warning.notice_submitted", DESK, _before(_NOTICE), "送审"),
    Command("notices", "issue", "warning.notice_submitted", DESK, _before(_NOTICE), "送审签发"),
    Command("notices", "approve", "warning.notice_approved", APPROVERS, _before(_written()), "审批签发"),
    Command("notices", "refuse", "warning.notice_refused", APPROVERS, _written("reason"), "退回"),
    Command("notices", "lift", "warning.notice_lifted", APPROVERS, _written("reason"), "解除"),
    Command("notices", "accept", "warning.notice_acknowledged", RECIPIENTS, _acknowledge, "签收"),
    Command("notices", "acknowledge", "warning.notice_acknowledged", RECIPIENTS, _acknowledge, "签收"),
    Command("releases", "submit", "warning.release_drafted", DESK, _RELEASE, "送审"),
    Command("releases", "issue", "warning.release_drafted", DESK, _RELEASE, "送审"),
    Command("releases", "approve", "warning.release_approved", APPROVERS, _written(), "审批发布"),
    Command("loops", "step", "", DESK, _case, "推进案件"),
    Command("responses", "start", "emergency.response_signed", DESK, _step("start"), "提出启动"),
    Command("responses", "step", "emergency.response_signed", DESK, _step("change"), "提出调整级别"),
    Command("responses", "end", "emergency.response_signed", DESK, _step("end"), "提出终止"),
    Command("responses", "approve", "emergency.response_approved", APPROVERS, _approve_response, "批准"),
    Command("responses", "refuse", "emergency.response_signed", APPROVERS, _step("refuse"), "退回"),
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
        "subject": subject_of(TYPES[type_], told) or "", "time": moment, "region": region, "status": status,
        **({"drill": drill} if drill else {}),
        "datacontenttype": "application/json", "data": told,
    }  # fmt: skip
    record = {**sent, "recordedtime": moment, "publisher": who, "digest": identity.digest(sent)}
    topic = topic_of(TYPES[type_])
    key = str(sent["subject"]).encode()
    return Record(topic.name, key, msgspec.json.encode(record), HEADERS, partition_of(TYPES[type_], topic))
