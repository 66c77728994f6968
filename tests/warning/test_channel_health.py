"""The health of channels: what fails is seen within three minutes, an alarm is raised, the day has its test message."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest

from services.runtime import bureau
from services.runtime.settings import ROOT, Settings
from services.warning import facts, house
from services.warning.channel_health import ChannelHealth
from services.warning.matter import Standing
from services.warning.world import World
from tests.records import record
from tests.warning.served import served

BUREAU = bureau.load(ROOT / "bureaus" / "example")
EIGHT = datetime.datetime(2026, 7, 16, 8, 0, tzinfo=BUREAU.timezone)
WORLD = World(EIGHT, BUREAU, house.load(BUREAU))


def fold(*results: str, now: datetime.datetime = EIGHT) -> Standing:
    told = [
        record("channel.tested", "sms", {"channel": "sms", "result": result}, at=EIGHT + datetime.timedelta(minutes=n))
        for n, result in enumerate(results)
    ]
    read = [facts.read(json.dumps(one).encode(), now).fact for one in told]
    standing = ChannelHealth().fold("sms", read, replace(WORLD, now=now))
    assert standing is not None
    return standing


def test_each_time_it_begins_to_fail_there_is_an_alarm() -> None:
    standing = fold("ok", "failed", "failed", "ok", "failed")
    assert standing.state == "failed"
    assert [say.type for say in standing.says] == ["alarm.raised"] * 2
    assert standing.shown["since"] == EIGHT + datetime.timedelta(minutes=4)
    assert fold("failed", "delivered").state == "ok"
    assert fold().state == "untested"


@pytest.mark.parametrize(("hour", "messages"), [(8, 0), (9, 1), (10, 1), (11, 0)])
def test_the_test_message_of_the_day_goes_to_the_bureau(hour: int, messages: int) -> None:
    sends = fold("ok", now=EIGHT.replace(hour=hour, minute=30 if hour == 10 else 0)).sends
    assert len(sends) == messages
    assert all("短信通道" in send.text and not send.urgent for send in sends)


def test_a_channel_nobody_tested_sends_nothing() -> None:
    assert fold(now=EIGHT.replace(hour=9)).sends == ()


async def test_a_gateway_that_fails_is_seen_within_three_minutes(settings: Settings, topics: list[str]) -> None:
    async with served(settings, patient=True) as hub:
        await hub.behaves("sms", "500")
        hub.watch.clock.advance(minutes=3, seconds=1)

        async def failed() -> bool:
            return (await hub.watch.matters("channel")).get("sms", {}).get("state") == "failed"

        await hub.watch.until(failed)
        found = {one["id"]: one["state"] for one in (await hub.get("/warning/channels"))["items"]}
        assert (found["sms"], found["voice"]) == ("failed", "ok")
        said = "SELECT count(*) FROM effect WHERE kind = 'channel' AND type = 'alarm.raised'"
        assert await hub.watch.connection.fetchval(said) == 1
