"""Channels (通道): whether each gateway works, one real test message a day, and an alarm when one fails."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence

from services.warning.house.routes import CHANNELS
from services.warning.matter import Fact, Named, Post, Say, Send, Standing, Where
from services.warning.world import World

WORKS = ("ok", "handed", "delivered")
"""Results of a test with which a channel works."""
DAILY = datetime.time(9, 0)
"""When the test message of the day goes, in the bureau's time."""
FRESH = datetime.timedelta(hours=2)
"""It goes when the channel is next looked at, which is every hour (`seeds.EVERY`)."""
POST = "bureau_duty"
"""Who gets it: whoever is on duty there."""
ZH = {"sms": "短信", "voice": "语音", "email": "邮件", "webhook": "网络回调", "apprise": "群消息", "console": "控制台"}
SHOWN = 20
"""Tests shown."""


class ChannelHealth:
    """The kind: its key is the channel's name."""

    name = "channel"
    types = frozenset(["channel.tested"])

    def seeds(self, world: World) -> Iterable[str]:
        """The channels that the routes use stand without any fact."""
        return sorted({channel for route in world.house.routes for channel in route.channels})

    def where(self, fact: Fact, _world: World) -> Iterable[Where]:
        """Everything about one channel."""
        yield Named(str(fact.data.get("channel") or fact.subject))

    def fold(self, key: str, facts: Sequence[Fact], world: World) -> Standing | None:
        """How the channel does."""
        if key not in CHANNELS:
            return None
        last = facts[-1] if facts else None
        state = "untested" if last is None else "ok" if _works(last) else "failed"
        shown = {
            "channel": key, "name": ZH[key], "tested": last.time if last else None,
            "since": _since(facts), "result": last.data.get("result") if last else None,
            "tests": [
                {"result": f.data.get("result"), "seconds": f.data.get("seconds"), "at": f.time} for f in facts[-SHOWN:]
            ],
        }  # fmt: skip
        return Standing(
            state=state, shown=shown, region=world.bureau.region, says=tuple(_alarms(key, facts)),
            sends=tuple(_daily(key, world)) if facts else (),
        )  # fmt: skip


def _works(fact: Fact) -> bool:
    return fact.data.get("result") in WORKS


def _since(facts: Sequence[Fact]) -> datetime.datetime | None:
    """Since when it is as it is."""
    since = None
    for before, fact in zip([None, *facts], facts, strict=False):
        if before is None or _works(before) != _works(fact):
            since = fact.time
    return since


def _alarms(key: str, facts: Sequence[Fact]) -> Iterator[Say]:
    """One each time it begins to fail."""
    for before, fact in zip([None, *facts], facts, strict=False):
        if not _works(fact) and (before is None or _works(before)):
            content = {"alarm_id": f"TD-{key}-{fact.time:%Y%m%d%H%M%S}", "level": "high", "rule_id": f"channel/{key}"}
            yield Say(f"failed:{fact.id}", "alarm.raised", content, fact.time, cause=fact.key)


def _daily(key: str, world: World) -> Iterator[Send]:
    """The test message of the day, to whoever is on duty at the bureau."""
    day = world.now.astimezone(world.bureau.timezone).date()
    at = datetime.datetime.combine(day, DAILY, world.bureau.timezone)
    if not at <= world.now < at + FRESH:
        return
    text = world.house.messages.text("channel_test", bureau=world.bureau.short_name, channel=ZH[key])
    for organisation in world.house.people.targets((world.bureau.region,), POST):
        if organisation.region == world.bureau.region:
            to = Post(organisation.code, POST)
            yield Send(f"daily:{at:%Y%m%d}:{organisation.code}", to, (key,), text, at + FRESH, urgent=False)
