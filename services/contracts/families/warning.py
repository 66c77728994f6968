"""Warnings: notices, releases, relays, and the assessment of risk (预警)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Id, Moment, Object, Personal, Text


class WarningNoticeIssued(Data, frozen=True, kw_only=True):
    """A notice that asks the units to act goes out."""

    about = row("warning.notice_issued", "工作提示单下发", "notice_id", origin="hub person", keys="notice_id")
    example = {
        "notice_id": "TSD-2023-07",
        "hazard": "rainstorm",
        "basis_alert_id": "32011141600000_20230716080000",
        "level": "orange",
        "recipients": ["江浦街道办事处", "区住建局"],
        "measures": ["停止户外作业"],
        "due": "2023-07-16T12:00:00+08:00",
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
    }

    notice_id: Id | None = None
    hazard: Text | None = None
    basis_alert_id: Id | None = None
    level: Text | None = None
    recipients: tuple[Text, ...] = ()
    measures: tuple[Text, ...] = ()
    due: Moment | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    headline: Text | None = None
    areas: tuple[Object, ...] = ()
    cautions: Text | None = None
    text: Text | None = None
    open_hazards: tuple[Object, ...] = ()
    """Open hazards of the area and their owners, as they stood when it was signed."""


class WarningNoticeAcknowledged(Data, frozen=True, kw_only=True):
    """A recipient signs for a notice."""

    about = row("warning.notice_acknowledged", "提示单签收", "notice_id", keys="notice_id recipient")
    example = {"notice_id": "TSD-2023-07", "recipient": "江浦街道办事处"}

    notice_id: Id | None = None
    recipient: Text | None = None


class WarningLetterIssued(Data, frozen=True, kw_only=True):
    """A letter warns a sector's regulator."""

    about = row("warning.letter_issued", "警示提示函", "letter_id", keys="letter_id")
    example = {
        "letter_id": "JSH-2022-03",
        "addressee": "区住建局",
        "problem": "燃气用户安全检查不到位",
        "reply_due": "2022-07-30",
    }

    letter_id: Id | None = None
    addressee: Text | None = None
    problem: Text | None = None
    reply_due: Moment | None = None


class WarningReleased(Data, frozen=True, kw_only=True):
    """A warning is published; the fields are the eight statements of the Emergency Response Law."""

    about = row("warning.released", "预警发布", "warning_id", origin="hub person", keys="warning_id")
    example = {
        "warning_id": "YJ-2023-0716",
        "channel": ["sms", "broadcast"],
        "target_area": ["江浦街道"],
        "text": "注意防范短时强降雨",
        "category": "气象灾害",
        "level": "orange",
        "starts": "2023-07-16T08:00:00+08:00",
        "areas": [{"code": "320111", "name": "浦口区"}],
        "cautions": "避免外出",
        "measures": ["停止户外作业"],
        "issuer": "区应急指挥部",
        "issued_at": "2023-07-16T08:00:00+08:00",
        "chain_id": "32011141600000/20230716080000",
    }

    warning_id: Id | None = None
    channel: tuple[Text, ...] = ()
    target_area: tuple[Text, ...] = ()
    text: Text | None = None
    category: Text | None = None
    level: Annotated[str, codes.WEATHER_LEVEL] | None = None
    starts: Moment | None = None
    areas: tuple[Object, ...] = ()
    cautions: Text | None = None
    measures: tuple[Text, ...] = ()
    issuer: Text | None = None
    issued_at: Moment | None = None
    chain_id: Id | None = None


class WarningReceived(Data, frozen=True, kw_only=True):
    """A unit has received a warning."""

    about = row("warning.received", "预警接收", "warning_id", keys="warning_id unit_id")
    example = {"warning_id": "YJ-2023-0716", "unit_id": "district_enforcement_brigade"}

    warning_id: Id | None = None
    unit_id: Id | None = None


class WarningRelayed(Data, frozen=True, kw_only=True):
    """A unit passes a warning down."""

    about = row("warning.relayed", "预警转达", "warning_id")
    example = {"warning_id": "YJ-2023-0716", "from_unit": "区应急局", "to_level": "street", "reached": 5600}

    warning_id: Id | None = None
    from_unit: Text | None = None
    to_level: Annotated[str, codes.RELAY_LEVEL] | None = None
    reached: Count | None = None


