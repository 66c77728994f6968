"""A step of a case that a person takes over HTTP, and its outcome."""

from __future__ import annotations

from services.runtime.settings import Settings
from tests.warning.served import served


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
