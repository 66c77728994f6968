"""A step of a case that a person takes over HTTP, and its outcome."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contracts import fate
from services.runtime.settings import Settings
from tests.warning.served import served
from tests.warning.watching import Watching


async def test_a_person_takes_the_steps_of_a_case(settings: Settings, topics: list[str]) -> None:
    async with served(settings) as hub:
        await hub.watch.publish(hub.watch.fact("alarm.raised", "a1", {"alarm_id": "a1", "level": "red"}))
        await hub.watch.settled()
        officer = await hub.log_in("watch")
        path = "/warning/loops/alarm/a1/step"
        strange = await hub.client.post(path, json={"step": "eaten"}, headers=officer)
        assert (strange.status_code, "acknowledged, dispatched, closed" in strange.text) == (422, True)
        for step in ("acknowledged", "closed"):
            taken = await hub.client.post(path, json={"step": step}, headers=officer)
            assert taken.status_code == 200, taken.text
        case = await hub.get("/warning/loops/alarm/a1")
        assert (case["state"], [one["step"] for one in case["steps"]]) == (
            "closed", ["raised", "acknowledged", "closed"]
        )  # fmt: skip
        assert await hub.get("/warning/alarms/a1") == case
        assert (await hub.get("/warning/alarms"))["items"] == [case]
        assert (await hub.get("/warning/incidents"))["items"] == []
        late = await hub.client.post(path, json={"step": "dispatched"}, headers=officer)
        assert (late.status_code, late.json()["detail"]) == (409, "已办结（销号）")


async def fates(watch: Watching) -> list[tuple[str, str, str]]:
    """Id, fate and reason of all that was told."""
    partition = TopicPartition(f"{watch.settings.topic_prefix}fates", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=watch.settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning()
        found = await consumer.getmany(timeout_ms=2000)
    finally:
        await consumer.stop()
    told = [one for records in found.values() for record in records for one in fate.read(record.value)[1]]
    return [(one.id, one.fate, str(one.detail["reason"])) for one in told]


async def test_the_sender_of_a_step_that_waited_in_vain_is_told(settings: Settings, topics: list[str]) -> None:
    async with served(settings) as hub:
        early = hub.watch.fact("alarm.closed", "a9", {"alarm_id": "a9"}, publisher="sensors")
        await hub.watch.publish(early)
        await hub.watch.settled()
        hub.watch.clock.advance(hours=24, seconds=1)
        await hub.watch.settled()
        assert await fates(hub.watch) == [(early["id"], "refused", "尚无「报警」")]
