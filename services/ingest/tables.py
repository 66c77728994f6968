"""Tables over HTTP: `POST /tables/{type}` takes a CSV file or a workbook in, `GET /tables/{type}.xlsx` is the template.

A table is read twice: once to judge every row, once to publish, so that all or nothing holds whatever its size and no
more of it is in memory than the body.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts.families import TYPES
from services.ingest.api import BODY_SECONDS, MAX_BODY, MAX_PROBLEMS, Desk
from services.ingest.asker import asker
from services.ingest.binding import media_type
from services.ingest.door import Admitted
from services.ingest.formats import workbook
from services.ingest.formats.sheet import MAX_COLUMNS, MAX_INFLATED, Unreadable, letter
from services.ingest.formats.table import BadHeadings, Bureau, Flaw
from services.ingest.formats.upload import Judged, Options, Upload, default_source
from services.ingest.problem import Problem, status_of
from services.ingest.words import problem_answer
from services.runtime import bureau, web
from services.runtime.access import Key
from services.runtime.audit import Actor

MAX_ROWS = 200_000
"""Rows of one request; `hub import` takes a million."""
SLICE = 50
"""Rows judged before others get their turn: about 5 ms."""
PUBLISHED_AT_ONCE = 2_000
DEFAULTS = ("source", "region", "status", "lane", "drill")
"""Attributes that a query parameter gives to every row without a column of its own."""
NOT_TABLES = ("application/json", "application/cloudevents+json", "application/x-ndjson", "multipart/form-data")
UNREADABLE = {
    "table_format": 400, "encoding": 400, "too_large": 413, "too_many_rows": 413, "too_many_columns": 413,
}  # fmt: skip
"""Code of a file that cannot be read as a whole → status; any other answers 422."""

LIMITS = {"too_many_rows": MAX_ROWS, "too_many_columns": MAX_COLUMNS, "too_large": MAX_INFLATED}


Uploaded = Callable[[Actor, Mapping[str, Any]], Awaitable[None]]
"""Writes down that a person has uploaded a table."""


class RowProblem(msgspec.Struct, frozen=True, gc=False):
    """One thing wrong with a table. `index` counts rows from 0 (None: the table), `line` the file's lines from 1."""

    index: int | None
    id: str | None
    field: str
    reason: str
    code: str
    line: int
    column: str | None
    """The letter of the column."""
    heading: str


class AcceptedRow(msgspec.Struct, frozen=True, gc=False):
    """A row that is on disk at the broker; of a dry run: that would be."""

    index: int
    id: str
    source: str
    line: int


class Wanted(msgspec.Struct, frozen=True):
    """What a request asks for."""

    check: bool
    partial: bool
    correct: bool
    workbook: bool
    options: Options


class Outcome:
    """What came of the rows so far. Problems beyond the first 1,000 are only counted."""

    def __init__(self) -> None:
        self.rows = 0
        self.refused = 0
        self.count = 0
        self.problems: list[RowProblem] = []
        self.codes: set[str] = set()
        self.accepted: list[AcceptedRow] = []
        self.told: dict[int, str] = {}
        """Line → what is said in the column 结果."""

    def add(self, judged: Judged, *, tell: bool) -> None:
        """Note one row."""
        self.rows += 1
        row = judged.row
        if judged.admitted is not None:
            admitted = judged.admitted
            self.accepted.append(AcceptedRow(judged.index, admitted.id, admitted.source, row.line))
            return
        self.refused += 1
        self.count += len(row.flaws)
        self.codes.update(flaw.code for flaw in row.flaws)
        room = MAX_PROBLEMS - len(self.problems)
        self.problems += [_problem(flaw, judged.index, judged.id) for flaw in row.flaws[:room]]
        if tell:
            self.told[row.line] = "错误：" + "；".join(_said(flaw) for flaw in row.flaws)

    @property
    def status(self) -> int:
        """The one status for all that is wrong."""
        return status_of([Problem(0, None, "", "", code) for code in self.codes])

    def members(self) -> dict[str, Any]:
        """What every answer says."""
        more = {"problem_count": self.count} if self.count > len(self.problems) else {}
        return {"rows": self.rows, **more}


