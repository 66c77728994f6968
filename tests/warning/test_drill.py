"""A whole drill through alert, callout, notice and response: only those who take part are told, nothing real moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.runtime.settings import Settings
from services.warning.notice import notice_of
from services.warning.response import response_of
from tests.warning.watching import Watching, watching

DRILL = "YL-2026-009"
SCOPE = f"exercise:{DRILL}"
PART = {"status": "exercise", "drill": DRILL}


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings, patient=True) as one:
        yield one


async def person(watch: Watching, type_: str, subject: str, by: str, **content: Any) -> None:
    """A person's decision within the drill."""
    await watch.publish(watch.fact(type_, subject, {"by": by, **content}, source="/hub/people", **PART))
    await watch.settled()


async def test_a_drill_runs_through_everything_and_moves_nothing_real(watch: Watching) -> None:
    await watch.publish(watch.alert())  # the real one that runs at the same time
    started = {"drill_id": DRILL, "participants": ["望江街道办事处", "R011"]}
    await watch.publish(watch.fact("drill.started", DRILL, started))
    await watch.settled()
    assert (await watch.matters("drill"))[DRILL]["participants"] == ["JB01", "R011"]
    real = {kind: await watch.matters(kind) for kind in ("alert", "callout", "notice", "response", "release")}
    before = len(await watch.outbox())

    alert = watch.alert(**PART)
    chain = alert["subject"]
    await watch.publish(alert)
    await watch.settled()
    assert (await watch.matters("alert", SCOPE))[chain]["level"] == "red"
    assert len(await watch.matters("callout", SCOPE)) > 8
    notice, response = notice_of(chain), response_of(chain)
    await person(watch, "warning.notice_submitted", notice, "甲", notice_id=notice, revision=1)
    await person(watch, "warning.notice_approved", notice, "乙", notice_id=notice, revision=1)
    issued = (await watch.matters("notice", SCOPE))[notice]
    assert issued["state"] == "issued"
    assert issued["document_no"] == f"（演练）江应急提示〔{watch.clock.now().year}〕1号"
    await person(watch, "emergency.response_signed", response, "甲", response_id=response, step="start")
    await person(watch, "emergency.response_approved", response, "乙", response_id=response)
    assert (await watch.matters("response", SCOPE))[response]["state"] == "started"

    told = (await watch.outbox())[before:]
    assert all(row["text"].startswith("【演练】") for row in told)
    assert {row["chain"] for row in told} == {chain}
    given = await watch.connection.fetch("SELECT DISTINCT person, organisation FROM delivery WHERE scope = $1", SCOPE)
    assert given
    assert all(row["organisation"] == "JB01" or row["person"] == "R011" for row in given)
    for kind, matters in real.items():
        assert await watch.matters(kind) == matters, f"the drill has moved a real {kind}"
    numbers = await watch.connection.fetch("SELECT scope, shown->>'last' AS last FROM matter WHERE kind = 'series'")
    assert {row["scope"] for row in numbers} == {SCOPE}, "a drill takes no number of the real series"

    await watch.publish(watch.fact("drill.ended", DRILL, {"drill_id": DRILL}))
    await watch.settled()
    after = len(await watch.outbox())
    watch.clock.advance(minutes=3)
    await watch.settled()
    late = [row for row in (await watch.outbox())[after:] if row["chain"] == chain]
    assert late == [], "it is over: nobody is called any more"
