"""Stories 11, 14 and 15 on real parts: editions asked for, refused, issued, superseded, held against the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local.api import Front
from services.contracts.topics import CANONICAL
from services.reporting import app as reporting
from services.reporting import catalogue, export
from services.reporting.count import Count
from services.reporting.report import verified
from services.reporting.report.press import Press
from services.runtime import accounts, bureau, postgres, session
from services.runtime.consume import Loop
from services.runtime.outbox import Outbox
from services.runtime.settings import Settings
from tests.records import correction, publish, record
from tests.reporting.conftest import SHANGHAI, Reader

TEMPLATE = """# {{机构简称}}{{年度}}年情况

## 安全形势

接报事故{{accidents_reported}}起，与上年{{accidents_reported|同比}}，亡{{accident_fatalities}}人。

查出隐患{{hazards_found}}条，其中重大{{hazards_found{level=major}}}条、一般{{hazards_found{level=general}}}条。

在册队伍{{rescue_teams_standing}}支。

## 特色做法

{{text:highlights}}
"""
CHECKS = """[[total]]
whole = "hazards_found"
parts = ["hazards_found{level=major}", "hazards_found{level=general}"]
"""
NEW_YEAR = datetime.datetime(2024, 1, 1, 0, 10, tzinfo=SHANGHAI)
ROLES = {"clerk": "clerk", "clerk2": "clerk", "reviewer": "reviewer", "legal": "legal", "signer": "signer",
         "signer2": "signer", "admin": "administrator"}  # fmt: skip
STEPS = (("clerk", "draft"), ("reviewer", "review"), ("legal", "legal"), ("signer", "sign"), ("clerk", "issue"))


class Office:
    """A bureau at work: the count with its press, the API, and its people."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, connection: asyncpg.Connection) -> None:
        self.settings, self.client, self.connection = settings, client, connection
        self.now = NEW_YEAR
        self.headers: dict[str, dict[str, str]] = {}
        self.reader = Reader(settings, connection)

    async def get(self, path: str, who: str = "clerk", **query: str) -> Any:
        answer = await self.client.get(f"/reporting{path}", params=query, headers=self.headers[who])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, sent: Any = None, who: str = "clerk", status: int = 200) -> Any:
        answer = await self.client.post(f"/reporting{path}", json=sent or {}, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer.json()

    async def edition(self, year: int = 2023, state: str = "frozen", **more: Any) -> dict[str, Any]:
        """Ask for one and wait until it is cut."""
        asked = {"template": "test", "from": f"{year}-01-01", "to": f"{year}-12-31", **more}
        id_ = (await self.post("/editions", asked, status=202))["id"]
        self.now += datetime.timedelta(seconds=2)
        return await self.until(id_, state)

    async def until(self, id_: str, *states: str) -> dict[str, Any]:
        async with asyncio.timeout(20):
            while (found := await self.get(f"/editions/{id_}"))["state"] == "requested":
                await asyncio.sleep(0.05)
        assert found["state"] in states, found["problems"]
        return dict(found)

    async def issue(self, id_: str) -> None:
        for who, step in STEPS:
            await self.post(f"/editions/{id_}/{step}", who=who)

    async def happen(self, *records: dict[str, Any]) -> None:
        """Published, and read."""
        await publish(self.settings, list(records))
        await self.reader.caught_up()

    async def log_in(self, name: str, role: str) -> None:
        account = await accounts.add_account(self.connection, name, role, "")
        password = account if isinstance(account, str) else account[1]
        answer = await self.client.post("/session", json={"name": name, "password": password})
        cookie = answer.headers["set-cookie"].split(";")[0]
        self.client.cookies.clear()
        self.headers[name] = {"cookie": cookie, "x-csrf-token": answer.json()["csrf"]}


def fact(type_: str, data: dict[str, Any], at: str, recorded: datetime.datetime = NEW_YEAR, **more: Any) -> Any:
    when = datetime.datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)
    before = recorded - datetime.timedelta(hours=1) if recorded == NEW_YEAR else recorded
    return record(type_, str(next(iter(data.values()))), data, at=when, recorded=before, **more)


