"""What reporting answers over HTTP, on real parts."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from services.reporting import app as reporting
from services.runtime import access
from services.runtime.settings import Settings
from tests.records import correction, publish, record, retraction
from tests.reporting.conftest import Reader
from tests.reporting.naive import CATALOGUE, DEFINITIONS
from tests.reporting.served import on

YEAR = {"from": "2023-01-01", "to": "2023-12-31"}


class Api:
    """Reporting's API over one test's database; `get` with a key that may read everything."""

    def __init__(self, reader: Reader, client: httpx.AsyncClient, key: str) -> None:
        self.reader, self.client, self.key = reader, client, key

    async def get(self, path: str, key: str = "", **parameters: Any) -> httpx.Response:
        """One answer."""
        headers = {"authorization": f"Bearer {key or self.key}"}
        return await self.client.get(path, params=parameters or None, headers=headers)

    async def add_key(self, name: str, **scope: Any) -> str:
        """A key with a scope; known to the API after its next poll."""
        _, token = await on(self.reader.settings, lambda c: access.add_key(c, name, access.Scope(**scope)))
        for _ in range(100):
            answer = await self.get("/statistics", key=token)
            if answer.status_code != 401:
                break
            await asyncio.sleep(0.02)
        return str(token)


@pytest.fixture
async def api(reader: Reader) -> AsyncIterator[Api]:
    """The API of the made-up bureau; nothing is read yet."""
    reader.definitions = DEFINITIONS
    scope = access.Scope(rights=("read",))
    _, token = await on(reader.settings, lambda c: access.add_key(c, "auditor", scope))
    async with reporting.running(reader.settings, of=CATALOGUE) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            yield Api(reader, client, token)


async def test_a_figure_in_the_shape_of_the_contract(api: Api) -> None:
    found = record(data={"level": "major", "mode": "joint"}, region="990111001")
    await api.reader.read([found, record(subject="h2", data={"level": "general"}), found])
    answer = await api.get("/statistics/found", **YEAR, **{"label.level": "major"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    definition, as_of = body.pop("definition"), body.pop("as_of")
    assert body == {
        "key": "found", "value": 1, "unit": "条", **YEAR, "region": "990111", "labels": {"level": "major"},
        "status": "actual", "events": 1, "coverage": "live",
    }  # fmt: skip
    assert definition["hash"] == DEFINITIONS[0].hash
    assert definition["of"] == "hazard.found"
    assert datetime.datetime.fromisoformat(as_of).tzinfo is not None


async def test_money_is_text_with_two_decimals_and_ratios_have_two(api: Api) -> None:
    fines = [("fine", 1000), ("fine", "0.10"), ("warning", 3)]
    await api.reader.read([record("penalty.imposed", f"c{n}", {"kind": kind, "amount_cny": amount})
                           for n, (kind, amount) in enumerate(fines)])  # fmt: skip
    body = (await api.get("/statistics/fines", **YEAR, by="kind", compare="year")).json()
    assert body["value"] == "1003.10"
    assert {p["labels"]["kind"]: p["value"] for p in body["parts"]} == {"fine": "1000.10", "warning": "3.00"}
    assert body["compare"] == {
        "from": "2022-01-01", "to": "2022-12-31", "value": None, "change_pct": None, "comparable": False,
        "reason": "none",
    }  # fmt: skip
    assert (await api.get("/statistics/fine_each", **YEAR)).json()["value"] == 334.37


async def test_questions_that_have_no_answer_are_problems(api: Api) -> None:
    await api.reader.read([])
    unknown = await api.get("/statistics/foundd", **YEAR)
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert "did you mean found" in unknown.json()["problems"][0]["reason"]
    several = await api.get("/statistics/posts", **YEAR, by="mode", status="real")
    assert several.status_code == 422
    assert (await api.get("/statistics/found", region="1")).status_code == 404
    cursor = await api.get("/statistics/found/events", cursor="x")
    assert (cursor.status_code, cursor.json()["problems"][0]["field"]) == (422, "cursor")
    assert (await api.get("/statistics/found/events", limit="0")).status_code == 422


async def test_only_who_may_read_and_only_their_region(api: Api) -> None:
    await api.reader.read([record(region="990111001"), record(subject="h2", region="990111002")])
    assert (await api.client.get("/statistics")).status_code == 401
    writer = await api.add_key("writer", sources=("/town",), rights=("publish",))
    assert (await api.get("/statistics/found", key=writer)).status_code == 403
    town = await api.add_key("town", regions=("990111001",), rights=("read",))
    own = await api.get("/statistics/found", key=town, **YEAR)
    assert (own.json()["region"], own.json()["value"]) == ("990111001", 1)
    for path in ("/statistics/found?region=990111002", "/statistics/found/events?region=990111", "/quarantine"):
        assert (await api.get(path, key=town)).status_code == 403, path


async def test_events_behind_a_figure_are_as_published_and_persons_are_masked(api: Api) -> None:
    person = record("hazard.rectified", data={"level": "major", "verified_by": "张三", "hours": 1.5})
    found = record(data={"level": "major", "due": "2023-07-01", "extra": {"a": 1.5}})
    better = correction(found, {"level": "major", "mode": "joint"})
    gone = record(subject="h5", data={"level": "major"})
    await api.reader.read([found, better, gone, retraction(gone), person])
    body = (await api.get("/statistics/found/events", **YEAR)).json()
    assert body == {"items": [{**better, "in_force": True}], "next": None}
    (shown,) = (await api.get("/statistics/rectified/events", **YEAR)).json()["items"]
    assert shown == {**person, "data": {**person["data"], "verified_by": "＊＊＊"}, "in_force": True}


async def test_a_new_definition_is_not_now(api: Api) -> None:
    answer = await api.get("/statistics/found", **YEAR)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_the_account_explains_every_record(api: Api) -> None:
    one = record()
    await api.reader.read([one, one, b"no", record(subject="h2")])
    for recount in ("false", "true"):
        body = (await api.get("/accounting", recount=recount)).json()
        assert body["unexplained"] == 0
        read = {k: sum(r[k] for r in body["rows"]) for k in ("handled", "duplicate", "quarantine")}
        assert read == {"handled": 2, "duplicate": 1, "quarantine": 1}
        assert all(r["next"] == r["end"] for r in body["rows"])
    async with api.reader.connection.transaction():
        await api.reader.connection.execute("ALTER TABLE duplicate DISABLE TRIGGER ALL")
        await api.reader.connection.execute("DELETE FROM duplicate")
    assert (await api.get("/accounting", recount="true")).json()["unexplained"] == 1


async def test_health_says_whether_the_stream_lives_and_metrics_are_read_when_scraped(api: Api) -> None:
    assert "has never run" in (await api.client.get("/health/ready")).text
    async with api.reader.running():
        await publish(api.reader.settings, [record()])
        await api.reader.caught_up()
        ready = await api.client.get("/health/ready")
        assert (ready.status_code, ready.json()["parts"]["stream"]) == (200, "ok, reading")
        page = (await api.client.get("/metrics")).text
    assert 'hub_reporting_events_total{outcome="handled",topic="hazards"} 1.0' in page
    assert "hub_reporting_unexplained_records 0.0" in page
    await api.reader.connection.execute("""UPDATE reader SET stopped = '{"hazards/1": "missing"}'""")
    assert "hazards/1: missing" in (await api.client.get("/health/ready")).text


async def test_what_was_set_aside_is_shown_and_goes_back_through_the_door(api: Api) -> None:
    one = record(data={"level": "major"})
    misfit = correction(one, subject="other")
    await api.reader.read([b"\xffno", one, misfit])
    listed = sorted((await api.get("/quarantine")).json()["items"], key=lambda item: item["bytes"])
    assert [i["reason"] for i in listed] == ["not_an_event", "correction_mismatch"]
    text, event = [(await api.get(f"/quarantine/{i['id']}")).json() for i in listed]
    assert text["text"] == "\\xffno"
    assert event["event"]["id"] == misfit["id"]
    key = {"authorization": f"Bearer {api.key}"}
    with door(api.reader.settings) as received:
        answer = await api.client.post(f"/quarantine/{listed[1]['id']}/redrive", headers=key)
        refused = await api.client.post(f"/quarantine/{listed[0]['id']}/redrive", headers=key)
    assert (answer.status_code, refused.status_code) == (202, 409)
    ((authorization, sent),) = received
    assert authorization == f"Bearer {api.key}"
    assert sent == {k: v for k, v in misfit.items() if k not in ("digest", "recordedtime", "publisher")}
    assert [i["id"] for i in (await api.get("/quarantine")).json()["items"]] == [listed[0]["id"]]
    assert (await api.get("/quarantine/999")).status_code == 404


@contextlib.contextmanager
def door(settings: Settings) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Takes everything, as the door would."""
    received: list[tuple[str, dict[str, Any]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["authorization"], json.loads(body)))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b'{"accepted": []}')

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", settings.http_port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield received
    server.shutdown()
    server.server_close()


async def test_an_event_is_shown_with_what_caused_it(api: Api) -> None:
    found = record(data={"level": "major"}, region="990111001")
    effect = {**record(subject="h2"), "cause": f"{found['source']} {found['id']}"}
    await api.reader.read([found, effect])
    answer = (await api.get("/events", source=effect["source"], id=effect["id"])).json()
    assert (answer["event"]["id"], [one["id"] for one in answer["causes"]]) == (effect["id"], [found["id"]])
    assert (await api.get("/events", source="/nobody", id="x")).status_code == 404
