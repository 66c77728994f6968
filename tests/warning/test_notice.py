"""From a warning to a notice with its number, signed by two people and signed for (story 6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.runtime.settings import Settings
from services.warning import lists, notice_api, stream
from services.warning.notice import notice_of
from tests.warning.served import served
from tests.warning.watching import Watching, watching


@pytest.fixture
async def watch(settings: Settings, topics: list[str]) -> AsyncIterator[Watching]:
    async with watching(settings, patient=True) as one:
        yield one


async def begun(watch: Watching, level: str = "red", **more: Any) -> str:
    """The notice of a warning that has just come."""
    alert = watch.alert(level, **more)
    await watch.publish(alert)
    await watch.settled()
    return notice_of(str(alert["subject"]))


async def step(watch: Watching, notice: str, verb: str, by: str, **more: Any) -> None:
    """Somebody's decision about a notice."""
    shown = (await watch.matters("notice", more.get("scope", "actual")))[notice]
    content = {"notice_id": notice, "chain_id": shown["chain"], "revision": shown["revision"], "by": by, **more}
    await watch.publish(watch.fact(f"warning.notice_{verb}", notice, content, source="/hub/people"))
    await watch.settled()


async def shown(watch: Watching, notice: str) -> dict[str, Any]:
    return (await watch.matters("notice"))[notice]


async def refusals(watch: Watching) -> list[str]:
    rows = await watch.connection.fetch("SELECT refused FROM handled WHERE refused IS NOT NULL ORDER BY at")
    return [row["refused"] for row in rows]


async def test_a_notice_is_drafted_signed_by_two_numbered_and_signed_for(watch: Watching) -> None:
    found = {"hazard_id": "YH-1", "level": "major", "enterprise_id": "QY-7"}
    await watch.publish(watch.fact("hazard.found", "YH-1", found, region="990111004"))
    first = await begun(watch)
    draft = await shown(watch, first)
    regions = stream.surroundings(watch.settings, watch.clock).regions
    await notice_api.attach(watch.connection, draft, regions)
    hazards = draft["open_hazards"]
    assert [(h["hazard_id"], h["owner"], h["region"]) for h in hazards] == [("YH-1", "QY-7", "990111004")]
    assert (draft["state"], draft["level"], draft["document_no"]) == ("drafted", "red", None)
    assert "望江街道办事处" in draft["recipients"]
    assert "江滨区应急管理局" not in draft["recipients"]
    assert len(draft["measures"]) > 3
    for street, above in (("990111004", notice_api.above(["990111004"], regions)), ("990111004", ())):
        listed = await lists.page(watch.connection, lists.Asked("notice", regions.subtree(street), above))
        assert [n["id"] for n in listed["items"]] == ([first] if above else []), "a street sees what goes to all"
    before = len(await watch.outbox())

    await step(watch, first, "submitted", "甲", measures=["停止户外作业"])
    await step(watch, first, "approved", "甲")
    assert (await shown(watch, first))["state"] == "submitted"
    assert "甲 是拟稿人" in (await refusals(watch))[-1]

    await step(watch, first, "approved", "乙", open_hazards=hazards)
    issued = await shown(watch, first)
    assert issued["open_hazards"] == hazards, "as they lay before the one who signed"
    assert (issued["state"], issued["author"], issued["approver"]) == ("issued", "甲", "乙")
    assert issued["measures"] == ["停止户外作业"]
    year = watch.clock.now().year
    assert issued["document_no"] == f"江应急提示〔{year}〕1号"
    told = (await watch.outbox())[before:]
    assert told
    assert all(f"江应急提示〔{year}〕1号" in row["text"] for row in told)

    other = await begun(watch, "yellow", data={"hazard": "fog", "event_code": "11B17"})
    await step(watch, other, "submitted", "甲")
    assert (await shown(watch, other))["document_no"] == f"江应急提示〔{year}〕2号", "one is enough for yellow"

    receipt = {"notice_id": first, "recipient": "望江街道办事处"}
    await watch.publish(watch.fact("warning.notice_acknowledged", first, receipt))
    watch.clock.advance(minutes=31)
    await watch.settled()
    late = await shown(watch, first)
    assert late["state"] == "overdue"
    assert "望江街道办事处" not in late["overdue"]
    assert len(late["overdue"]) == len(late["recipients"]) - 1


async def test_the_author_may_not_approve_and_the_document_can_be_had(settings: Settings, topics: list[str]) -> None:
    """Story 6, by HTTP: 409 with the reason, then the next number, then the PDF."""
    async with served(settings) as hub:
        notice = await begun(hub.watch)
        path = f"/warning/notices/{notice}"
        author = await hub.log_in("approver")
        edits = {"measures": ["停止户外作业", "转移低洼处人员"], "text": "各单位主要负责人到岗。"}
        sent = await hub.client.post(f"{path}/issue", json=edits, headers=author)
        assert (sent.status_code, sent.json()["outcome"]) == (200, "accepted")
        own = await hub.client.post(f"{path}/approve", json={}, headers=author)
        assert own.status_code == 409
        assert "不能审批自己的稿" in own.text
        watch_officer = await hub.log_in("watch")
        assert (await hub.client.post(f"{path}/approve", json={}, headers=watch_officer)).status_code == 403
        second = await hub.log_in("approver")
        assert (await hub.client.post(f"{path}/approve", json={}, headers=second)).status_code == 200
        issued = await hub.get(path)
        assert issued["state"] == "issued"
        assert issued["document_no"].endswith("1号")
        assert [n["id"] for n in (await hub.get("/warning/notices", state="issued"))["items"]] == [notice]
        street = await hub.log_in("partner", "990111001")
        signs = {"recipient": "JB01"}
        assert (await hub.client.post(f"{path}/accept", json=signs, headers=street)).status_code == 200
        assert [r["recipient"] for r in (await hub.get(path))["receipts"]] == ["望江街道办事处"]
        for ending, first in ((".pdf", b"%PDF-"), (".docx", b"PK")):
            answer = await hub.client.get(f"{path}{ending}", headers={"authorization": f"Bearer {hub.key}"})
            assert answer.status_code == 200
            assert answer.content.startswith(first)
