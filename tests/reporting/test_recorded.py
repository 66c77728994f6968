"""Figures that a person records: baselines and manual figures, published by reporting and shown as such."""

from __future__ import annotations

import asyncio
import csv
import datetime
import hashlib
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import xlsxwriter

from services.contracts import identity
from services.contracts.region import Region, Regions
from services.reporting import app as reporting
from services.reporting import asof, figure_table, question, recording
from services.reporting.answer import answer
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.runtime import access, accounts, web
from services.runtime.settings import ROOT
from tests.records import record
from tests.reporting.conftest import SHANGHAI, Reader, statistic
from tests.reporting.naive import REGIONS
from tests.reporting.served import on

DEFINITIONS = (
    statistic("found", by=("level",)),
    Definition("investment", "安全投入", "元", manual=True),
)
CATALOGUE = Catalogue(DEFINITIONS, REGIONS, SHANGHAI)
SAMPLE = ROOT.parent / "shared" / "samples" / "enforcement" / "kizilsu_2024-07.json"
YEAR = {"from": "2023-01-01", "to": "2023-12-31"}
BASE = {
    "statistic": "found", "from": "2022-01-01", "to": "2022-12-31", "value": 8, "unit": "条", "kind": "baseline",
    "basis_document": "2022年度报告", "page": "12",
}  # fmt: skip
SPENT = {"statistic": "investment", **YEAR, "value": 1200.5, "kind": "manual"}


