"""Headquarters, orders, emergency responses and support (指挥)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Personal, Text


class CommandHqRegistered(Data, frozen=True, kw_only=True):
    """A headquarters is set up on paper."""

    about = row("command.hq_registered", "指挥部登记", "hq_id", keys="hq_id")
    example = {"hq_id": "ZHB-00", "tier": "general", "hazard_type": "洪涝", "members": ["区水务局"]}

    hq_id: Id | None = None
    tier: Annotated[str, codes.HQ_TIER] | None = None
    hazard_type: Text | None = None
    members: tuple[Text, ...] = ()


class CommandActivated(Data, frozen=True, kw_only=True):
    """A headquarters goes to work."""

    about = row("command.activated", "指挥部启动", "hq_id")
    example = {"hq_id": "ZHB-00", "incident_id": "TF-2023-0716-01", "level": "III"}

    hq_id: Id | None = None
    incident_id: Id | None = None
    level: Text | None = None


class CommandTaskDispatched(Data, frozen=True, kw_only=True):
    """An order goes out."""

    about = row("command.task_dispatched", "指令下达", "task_id", keys="task_id")
    example = {"task_id": "RW-2023-031", "incident_id": "TF-2023-0716-01", "to": "区水务局", "due": "2023-07-30"}

    task_id: Id | None = None
    incident_id: Id | None = None
    to: Text | None = None
    due: Moment | None = None


class CommandTaskAcknowledged(Data, frozen=True, kw_only=True):
    """An order is taken."""

    about = row("command.task_acknowledged", "指令接收", "task_id", keys="task_id")
    example = {"task_id": "RW-2023-031"}

    task_id: Id | None = None


class CommandTaskCompleted(Data, frozen=True, kw_only=True):
    """An order is carried out."""

    about = row("command.task_completed", "指令完成", "task_id", keys="task_id")
    example = {"task_id": "RW-2023-031"}

    task_id: Id | None = None


class EmergencyResponseProposed(Data, frozen=True, kw_only=True):
    """The hub proposes a response."""

    about = row("emergency.response_proposed", "应急响应建议", "response_id", origin="hub")
    example = {
        "response_id": "XY-2023-0716",
        "hazard": "rainstorm",
        "level": "III",
        "area": "江浦街道",
        "chain_id": "32011141600000/20230716080000",
    }

    response_id: Id | None = None
    hazard: Text | None = None
    level: Text | None = None
    area: Text | None = None
    chain_id: Id | None = None
    expected_until: Moment | None = None
    measures: tuple[Text, ...] = ()
    basis_alert_id: Id | None = None


class EmergencyResponseSigned(Data, frozen=True, kw_only=True):
    """A person puts forward that a response starts, changes its level or ends, or sends that back."""

    about = row("emergency.response_signed", "应急响应送审", "response_id", origin="person")
    example = {"response_id": "XY-2023-0716", "step": "start", "level": "III", "by": "值班员甲"}

    response_id: Id | None = None
    step: Text | None = None
    """start, change, end or refuse."""
    level: Text | None = None
    expected_until: Moment | None = None
    measures: tuple[Text, ...] = ()
    by: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None


class EmergencyResponseApproved(Data, frozen=True, kw_only=True):
    """A person approves a response."""

    about = row("emergency.response_approved", "应急响应批准", "response_id", origin="person")
    example = {"response_id": "XY-2023-0716", "by": "值班员甲"}

    response_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    step: Text | None = None


class EmergencyResponseStarted(Data, frozen=True, kw_only=True):
    """An emergency response starts."""

    about = row("emergency.response_started", "应急响应启动", "response_id", origin="hub person", keys="response_id")
    example = {
        "response_id": "XY-2023-0716",
        "hazard": "rainstorm",
        "level": "III",
        "area": "江浦街道",
        "expected_until": "2023-07-18",
        "measures": ["停课停工"],
        "approved_by": "区应急指挥部",
        "chain_id": "32011141600000/20230716080000",
    }

    response_id: Id | None = None
    hazard: Text | None = None
    level: Text | None = None
    area: Text | None = None
    expected_until: Moment | None = None
    measures: tuple[Text, ...] = ()
    approved_by: Text | None = None
    chain_id: Id | None = None


class EmergencyResponseLevelChanged(Data, frozen=True, kw_only=True):
    """The level of a response changes."""

    about = row("emergency.response_level_changed", "响应级别调整", "response_id", origin="hub person")
    example = {"response_id": "XY-2023-0716", "from": "IV", "to": "III"}

    response_id: Id | None = None
    from_: Text | None = None
    to: Text | None = None
    expected_until: Moment | None = None
    measures: tuple[Text, ...] = ()
    chain_id: Id | None = None


class EmergencyResponseEnded(Data, frozen=True, kw_only=True):
    """An emergency response ends."""

    about = row("emergency.response_ended", "响应终止", "response_id", origin="hub person", keys="response_id")
    example = {"response_id": "XY-2023-0716"}

    response_id: Id | None = None
    chain_id: Id | None = None


class SupportRequested(Data, frozen=True, kw_only=True):
    """Support is asked for."""

    about = row("support.requested", "增援请求", "request_id", keys="request_id")
    example = {"request_id": "QQ-2023-01", "partner": "district", "resources": "排涝泵10台"}

    request_id: Id | None = None
    partner: Annotated[str, codes.SUPPORT_PARTNER] | None = None
    resources: Text | None = None


class SupportAnswered(Data, frozen=True, kw_only=True):
    """A request for support is answered."""

    about = row("support.answered", "增援答复", "request_id")
    example = {"request_id": "QQ-2023-01", "accepted": True, "eta": "2023-07-16T10:30:00+08:00"}

    request_id: Id | None = None
    accepted: Flag | None = None
    eta: Moment | None = None


class AgreementSigned(Data, frozen=True, kw_only=True):
    """An agreement with a partner is signed."""

    about = row("agreement.signed", "联动/协作协议", "agreement_id", keys="agreement_id")
    example = {"agreement_id": "XY-2023-02", "partner": "procuratorate", "item_count": 15, "valid_to": "2025-12-31"}

    agreement_id: Id | None = None
    partner: Text | None = None
    item_count: Count | None = None
    valid_to: Moment | None = None


TYPES = (
    CommandHqRegistered,
    CommandActivated,
    CommandTaskDispatched,
    CommandTaskAcknowledged,
    CommandTaskCompleted,
    EmergencyResponseProposed,
    EmergencyResponseSigned,
    EmergencyResponseApproved,
    EmergencyResponseStarted,
    EmergencyResponseLevelChanged,
    EmergencyResponseEnded,
    SupportRequested,
    SupportAnswered,
    AgreementSigned,
)