class WarningLevelChanged(Data, frozen=True, kw_only=True):
    """The level in force of a chain has changed."""

    about = row("warning.level_changed", "预警级别变化", "chain_id", origin="hub")
    example = {
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
        "from": "yellow",
        "to": "orange",
        "areas": [{"code": "320111", "name": "浦口区"}],
    }

    chain_id: Id | None = None
    revision: Count | None = None
    from_: Annotated[str, codes.WEATHER_LEVEL] | None = None
    to: Annotated[str, codes.WEATHER_LEVEL] | None = None
    areas: tuple[Object, ...] = ()
    hazard: Text | None = None
    headline: Text | None = None
    basis_alert_id: Id | None = None


class WarningEnded(Data, frozen=True, kw_only=True):
    """A chain is no longer in force, and why."""

    about = row("warning.ended", "预警结束", "chain_id", origin="hub")
    example = {"chain_id": "32011141600000/20230716080000", "revision": 2, "how": "cancelled"}

    chain_id: Id | None = None
    revision: Count | None = None
    how: Annotated[str, codes.ENDED_HOW] | None = None


class WarningConfirmed(Data, frozen=True, kw_only=True):
    """A person confirms the state of a chain that the source left open."""

    about = row("warning.confirmed", "预警人工确认", "chain_id", origin="person")
    example = {"chain_id": "32011141600000/20230716080000", "revision": 2, "by": "值班员甲"}

    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class WarningChainRated(Data, frozen=True, kw_only=True):
    """The highest level a chain has reached; corrected upward."""

    about = row("warning.chain_rated", "预警过程定级", "chain_id", origin="hub")
    example = {"chain_id": "32011141600000/20230716080000", "highest": "orange"}

    chain_id: Id | None = None
    highest: Annotated[str, codes.WEATHER_LEVEL] | None = None


class WarningNoticeDrafted(Data, frozen=True, kw_only=True):
    """A notice is drafted from a chain by the hub, or edited by a person."""

    about = row("warning.notice_drafted", "工作提示单拟稿", "notice_id", origin="hub person")
    example = {"notice_id": "TSD-2023-07", "chain_id": "32011141600000/20230716080000", "revision": 2}

    notice_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    hazard: Text | None = None
    basis_alert_id: Id | None = None
    level: Text | None = None
    headline: Text | None = None
    areas: tuple[Object, ...] = ()
    recipients: tuple[Text, ...] = ()
    cautions: Text | None = None
    measures: tuple[Text, ...] = ()
    due_minutes: Count | None = None
    text: Text | None = None


class WarningNoticeSubmitted(Data, frozen=True, kw_only=True):
    """A person puts a drafted notice forward to be approved; what is written here replaces the draft's."""

    about = row("warning.notice_submitted", "工作提示单送审", "notice_id", origin="person")
    example = {"notice_id": "TSD-2023-07", "chain_id": "32011141600000/20230716080000", "revision": 2, "by": "值班员甲"}

    notice_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    recipients: tuple[Text, ...] = ()
    cautions: Text | None = None
    measures: tuple[Text, ...] = ()
    due_minutes: Count | None = None
    text: Text | None = None
    open_hazards: tuple[Object, ...] = ()


class WarningNoticeApproved(Data, frozen=True, kw_only=True):
    """A person approves a drafted notice."""

    about = row("warning.notice_approved", "工作提示单批准", "notice_id", origin="person")
    example = {"notice_id": "TSD-2023-07", "chain_id": "32011141600000/20230716080000", "revision": 2, "by": "值班员甲"}

    notice_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    open_hazards: tuple[Object, ...] = ()


class WarningNoticeRefused(Data, frozen=True, kw_only=True):
    """A person sends a drafted notice back."""

    about = row("warning.notice_refused", "工作提示单退回", "notice_id", origin="person")
    example = {
        "notice_id": "TSD-2023-07",
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
        "by": "值班员甲",
        "reason": "天气原因",
    }

    notice_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    reason: Text | None = None


