"""Weather alerts received, and the sensitive periods of the year (气象)."""

from __future__ import annotations

from typing import Annotated, Any

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import OBJECT, Flag, Id, Moment, Object, Personal, Text


class WeatherAlertReceived(Data, frozen=True, kw_only=True):
    """One message of the weather service; the messages about one event form a chain."""

    about = row("weather.alert_received", "气象预警接收", "chain_id", clock=False, keys="identifier")
    example = {
        "identifier": "32011141600000_20230716080000",
        "chain_id": "32011141600000/20230716080000",
        "msg_type": "update",
        "references": ["32011141600000_20230716060000"],
        "event_code": "11B03",
        "hazard": "rainstorm",
        "level": "orange",
        "prev_level": "yellow",
        "headline": "浦口区气象台发布暴雨橙色预警信号",
        "description": "预计未来3小时降雨量将达50毫米以上",
        "instruction": "停止户外作业",
        "effective": "2023-07-16T08:00:00+08:00",
        "expires": "2023-07-17T08:00:00+08:00",
        "areas": [{"code": "320111", "name": "浦口区"}],
        "sender": "浦口区气象台",
        "sender_code": "32011141600000",
        "via": "push",
        "raw_digest": "sha256-aa11",
    }

    identifier: Id | None = None
    chain_id: Id | None = None
    msg_type: Annotated[str, codes.MESSAGE_TYPE] | None = None
    references: tuple[Text, ...] = ()
    event_code: Text | None = None
    hazard: Annotated[str, codes.WEATHER_HAZARD] | None = None
    level: Annotated[str, codes.WEATHER_LEVEL] | None = None
    prev_level: Annotated[str, codes.WEATHER_LEVEL] | None = None
    headline: Text | None = None
    description: Text | None = None
    instruction: Text | None = None
    effective: Moment | None = None
    expires: Moment | None = None
    areas: tuple[Object, ...] = ()
    sender: Text | None = None
    sender_code: Text | None = None
    via: Annotated[str, codes.VIA] | None = None
    raw_digest: Text | None = None
    level_source: Annotated[str, codes.LEVEL_SOURCE] | None = None
    outside: Flag | None = None
    flaws: tuple[Text, ...] = ()
    message_format: Annotated[str, codes.MESSAGE_FORMAT] | None = None
    alert: Annotated[dict[str, Any], OBJECT, Personal] | None = None
    raw: Annotated[dict[str, Any], OBJECT, Personal] | None = None


class PeriodDeclared(Data, frozen=True, kw_only=True):
    """A sensitive period is declared, often before it begins."""

    about = row("period.declared", "敏感/特殊时期启动", "period_id", ahead=True, keys="period_id")
    example = {
        "period_id": "TS-2023-01",
        "kind": "festival",
        "from": "2023-06-01",
        "to": "2023-06-30",
        "duty_level": "加强值守",
    }

    period_id: Id | None = None
    kind: Annotated[str, codes.PERIOD_KIND] | None = None
    from_: Moment | None = None
    to: Moment | None = None
    duty_level: Text | None = None


class PeriodEnded(Data, frozen=True, kw_only=True):
    """A sensitive period is over."""

    about = row("period.ended", "敏感/特殊时期结束", "period_id", keys="period_id")
    example = {"period_id": "TS-2023-01"}

    period_id: Id | None = None


TYPES = (
    WeatherAlertReceived,
    PeriodDeclared,
    PeriodEnded,
)
