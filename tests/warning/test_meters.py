"""What Prometheus sees of the watch."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from services.runtime.settings import Settings
from tests.warning.served import served


async def test_open_matters_and_waiting_letters_are_shown(settings: Settings, topics: list[str]) -> None:
    async with served(settings) as hub:
        await hub.behaves("sms", "500")
        await hub.watch.publish(hub.watch.alert())
        await hub.watch.until(lambda: hub.watch.connection.fetchval("SELECT 1 FROM delivery WHERE tries > 0"))
        await hub.watch.until(lambda: hub.watch.connection.fetchval("SELECT 1 FROM testing_outbox"))
        shown = (await hub.client.get("/warning/metrics")).text
        calling = len(await hub.watch.matters("callout"))
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(shown) for sample in family.samples
    }  # fmt: skip
    assert values["hub_warning_matters_open", "callout", "calling"] == calling
    assert values["hub_warning_matters_open", "alert", "in_force"] == 1
    assert values["hub_warning_letters_waiting", "sms"] >= calling
    assert values["hub_warning_letter_waiting_seconds", "sms"] >= 0
    assert ("hub_warning_clock_late_seconds",) in values
