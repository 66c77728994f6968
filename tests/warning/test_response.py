"""Responses and public messages: proposed by rule, signed by two, ended by two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.runtime.settings import Settings
from services.warning.release import STATEMENTS, release_of
from services.warning.response import response_of
from tests.warning.watching import Watching, watching


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings, patient=True) as one:
        yield one


async def sign(watch: Watching, response: str, by: str, step: str = "", **more: Any) -> str:
    """Somebody puts a step forward, or approves it; why it was refused."""
    type_ = "emergency.response_signed" if step else "emergency.response_approved"
    content = {"response_id": response, "by": by, **({"step": step} if step else {}), **more}
    return await say(watch, type_, response, content)


async def say(watch: Watching, type_: str, subject: str, content: dict[str, Any]) -> str:
    fact = watch.fact(type_, subject, content, source="/hub/people")
    await watch.publish(fact)
    await watch.settled()
    rows = await watch.connection.fetch("SELECT refused FROM handled ORDER BY at DESC, refused NULLS LAST LIMIT 1")
    return rows[0]["refused"] or ""


async def said(watch: Watching, kind: str) -> list[str]:
    """The types of what matters of a kind have said."""
    rows = await watch.connection.fetch("SELECT type FROM effect WHERE kind = $1 AND digest <> '' AND type <> ''", kind)
    return sorted(row["type"] for row in rows)


async def test_a_response_is_started_changed_and_ended_by_two(watch: Watching) -> None:
    alert = watch.alert()
    await watch.publish(alert)
    await watch.settled()
    chain = alert["subject"]
    key = response_of(chain)

    async def shown() -> dict[str, Any]:
        return (await watch.matters("response"))[key]

    first = await shown()
    assert (first["state"], first["proposed"], first["level"]) == ("proposed", "I", None)
    assert "没有待批准" not in await sign(watch, key, "甲", "start")
    assert "不能审批自己" in await sign(watch, key, "甲")
    assert "等待另一人" in await sign(watch, key, "丙", "start")
    assert await sign(watch, key, "乙") == ""
    started = await shown()
    assert (started["state"], started["level"]) == ("started", "I")
    assert started["expected_until"]
    assert started["measures"]

    update = watch.alert("yellow", data={"chain_id": chain, "msg_type": "update", "references": [chain.split("/")[1]]})
    await watch.publish({**update, "subject": chain})
    await watch.settled()
    lowered = await shown()
    assert (lowered["level"], lowered["proposed"]) == ("I", "III"), "lowering is only proposed"
    assert await sign(watch, key, "乙") == ""
    assert "须由两人" in await sign(watch, key, "乙", "change")
    assert await sign(watch, key, "甲", "change") == ""
    assert (await shown())["level"] == "III"

    assert await sign(watch, key, "甲", "end") == ""
    assert (await shown())["state"] == "started"
    assert await sign(watch, key, "乙") == ""
    assert (await shown())["state"] == "ended"
    assert await said(watch, "response") == [
        "emergency.response_ended", "emergency.response_level_changed", "emergency.response_proposed",
        "emergency.response_proposed", "emergency.response_started",
    ]  # fmt: skip


async def test_the_public_is_told_in_eight_statements_by_two(watch: Watching) -> None:
    alert = watch.alert("orange")
    await watch.publish(alert)
    await watch.settled()
    key = release_of(alert["subject"])
    draft = (await watch.matters("release"))[key]
    assert (draft["state"], draft["missing"]) == ("drafted", [])
    content = {"warning_id": key, "revision": draft["revision"], "by": "甲", "cautions": "请勿外出"}
    assert await say(watch, "warning.release_drafted", key, content) == ""
    approval = {"warning_id": key, "revision": draft["revision"], "by": "甲"}
    assert "不能审批自己" in await say(watch, "warning.release_approved", key, approval)
    before = len(await watch.outbox())
    assert await say(watch, "warning.release_approved", key, {**approval, "by": "乙"}) == ""
    released = (await watch.matters("release"))[key]
    assert released["state"] == "issued"
    assert all(released[name] for name in STATEMENTS)
    assert released["cautions"] == "请勿外出"
    assert {row["post"] for row in (await watch.outbox())[before:]} == {"street_duty"}
