"""Tables without HTTP: encodings, workbooks, headings, cells, identities, and all that clerks can do wrong."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import xlsxwriter

from services.contracts.corrections import Member, judge
from services.contracts.families import CLASS_OF, FIELDS, TYPES
from services.contracts.glossary import term
from services.ingest.door import Admitted
from services.ingest.formats import sheet, workbook
from services.ingest.formats.cell import BadCell, Cell, converter, when
from services.ingest.formats.sheet import Unreadable, letter
from services.ingest.formats.table import BadHeadings, Bureau, Table, headings_of
from services.ingest.formats.upload import Judged, Options, Upload
from tests.ingest.scene import ALL, DOOR, NOW

ZONE = ZoneInfo("Asia/Shanghai")
BUREAU = Bureau(ZONE, {("", "level"): {"blue_plus": "加蓝"}}, {"江浦街道": "320111001"})
SOURCE = {"source": "/bureau/tables"}
DAY = datetime.datetime(2023, 6, 30)  # noqa: DTZ001  a workbook knows no zone
HEAD = "隐患编号,发生时间,级别\n"


def upload(body: str | bytes, type_: str = "hazard.found", encoding: str = "utf-8", **options: Any) -> Upload:
    content = body if isinstance(body, bytes) else body.encode(encoding)
    return Upload(type_, io.BytesIO(content), BUREAU, Options(SOURCE, **options))


def judged(body: str | bytes, type_: str = "hazard.found", encoding: str = "utf-8", **options: Any) -> list[Judged]:
    return list(upload(body, type_, encoding, **options).judge(DOOR, ALL, lambda: NOW))


def records(body: str | bytes, type_: str = "hazard.found", encoding: str = "utf-8", **options: Any) -> list[Any]:
    rows = judged(body, type_, encoding, **options)
    assert all(isinstance(row.admitted, Admitted) for row in rows), [row.row.flaws for row in rows]
    return [msgspec.json.decode(row.admitted.record) for row in rows if row.admitted]


def flaws(body: str | bytes, type_: str = "hazard.found", **options: Any) -> set[tuple[int, str, str]]:
    """Line, column and code of all that is wrong with the rows."""
    found = [flaw for row in judged(body, type_, **options) for flaw in row.row.flaws]
    assert all(re.search("[\u4e00-\u9fff]", flaw.reason) for flaw in found)
    return {(f.line, "" if f.column is None else letter(f.column), f.code) for f in found}


def refused(body: str | bytes, type_: str = "hazard.found") -> tuple[str, int]:
    """Code and line of why a file cannot be read as a whole."""
    with pytest.raises(Unreadable) as error:
        judged(body, type_)
    assert re.search("[\u4e00-\u9fff]", str(error.value))
    return error.value.code, error.value.line


def headings(body: str, type_: str = "hazard.found") -> set[tuple[str, str]]:
    with pytest.raises(BadHeadings) as error:
        upload(body, type_)
    return {(f.heading, f.code) for f in error.value.flaws}


def book(fill: Callable[[Any, Any], None]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as made:
        page = made.add_worksheet()
        page.write_row(0, 0, ["隐患编号", "发生时间", "级别"])
        fill(made, page)
    return out.getvalue()


# What a file is


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_same_table_in_any_encoding_is_the_same_events(encoding: str, separator: str, end: str) -> None:
    table = HEAD + "YH-1,2023-06-30,重大隐患\nYH-𠮷,2023-06-30,一般隐患\n"
    found = records(table.replace(",", separator).replace("\n", end), encoding=encoding)
    assert [(r["id"], r["digest"]) for r in found] == [(r["id"], r["digest"]) for r in records(table)]
    assert [r["subject"] for r in found] == ["YH-1", "YH-𠮷"]


def test_a_table_in_gb18030_that_looks_like_utf8_in_one_line() -> None:
    body = (HEAD + "联通,2023-06-30,\n").encode("gb18030")
    assert records(body)[0]["subject"] == "联通"


def test_mixed_encodings_are_named_by_line() -> None:
    good, other = HEAD.encode(), "隐患,2023-06-30,\n".encode("gb18030")
    assert refused(good + other) == ("encoding", 2)
    assert refused(HEAD.encode("gb18030") + "隐患街道,2023-06-30,\n".encode()) == ("encoding", 2)
    assert refused(b"\xef\xbb\xbf" + other) == ("encoding", 1)
    assert refused(b"id,time\n\xff\xff,1\n") == ("encoding", 2)


def test_blank_rows_are_skipped_and_lines_keep_their_numbers() -> None:
    table = "\n\n隐患编号,发生时间,分类\n,,\nYH-1,2023-06-30,\n  , ,\n" + 'YH-2,2023-06-30,"两\n行"\nYH-3,x,\n'
    rows = judged(table)
    assert [(row.index, row.row.line, row.row.data["hazard_id"]) for row in rows] == [
        (0, 5, "YH-1"), (1, 7, "YH-2"), (2, 9, "YH-3"),
    ]  # fmt: skip
    assert rows[1].row.data["category"] == "两\n行"
    assert flaws(table) == {(9, "B", "time_format")}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "table_empty"),
        (b"\xef\xbb\xbf\n \n", "table_empty"),
        (b"%PDF-1.7", "table_format"),
        (b"<html>", "table_format"),
        (b'{"specversion": "1.0"}', "table_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "table_format"),
        (b"PK\x03\x04" + b"\0" * 100, "table_format"),
        (HEAD.encode() + b'YH-1,"2023-06-30,\n', "table_format"),
        (HEAD.encode() + b'YH-1,"2023"x,\n', "table_format"),
        (HEAD.encode() + b"YH-1," + b"x" * 200_000 + b",\n", "table_format"),
        ((HEAD + "YH-\0一,2023-06-30,\n").encode(), "encoding"),
    ],
)
def test_what_is_no_table_is_one_sentence(body: bytes, code: str) -> None:
    assert refused(body)[0] == code


def test_a_zip_that_is_no_workbook_and_one_that_swells() -> None:
    other, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(other, "w") as package:
        package.writestr("a.txt", "x")
    assert refused(other.getvalue())[0] == "table_format"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package, package.open("xl/workbook.xml", "w") as part:
        for _ in range(sheet.MAX_INFLATED // 2**20 + 1):
            part.write(b"\0" * 2**20)
    assert len(bomb.getvalue()) < 2**20
    assert refused(bomb.getvalue())[0] == "too_large"


def test_a_million_rows_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sheet.MAX_ROWS == 1_000_000
    monkeypatch.setattr(sheet, "MAX_ROWS", 3)
    rows = [f"YH-{i},2023-06-30,\n" for i in range(4)]
    assert len(records(HEAD + "".join(rows[:3]))) == 3
    assert refused(HEAD + "".join(rows)) == ("too_many_rows", 5)
    many = book(lambda _, page: [page.write_row(i, 0, [f"YH-{i}", "2023-06-30"]) for i in range(1, 6)])
    assert refused(many)[0] == "too_many_rows"


# What a workbook holds


def test_a_workbook_gives_the_same_events_as_csv() -> None:
    def fill(made: Any, page: Any) -> None:
        day, clock = (made.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm"))
        page.write_row(1, 0, ["YH-1", "2023-06-30", "一般隐患"])
        page.write_datetime(3, 1, DAY, day)
        page.write_row(3, 0, [20230117])
        page.write(3, 2, "major")
        page.write_datetime(4, 1, DAY.replace(hour=8, minute=5), clock)
        page.write(4, 0, "YH-3")
        page.write_formula(5, 0, '="YH-"&4', None, "YH-4")
        page.write_formula(5, 1, "=B5+0.25", None, 45107.25)
        page.write_row(6, 0, ["YH-5", 45107])
        made.add_worksheet("别的表").write(0, 0, "不读")

    csv = (
        HEAD + "YH-1,2023-06-30,一般隐患\n20230117,2023/6/30,major\nYH-3,2023-06-30 08:05,\n"
        "YH-4,2023-06-30 06:00,\nYH-5,2023年6月30日,\n"
    )
    expected = [(r["id"], r["digest"], r["time"]) for r in records(csv)]
    assert [(r["id"], r["digest"], r["time"]) for r in records(book(fill))] == expected
    assert [row.row.line for row in judged(book(fill))] == [2, 4, 5, 6, 7]


def test_merged_cells_and_formulas_without_value_are_named() -> None:
    merged = book(lambda _, page: page.merge_range(1, 0, 2, 0, "YH-1"))
    assert refused(merged) == ("merged_cells", 2)
    with pytest.raises(Unreadable, match="A2:A3"):
        upload(merged)
    error = book(lambda _, page: page.write_formula(1, 2, "=1/0", None, "#DIV/0!"))
    assert refused(error) == ("formula", 2)
    never = book(lambda _, page: page.write_formula(2, 2, "=A1", None, ""))
    bare = _edited(never, rb"<v>[^<]*</v></c></row></sheetData>", b"</c></row></sheetData>")
    bare = _edited(bare, rb' t="str"', b"")
    assert refused(bare) == ("formula", 3)


def _edited(content: bytes, pattern: bytes, by: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            part = old.read(info)
            new.writestr(info, re.sub(pattern, by, part) if info.filename.endswith("sheet1.xml") else part)
    return out.getvalue()


def test_a_number_that_a_workbook_no_longer_holds_is_refused() -> None:
    assert flaws(book(lambda _, page: page.write_row(1, 0, [913201110000000123, "2023-06-30"]))) == {(2, "A", "number")}


# What a heading is


def test_headings_in_either_language_with_unit_star_and_blanks() -> None:
    chinese = records("隐患编号 *,发 生 时 间,级别（级）\nYH-1,2023-06-30,major\n")
    english = records("序号,Hazard_ID,time,data.level,结果\n1,YH-1,2023-06-30,重大隐患,已接收\n")
    assert [r["id"] for r in chinese] == [r["id"] for r in english]
    assert [r["data"] for r in chinese] == [r["data"] for r in english]


def test_bad_headings_are_all_named() -> None:
    assert headings("隐患编号,hazard_id,发生时间\n") == {("hazard_id", "heading_twice")}
    assert headings("隐患编号,发生时间,隐患级\n") == {("隐患级", "unknown_heading")}
    assert headings("发生时间\n") == {("", "missing")}
    assert headings("隐患编号\n") == {("", "missing")}
    assert headings("发现隐患登记表\n隐患编号,发生时间\n") == {("发现隐患登记表", "unknown_heading"), ("", "missing")}
    with pytest.raises(BadHeadings, match="是否“隐患编号”"):
        upload("隐患编码,发生时间\n")


def test_a_field_that_clashes_with_the_envelope_is_data_name() -> None:
    table = "ticket_id,time,data.type,type\nT-1,2023-06-30,{},hotline.ticket_received\n"
    (record,) = records(table.format("求助"), "hotline.ticket_received")
    assert (record["type"], record["data"]["type"]) == ("hotline.ticket_received", "help")
    assert flaws("ticket_id,time,type\nT-1,2023-06-30,求助\n", "hotline.ticket_received") == {(2, "C", "type")}
    (record,) = records("problem_id,time,data.source,source\nP-1,2023-06-30,,/bureau/x\n", "problem.opened")
    assert record["source"] == "/bureau/x"


def test_an_unknown_data_field_is_kept_when_it_is_meant() -> None:
    (record,) = records("hazard_id,time,data.楼层\nYH-1,2023-06-30,三层\n")
    assert record["data"]["楼层"] == "三层"


def test_a_cell_beyond_the_headings_is_a_slipped_separator() -> None:
    assert flaws(HEAD + "YH-1,2023-06-30,,是\n") == {(2, "D", "no_heading")}
    assert len(records(HEAD + "YH-1,2023-06-30,,,,\n")) == 1


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_headings_that_name_one_field_each(name: str) -> None:
    found = headings_of(name)
    assert {field for field in found.values() if field.startswith("data.")} == {f"data.{f}" for f in FIELDS[name]}
    for field in FIELDS[name]:
        assert found[term(name, field).zh.lower()] == f"data.{field}"


@pytest.mark.parametrize("name", TYPES)
def test_the_example_of_every_type_can_be_written_into_its_template(name: str) -> None:
    made = workbook.template(name, BUREAU)
    entries = workbook.entries(name, BUREAU)
    table = Table(name, next(sheet.read(io.BytesIO(made)).lines), BUREAU)
    assert [column.field for column in table.columns] == [
        e.field if e.field in ("time", "region", "status", "id", "corrects", "subject") or e.field.startswith("data.")
        else f"data.{e.field}" for e in entries
    ]  # fmt: skip
    (row,) = table.rows(iter([(2, [entry.example for entry in entries])]))
    assert row.flaws == []
    example = {k: v for k, v in CLASS_OF[name].example.items() if v not in ([], ())}
    assert row.data.keys() == example.keys()


# What a cell says


def value(kind: str, cell: Cell) -> Any:
    type_, name = {
        "count": ("drill.completed", "participants"), "number": ("sensor.reading", "value"),
        "money": ("penalty.imposed", "amount_cny"), "moment": ("hazard.found", "due"),
        "flag": ("hazard.rectified", "on_time"), "codes": ("hazard.found", "level"),
        "list": ("drill.completed", "units"), "text": ("hazard.found", "category"),
        "object": ("hazard.reported", "geo"), "identifier": ("hazard.found", "hazard_id"),
    }[kind]  # fmt: skip
    spec = FIELDS[type_][name]
    return converter(spec, ZONE, BUREAU.codes_of(type_, spec))(cell)


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        ("count", "1,234", 1234), ("count", "１２", 12), ("count", 3.0, 3), ("number", "3.50", "3.5"),
        ("number", 0.1 + 0.2, "0.3"), ("number", "-7", "-7"), ("money", "¥1,200元", "1200.00"),
        ("money", 50000.0, "50000.00"), ("money", "0.1", "0.10"), ("moment", "2023/7/1", "2023-07-01"),
        ("moment", "2023.7.1 8：05", "2023-07-01T08:05:00+08:00"), ("moment", 45107.0, "2023-06-30"),
        ("moment", "20230701", "2023-07-01"), ("moment", "2023-07-01T00:00:00Z", "2023-07-01T00:00:00+00:00"),
        ("moment", datetime.date(2023, 7, 1), "2023-07-01"),
        ("moment", DAY.replace(hour=23, minute=59, second=59, microsecond=999_900), "2023-07-01"),
        ("flag", "是", True), ("flag", "FALSE", False), ("flag", 1.0, True), ("flag", True, True), ("flag", "×", False),
        ("codes", "重大隐患", "major"), ("codes", " major ", "major"), ("codes", "加蓝", "blue_plus"),
        ("list", "甲、乙；丙,丁;戊\n己", ["甲", "乙", "丙", "丁", "戊", "己"]), ("list", '["a,b", "c"]', ["a,b", "c"]),
        ("text", 3.0, "3"), ("text", DAY.replace(hour=8), "2023-06-30 08:00:00"),
        ("object", '{"type": "Point"}', {"type": "Point"}), ("identifier", 320111.0, "320111"),
    ],
)  # fmt: skip
def test_a_cell_becomes_a_value(kind: str, cell: Cell, expected: Any) -> None:
    found = value(kind, cell)
    assert (str(found) if kind == "number" else found) == expected


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("count", "三"), ("count", "-1"), ("count", "1.5"), ("count", "5万"), ("count", "1,23"), ("number", "nan"),
        ("number", "12%"), ("number", "1e400"), ("money", "0.005"), ("money", "1e16"), ("moment", "6/30/2023"),
        ("moment", "2023-02-30"), ("moment", "2023-6-30 25:00"), ("moment", "99999"), ("moment", datetime.time(8)),
        ("flag", "maybe"), ("flag", "2"), ("codes", "特大"), ("list", "[1,"), ("object", "[]"),
        ("object", '{"a": "\\u0000"}'), ("object", '{"a":' * 2000), ("text", "a\0b"), ("text", "字" * 20_001),
        ("identifier", "x" * 257), ("identifier", 1e17),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_what_its_column_holds(kind: str, cell: Cell) -> None:
    with pytest.raises(BadCell):
        value(kind, cell)


def test_a_date_alone_is_midnight_in_the_bureaus_zone() -> None:
    assert when(ZONE)("2023-06-30") == "2023-06-30T00:00:00+08:00"
    assert when(ZoneInfo("Europe/Berlin"))("2023-06-30") == "2023-06-30T00:00:00+02:00"


def test_a_region_by_code_or_name() -> None:
    table = "hazard_id,time,region\nYH-1,2023-06-30,江浦街道\nYH-2,2023-06-30,320111001\nYH-3,2023-06-30,320111777\n"
    assert [(r["region"], r.get("regiongiven")) for r in records(table)] == [
        ("320111001", None), ("320111001", None), ("320111", "320111777"),
    ]  # fmt: skip
    assert flaws("hazard_id,time,region\nYH-1,2023-06-30,江埔街道\n") == {(2, "C", "region")}


def test_what_the_door_says_stands_at_the_column_it_is_about() -> None:
    table = "hazard_id,time,subject,status\nYH-1,2024-01-01,,\nYH-2,2023-06-30,YH-3,\nYH-4,,,演练\nYH-5,1850-01-01,,x\n"
    assert flaws(table) == {
        (2, "B", "time_ahead"), (3, "C", "subject_differs"), (4, "B", "missing"), (5, "B", "time_range"),
        (5, "D", "codes"),
    }  # fmt: skip


# Which event a row is


def test_a_row_is_known_by_the_key_columns_of_its_class() -> None:
    one, changed = (records(HEAD + f"YH-1,2023-06-30,{level}\n")[0] for level in ("major", "general"))
    assert one["id"] == changed["id"]
    assert one["digest"] != changed["digest"]
    assert records("hazard_id,time,subject\n,2023-06-30,YH-1\n")[0]["id"] == one["id"]
    assert records("id,hazard_id,time\n甲-7,YH-1,2023-06-30\n")[0]["id"] == "甲-7"
    assert flaws(HEAD + ",2023-06-30,\n") == {(2, "A", "missing")}


def test_without_key_columns_a_row_is_its_content_and_how_often_it_came() -> None:
    zh = term("team.training_logged", "team_id").zh
    table = f"{zh},发生时间\nT-1,2023-06-30\nT-1,2023-06-30\nT-2,2023-06-30\n"
    first, second, third = records(table, "team.training_logged")
    assert len({r["id"] for r in (first, second, third)}) == 3
    more = records(table + "T-1,2023-06-30\n", "team.training_logged")
    assert [r["id"] for r in more[:3]] == [first["id"], second["id"], third["id"]]
    assert flaws(table, "team.training_logged", upload="u") == {(2, "", "no_key"), (3, "", "no_key"), (4, "", "no_key")}


def test_the_same_key_twice_in_a_table_must_say_the_same() -> None:
    same, other = "YH-1,2023-06-30,major\n", "YH-1,2023-06-30,general\n"
    first, again = records(HEAD + same + same)
    assert first["id"] == again["id"]
    assert flaws(HEAD + same + other) == {(3, "", "row_repeated")}
    rows = judged(HEAD + same + other)
    assert "第 2 行" in rows[1].row.flaws[0].reason


def test_a_row_changed_and_changed_back_is_in_force_as_it_was_uploaded_last() -> None:
    """Whatever was uploaded in between: the last upload counts, and each of them once."""
    levels = ("general", "major", "unspecified", "major", "general", "general")
    members: dict[str, tuple[Member, str]] = {}
    for nth, level in enumerate(levels):
        token = None if nth == 0 else f"upload-{nth}"
        (record,) = records(HEAD + f"YH-1,2023-06-30,{level}\n", upload=token)
        members[record["id"]] = (_member(record, nth), level)
        counting = judge(member for member, _ in members.values()).counting
        assert [levels[nth]] == [level for member, level in members.values() if member.key in counting]
    assert len(members) == len(levels)
    (retry,) = records(HEAD + "YH-1,2023-06-30,general\n", upload="upload-5")
    assert retry["id"] in members


def _member(record: dict[str, Any], nth: int) -> Member:
    target = record["corrects"].encode() if "corrects" in record else None
    recorded = NOW + datetime.timedelta(minutes=nth)
    fixed = (record["type"], record["subject"], record["status"], False, recorded, record["source"], record["id"])
    return Member(record["id"].encode(), target, *fixed)


def test_a_column_corrects_names_what_a_row_replaces() -> None:
    table = "hazard_id,time,corrects\nYH-1,2023-06-30,e-7\n"
    (record,) = records(table)
    assert (record["corrects"], record["correctssource"]) == ("e-7", SOURCE["source"])
    assert record["id"] == records(table, upload="u")[0]["id"] != records(HEAD + "YH-1,2023-06-30,\n")[0]["id"]
    retracted = "corrects,发生时间,subject,data.type\ne-7,2023-06-30,YH-1,hazard.found\n"
    assert records(retracted, "event.retracted")[0]["subject"] == "YH-1"