class TableDesk:
    """Takes tables in, by the desk that takes events in."""

    def __init__(self, desk: Desk, of: bureau.Bureau, uploaded: Uploaded) -> None:
        self.desk, self.uploaded = desk, uploaded
        self.bureau, self.regions = bureau_of(of), of.regions

    async def post(self, type_name: str, request: Request) -> Response:
        """Answer `POST /tables/{type}`."""
        return await self.desk.counted(request, lambda request, take: self._answer(type_name, request, take))

    def template(self, type_name: str) -> Response:
        """Answer `GET /tables/{type}.xlsx`."""
        self._must_be_type(type_name)
        return _workbook(workbook.template(type_name, self.bureau), 200, f"{TYPES[type_name].zh}.xlsx")

    def _must_be_type(self, type_name: str) -> None:
        if type_name not in TYPES:
            hint = self.desk.door.similar(type_name[:128])
            raise web.Refusal(404, f"{type_name[:128]} is not a registered type{hint}")

    async def _answer(self, type_name: str, request: Request, take: Callable[[int], None]) -> Response:
        key, person = asker(self.desk.access, self.regions, request, change=True)
        self._must_be_type(type_name)
        _must_be_table(request)
        wanted = _wanted(request, key)
        body = await web.read_body(request, MAX_BODY, BODY_SECONDS, take)
        try:
            # Opening a workbook and finding out an encoding take up to a second of pure computing.
            upload = await asyncio.to_thread(Upload, type_name, io.BytesIO(body), self.bureau, wanted.options)
            judged = await self._judge(upload, key, wanted)
        except Unreadable as error:
            raise _unreadable(error) from error
        except BadHeadings as error:
            raise web.Refusal(422, str(error), [_problem(flaw, None, None) for flaw in error.flaws]) from error
        if person and not wanted.check:
            told = {"type": type_name, "publisher": key.name, "sha256": hashlib.sha256(body).hexdigest()}
            await self.uploaded(web.actor(request, person), {**told, "rows": judged.rows, "refused": judged.refused})
        return await self._settle(upload, judged, key, wanted)

    async def _judge(self, upload: Upload, key: Key, wanted: Wanted) -> Outcome:
        outcome = Outcome()
        for judged in upload.judge(self.desk.door, key, self.desk.stamp.next):
            outcome.add(judged, tell=wanted.workbook)
            if outcome.rows % SLICE == 0:
                await asyncio.sleep(0)
            if outcome.rows > MAX_ROWS:
                limit = f"一次上传至多 {MAX_ROWS} 行：请分成几个文件，或用 hub import"
                raise Unreadable(limit, judged.row.line, "too_many_rows")
        return outcome

    async def _settle(self, upload: Upload, judged: Outcome, key: Key, wanted: Wanted) -> Response:
        """Publish or not, and answer."""
        name = upload.table.type.name
        self.desk.meters.events("rejected", (name for _ in range(0 if wanted.check else judged.refused)))
        if judged.refused and not wanted.partial:
            return await self._refused(upload, judged, wanted)
        if wanted.check:
            return await self._taken(upload, judged, wanted, 200, "可接收（试查，未送入）")
        self.desk.rate.take(key, len(judged.accepted))
        published = await self._publish(upload, key, wanted)
        return await self._taken(upload, published, wanted, 202, "已接收")

    async def _publish(self, upload: Upload, key: Key, wanted: Wanted) -> Outcome:
        outcome, batch = Outcome(), list[Admitted]()
        for judged in upload.judge(self.desk.door, key, self.desk.stamp.next):
            outcome.add(judged, tell=wanted.workbook)
            if judged.admitted is not None:
                batch.append(judged.admitted)
            if len(batch) == PUBLISHED_AT_ONCE:
                await self.desk.publish(batch)
                batch = []
            if outcome.rows % SLICE == 0:
                await asyncio.sleep(0)
        await self.desk.publish(batch)
        return outcome

    async def _refused(self, upload: Upload, judged: Outcome, wanted: Wanted) -> Response:
        """All or nothing: the answer when something is wrong."""
        name = upload.table.type.name
        self.desk.meters.events("held_back", (name for _ in judged.accepted))
        if wanted.workbook:
            return await self._given_back(upload, judged, judged.status, "未接收：表中其他行有错误")
        detail = f"没有收下任何一行：{judged.refused} 行有错误（见 problems）；?partial=true 只收正确的行"
        return web.problem(judged.status, detail, judged.problems, **judged.members())

    async def _taken(self, upload: Upload, outcome: Outcome, wanted: Wanted, status: int, said: str) -> Response:
        if wanted.workbook:
            return await self._given_back(upload, outcome, status, said)
        answer = {"accepted": outcome.accepted, "problems": outcome.problems, **outcome.members()}
        return web.json_answer(answer | ({"check": True} if wanted.check else {}), status)

    async def _given_back(self, upload: Upload, outcome: Outcome, status: int, said: str) -> Response:
        """The same table with a column 结果."""
        told = {**{row.line: said for row in outcome.accepted}, **outcome.told}
        content = await asyncio.to_thread(_answer_bytes, upload, told)
        return _workbook(content, status, f"{upload.table.type.zh}-结果.xlsx")


def router(tables: TableDesk) -> APIRouter:
    """The routes of tables."""
    routes = APIRouter()

    @routes.get("/tables/{type}.xlsx", tags=["tables"], **TEMPLATE_DOCS)
    async def template(type: str) -> Response:  # noqa: A002  the path's own word
        return await asyncio.to_thread(tables.template, type)

    @routes.post("/tables/{type}", status_code=202, tags=["tables"], **TABLE_DOCS)
    async def post_table(type: str, request: Request) -> Response:  # noqa: A002  the path's own word
        return await tables.post(type, request)

    return routes