class WarningNoticeLifted(Data, frozen=True, kw_only=True):
    """A notice is no longer needed."""

    about = row("warning.notice_lifted", "工作提示单解除", "notice_id", origin="hub person")
    example = {
        "notice_id": "TSD-2023-07",
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
        "reason": "天气原因",
    }

    notice_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    reason: Text | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class WarningReleaseDrafted(Data, frozen=True, kw_only=True):
    """The publication of a warning is drafted by the hub, or put forward by a person."""

    about = row("warning.release_drafted", "预警发布拟稿", "warning_id", origin="hub person")
    example = {
        "warning_id": "YJ-2023-0716",
        "chain_id": "32011141600000/20230716080000",
        "revision": 2,
        "by": "值班员甲",
        "channel": ["sms", "broadcast"],
        "cautions": "避免外出",
        "measures": ["停止户外作业"],
    }

    warning_id: Id | None = None
    chain_id: Id | None = None
    revision: Count | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    channel: tuple[Text, ...] = ()
    target_area: tuple[Text, ...] = ()
    text: Text | None = None
    category: Text | None = None
    level: Annotated[str, codes.WEATHER_LEVEL] | None = None
    starts: Moment | None = None
    areas: tuple[Object, ...] = ()
    cautions: Text | None = None
    measures: tuple[Text, ...] = ()
    issuer: Text | None = None


class WarningReleaseApproved(Data, frozen=True, kw_only=True):
    """A person approves the publication of a warning."""

    about = row("warning.release_approved", "预警发布批准", "warning_id", origin="person")
    example = {"warning_id": "YJ-2023-0716", "by": "值班员甲"}

    warning_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None
    revision: Count | None = None


class RiskConsultationHeld(Data, frozen=True, kw_only=True):
    """Departments consult on the risk situation."""

    about = row("risk.consultation_held", "会商研判", "meeting_id", keys="meeting_id")
    example = {
        "meeting_id": "HY-2023-14",
        "topic": "有限空间作业",
        "participants": ["区气象局", "区水务局"],
        "conclusions": ["未来三天以防汛为主"],
    }

    meeting_id: Id | None = None
    topic: Text | None = None
    participants: tuple[Text, ...] = ()
    conclusions: tuple[Text, ...] = ()


class RiskBulletinPublished(Data, frozen=True, kw_only=True):
    """A bulletin on the risks of a period is published."""

    about = row("risk.bulletin_published", "风险研判专刊", "bulletin_id", keys="bulletin_id")
    example = {
        "bulletin_id": "ZK-2023-07",
        "period": "2023-06",
        "hot_spots": ["老旧桥涵"],
        "advice": ["加强低洼路段巡查"],
        "recipients": ["江浦街道办事处", "区住建局"],
    }

    bulletin_id: Id | None = None
    period: Text | None = None
    hot_spots: tuple[Text, ...] = ()
    advice: tuple[Text, ...] = ()
    recipients: tuple[Text, ...] = ()


class RiskMeasureIssued(Data, frozen=True, kw_only=True):
    """A preventive measure is laid down."""

    about = row("risk.measure_issued", "防范举措", "measure_id", keys="measure_id")
    example = {"measure_id": "JC-07", "field": "危险化学品", "text": "注意防范短时强降雨", "owner": "危化科"}

    measure_id: Id | None = None
    field: Text | None = None
    text: Text | None = None
    owner: Text | None = None


class RiskAssessed(Data, frozen=True, kw_only=True):
    """The risk of an object is assessed."""

    about = row("risk.assessed", "风险评估", "subject_id")
    example = {"subject_id": "FXY-0204", "method": "LEC", "risk_level": "较大", "valid_to": "2026-06-30"}

    subject_id: Id | None = None
    method: Text | None = None
    risk_level: Text | None = None
    valid_to: Moment | None = None


class RiskCensusReported(Data, frozen=True, kw_only=True):
    """A department reports its part of the risk census."""

    about = row("risk.census_reported", "风险普查", "department")
    example = {
        "department": "区水务局",
        "hazard_type": "洪涝",
        "records": 1520,
        "verified": 1480,
        "census": "first_national_natural_disaster_risk_census",
    }

    department: Text | None = None
    hazard_type: Text | None = None
    records: Count | None = None
    verified: Count | None = None
    census: Text | None = None


TYPES = (
    WarningNoticeIssued,
    WarningNoticeAcknowledged,
    WarningLetterIssued,
    WarningReleased,
    WarningReceived,
    WarningRelayed,
    WarningLevelChanged,
    WarningEnded,
    WarningConfirmed,
    WarningChainRated,
    WarningNoticeDrafted,
    WarningNoticeSubmitted,
    WarningNoticeApproved,
    WarningNoticeRefused,
    WarningNoticeLifted,
    WarningReleaseDrafted,
    WarningReleaseApproved,
    RiskConsultationHeld,
    RiskBulletinPublished,
    RiskMeasureIssued,
    RiskAssessed,
    RiskCensusReported,
)
