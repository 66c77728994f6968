"""Tables over HTTP, on real Kafka and PostgreSQL."""

from __future__ import annotations

import io
from typing import Any

import httpx
import python_calamine as calamine
import xlsxwriter

from services.ingest import tables
from services.ingest.formats.workbook import MEDIA_TYPE
from services.runtime.access import Scope
from tests.ingest.conftest import Hub

OWN = Scope(("/bureau/hazards",))
HEAD = "隐患编号,发生时间,级别,区域代码,办理期限\n"
GOOD = "YH-1,2023-06-30,一般隐患,990111001,2023/7/1\nYH-2,2023-06-30 8:30,major,,\nYH-3,45107,重大隐患,,\n"
BAD = "YH-4,昨天,一般隐患,,\n,2023-06-30,特大,,\n"


async def send(hub: Hub, header: str, body: str | bytes, type_: str = "hazard.found", **more: Any) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    headers = {"authorization": header, "content-type": "text/csv", **more.pop("headers", {})}
    return await hub.client.post(f"/ingest/tables/{type_}", content=content, headers=headers, params=more)


def rows_of(content: bytes) -> list[list[Any]]:
    return calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()


def filled(template: bytes, rows: list[dict[str, Any]]) -> bytes:
    """The template with these rows, written as a spreadsheet program would."""
    headings = [str(cell) for cell in rows_of(template)[0]]
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headings)
        for number, row in enumerate(rows, 1):
            for heading, value in row.items():
                sheet.write(number, headings.index(heading), value)
    return out.getvalue()


async def test_rows_become_events_and_the_same_rows_are_the_same_events(hub: Hub) -> None:
    _, header = await hub.key(OWN)
    first = await send(hub, header, HEAD + GOOD)
    assert first.status_code == 202, first.text
    answer = first.json()
    assert [(a["index"], a["line"], a["source"]) for a in answer["accepted"]] == [
        (0, 2, "/bureau/hazards"), (1, 3, "/bureau/hazards"), (2, 4, "/bureau/hazards"),
    ]  # fmt: skip
    assert (answer["problems"], answer["rows"]) == ([], 3)
    again = await send(hub, header, (HEAD + GOOD).encode("gb18030"))
    assert again.json() == answer
    records = await hub.records()
    assert len(records) == 6
    assert len({(r["source"], r["id"], r["digest"]) for r in records}) == 3
    by_subject = {r["subject"]: r for r in records}
    assert by_subject["YH-1"]["time"] == "2023-06-30T00:00:00+08:00"
    assert by_subject["YH-1"]["region"] == "990111001"
    assert by_subject["YH-1"]["data"] == {"hazard_id": "YH-1", "level": "general", "due": "2023-07-01"}
    assert by_subject["YH-2"]["time"] == "2023-06-30T08:30:00+08:00"
    assert by_subject["YH-3"]["time"] == "2023-06-30T00:00:00+08:00"
    assert by_subject["YH-3"]["data"]["level"] == "major"


async def test_nothing_is_taken_from_a_table_with_a_bad_row_unless_partial(hub: Hub) -> None:
    _, header = await hub.key(OWN)
    refused = await send(hub, header, HEAD + GOOD + BAD)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problems = refused.json()["problems"]
    assert {(p["line"], p["column"], p["heading"], p["field"], p["code"]) for p in problems} == {
        (5, "B", "发生时间", "time", "time_format"),
        (6, "A", "隐患编号", "data.hazard_id", "missing"),
        (6, "C", "级别", "data.level", "codes"),
    }
    assert all(p["reason"] for p in problems)
    assert await hub.records() == []
    checked = await send(hub, header, HEAD + GOOD + BAD, check="true")
    assert (checked.status_code, checked.json()["problems"]) == (422, problems)
    good = await send(hub, header, HEAD + GOOD, check="true")
    assert good.status_code == 200
    assert (good.json()["check"], len(good.json()["accepted"])) == (True, 3)
    assert await hub.records() == []
    partial = await send(hub, header, HEAD + GOOD + BAD, partial="true")
    assert partial.status_code == 202
    assert (len(partial.json()["accepted"]), partial.json()["problems"]) == (3, problems)
    assert len(await hub.records()) == 3