class Api:
    """Reporting over one test's parts."""

    def __init__(self, reader: Reader, client: httpx.AsyncClient) -> None:
        self.reader, self.client = reader, client
        self.headers: dict[str, str] = {}

    async def post(self, *figures: Any) -> httpx.Response:
        """Record figures."""
        return await self.client.post("/figures", json=list(figures), headers=self.headers)

    async def figure(self, key: str, **parameters: str) -> Any:
        """An answer."""
        answer = await self.client.get(f"/statistics/{key}", params={**YEAR, **parameters}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def api(reader: Reader) -> AsyncIterator[Api]:
    """With a key that may read and correct."""
    reader.definitions = DEFINITIONS
    scope = access.Scope(sources=("/clerk",), rights=("read", "correct"))
    _, token = await on(reader.settings, lambda c: access.add_key(c, "clerk", scope))
    async with (
        reporting.running(reader.settings, of=CATALOGUE) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client,
    ):
        found = Api(reader, client)
        found.headers = {"authorization": f"Bearer {token}"}
        yield found


async def test_a_baseline_is_compared_with_and_never_added(api: Api) -> None:
    answer = await api.post(BASE, {**BASE, "region": "990111001", "value": 3})
    assert answer.status_code == 202, answer.text
    assert [item["source"] for item in answer.json()["accepted"]] == ["/hub/reporting"] * 2
    await api.reader.read([record(subject=f"h{n}") for n in range(10)])
    found = await api.figure("found", compare="year")
    assert (found["value"], found["events"]) == (10, 10)
    assert "recorded" not in found
    assert found["compare"] == {
        "from": "2022-01-01", "to": "2022-12-31", "value": 8, "change_pct": 25, "comparable": True,
        "reason": "baseline",
    }  # fmt: skip
    before = await api.figure("found", **{"from": "2022-01-01", "to": "2022-12-31"})
    assert (before["value"], before["coverage"]) == (None, "none")
    assert [(r["kind"], r["value"], r["page"]) for r in before["recorded"]] == [("baseline", 8, "12")]
    part = await api.figure("found", compare="year", **{"label.level": "major"})
    assert part["compare"]["value"] is None


async def test_the_figure_recorded_last_holds_until_it_is_corrected(api: Api) -> None:
    first = (await api.post(SPENT)).json()["accepted"][0]["id"]
    await api.post({**SPENT, "value": 1300, "corrects": first})
    await api.reader.read([])
    found = await api.figure("investment")
    assert (found["value"], found["coverage"], found["events"]) == ("1300.00", "manual", 0)
    assert [r["kind"] for r in found["recorded"]] == ["manual"]
    assert (await api.figure("investment", to="2023-06-30"))["value"] is None
    bodies = await api.reader.connection.fetch("SELECT body, digest FROM ledger")
    assert all(identity.digest_again(_decoded(row["body"])) == row["digest"].hex() for row in bodies)


def _decoded(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = httpx.Response(200, content=body).json()
    return found


@pytest.mark.parametrize(
    ("figure", "field"),
    [
        ({**BASE, "statistic": "fuond"}, "statistic"),
        ({**BASE, "unit": "家"}, "unit"),
        ({**BASE, "kind": "guess"}, "kind"),
        ({**BASE, "from": "2023-02-31"}, "from"),
        ({**BASE, "from": "2023-01-01"}, "from"),
        ({**BASE, "labels": {"colour": "red"}}, "labels"),
        ({**BASE, "region": "11"}, "region"),
        ({**BASE, "region": ["990111"]}, "region"),
        ({**BASE, "valeu": 3}, "valeu"),
        ({**BASE, "value": "3"}, "value"),
        ({name: value for name, value in BASE.items() if name != "value"}, "value"),
        ("found", ""),
    ],
)
def test_a_figure_that_cannot_be_is_refused_with_all_others(figure: Any, field: str) -> None:
    found = recording.judge([BASE, figure], CATALOGUE, "clerk", datetime.datetime.now(datetime.UTC))
    assert [(p.index, p.field) for p in found if isinstance(p, recording.Problem)] == [(1, field)]


async def test_only_who_may_correct_records(api: Api) -> None:
    assert (await api.client.post("/figures", json=[BASE])).status_code == 401
    _, token = await on(api.reader.settings, lambda c: access.add_key(c, "wall", access.Scope(rights=("read",))))
    api.headers = {"authorization": f"Bearer {token}"}
    await _known(api)
    assert (await api.post(BASE)).status_code == 403
    scope = access.Scope(sources=("/t",), regions=("990111001",), rights=("correct", "read"))
    _, token = await on(api.reader.settings, lambda c: access.add_key(c, "town", scope))
    api.headers = {"authorization": f"Bearer {token}"}
    await _known(api)
    assert (await api.post(BASE)).status_code == 422
    assert (await api.post({**BASE, "region": "990111001"})).status_code == 202
    assert (await api.client.post("/figures", content=b"[", headers=api.headers)).status_code == 400


async def _known(api: Api) -> None:
    while (await api.client.get("/statistics", headers=api.headers)).status_code == 401:
        await asyncio.sleep(0.02)


async def test_a_figure_of_an_earlier_moment_is_worked_out_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.reader.read([record(subject="h1")])
    worked_out: list[Any] = []
    known = asof.known
    monkeypatch.setattr(asof, "known", lambda *given: worked_out.append(1) or known(*given))
    tomorrow = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat()
    found = [await api.figure("found", known_at=tomorrow) for _ in range(3)]
    assert ([one["value"] for one in found], len(worked_out)) == ([1, 1, 1], 1)
    await api.reader.read([record(subject="h2")])
    assert ((await api.figure("found", known_at=tomorrow))["value"], len(worked_out)) == (2, 2)


UNITS = Regions(
    [Region("650", "州", ""), *(Region(f"65{n}", name, "650") for n, name in enumerate(("州本级", "甲县", "乙市"), 1))]
)
ENFORCED = (statistic("hazards", by=("sector",)), statistic("inspections", "inspection.completed", by=("sector",)))
MONTH = {"from": "2023-07-01", "to": "2023-07-31", "kind": "manual", "unit": "条"}


async def _ask(reader: Reader, key: str, regions: Regions, **labels: str) -> Any:
    """A figure of July 2023, asked where nothing but recorded figures is known."""
    of = Catalogue(ENFORCED, regions, SHANGHAI)
    asked = [("from", MONTH["from"]), ("to", MONTH["to"]), *((f"label.{n}", v) for n, v in labels.items())]
    query = question.parse(key, asked, of, datetime.date(2023, 8, 1))
    async with reader.connection.transaction(isolation="repeatable_read", readonly=True):
        return await answer(reader.connection, of, query, datetime.datetime(2023, 8, 1, tzinfo=SHANGHAI))


async def _record(reader: Reader, regions: Regions, figures: list[dict[str, Any]]) -> None:
    judged = recording.judge(figures, Catalogue(ENFORCED, regions, SHANGHAI), "clerk",
                             datetime.datetime(2023, 8, 1, tzinfo=datetime.UTC))  # fmt: skip
    assert all(isinstance(one, recording.Accepted) for one in judged), judged
    await reader.read([one.record.value for one in judged if isinstance(one, recording.Accepted)])


async def test_a_recorded_total_that_its_parts_do_not_add_up_to_is_shown(reader: Reader) -> None:
    reader.definitions = ENFORCED
    hazards = {**MONTH, "statistic": "hazards"}
    await _record(reader, UNITS, [
        {**hazards, "value": 165},
        *({**hazards, "value": value, "region": region} for region, value in (("651", 149), ("652", 6), ("653", 11))),
        *({**hazards, "value": value, "labels": {"sector": sector}} for sector, value in (("mine", 134), ("gas", 8))),
        {**hazards, "statistic": "inspections", "value": 29},
        {**hazards, "statistic": "inspections", "value": 15, "region": "651"},
        {**hazards, "statistic": "inspections", "value": 14, "region": "652"},
    ])  # fmt: skip
    found = await _ask(reader, "hazards", UNITS)
    assert [r["value"] for r in found["recorded"]] == [165]
    by_region, by_sector = found["disagreements"]
    assert (by_region["by"], by_region["total"], by_region["sum"], by_region["difference"]) == ("region", 165, 166, 1)
    assert {part["region"]: part["value"] for part in by_region["parts"]} == {"651": 149, "652": 6, "653": 11}
    assert (by_sector["by"], by_sector["sum"], by_sector["difference"]) == ("sector", 142, -23)
    assert "disagreements" not in await _ask(reader, "inspections", UNITS)
    assert "disagreements" not in await _ask(reader, "hazards", UNITS, sector="mine")


async def test_the_published_enforcement_figures_disagree_where_they_do(reader: Reader) -> None:
    """Real: a prefecture's notice of July 2024, of which neither units nor industries add up to the stated hazards."""
    if not SAMPLE.exists():
        pytest.skip("no samples here")
    notice = json.loads(SAMPLE.read_text("utf-8"))
    reader.definitions = ENFORCED
    units = {unit["name"]: f"65{n}" for n, unit in enumerate(notice["by_unit"], 1)}
    regions = Regions([Region("650", "州", ""), *(Region(code, name, "650") for name, code in units.items())])
    figures = []
    for key in ("hazards", "inspections"):
        base = {**MONTH, "statistic": key}
        figures += [{**base, "value": notice["stated_total"][key]}]
        figures += [{**base, "value": u[key], "region": units[u["name"]]} for u in notice["by_unit"] if key in u]
        figures += [
            {**base, "value": i[key], "labels": {"sector": i["name"]}} for i in notice["by_industry"] if key in i
        ]
    await _record(reader, regions, figures)
    told = (await _ask(reader, "hazards", regions))["disagreements"]
    assert [(d["by"], d["total"], d["sum"]) for d in told] == [("region", 165, 166), ("sector", 165, 147)]
    assert "disagreements" not in await _ask(reader, "inspections", regions)


TABLE = "统计指标,起始日期,截止日期,数值,计量单位,类别,区域代码,label.level\n"
ROWS = (
    TABLE
    + 'found,2022年1月1日,2022/12/31,"1,008",条,历史基数,,\nfound,2022-01-01,2022-12-31,3,条,baseline,990111001,major\n'
)


def _workbook(text: str) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for n, line in enumerate(csv.reader(io.StringIO(text))):
        for column, cell in enumerate(line):
            if n and column in (1, 2):
                sheet.write_datetime(n, column, datetime.date(2022, *((1, 1) if column == 1 else (12, 31))), day)
            elif n and column == 3:
                sheet.write_number(n, column, float(cell.replace(",", "")))
            else:
                sheet.write(n, column, cell)
    book.close()
    return out.getvalue()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ROWS.encode(), "text/csv"),
        (ROWS.encode("gb18030"), "text/csv; charset=gb18030"),
        (_workbook(ROWS), figure_table.FORMATS[1]),
    ],
    ids=["utf-8", "gb18030", "xlsx"],
)
def test_a_table_says_the_same_in_every_format(body: bytes, kind: str) -> None:
    base = {"statistic": "found", "from": "2022-01-01", "to": "2022-12-31", "unit": "条", "kind": "baseline"}
    assert figure_table.read(body) == [
        {**base, "value": 1008},
        {**base, "value": 3, "region": "990111001", "labels": {"level": "major"}},
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "空"),
        ("统计指标,颜色\n".encode(), "颜色"),
        ("统计指标,statistic\n".encode(), "两次"),
        (b"\xff\xff\xff", "GB18030"),
        (b"PK\x03\x04 no", "工作簿"),
    ],
)
def test_what_is_no_table_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(figure_table.Unreadable, match=said):
        figure_table.read(body)