def bureau_of(folder: bureau.Bureau) -> Bureau:
    """What the cells of a bureau's tables are read by; a name that two regions have stands for neither."""
    by_name: dict[str, set[str]] = {}
    for row in folder.regions.rows:
        by_name.setdefault(row.name, set()).add(row.code)
    places = {name: min(codes) for name, codes in by_name.items() if len(codes) == 1 and not name.isascii()}
    return Bureau(folder.timezone, folder.extra_codes, places)


def _answer_bytes(upload: Upload, told: dict[int, str]) -> bytes:
    with workbook.answer(upload.table.type.name, upload.all(), told, sequential=upload.format == "csv") as file:
        return file.read()


def _workbook(content: bytes, status: int, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, status, headers, workbook.MEDIA_TYPE)


def _wanted(request: Request, key: Key) -> Wanted:
    query = request.query_params
    given = {name: query[name] for name in DEFAULTS if query.get(name)}
    correct = _flag(query.get("correct"))
    upload = request.headers.get("idempotency-key") or secrets.token_hex(16)
    return Wanted(
        check=_flag(query.get("check")),
        partial=_flag(query.get("partial")),
        correct=correct,
        workbook=workbook.MEDIA_TYPE in request.headers.get("accept", ""),
        options=Options({**default_source(key.scope.sources), **given}, upload if correct else None),
    )


def _flag(given: str | None) -> bool:
    return (given or "").lower() in ("true", "1", "yes")


def _must_be_table(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise web.Refusal(415, f"content encoding {encoding[:40]}: send the file as it is")
    media, _ = media_type(request.headers.get("content-type", ""))
    if media in NOT_TABLES:
        raise web.Refusal(415, f"content type {media}: send the file itself, as text/csv or {workbook.MEDIA_TYPE}")


def _unreadable(error: Unreadable) -> web.Refusal:
    problem = RowProblem(None, None, "", str(error), error.code, error.line, None, "")
    members: dict[str, Any] = {"limit": LIMITS[error.code]} if error.code in LIMITS else {}
    return web.Refusal(UNREADABLE.get(error.code, 422), str(error), [problem], **members)


def _problem(flaw: Flaw, index: int | None, id_: str | None) -> RowProblem:
    column = None if flaw.column is None else letter(flaw.column)
    return RowProblem(index, id_, flaw.field, flaw.reason[:500], flaw.code, flaw.line, column, flaw.heading)


def _said(flaw: Flaw) -> str:
    where = "" if flaw.column is None else f"{letter(flaw.column)} 列（{flaw.heading}）"
    return where + flaw.reason


def _parameter(name: str, kind: str, about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}, "description": about}


TABLE_DOCS: dict[str, Any] = {
    "summary": "Publish the rows of a table",
    "description": (
        "CSV (UTF-8, GB18030; separated by , ; or tab) or XLSX, found out by its first bytes. Headings are Chinese or "
        "English field names. All or nothing; `problems` lists line, column and reason of all that is wrong. A row's "
        "id is the hash of the type and its key columns: the same row again is a duplicate, a changed row is a "
        "conflict (it changes nothing and is shown), with `correct=true` a correction. Accept an XLSX and the answer "
        "is the same table with a column 结果."
    ),
    "responses": {
        200: {"description": "A dry run (`check=true`) found rows that can be taken"},
        202: {"description": "On disk at the broker: accepted rows with index, id, source and line"},
        400: problem_answer("Not a table, or in no encoding that is read"),
        401: problem_answer("No key, or one that is revoked"),
        403: problem_answer("Not allowed: source, type, region, status, right or origin"),
        404: problem_answer("No such type"),
        408: problem_answer("The body has not arrived in 30 seconds"),
        413: problem_answer("Over a limit, which is named: body 8 MB, 200,000 rows, 500 columns"),
        415: problem_answer("A content type that is no table"),
        422: problem_answer("Not valid: headings, cells or rows"),
        503: problem_answer("Not known whether accepted: send again"),
    },
    "openapi_extra": {
        "security": [{"key": []}],
        "parameters": [
            _parameter("check", "boolean", "dry run: judge only"),
            _parameter("partial", "boolean", "take the rows without problems"),
            _parameter("correct", "boolean", "each row replaces what the same row said before"),
            *(_parameter(name, "string", f"`{name}` of rows without a column for it") for name in DEFAULTS),
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"},
             "description": "with correct=true: the same key again makes the same corrections"},
        ],
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                workbook.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
            },
        },
    },
}  # fmt: skip
TEMPLATE_DOCS: dict[str, Any] = {
    "summary": "The workbook to fill in for a type",
    "response_class": Response,
    "responses": {
        200: {"description": "Headings with comments and lists to choose from", "content": {workbook.MEDIA_TYPE: {}}},
        404: problem_answer("No such type; names like it"),
    },
}