@contextlib.asynccontextmanager
async def working(settings: Settings, folder: Path) -> AsyncIterator[Office]:
    """The stream, the press, the outbox and the API in this process."""
    settings = settings.model_copy(update={"bureau": folder})
    house = bureau.load(folder)
    of = catalogue.of(house)
    await postgres.migrate_all(settings.postgres_dsn)
    connection = await asyncpg.connect(settings.postgres_dsn, server_settings={"search_path": "reporting"})
    fold = Count(settings.postgres_dsn, of.definitions, house.timezone, house)
    loop = Loop(settings, settings.postgres_dsn, settings.kafka_bootstrap, schema="reporting", topics=CANONICAL,
                fold=fold)  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        front = Front()
        office = Office(settings, httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://hub",
                                                    timeout=30), connection)  # fmt: skip
        front.apps["/session"] = await stack.enter_async_context(session.running(settings))
        front.apps["/reporting"] = await stack.enter_async_context(
            reporting.running(settings, clock=lambda: office.now)
        )
        press = Press(settings, house, of, lambda: office.now)
        work = [asyncio.create_task(one) for one in (loop.run(), press.run(), Outbox(settings, "reporting").run())]
        try:
            for name, role in ROLES.items():
                await office.log_in(name, role)
            await office.reader.caught_up()
            yield office
        finally:
            loop.stop()
            for task in work[1:]:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await office.client.aclose()
            await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example bureau with a small template of its own."""
    copied = shutil.copytree("bureaus/example", tmp_path / "bureau")
    wide = (copied / "bureau.toml").read_text("utf-8").partition("[[feeds]]")[0]
    (copied / "bureau.toml").write_text(wide, "utf-8")
    (copied / "report").mkdir(exist_ok=True)
    (copied / "report" / "test.md").write_text(TEMPLATE, "utf-8")
    (copied / "report" / "test.checks.toml").write_text(CHECKS, "utf-8")
    return copied


@pytest.fixture
async def office(settings: Settings, topics: list[str], folder: Path) -> AsyncIterator[Office]:
    async with working(settings, folder) as office:
        yield office


def value(edition: dict[str, Any], slot: str) -> Any:
    return next(figure["value"] for figure in edition["figures"] if figure["slot"] == slot)


async def test_what_is_reported_after_the_cut_off_drifts_and_changes_nothing(office: Office) -> None:
    await office.happen(
        *(fact("accident.reported", {"accident_id": f"SG-{n}", "deaths": 1}, f"2023-0{n}-01T10:00") for n in (1, 2)),
    )
    edition = await office.edition(cutoff=NEW_YEAR.isoformat())
    assert (value(edition, "accidents_reported"), value(edition, "accident_fatalities")) == (2, 2)
    before = (
        await office.client.get(f"/reporting/editions/{edition['id']}.json", headers=office.headers["clerk"])
    ).content
    eight = NEW_YEAR.replace(hour=8, minute=0)
    office.now = eight + datetime.timedelta(minutes=1)
    late = fact("accident.reported", {"accident_id": "SG-9", "deaths": 1}, "2023-12-31T23:50", recorded=eight)
    await office.happen(late)
    now = await office.get("/statistics/accidents_reported", **{"from": "2023-01-01", "to": "2023-12-31"})
    assert now["value"] == 3
    again = await office.get(f"/editions/{edition['id']}")
    assert value(again, "accidents_reported") == 2
    drift = {item["slot"]: item for item in (await office.get(f"/editions/{edition['id']}/drift"))["items"]}
    assert (drift["accidents_reported"]["printed"], drift["accidents_reported"]["now"]) == (2, 3)
    assert [e["id"] for e in drift["accidents_reported"]["events"]] == [late["id"]]
    other = await office.edition(cutoff=NEW_YEAR.isoformat())
    assert value(other, "accidents_reported") == 2, "the cut-off decides, not when it is asked"
    line = next(one for one in again["lines"] if one["slot"] == "accidents_reported" and not one["aspect"])
    behind = await office.get(f"/editions/{edition['id']}/lines/{line['number']}/events")
    assert len(behind["items"]) == 2
    after = (
        await office.client.get(f"/reporting/editions/{edition['id']}.json", headers=office.headers["clerk"])
    ).content
    assert after == before


async def test_a_revision_supersedes_what_was_issued_and_tells_what_it_corrects(office: Office) -> None:
    found = [fact("hazard.found", {"hazard_id": f"H-{n}", "level": "major" if n == 1 else "general"},
                  "2023-05-01T10:00") for n in range(3)]  # fmt: skip
    accident = fact("accident.reported", {"accident_id": "SG-1", "deaths": 2}, "2023-03-01T10:00")
    await office.happen(*found, accident)
    one = (await office.edition())["id"]
    assert one == "test-2023-1"
    await office.post(f"/editions/{one}/paragraphs", {"slot": "highlights", "text": "手写的一段。"})
    await _refusals(office, one)
    await office.issue(one)
    issued = {f: await _bytes(office, one, f) for f in ("json", "pdf", "docx", "html", "xlsx")}
    office.now += datetime.timedelta(hours=1)
    await office.happen(correction(accident, {"accident_id": "SG-1", "deaths": 3}, recorded=office.now,
                                   at=datetime.datetime.fromisoformat(accident["time"])))  # fmt: skip
    office.now += datetime.timedelta(minutes=1)
    two = await office.edition()
    assert (two["id"], two["version"]) == ("test-2023-2", "V2")
    assert two["paragraphs"]["highlights"]["text"] == "手写的一段。"
    assert two["changes"] == [{"slot": "accident_fatalities", "before": "2人", "now": "3人"}]
    await office.issue(two["id"])
    assert (await office.get(f"/editions/{one}"))["state"] == "superseded"
    assert {f: await _bytes(office, one, f) for f in issued} == issued
    page = (await _bytes(office, two["id"], "html")).decode()
    assert all(words in page for words in ("更正说明", "江应急〔2024〕1号", "江应急〔2024〕2号"))
    diff = await office.get(f"/editions/{one}/diff/{two['id']}")
    assert [item["slot"] for item in diff["items"]] == ["accident_fatalities"]
    await office.post(f"/editions/{one}/return", {"reason": "晚了"}, status=409)


async def _refusals(office: Office, one: str) -> None:
    """Each step in its order, by its role, and by another than who wrote it; of two at once one is first."""
    await office.post(f"/editions/{one}/review", who="reviewer", status=409)
    await office.post(f"/editions/{one}/draft", who="reviewer", status=403)
    await office.post(f"/editions/{one}/draft", who="admin")
    await office.post(f"/editions/{one}/review", who="admin", status=403)
    await office.post(f"/editions/{one}/paragraphs", {"slot": "highlights", "text": "晚了"}, status=409)
    for who, step in STEPS[1:3]:
        await office.post(f"/editions/{one}/{step}", who=who)
    both = await asyncio.gather(*(
        office.client.post(f"/reporting/editions/{one}/sign", headers=office.headers[who])
        for who in ("signer", "signer2")
    ))  # fmt: skip
    assert sorted(answer.status_code for answer in both) == [200, 409]
    await office.post(f"/editions/{one}/return", {}, who="signer", status=409)
    await office.post(f"/editions/{one}/return", {"reason": "再核一遍"}, who="signer")


async def _bytes(office: Office, id_: str, format_: str) -> bytes:
    answer = await office.client.get(f"/reporting/editions/{id_}.{format_}", headers=office.headers["clerk"])
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_figure_that_does_not_add_up_refuses_and_nothing_is_lost(office: Office) -> None:
    wrong = fact("hazard.found", {"hazard_id": "H-1", "level": "other"}, "2023-05-01T10:00")
    team = [fact("team.registered", {"team_id": f"D-{n}", "members": 3}, "2022-05-01T10:00") for n in range(5)]
    grown = fact("team.updated", {"team_id": "D-1", "members": 4}, "2023-05-01T10:00")
    fines = [fact("penalty.imposed", {"penalty_id": f"P-{n}", "amount_cny": "10.50"}, f"2023-{n:02}-03T10:00")
             for n in range(1, 13)]  # fmt: skip
    await office.happen(wrong, *team, grown, *fines)
    refused = await office.edition(state="refused")
    (problem,) = refused["problems"]
    assert problem["check"] == "total"
    assert problem["slots"] == ["hazards_found", "hazards_found{level=major}", "hazards_found{level=general}"]
    assert (await office.client.get(f"/reporting/editions/{refused['id']}.pdf",
                                    headers=office.headers["clerk"])).status_code == 409  # fmt: skip
    await office.post(f"/editions/{refused['id']}/paragraphs", {"slot": "highlights", "text": "不会丢。"})
    await office.post(f"/editions/{refused['id']}/draft", status=409)
    office.now += datetime.timedelta(minutes=1)
    mended = correction(wrong, {"hazard_id": "H-1", "level": "major"}, recorded=office.now,
                        at=datetime.datetime.fromisoformat(wrong["time"]))  # fmt: skip
    await office.happen(mended)
    again = await office.edition()
    assert (again["id"], again["attempt"]) == (refused["id"], 2)
    assert again["paragraphs"]["highlights"]["text"] == "不会丢。"
    assert value(again, "rescue_teams_standing") == 5, "what stood before the year stands in it"
    await _an_answer_to_a_citizen(office)


async def _an_answer_to_a_citizen(office: Office) -> None:
    """January to September equal the sum of the months, and open their events."""
    days = {"from": "2023-01-01", "to": "2023-09-30"}
    months = await office.get("/statistics/penalties_imposed", **days, by="month")
    questions = [{"key": "penalties_imposed", **days}, {"key": "fines_amount_cny", **days}]
    task = asyncio.create_task(office.post("/answers", {"questions": questions, "text": "答复如下。"}, status=202))
    answer = await office.get(f"/answers/{(await task)['id']}")
    assert [item["value"] for item in answer["items"]] == [sum(p["value"] for p in months["parts"]), "94.50"]
    page = await office.client.get(f"/reporting/answers/{answer['id']}.html", headers=office.headers["clerk"])
    assert "94.5" in page.text
    assert "答复如下。" in page.text
    assert (await verified.verify(office.settings.postgres_dsn)).wrong == []
    await _a_stranger(office)
    await office.post("/answers", {"questions": [{"key": "nothing", **days}]}, status=404)
    await office.post("/answers", {"questions": [{"key": "penalties_imposed"}]}, status=422)
    await _bad_requests(office)


async def _a_stranger(office: Office) -> None:
    """Recomputes all of it from the export, and finds what was changed."""
    folder = office.settings.data_dir / "export"
    folder.parent.mkdir(parents=True, exist_ok=True)
    await export.export(office.settings.postgres_dsn, folder, ())

    def recompute() -> str:
        done = subprocess.run([sys.executable, "docs/verify_edition.py", str(folder)], capture_output=True, text=True,
                              check=False)  # fmt: skip
        return done.stdout + done.stderr

    assert (await asyncio.to_thread(recompute)).endswith("verified\n")
    file = folder / "editions.ndjson.gz"
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert sum(map(_forged, lines))
    file.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    said = await asyncio.to_thread(recompute)
    assert "rescue_teams_standing" in said
    assert "not the file of the manifest" in said


def _forged(node: Any) -> int:
    """Writes another number of teams into an edition; how often."""
    if isinstance(node, list):
        return sum(map(_forged, node))
    if not isinstance(node, dict):
        return 0
    here = node.get("key") == "rescue_teams_standing" and "value" in node
    if here:
        node["value"] = 77
    return here + sum(map(_forged, node.values()))


async def _bad_requests(office: Office) -> None:
    """Each with its own answer."""
    good = {"template": "test", "from": "2023-01-01", "to": "2023-12-31"}
    ahead = (office.now + datetime.timedelta(days=1)).isoformat()
    bad: tuple[tuple[dict[str, str], int], ...] = (
        ({"template": "nothing"}, 404), ({"from": "2024-01-01"}, 422), ({"region": "1"}, 404), ({"cutoff": ahead}, 422),
        ({"cutoff": "soon"}, 422), ({"year": "2023"}, 422), ({"to": "2023-02-30"}, 422),
    )  # fmt: skip
    for change, status in bad:
        await office.post("/editions", good | change, status=status)
    await office.post("/editions", good, who="reviewer", status=403)
    await office.post("/editions/test-2023-1/fly", status=404)
    await office.post("/editions/test-2099-1/draft", status=404)
