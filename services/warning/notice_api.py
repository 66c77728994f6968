"""A notice with the open hazards of its area, and as a document: `GET /warning/notices/{id}.pdf` and `.docx`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Literal
from urllib.parse import quote

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts.region import Regions
from services.runtime import web
from services.runtime.access import Principal
from services.runtime.bureau import Bureau
from services.runtime.document import docx, pdf
from services.runtime.document.model import Document
from services.warning.notice_sheet import sheet

MOST = 200
"""Hazards attached; the gravest and the nearest limits first."""
HAZARDS = """
SELECT shown, region, due FROM matter
 WHERE kind = 'loop' AND scope = 'actual' AND key LIKE 'hazard/%' AND NOT closed AND region = ANY($1)
 ORDER BY shown->>'level' = 'major' DESC, due, key LIMIT $2"""
DRAWN: Mapping[str, tuple[str, Callable[[Document], bytes]]] = {
    "pdf": ("application/pdf", pdf.draw),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx.write),
}
"""How a document is served: media type, and what makes it."""
Read = Callable[[str, Request, Principal], Awaitable[dict[str, Any]]]
"""(id, request, who) → the notice as its GET gives it."""


async def attach(connection: asyncpg.Connection, notice: dict[str, Any], regions: Regions) -> None:
    """What is open in the area now, to a notice that nobody has signed yet; what was signed stays as it was."""
    if not notice.get("signed"):
        codes = [str(area.get("code")) for area in notice.get("areas") or ()]
        within = sorted(frozenset().union(*(regions.subtree(code) for code in codes if code in regions)))
        notice["open_hazards"] = [_hazard(row) for row in await connection.fetch(HAZARDS, within, MOST)]


def concerns(notice: Mapping[str, Any], seen: Collection[str], regions: Regions) -> bool:
    """Whether its areas hold any of these regions: a street signs for a notice to the whole bureau."""
    codes = [str(area.get("code")) for area in notice.get("areas") or ()]
    return any(regions.within(one, code) for code in codes if code in regions for one in seen)


def above(seen: Collection[str], regions: Regions) -> frozenset[str]:
    """The regions that hold any of these: a notice to one of them is to be seen by these, too."""
    return frozenset(code for one in seen for code in regions.path(one))


def _hazard(row: asyncpg.Record) -> dict[str, Any]:
    shown = msgspec.json.decode(row["shown"])
    return {
        "hazard_id": shown.get("case_id"), "level": shown.get("level"), "category": shown.get("category"),
        "owner": shown.get("enterprise_id") or shown.get("site_id"), "region": row["region"],
        "due": row["due"].isoformat(timespec="seconds") if row["due"] else None,
    }  # fmt: skip


def add_routes(routes: APIRouter, bureau: Bureau, read: Read) -> None:
    """`/notices/{id}.pdf` and `.docx`; before the routes of the lists, which would take them for ids."""

    async def answer(id_: str, as_: Literal["pdf", "docx"], request: Request, who: Principal) -> Response:
        notice = await read(id_, request, who)
        media, make = DRAWN[as_]
        drawn = await asyncio.to_thread(make, sheet(notice, bureau))
        name = quote(f"{notice.get('document_no') or id_}.{as_}")
        return Response(drawn, media_type=media, headers={"content-disposition": f"inline; filename*=UTF-8''{name}"})

    @routes.get("/notices/{id}.pdf", tags=["lists"], summary="A notice as PDF", response_class=Response)
    async def show_pdf(id: str, request: Request, who: web.Reader) -> Response:  # noqa: A002  the path's own word
        return await answer(id, "pdf", request, who)

    @routes.get("/notices/{id}.docx", tags=["lists"], summary="A notice as DOCX", response_class=Response)
    async def show_docx(id: str, request: Request, who: web.Reader) -> Response:  # noqa: A002
        return await answer(id, "docx", request, who)
