"""What the desk asks and does over HTTP: a search, who can be reached, a post called again, a first report."""

from __future__ import annotations

import datetime

from services.runtime.settings import Settings
from tests.warning.served import served


async def test_the_desk_finds_calls_again_and_writes_down_a_first_report(settings: Settings, topics: list[str]) -> None:
    async with served(settings) as hub:
        alert = hub.watch.alert()
        await hub.watch.publish(alert)
        await hub.watch.settled()
        officer = await hub.log_in("watch")
        chain = alert["subject"]

        found = (await hub.get("/warning/search", q=chain.rpartition("/")[2]))["items"]
        assert ("alert", chain) in [(one["kind"], one["matter"]["id"]) for one in found]
        people = (await hub.get("/warning/people", region="990111"))["items"]
        assert people
        assert all("****" in address for one in people for address in one["addresses"].values())
        by_name = (await hub.get("/warning/search", q=people[0]["name"]))["people"]
        assert people[0]["person_id"] in {one["person_id"] for one in by_name}
        short = await hub.client.get("/warning/search?q=x", headers=officer)
        assert short.status_code == 422

        partner = await hub.log_in("partner")
        path = f"/warning/people/{people[0]['person_id']}/reveal"
        assert (await hub.client.post(path, headers=partner)).status_code == 403
        whole = (await hub.client.post(path, headers=officer)).json()["addresses"]
        assert whole
        assert not any("*" in address for address in whole.values())
        audited = await hub.watch.connection.fetch("SELECT did, detail FROM access.audit WHERE did LIKE 'contact.%'")
        assert [(row["did"], people[0]["person_id"] in row["detail"]) for row in audited] == [
            ("contact.revealed", True)
        ]

        first, *_ = sorted(await hub.watch.matters("callout"))
        before = len(await hub.letters(callout=first))
        called = await hub.client.post(f"/warning/callouts/{first}/call", json={}, headers=officer)
        assert called.status_code == 200, called.text
        assert len(await hub.letters(callout=first)) > before
        answer = await hub.client.post(
            f"/warning/callouts/{first}/answer", json={"answer": "received"}, headers=officer
        )
        assert answer.status_code == 200, answer.text
        again = await hub.client.post(f"/warning/callouts/{first}/call", json={}, headers=officer)
        assert (again.status_code, again.json()["detail"]) == (409, "已应答或已结束，不再呼叫")

        report = {"kind": "洪涝", "place": "望江街道下穿通道", "region": "990111001", "reporter": "来电人甲"}
        told = await hub.client.post("/warning/incidents/SJ-1/start", json=report, headers=officer)
        assert told.status_code == 200, told.text
        case = await hub.get("/warning/incidents/SJ-1")
        assert (case["state"], case["region"]) == ("open", "990111001")
        nowhere = await hub.client.post("/warning/incidents/SJ-2/start", json={"region": "1"}, headers=officer)
        assert nowhere.status_code == 404

        now = hub.watch.clock.now()
        standing = await hub.get("/warning/loops/standing", at=(now + datetime.timedelta(minutes=1)).isoformat())
        assert standing["loops"]["incident"] == {"open": 1, "overdue": 0, "major": 0}
        past = await hub.get("/warning/loops/standing", at=(now - datetime.timedelta(days=1)).isoformat())
        assert past["loops"] == {}
