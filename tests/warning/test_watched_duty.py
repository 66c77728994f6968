"""Shifts and contacts in a running watch: the roster stands by itself, a swap changes who is called."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.runtime.settings import Settings
from tests.warning.watching import Watching, watching


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings) as one:
        yield one


async def test_the_roster_stands_and_a_swap_changes_who_is_called(watch: Watching) -> None:
    async def running() -> tuple[str, dict[str, object]] | None:
        shifts = await watch.matters("shift")
        found = [(k, s) for k, s in shifts.items() if s["post"] == "bureau_duty" and s["state"] == "on_duty"]
        return found[0] if found else None

    key, shift = await watch.until(running)
    other = "R004" if shift["person_id"] != "R004" else "R005"
    number = [{"kind": "sms", "address": "13800009999"}]
    await watch.publish(
        watch.fact("duty.shift_swapped", key, {"shift_id": key, "person_id": other}),
        watch.fact("contact.upserted", other, {"person_id": other, "channels": number}),
    )
    await watch.settled()
    await watch.publish(watch.alert())
    await watch.settled()
    rows = await watch.connection.fetch("SELECT person, channel, address FROM delivery WHERE post = 'bureau_duty'")
    assert {tuple(row) for row in rows} == {(other, "sms", "13800009999"), (other, "voice", "")}

    gone = watch.fact("duty.logged", key, {"shift_id": key, "kind": "来电", "text": "积水已排"})
    await watch.publish(gone)
    await watch.settled()
    assert [entry["text"] for entry in (await watch.matters("shift"))[key]["log"]] == ["积水已排"]
