"""Telemetry from a frame on Kafka to an alarm on Kafka, by its own process, on real parts."""

from __future__ import annotations

import asyncio
import datetime
import signal
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime import postgres
from services.runtime.settings import Settings
from tests.records import publish, record, retraction
from tests.warning.gauge import Gauge, distinct, fresh, now, reading

HIGH = {"level": "high", "value": 3.0}
READ = "SELECT coalesce(sum(total), 0)::int FROM meter WHERE name LIKE 'readings.%'"


@pytest.fixture
async def gauge(settings: Settings, topics: list[str]) -> AsyncIterator[Gauge]:
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await asyncpg.connect(settings.postgres_dsn, server_settings={"search_path": "telemetry"})
    yield Gauge(settings, connection)
    await connection.close()


async def test_from_a_reading_to_its_alarm_and_back_to_normal(gauge: Gauge) -> None:
    """Also: what is no frame is set aside, a silent device is offline, a point that cannot be watched is set aside."""
    point, quiet = fresh(), fresh()
    await gauge.register(point, HIGH)
    await gauge.register(quiet, offline_after_minutes=0.05)
    await gauge.register(fresh(), {"level": "high"})
    async with gauge.process():
        await gauge.known(2)
        await gauge.put([(b"x", b"{not a frame")])
        await gauge.send([reading(quiet, 1.0), reading(point, 2.0), reading(point, 3.4), reading(point, 3.3)])
        (alarm,) = await gauge.said(1)
        await gauge.send([reading(point, 2.0)])
        said = await gauge.said(3)
        await gauge.send([reading(quiet, 1.0)])
        said = await gauge.said(4)
        await gauge.until("SELECT total::int FROM meter WHERE name = 'frames.quarantined'", 1)
    data = alarm["data"]
    assert (alarm["type"], data["point_id"], data["level"], data["value"]) == ("alarm.raised", point, "high", 3.4)
    assert (alarm["region"], alarm["publisher"], alarm["source"]) == ("990111001", "hub", "/hub/warning")
    by_type = Counter((one["type"], "corrects" in one) for one in said)
    assert by_type == {(t, corrected): 1 for t in ("alarm.raised", "device.offline") for corrected in (False, True)}
    assert (
        await gauge.connection.fetchval("SELECT convert_from(record, 'UTF8') FROM frame_quarantine") == "{not a frame"
    )
    assert "per_minute" in await gauge.connection.fetchval("SELECT detail FROM quarantine")


async def test_killed_in_the_middle_no_alarm_is_lost_and_none_is_doubled(gauge: Gauge) -> None:
    points, end = [fresh() for _ in range(20)], fresh()
    for point in (*points, end):
        await gauge.register(point, HIGH, {"level": "rising", "per_minute": 10, "over_minutes": 0.2})
    begin = now() - datetime.timedelta(minutes=30)
    places = ("telemetry.committed", "outbox.sent", "", "telemetry.committed", "outbox.sent:2", "")
    for turn, place in enumerate(places):
        async with gauge.process(place) as process:
            await gauge.known(len(points) + 1)
            for step in range(12):
                at = begin + datetime.timedelta(minutes=turn, seconds=step * 5)
                value = 3.5 if step in (4, 5, 9) else 1.0 + step / 100
                await gauge.send([reading(point, value, at) for point in points], key="site")
            if place:
                await asyncio.wait_for(process.wait(), 30)
                assert process.returncode == -signal.SIGKILL, place
            elif turn < len(places) - 1:
                await gauge.said(len(await gauge.said()) + 1)  # and killed in the middle of it
    async with gauge.process():
        await gauge.send([reading(end, 3.5)], key="site")
        said = distinct(await gauge.said_of(end))
    raised, ended = [one for one in said if "corrects" not in one], [one for one in said if "corrects" in one]
    by_rule = Counter((one["data"]["point_id"], one["data"]["rule_id"]) for one in raised)
    assert by_rule == {
        (end, "threshold.above"): 1,
        **{(point, "threshold.above"): 2 * len(places) for point in points},
        **{(point, "rate.rising.0.2"): 2 * len(places) for point in points},
    }
    assert len({one["data"]["alarm_id"] for one in raised}) == len(raised)
    assert sorted(one["corrects"] for one in ended) == sorted(
        one["id"] for one in raised if one["data"]["point_id"] != end
    )


async def test_stopped_and_started_an_open_alarm_is_not_raised_again_and_windows_are_full(gauge: Gauge) -> None:
    point, climbing = fresh(), fresh()
    await gauge.register(point, HIGH)
    await gauge.register(climbing, {"level": "rising", "per_minute": 10, "over_minutes": 0.2})
    then = now() - datetime.timedelta(minutes=1)
    async with gauge.process() as process:
        await gauge.known(2)
        await gauge.send([reading(climbing, 1.0, then)])
        await gauge.send([reading(point, 3.4)])
        await gauge.said(1)
        await asyncio.sleep(1.5)  # until Faust has committed
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 7) == 0
    await gauge.send([reading(point, 3.5)])
    async with gauge.process():
        await gauge.send([reading(climbing, 3.0, then + datetime.timedelta(seconds=10))])
        await gauge.send([reading(point, 3.6)])
        said = distinct(await gauge.said_of(climbing))
        await gauge.until(READ, 7)  # what the first process had read was read again
        assert [one["data"]["level"] for one in said] == ["high", "rising"]
        await gauge.send([reading(point, 1.0)])
        await gauge.until("SELECT worst FROM episode WHERE rule = 'threshold.above'", 0)
        await gauge.until("SELECT count(*) FROM outbox", 0)
        assert distinct(await gauge.said())[-1]["data"]["peak"] == 3.6


async def test_a_registration_can_be_changed_and_taken_back(gauge: Gauge) -> None:
    point = fresh()
    first = record("monitor.point_registered", point, {"point_id": point, "thresholds": [HIGH]})
    await publish(gauge.settings, [first])
    async with gauge.process():
        await gauge.known(1)
        await gauge.register(point, {"level": "high", "value": 9.0})
        await gauge.known(2)
        await asyncio.sleep(0.3)
        await gauge.send([reading(point, 3.5)])
        await gauge.until(READ, 1)
        assert await gauge.said() == []
        await gauge.send([reading(point, 9.5)])
        await gauge.said(1)
        await publish(gauge.settings, [retraction(first)])
        await gauge.known(3)


async def test_a_surge_of_tickets_in_one_street_is_an_alarm(gauge: Gauge) -> None:
    past = [
        record("hotline.ticket_received", f"old{n}", {"ticket_id": f"old{n}"}, region="990111001",
               at=now() - datetime.timedelta(hours=2 + 6 * n))
        for n in range(8)
    ]  # fmt: skip
    async with gauge.process():
        await publish(gauge.settings, past)
        await gauge.until("SELECT coalesce(sum(n), 0)::int FROM arrival WHERE area = '990111'", 8)
        tickets = [
            record("hotline.ticket_received", f"t{n}", {"ticket_id": f"t{n}"}, region="990111001002", at=now())
            for n in range(14)
        ]  # fmt: skip
        await publish(gauge.settings, tickets[:9])
        await gauge.until("SELECT coalesce(sum(n), 0)::int FROM arrival WHERE area = '990111'", 17)
        assert await gauge.said() == []
        await publish(gauge.settings, tickets[9:])
        (surge,) = await gauge.said(1)
    data = surge["data"]
    assert (surge["region"], data["level"], data["rule_id"], data["value"]) == (
        "990111001",
        "surge",
        "surge.tickets",
        14,
    )
    assert data["usual"] < 3
