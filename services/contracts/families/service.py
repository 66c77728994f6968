"""Service stations and visits to enterprises (服务)."""

from __future__ import annotations

from services.contracts.event import Data, row
from services.contracts.fields import Count, Flag, Id, Text


class ServiceStationRegistered(Data, frozen=True, kw_only=True):
    """A service station is registered."""

    about = row("service.station_registered", "服务站登记", "station_id", keys="station_id")
    example = {
        "station_id": "pu_xiao_an",
        "link_count": 4,
        "has_premises": True,
        "has_equipment": True,
        "has_rules": True,
    }

    station_id: Id | None = None
    link_count: Count | None = None
    has_premises: Flag | None = None
    has_equipment: Flag | None = None
    has_rules: Flag | None = None


class ServiceVisitCompleted(Data, frozen=True, kw_only=True):
    """A service station has visited an enterprise or project."""

    about = row("service.visit_completed", "服务上门", "visit_id", keys="visit_id")
    example = {
        "visit_id": "SM-2023-197",
        "station_id": "pu_xiao_an",
        "project_id": "XM-2022-085",
        "content": ["隐患排查", "培训"],
        "hazards": 3,
    }

    visit_id: Id | None = None
    station_id: Id | None = None
    project_id: Id | None = None
    content: tuple[Text, ...] = ()
    hazards: Count | None = None


class ServiceReportIssued(Data, frozen=True, kw_only=True):
    """A report on visits is issued."""

    about = row("service.report_issued", "服务报告", "report_id", keys="report_id")
    example = {"report_id": "BG-2023-041", "station_id": "pu_xiao_an", "visit_ids": ["SM-2023-196", "SM-2023-197"]}

    report_id: Id | None = None
    station_id: Id | None = None
    visit_ids: tuple[Id, ...] = ()


class ServiceMemberJoined(Data, frozen=True, kw_only=True):
    """An enterprise joins an alliance."""

    about = row("service.member_joined", "联盟入会", "alliance/enterprise_id", keys="alliance enterprise_id")
    example = {"alliance": "安全生产联盟", "enterprise_id": "91320111MA1XXXXX0X"}

    alliance: Text | None = None


TYPES = (
    ServiceStationRegistered,
    ServiceVisitCompleted,
    ServiceReportIssued,
    ServiceMemberJoined,
)
