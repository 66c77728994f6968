"""People of a partner at the door: with their publisher's newest key, in their region, and by name in the audit."""

from __future__ import annotations

import json

import httpx
import pytest

from services.contracts.region import Region, Regions
from services.ingest.asker import within
from services.runtime import access, accounts, session
from services.runtime.access import Key, Scope
from tests.ingest.conftest import Hub

TREE = Regions(
    [Region("99", "区", ""), Region("991", "甲", "99"), Region("9911", "社", "991"), Region("992", "乙", "99")]
)


@pytest.mark.parametrize(
    ("of_key", "of_person", "both"),
    [
        ((), "", ()),
        ((), "99", ()),
        ((), "991", ("991",)),
        (("99",), "991", ("991",)),
        (("991", "992"), "9911", ("9911",)),
        (("9911", "992"), "991", ("9911",)),
        (("992",), "991", ("-",)),
        (("unknown",), "991", ("-",)),
        (("992",), "unknown", ("-",)),
    ],
)
def test_a_person_does_no_more_than_the_key_in_the_own_region(
    of_key: tuple[str, ...], of_person: str, both: tuple[str, ...]
) -> None:
    key = Key("k", "grid", Scope(("/grid",), regions=of_key))
    assert within(key, of_person, TREE).scope.regions == both


HEAD = "隐患编号,发生时间,级别\n"
ROWS = HEAD + "YH-P1,2023-06-30,一般隐患\n"


async def test_a_partner_uploads_as_its_publisher_and_sees_only_its_own(hub: Hub) -> None:
    """The door's own log-in is not part of its hub: a session is written as `POST /session` writes it."""
    publisher = "partner-grid"
    person = await logged_in(hub, "chen", publisher)
    refused = await post(hub, person, ROWS)
    assert (refused.status_code, publisher in refused.json()["detail"]) == (403, True)
    await access.add_key(hub.connection, publisher, Scope(("/partner-grid",), ("hazard.*",)))
    await hub.app.state.access.refresh(hub.connection)
    blind = await post(hub, {"cookie": person["cookie"]}, ROWS)
    assert blind.status_code == 403
    checked = await post(hub, person, HEAD + "YH-P1,昨天,一般隐患\n", check="true")
    (problem,) = checked.json()["problems"]
    assert (checked.status_code, problem["line"], problem["column"]) == (422, 2, "B")
    assert (await post(hub, person, ROWS)).status_code == 202
    told = await hub.connection.fetchrow("SELECT * FROM access.audit WHERE who = 'chen' AND did = 'table.uploaded'")
    assert told is not None
    assert json.loads(told["detail"])["publisher"] == publisher
    mine = (await hub.client.get("/ingest/mine", headers=person)).json()
    assert (mine["publisher"], mine["scope"]["types"]) == (publisher, ["hazard.*"])
    guard = await logged_in(hub, "guard", "", role="watch")
    assert (await hub.client.get("/ingest/mine", headers=guard)).status_code == 403
    assert (await hub.client.get("/ingest/mine")).status_code == 401


async def post(hub: Hub, person: dict[str, str], body: str, **more: str) -> httpx.Response:
    headers = {**person, "content-type": "text/csv"}
    return await hub.client.post("/ingest/tables/hazard.found", content=body.encode(), headers=headers, params=more)


async def logged_in(hub: Hub, name: str, publisher: str, role: str = "partner") -> dict[str, str]:
    await accounts.add_account(hub.connection, name, role, "", publisher)
    await hub.connection.execute(
        "INSERT INTO access.session (token, account, csrf, expires) VALUES (sha256($1), $2, 'word', now() + $3)",
        name.encode(), name, session.LIFETIME,
    )  # fmt: skip
    await hub.app.state.access.refresh(hub.connection)
    return {"cookie": f"hub_session={name}", "x-csrf-token": "word"}
