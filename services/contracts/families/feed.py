"""Feeds and channels: silence, declared zeros, tests (数据来源)."""

from __future__ import annotations

from services.contracts.event import Data, row
from services.contracts.fields import Id, Moment, Number, Text


class FeedSilent(Data, frozen=True, kw_only=True):
    """A feed has not sent within its cadence and grace."""

    about = row("feed.silent", "来源静默", "publisher/type", origin="hub")
    example = {"publisher": "street-jiangpu", "type": "hazard.found", "since": "2023-07-16T06:00:00+08:00"}

    publisher: Id | None = None
    type: Id | None = None
    since: Moment | None = None


class FeedResumed(Data, frozen=True, kw_only=True):
    """A silent feed sends again."""

    about = row("feed.resumed", "来源恢复", "publisher/type", origin="hub")
    example = {"publisher": "street-jiangpu", "type": "hazard.found", "since": "2023-07-16T06:00:00+08:00"}

    publisher: Id | None = None
    type: Id | None = None
    since: Moment | None = None


class FeedZeroDeclared(Data, frozen=True, kw_only=True):
    """A publisher declares that there was nothing in a period."""

    about = row("feed.zero_declared", "零报声明", "publisher/type", keys="publisher type period")
    example = {"publisher": "street-jiangpu", "type": "hazard.found", "period": "2023-06"}

    publisher: Id | None = None
    type: Id | None = None
    period: Text | None = None


class ChannelTested(Data, frozen=True, kw_only=True):
    """A channel has been tested."""

    about = row("channel.tested", "通道测试", "channel", origin="hub")
    example = {"channel": "sms", "result": "delivered", "seconds": 95}

    channel: Text | None = None
    result: Text | None = None
    seconds: Number | None = None


TYPES = (
    FeedSilent,
    FeedResumed,
    FeedZeroDeclared,
    ChannelTested,
)
