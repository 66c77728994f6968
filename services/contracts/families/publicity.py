"""Publicity: campaigns, activities, material, media (宣传)."""

from __future__ import annotations

from typing import Annotated

from services.contracts import codes
from services.contracts.event import Data, row
from services.contracts.fields import TEXT, Count, Id, Moment, Number, Personal, Text


class PublicityCampaignStarted(Data, frozen=True, kw_only=True):
    """A month or week of publicity begins."""

    about = row("publicity.campaign_started", "宣传月/周启动", "campaign")
    example = {"campaign": "safety_month", "ordinal": 22, "from": "2023-06-01", "to": "2023-06-30"}

    ordinal: Count | None = None
    from_: Moment | None = None
    to: Moment | None = None


class PublicityActivity(Data, frozen=True, kw_only=True):
    """An activity for the public or for enterprises."""

    about = row("publicity.activity", "宣传活动", "activity_id")
    example = {
        "activity_id": "HD-2023-016",
        "type": "consultation_day",
        "setting": "community_and_school",
        "channel": "现场",
        "speaker": "主讲人甲",
        "units": 25,
        "participants": 120,
        "visitors": 1000,
        "viewers": 2486,
        "titles_shown": 3,
        "enterprise_ids": ["91320111MA1XXXXX0X", "91320111MA1YYYYY1Y"],
        "partners": ["区教育局"],
    }

    activity_id: Id | None = None
    type: Annotated[str, codes.PUBLICITY_TYPE] | None = None
    setting: Text | None = None
    channel: Text | None = None
    speaker: Annotated[str, TEXT, Personal] | None = None
    units: Count | None = None
    participants: Count | None = None
    visitors: Count | None = None
    viewers: Count | None = None
    titles_shown: Count | None = None
    enterprise_ids: tuple[Id, ...] = ()
    partners: tuple[Text, ...] = ()


class PublicityMaterialDistributed(Data, frozen=True, kw_only=True):
    """Material is made, handed out or displayed."""

    about = row("publicity.material_distributed", "宣传品", "material")
    example = {
        "material": "poster",
        "action": "distributed",
        "quantity": 500,
        "place": "浦口经济开发区",
        "occasion": "consultation_day",
    }

    material: Text | None = None
    action: Annotated[str, codes.MATERIAL_ACTION] | None = None
    quantity: Number | None = None
    place: Text | None = None
    occasion: Text | None = None


class PublicityMediaPublished(Data, frozen=True, kw_only=True):
    """Something appears in a medium."""

    about = row("publicity.media_published", "媒体发布", "medium")
    example = {"medium": "newspaper", "platform": "浦口发布", "kind": "news_report", "title": "安全生产月启动"}

    medium: Text | None = None
    platform: Text | None = None
    kind: Text | None = None
    title: Text | None = None


class PublicityMediaStats(Data, frozen=True, kw_only=True):
    """How often a platform was read."""

    about = row("publicity.media_stats", "阅读量", "platform/period")
    example = {"platform": "信用中国", "period": "2023-06", "reads": 32000}

    platform: Text | None = None
    period: Text | None = None
    reads: Count | None = None


class BulletinSubmitted(Data, frozen=True, kw_only=True):
    """A section submits a piece of news or a circular."""

    about = row("bulletin.submitted", "信息/通报报送", "kind")
    example = {"kind": "news", "section": "危化科", "title": "安全生产月活动简报"}

    kind: Annotated[str, codes.BULLETIN_KIND] | None = None
    section: Text | None = None
    title: Text | None = None


class DemoSiteCertified(Data, frozen=True, kw_only=True):
    """A community or school is certified as a model."""

    about = row("demo_site.certified", "示范社区/学校创建", "site_id")
    example = {"site_id": "CS-0056", "kind": "disaster_reduction_community", "level": "national"}

    kind: Text | None = None
    level: Text | None = None


TYPES = (
    PublicityCampaignStarted,
    PublicityActivity,
    PublicityMaterialDistributed,
    PublicityMediaPublished,
    PublicityMediaStats,
    BulletinSubmitted,
    DemoSiteCertified,
)
