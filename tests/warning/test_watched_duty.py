"""Shifts and contacts in a running watch: the roster stands by itself, a swap changes who is called."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator

import pytest

from services.runtime.settings import Settings
from tests.warning.watching import Watching, watching


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings, patient=True) as one:
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
    rows = await watch.connection.fetch(
        "SELECT person, channel, address FROM delivery WHERE post = 'bureau_duty' AND callout <> ''"
    )
    assert {tuple(row) for row in rows} == {(other, "sms", "13800009999"), (other, "voice", "")}

    gone = watch.fact("duty.logged", key, {"shift_id": key, "kind": "来电", "text": "积水已排"})
    await watch.publish(gone)
    await watch.settled()
    assert [entry["text"] for entry in (await watch.matters("shift"))[key]["log"]] == ["积水已排"]


async def test_a_silence_hides_a_sms_to_come_and_never_a_red_one(watch: Watching) -> None:
    said = {
        "id": "s1", "matchers": {"region": "990111", "kind": ["alert", "callout"]}, "owner": "柳明哲", "reason": "检修",
        "until": (watch.clock.now() + datetime.timedelta(hours=2)).isoformat(),
    }  # fmt: skip
    await watch.publish(watch.fact("silence.created", "s1", said))

    async def hides() -> int:
        await watch.publish(watch.alert("yellow"))
        await watch.settled()
        return int(await watch.connection.fetchval("SELECT count(*) FROM effect WHERE digest = 'silenced:s1'"))

    await watch.until(hides)
    before = await watch.connection.fetchval("SELECT count(*) FROM delivery")
    await watch.publish(watch.alert("yellow"))
    await watch.settled()
    assert await watch.connection.fetchval("SELECT count(*) FROM delivery") == before
    await watch.publish(red := watch.alert("red"))
    await watch.settled()
    assert await watch.connection.fetchval("SELECT count(*) FROM delivery WHERE chain = $1", red["subject"]) > 20
