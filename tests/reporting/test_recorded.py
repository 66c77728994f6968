"""Figures that a person records: baselines and manual figures, published by reporting and shown as such."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.contracts import identity
from services.reporting import app as reporting
from services.reporting import asof, recording
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.runtime import access
from tests.records import record
from tests.reporting.conftest import SHANGHAI, Reader, statistic
from tests.reporting.naive import REGIONS
from tests.reporting.served import on

DEFINITIONS = (
    statistic("found", by=("level",)),
    Definition("investment", "安全投入", "元", manual=True),
)
CATALOGUE = Catalogue(DEFINITIONS, REGIONS, SHANGHAI)
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
