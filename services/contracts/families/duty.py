"""Duty shifts: rosters, alerts taken, logs, hand-overs (值班)."""

from __future__ import annotations

from typing import Annotated

from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Id, Moment, Number, Personal, Text


class DutyShiftAssigned(Data, frozen=True, kw_only=True):
    """A person is put on a shift to come."""

    about = row("duty.shift_assigned", "值班安排", "shift_id", origin="person", ahead=True, keys="shift_id")
    example = {
        "shift_id": "ZB-20230716-N",
        "post": "值班岗",
        "person_id": "P-0101",
        "from": "2023-06-01",
        "to": "2023-06-30",
    }

    shift_id: Id | None = None
    post: Text | None = None
    person_id: Id | None = None
    from_: Moment | None = None
    to: Moment | None = None


class DutyShiftSwapped(Data, frozen=True, kw_only=True):
    """A shift to come goes to somebody else."""

    about = row("duty.shift_swapped", "换班", "shift_id", origin="person", ahead=True)
    example = {
        "shift_id": "ZB-20230716-N",
        "post": "值班岗",
        "person_id": "P-0101",
        "from": "2023-06-01",
        "to": "2023-06-30",
    }

    shift_id: Id | None = None
    post: Text | None = None
    person_id: Id | None = None
    from_: Moment | None = None
    to: Moment | None = None


class DutyAlertTaken(Data, frozen=True, kw_only=True):
    """The person on duty takes an alert."""

    about = row("duty.alert_taken", "接警", "shift_id", origin="person")
    example = {
        "shift_id": "ZB-20230716-N",
        "post": "值班岗",
        "person_id": "P-0101",
        "refers_to": "32011141600000/20230716080000",
    }

    shift_id: Id | None = None
    post: Text | None = None
    person_id: Id | None = None
    refers_to: Id | None = None


class DutyLogged(Data, frozen=True, kw_only=True):
    """Something is written into the log of a shift."""

    about = row("duty.logged", "值班日志", "shift_id", origin="person")
    example = {
        "shift_id": "ZB-20230716-N",
        "kind": "来电",
        "text": "接街道电话，积水已排",
        "caller": "来电人甲",
        "refers_to": "32011141600000/20230716080000",
    }

    shift_id: Id | None = None
    kind: Text | None = None
    text: Annotated[str, TEXT, Personal] | None = None
    caller: Annotated[str, TEXT, Personal] | None = None
    refers_to: Id | None = None


class DutyRollCalled(Data, frozen=True, kw_only=True):
    """A unit answers the roll call."""

    about = row("duty.roll_called", "点名", "shift_id", origin="person")
    example = {"shift_id": "ZB-20230716-N", "unit": "江浦街道办事处", "answered_seconds": 42}

    shift_id: Id | None = None
    unit: Text | None = None
    answered_seconds: Number | None = None


class DutyHandedOver(Data, frozen=True, kw_only=True):
    """A shift is handed over with what is still open."""

    about = row("duty.handed_over", "交班", "shift_id", origin="person")
    example = {"shift_id": "ZB-20230716-N", "open_items": ["提示单TSD-2023-07待签收"], "notes": "夜间加强巡查"}

    shift_id: Id | None = None
    open_items: tuple[Text, ...] = ()
    notes: Text | None = None


class DutyHandoverAccepted(Data, frozen=True, kw_only=True):
    """The next shift takes over."""

    about = row("duty.handover_accepted", "接班", "shift_id", origin="person")
    example = {"shift_id": "ZB-20230716-N", "person_id": "P-0101"}

    shift_id: Id | None = None
    person_id: Id | None = None


class DutyBriefIssued(Data, frozen=True, kw_only=True):
    """The brief of a shift is issued."""

    about = row("duty.brief_issued", "值班要情", "shift_id", origin="person")
    example = {"shift_id": "ZB-20230716-N", "notes": "夜间加强巡查"}

    shift_id: Id | None = None
    notes: Text | None = None


class DutyMuted(Data, frozen=True, kw_only=True):
    """A person on duty silences the desk for a while."""

    about = row("duty.muted", "值班免打扰", "shift_id", origin="person")
    example = {
        "shift_id": "ZB-20230716-N",
        "person_id": "P-0101",
        "until": "2023-07-16T20:00:00+08:00",
        "reason": "天气原因",
    }

    shift_id: Id | None = None
    person_id: Id | None = None
    until: Moment | None = None
    reason: Text | None = None


TYPES = (
    DutyShiftAssigned,
    DutyShiftSwapped,
    DutyAlertTaken,
    DutyLogged,
    DutyRollCalled,
    DutyHandedOver,
    DutyHandoverAccepted,
    DutyBriefIssued,
    DutyMuted,
)
