"""Monitoring: points, readings, alarms, zero reports and what is observed (监测)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Flag, Id, Moment, Number, Object, Personal, Text


class SensorReading(Data, frozen=True, kw_only=True):
    """A sensor reads a value; telemetry, never in the ledger."""

    about = row("sensor.reading", "感知读数", "point_id")
    example = {
        "point_id": "JCD-007",
        "hazard_source_id": "WXY-151",
        "kind": "level",
        "value": 2.7,
        "unit": "m",
        "quality": "good",
    }

    point_id: Id | None = None
    hazard_source_id: Id | None = None
    kind: Annotated[str, codes.SENSOR_KIND] | None = None
    value: Number | None = None
    unit: Text | None = None
    quality: Text | None = None


class DeviceOffline(Data, frozen=True, kw_only=True):
    """A monitoring device has stopped sending."""

    about = row("device.offline", "设备离线", "point_id", origin="partner hub")
    example = {"point_id": "JCD-007", "since": "2023-07-16T06:00:00+08:00", "last_value": 3.2}

    point_id: Id | None = None
    since: Moment | None = None
    last_value: Number | None = None
    normal_at: Moment | None = None


class MonitorPointRegistered(Data, frozen=True, kw_only=True):
    """A monitoring point is connected at a site or enterprise."""

    about = row("monitor.point_registered", "监测点登记", "point_id", keys="point_id")
    example = {
        "point_id": "JCD-007",
        "site_type": "noncoal_mine",
        "hazard_source_id": "WXY-151",
        "thresholds": [{"level": "high", "value": 3.0}],
        "hours_per_day": 24,
    }

    point_id: Id | None = None
    site_type: Annotated[str, codes.SITE_TYPE] | None = None
    hazard_source_id: Id | None = None
    thresholds: tuple[Object, ...] = ()
    """Each a `level` and either a `value` (crossed upwards, or `direction: below`; left again by `hysteresis`) or a
    change `per_minute` (negative: falling) within `over_minutes`; `kind` when the point measures several."""
    hours_per_day: Number | None = None
    offline_after_minutes: Number | None = None


class AlarmRaised(Data, frozen=True, kw_only=True):
    """A value crosses its threshold."""

    about = row("alarm.raised", "报警", "alarm_id", origin="partner hub", keys="alarm_id")
    example = {
        "alarm_id": "BJ-20230716-01",
        "point_id": "JCD-007",
        "level": "high",
        "threshold": 3.0,
        "value": 3.4,
        "rule_id": "joint_inspection_departments",
    }

    alarm_id: Id | None = None
    point_id: Id | None = None
    level: Text | None = None
    threshold: Number | None = None
    value: Number | None = None
    rule_id: Id | None = None
    kind: Annotated[str, codes.SENSOR_KIND] | None = None
    normal_at: Moment | None = None
    peak: Number | None = None
    usual: Number | None = None


class AlarmAcknowledged(Data, frozen=True, kw_only=True):
    """Somebody has seen an alarm."""

    about = row("alarm.acknowledged", "报警确认", "alarm_id", origin="partner hub")
    example = {"alarm_id": "BJ-20230716-01", "by": "值班员甲"}

    alarm_id: Id | None = None
    by: Annotated[str, TEXT, Personal] | None = None


class AlarmDispatched(Data, frozen=True, kw_only=True):
    """An alarm is handed to an organisation."""

    about = row("alarm.dispatched", "调度派发", "alarm_id", origin="partner hub")
    example = {"alarm_id": "BJ-20230716-01", "to_org": "区应急局", "task_id": "RW-2023-031", "due": "2023-07-30"}

    alarm_id: Id | None = None
    to_org: Text | None = None
    task_id: Id | None = None
    due: Moment | None = None


class AlarmClosed(Data, frozen=True, kw_only=True):
    """An alarm is closed with its cause."""

    about = row("alarm.closed", "报警销号", "alarm_id", origin="partner hub", keys="alarm_id")
    example = {"alarm_id": "BJ-20230716-01", "cause": "液位计误报"}

    alarm_id: Id | None = None
    rule_id: Id | None = None
    """As the alarm was raised by."""
    cause: Text | None = None


class ZeroReportSubmitted(Data, frozen=True, kw_only=True):
    """A unit reports that nothing (or something) abnormal was observed in a period."""

    about = row("zero_report.submitted", "宏观异常零报告", "unit_id", keys="unit_id period")
    example = {"unit_id": "district_enforcement_brigade", "period": "2023-06", "anomaly": False, "reporter": "报告人甲"}

    unit_id: Id | None = None
    period: Text | None = None
    anomaly: Flag | None = None
    reporter: Annotated[str, TEXT, Personal] | None = None


class AnomalyReported(Data, frozen=True, kw_only=True):
    """A unit reports an abnormal phenomenon."""

    about = row("anomaly.reported", "异常上报", "unit_id")
    example = {"unit_id": "district_enforcement_brigade", "kind": "井水异常", "description": "井水翻花冒泡"}

    unit_id: Id | None = None
    kind: Text | None = None
    description: Text | None = None


class QuakeReported(Data, frozen=True, kw_only=True):
    """An earthquake is reported."""

    about = row("quake.reported", "地震速报", "location/magnitude")
    example = {"location": "江苏盐城大丰区海域", "magnitude": 3.2, "depth_km": 10}

    location: Text | None = None
    magnitude: Number | None = None
    depth_km: Number | None = None


class GridOutageReported(Data, frozen=True, kw_only=True):
    """A power cut is reported."""

    about = row("grid.outage_reported", "停电信息", "area")
    example = {"area": "江浦街道", "customers": 1200, "from": "2023-06-01", "to": "2023-06-30"}

    area: Text | None = None
    customers: Count | None = None
    from_: Moment | None = None
    to: Moment | None = None


TYPES = (
    SensorReading,
    DeviceOffline,
    MonitorPointRegistered,
    AlarmRaised,
    AlarmAcknowledged,
    AlarmDispatched,
    AlarmClosed,
    ZeroReportSubmitted,
    AnomalyReported,
    QuakeReported,
    GridOutageReported,
)