async def test_the_template_comes_back_with_a_column_of_results(hub: Hub) -> None:
    _, header = await hub.key(OWN)
    template = await hub.client.get("/ingest/tables/hazard.found.xlsx")
    assert (template.status_code, template.headers["content-type"]) == (200, MEDIA_TYPE)
    assert rows_of(template.content)[0][:3] == ["发生时间", "隐患编号", "级别"]
    rows = [
        {"隐患编号": "YH-1", "发生时间": 45107, "级别": "一般隐患"},
        {"隐患编号": 2023001, "发生时间": "2023-06-30", "级别": "重大隐患"},
        {"隐患编号": "YH-3", "发生时间": "2023-06-30", "级别": "特大"},
    ]
    accept = {"accept": MEDIA_TYPE, "content-type": MEDIA_TYPE}
    refused = await send(hub, header, filled(template.content, rows), headers=accept)
    assert refused.status_code == 422
    told = rows_of(refused.content)
    assert told[0][-1] == "结果"
    assert [row[-1][:3] for row in told[1:]] == ["未接收", "未接收", "错误："]
    assert "级别" in told[3][-1]
    assert await hub.records() == []
    # What came back is mended and sent again: the column of results is no field.
    mended = filled(refused.content, [{**row, "级别": "一般隐患", "结果": "错误"} for row in rows])
    accepted = await send(hub, header, mended, headers=accept)
    assert accepted.status_code == 202
    again = rows_of(accepted.content)
    assert again[0].count("结果") == 1
    assert [row[-1] for row in again[1:]] == ["已接收"] * 3
    assert {r["subject"] for r in await hub.records()} == {"YH-1", "2023001", "YH-3"}


async def test_a_correction_replaces_the_first_version_and_a_retry_is_the_same(hub: Hub) -> None:
    _, header = await hub.key(OWN)
    first = (await send(hub, header, HEAD + GOOD)).json()["accepted"][0]["id"]
    changed = HEAD + GOOD.splitlines(keepends=True)[0].replace("一般", "重大")
    retry = {"headers": {"idempotency-key": "2023-07"}}
    one, same = [(await send(hub, header, changed, correct="true", **retry)).json()["accepted"] for _ in range(2)]
    assert one == same
    other = (await send(hub, header, changed, correct="true")).json()["accepted"]
    assert len({first, one[0]["id"], other[0]["id"]}) == 3
    corrections = [r for r in await hub.records() if "corrects" in r]
    assert [(r["corrects"], r["correctssource"]) for r in corrections] == [(first, "/bureau/hazards")] * 3
    assert len({r["digest"] for r in corrections}) == 2


async def test_what_the_request_adds_and_who_may(hub: Hub) -> None:
    _, header = await hub.key(Scope(("/a", "/b"), rights=("publish", "history"), statuses=("actual", "exercise")))
    table = HEAD + "YH-1,2023-06-30,,,\n"
    unnamed = await send(hub, header, table)
    assert (unnamed.status_code, {p["field"] for p in unnamed.json()["problems"]}) == (422, {"source"})
    wrong = await send(hub, header, table, source="/c")
    assert (wrong.status_code, {p["code"] for p in wrong.json()["problems"]}) == (403, {"source_not_allowed"})
    extra = {"source": "/b/x", "region": "990111001", "lane": "history", "status": "exercise"}
    assert (await send(hub, header, table, **extra)).status_code == 202
    (record,) = await hub.records()
    assert {name: record[name] for name in extra} == extra
    assert record["topic"] == "history"
    assert (await send(hub, "", table)).status_code == 401
    assert (await send(hub, header, table, "hazard.fuond")).status_code == 404
    assert "hazard.found" in (await send(hub, header, table, "hazard.fuond")).json()["detail"]
    assert (await hub.client.get("/ingest/tables/hazard.fuond.xlsx")).status_code == 404


async def test_what_is_no_table_is_refused_in_one_sentence(hub: Hub) -> None:
    _, header = await hub.key(OWN)
    for body, status, code in (
        (b"", 422, "table_empty"),
        (b"\n\n", 422, "table_empty"),
        (b'{"a": 1}', 400, "table_format"),
        (b"PK\x03\x04broken", 400, "table_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 400, "table_format"),
        (HEAD.encode() + "甲,2023-06-30,,,\n".encode("gb18030"), 400, "encoding"),
        (b"a," * 600 + b"\n" + b"1," * 600, 413, "too_many_columns"),
        (b"x" * 9_000_000, 413, None),
    ):
        answer = await send(hub, header, body)
        assert answer.status_code == status, (body[:20], answer.text)
        assert code is None or [p["code"] for p in answer.json()["problems"]] == [code]
    json = await send(hub, header, HEAD, headers={"content-type": "application/json"})
    assert json.status_code == 415
    headings = await send(hub, header, "隐患编号,hazard_id,级\nYH-1,YH-1,1\n")
    assert headings.status_code == 422
    assert {p["code"] for p in headings.json()["problems"]} == {"heading_twice", "unknown_heading", "missing"}


async def test_more_rows_than_a_request_may_carry(hub: Hub, monkeypatch: Any) -> None:
    _, header = await hub.key(OWN)
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    answer = await send(hub, header, HEAD + GOOD)
    assert answer.status_code == 413
    assert "limit" in answer.json()
    assert await hub.records() == []