async def test_a_clerk_who_is_logged_in_records_a_table(api: Api) -> None:
    cookie, csrf = "a cookie", "a word"
    await on(api.reader.settings, lambda c: accounts.add_account(c, "liu", "clerk"))
    await on(api.reader.settings, lambda c: accounts.add_account(c, "guard", "watch"))
    for name, token in (("liu", cookie), ("guard", "another")):
        await on(api.reader.settings, lambda c, name=name, token=token: c.execute(
            "INSERT INTO access.session (token, account, csrf, expires) VALUES ($1, $2, $3, now() + interval '1 day')",
            hashlib.sha256(token.encode()).digest(), name, csrf))  # fmt: skip

    async def post(token: str, word: str, **query: str) -> httpx.Response:
        headers = {"cookie": f"{web.SESSION_COOKIE}={token}", "x-csrf-token": word, "content-type": "text/csv"}
        return await api.client.post("/figures", content=ROWS.encode(), headers=headers, params=query)

    async with asyncio.timeout(10):
        while 401 in {(await post(token, csrf, check="true")).status_code for token in (cookie, "another")}:
            await asyncio.sleep(0.05)
    assert (await post(cookie, csrf, check="true")).json()["checked"] == 2
    assert (await post(cookie, "other")).status_code == 403
    assert (await post("another", csrf)).status_code == 403
    assert (await post(cookie, csrf)).status_code == 202
    await api.reader.read([])
    found = await api.figure("found", **{"from": "2022-01-01", "to": "2022-12-31"})
    assert [r["value"] for r in found["recorded"]] == [1008]
    assert await api.reader.connection.fetchval("SELECT count(*) FROM ledger") == 2
