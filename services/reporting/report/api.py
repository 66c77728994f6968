"""What reporting answers about editions: asked for, shown, passed from hand to hand, drawn, held against the ledger."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts.rows import Mistakes
from services.reporting import api, behind
from services.reporting.api import Desk, may_see, refusing, shown
from services.reporting.report import acts, edition, frozen, held, making, page, replies, store, template, words
from services.reporting.report.acts import unclear
from services.reporting.report.edition import BY_NAME, REFUSED, WRITERS, Edition, Scope
from services.reporting.report.frozen import Frozen
from services.reporting.report.rendering import FRAMED, HTML, RENDERINGS
from services.reporting.report.template import Template
from services.runtime import access, web
from services.runtime.bureau import Bureau
from services.runtime.kafka import Rejected, Unknown

AHEAD = datetime.timedelta(minutes=10)
"""A cut-off may lie so far in the future."""
TRIES = 5
"""Two who ask for the next revision at once both get one."""
PRINT_SECONDS = 20.0
"""An edition that was issued a moment ago is being drawn; whoever wants it waits so long."""
PAGE = 100
KEY_RIGHT = "correct"
"""The right by which a program may ask for an edition, as it may record figures."""


class Editions:
    """Answers about the editions of one bureau."""

    def __init__(self, desk: Desk, house: Bureau) -> None:
        self.desk, self.house = desk, house

    # --- asking ---------------------------------------------------------------------------------------------------

    def templates(self) -> Response:
        """Those that there are; one that is wrong says so."""
        return shown({"items": [self._told(name) for name in template.names(self.house.folder)], "next": None})

    def _told(self, name: str) -> dict[str, Any]:
        problems = making.mistakes_of(name, self.house.folder, self.desk.catalogue)
        try:
            t = template.find(name, self.house.folder)
        except Mistakes:
            return {"name": name, "title": "", "paragraphs": [], "problems": [*map(str, problems)]}
        return {"name": name, "title": t.title, "paragraphs": list(t.texts), "problems": [*map(str, problems)]}

    async def request(self, request: Request) -> Response:
        """Ask for an edition: 202 `{id}`."""
        who = acts.officer(request, WRITERS, "申请版次", key_right=KEY_RIGHT)
        scope, cutoff = self._asked(await _sent(request), who)
        for _ in range(TRIES):
            async with self.desk.reading() as connection:
                revisions = await store.of_scope(connection, scope)
            last = revisions[0] if revisions else None
            revision = last.revision if last and last.state == REFUSED else (last.revision if last else 0) + 1
            id_ = edition.id_of(scope, revision, self.desk.catalogue.regions.root)
            command = await self._publish_request(id_, scope, revision, cutoff, who)
            refused = await acts.outcome(self.desk, command)
            if not refused:
                return web.json_answer({"id": id_, "command": command}, 202)
        return web.problem(409, str(refused), command=command)

    def _asked(self, sent: Mapping[str, Any], who: access.Principal) -> tuple[Scope, datetime.datetime]:
        """What a request asks for. Raises Refusal."""
        if strange := sorted(sent.keys() - {"template", "from", "to", "region", "cutoff"}):
            raise unclear(strange[0], f"an edition has no {strange[0][:64]}", "unknown_parameter")
        name = str(sent.get("template") or "")
        known = template.names(self.house.folder)
        if name not in known:
            raise unclear("template", f"there is no template {name[:64]}: {', '.join(known)}", "unknown_key", 404)
        first, last = _day(sent, "from"), _day(sent, "to")
        if first > last:
            raise unclear("from", f"from {first} is after to {last}", "from_after_to")
        region = str(sent.get("region") or api.default_region(self.desk.catalogue, who))
        self._visible(region, who)
        return Scope(name, region, first, last), self._cutoff(sent)

    def _visible(self, region: str, who: access.Principal) -> None:
        if region not in self.desk.catalogue.regions:
            raise unclear("region", f"there is no region {region[:64]}", "unknown_region", 404)
        if not may_see(self.desk.catalogue, who, region):
            raise web.Refusal(403, f"{who.name} may see {', '.join(who.regions)}, not {region}")

    def _cutoff(self, sent: Mapping[str, Any]) -> datetime.datetime:
        now = self.desk.clock()
        if not sent.get("cutoff"):
            return now
        cutoff = acts.moment(sent["cutoff"], self.desk)
        if cutoff > now + AHEAD:
            raise unclear(
                "cutoff", f"cutoff {cutoff.isoformat()} is in the future: at most 10 minutes", "in_the_future"
            )
        return cutoff

    async def _publish_request(
        self, id_: str, scope: Scope, revision: int, cutoff: datetime.datetime, who: access.Principal, command: str = ""
    ) -> str:
        content = {
            "edition": id_, "template": scope.template, "region_code": scope.region, "from": scope.first.isoformat(),
            "to": scope.last.isoformat(), "cutoff": cutoff.isoformat(), "author": who.name, "revision": revision,
        }  # fmt: skip
        return await acts.publish(self.desk, "report.edition_requested", content, who.name, scope.region, command)

    async def cut(self, id_: str, request: Request) -> Response:
        """Read the figures of an edition again, as known at another cut-off."""
        who = acts.officer(request, WRITERS, "重新取数", key_right=KEY_RIGHT)
        one = await self._one(id_, who)
        sent = await _sent(request)
        cutoff, command_id = self._cutoff(sent), str(sent.get("id") or "")
        command = await self._publish_request(id_, one.scope, one.revision, cutoff, who, command_id)
        return acts.answered(command, await acts.outcome(self.desk, command), id=id_)

    async def write(self, id_: str, request: Request) -> Response:
        """Write a paragraph."""
        who = acts.officer(request, WRITERS, "撰写段落", key_right=KEY_RIGHT)
        one, sent = await self._one(id_, who), await _sent(request)
        slot, text = sent.get("slot"), sent.get("text")
        if not isinstance(slot, str) or not slot.strip():
            raise unclear("slot", "slot is the name of a paragraph, or note: and a figure's slot", "missing")
        if not isinstance(text, str):
            raise unclear("text", "text is required; empty takes the paragraph out", "missing")
        content = {"edition": id_, "slot": slot.strip(), "text": text, "author": who.name}
        command = await acts.publish(
            self.desk, "report.paragraph_written", content, who.name, one.scope.region, str(sent.get("id") or "")
        )
        return acts.answered(command, await acts.outcome(self.desk, command))

    async def step(self, id_: str, step: str, request: Request) -> Response:
        """Take a step."""
        row = BY_NAME.get(step)
        if row is None:
            raise web.Refusal(404, f"editions have no step {step[:64]}; there are: {', '.join(BY_NAME)}, cut")
        who = acts.officer(request, row.roles, row.zh)
        one, sent = await self._one(id_, who), await _sent(request)
        content = {"edition": id_, "step": step, "by": who.name, "reason": str(sent.get("reason") or "") or None}
        told = {name: value for name, value in content.items() if value is not None}
        command = await acts.publish(
            self.desk, "report.step_completed", told, who.name, one.scope.region, str(sent.get("id") or "")
        )
        return acts.answered(command, await acts.outcome(self.desk, command))

    # --- showing --------------------------------------------------------------------------------------------------

    async def list(self, request: Request, who: access.Principal) -> Response:
        """Those that somebody may see, the newest first."""
        asked = request.query_params
        regions = _regions(self.desk, who)
        async with self.desk.reading() as connection:
            found = await store.page(
                connection, template=asked.get("template", ""), state=asked.get("state", ""), regions=regions,
                after=_after(asked.get("cursor", "")), size=PAGE,
            )  # fmt: skip
        following = _cursor(found[-1][0], found[-1][1].id) if len(found) == PAGE else None
        return shown({"items": [page.row(one) for _, one in found], "next": following})

    async def show(self, id_: str, who: access.Principal) -> Response:
        """One of them, with all that its page needs."""
        async with self.desk.reading() as connection:
            one, found = await self._with_cut(connection, id_, who)
            versions = await store.of_scope(connection, one.scope)
            progress = await store.told(connection, id_)
        t, made = await asyncio.to_thread(_made, one, found, self.house) if found else (self._template(one), None)
        return shown(page.whole(one, found, made, t, versions, who.role, who.name, progress))

    def _template(self, one: Edition) -> Template | None:
        try:
            return template.find(one.scope.template, self.house.folder)
        except Mistakes:
            return None

    async def drawn(self, id_: str, format_: str, who: access.Principal) -> Response:
        """One of its renderings: the bytes as issued, or a draft drawn now."""
        async with self.desk.reading() as connection:
            one, found = await self._with_cut(connection, id_, who)
        if found is None or one.state in (edition.REQUESTED, REFUSED):
            raise web.Refusal(409, f"{id_} has no figures yet: {page.STATES[one.shown_state]}")
        media, draw = RENDERINGS[format_]
        if one.issued:
            media, content = await self._printed(id_, format_)
        else:
            content = await asyncio.to_thread(lambda: draw(making.content(one, found)))
        name = quote(f"{one.number or id_}.{format_}")
        headers = {"content-disposition": f"inline; filename*=UTF-8''{name}", "x-hub-mark": quote(
            "已替代" if one.superseded_by else "" if one.issued else making.MARK)}  # fmt: skip
        return Response(content, media_type=media, headers=headers | (FRAMED if format_ == HTML else {}))

    async def _printed(self, id_: str, format_: str) -> tuple[str, bytes]:
        """What was issued; it is drawn within moments of the last step."""
        end = asyncio.get_running_loop().time() + PRINT_SECONDS
        while asyncio.get_running_loop().time() < end:
            async with self.desk.reading() as connection:
                if found := await store.rendering(connection, id_, format_):
                    return found
            await asyncio.sleep(0.1)
        raise web.not_now(f"{id_} is being printed", 2)

    async def drift(self, id_: str, who: access.Principal) -> Response:
        """What is counted otherwise today, and by which events."""
        async with self.desk.reading() as connection:
            _, found = await self._with_cut(connection, id_, who, needed=True)
        assert found is not None  # noqa: S101  it was needed
        items = await held.drift(self.desk.settings.postgres_dsn, found, self.desk.clock())
        return shown({"items": items, "next": None, "as_of": self.desk.clock()})

    async def diff(self, id_: str, other: str, who: access.Principal) -> Response:
        """What two editions print differently."""
        async with self.desk.reading() as connection:
            one, here = await self._with_cut(connection, id_, who, needed=True)
            two, there = await self._with_cut(connection, other, who, needed=True)
        assert here is not None and there is not None  # noqa: S101, PT018  they were needed
        return shown(held.diff(one, here, two, there))

    async def behind(self, id_: str, number: int, request: Request, who: access.Principal) -> Response:
        """The events behind a printed number, as of the cut."""
        async with self.desk.reading() as connection:
            one, found = await self._with_cut(connection, id_, who, needed=True)
        assert found is not None  # noqa: S101  it was needed
        made = await asyncio.to_thread(making.content, one, found)
        line = next((line for line in made.lines if line.number == number), None)
        if line is None:
            raise web.Refusal(404, f"{id_} has no line {number}; there are 1 to {len(made.lines)}")
        with refusing():
            at, size = behind.cursor(request.query_params.get("cursor", "")), behind.limit(
                request.query_params.get("limit", ""))  # fmt: skip
            return shown(await held.behind(self.desk.settings.postgres_dsn, found, line, at, size))

    # --- answers to citizens --------------------------------------------------------------------------------------

    async def freeze(self, request: Request) -> Response:
        """Freeze single figures: 202 `{id}`."""
        who = acts.officer(request, WRITERS, "答复", key_right=KEY_RIGHT)
        sent = await _sent(request)
        region = str(sent.get("region") or api.default_region(self.desk.catalogue, who))
        days = {name: sent[name] for name in ("from", "to") if name in sent}
        asked = sent.get("questions") or [{"key": key, **days} for key in sent.get("keys") or ()]
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise unclear("questions", "questions is a list of {key, from, to, labels, region, by}", "kind")
        try:
            wanted = replies.slots(asked, region)
            for one in wanted:
                self._visible(one.region, who)
            with refusing():
                title, note = str(sent.get("title") or replies.TITLE), str(sent.get("text") or "")
                id_ = await replies.freeze(self.desk, self.house, wanted, region, who.name, title=title, note=note)
        except replies.Wrong as error:
            raise web.Refusal(422, error.reason, [{"index": error.index, "field": error.field, "reason": error.reason,
                                                   "code": "question"}]) from error  # fmt: skip
        except Mistakes as error:
            raise unclear("questions", str(error), "question") from error
        except (Unknown, Rejected, KafkaError, TimeoutError) as error:
            raise web.not_now("the broker is away: send again") from error
        await self._kept(id_)
        return web.json_answer({"id": id_}, 202)

    async def _kept(self, id_: str) -> None:
        """Wait a moment until an answer can be read."""
        end = asyncio.get_running_loop().time() + acts.WAIT_SECONDS
        while asyncio.get_running_loop().time() < end:
            async with self.desk.reading() as connection:
                if await store.answer(connection, id_):
                    return
            await asyncio.sleep(acts.LOOK_SECONDS)

    async def answer(self, id_: str, who: access.Principal) -> Frozen:
        """An answer that was frozen. Raises 404."""
        async with self.desk.reading() as connection:
            found = await store.answer(connection, id_)
        if found is None or not may_see(self.desk.catalogue, who, found.region):
            raise web.Refusal(404, f"there is no answer {id_[:80]}")
        return found

    async def drawn_answer(self, id_: str, format_: str, who: access.Principal) -> Response:
        """An answer as a file."""
        media, draw = RENDERINGS[format_]
        found = await self.answer(id_, who)
        content = await asyncio.to_thread(lambda: draw(replies.content(found)))
        headers = {"content-disposition": f"inline; filename*=UTF-8''{quote(f'{id_}.{format_}')}"}
        return Response(content, media_type=media, headers=headers)

    # --- finding --------------------------------------------------------------------------------------------------

    async def _one(self, id_: str, who: access.Principal) -> Edition:
        async with self.desk.reading() as connection:
            return await self._found(connection, id_, who)

    async def _found(self, connection: asyncpg.Connection, id_: str, who: access.Principal) -> Edition:
        one = await store.one(connection, id_)
        if one is None or not may_see(self.desk.catalogue, who, one.scope.region):
            raise web.Refusal(404, f"there is no edition {id_[:80]}")
        return one

    async def _with_cut(
        self, connection: asyncpg.Connection, id_: str, who: access.Principal, *, needed: bool = False
    ) -> tuple[Edition, Frozen | None]:
        """An edition, and what was found at its last cut."""
        one = await self._found(connection, id_, who)
        content = None if one.state == edition.REQUESTED else await store.the_cut(connection, one)
        if needed and content is None:
            raise web.Refusal(409, f"{id_} has no figures yet: {page.STATES[one.shown_state]}")
        return one, frozen.decode(content) if content else None


def _made(one: Edition, found: Frozen, _house: Bureau) -> tuple[Template, Any]:
    """Its template as it was, and what it says."""
    t = template.read(one.scope.template, found.files.get(making.TEXT, ""), found.files.get(making.CHECKS, ""))
    return t, making.content(one, found)


async def _sent(request: Request) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(await request.body() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise web.Refusal(400, "send a JSON object")
    return found


def _day(sent: Mapping[str, Any], name: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(str(sent.get(name) or ""))
    except ValueError as error:
        raise unclear(name, f"{name} must be a date like 2023-06-30", "not_a_date") from error


def _regions(desk: Desk, who: access.Principal) -> list[str] | None:
    """The regions that somebody may see; None: all."""
    if may_see(desk.catalogue, who, desk.catalogue.regions.root):
        return None
    known = [code for code in who.regions if code in desk.catalogue.regions]
    return sorted(frozenset().union(*(desk.catalogue.regions.subtree(code) for code in known)))


def _cursor(at: str, id_: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, id_]).encode()).decode().rstrip("=")


def _after(text: str) -> tuple[str, str] | None:
    try:
        at, id_ = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else ("", "")
    except (ValueError, TypeError, binascii.Error) as error:
        raise unclear("cursor", "not a cursor: send `next` as it was given", "cursor") from error
    return (str(at), str(id_)) if text else None


def router(editions: Editions) -> APIRouter:
    """The routes of editions."""
    routes = APIRouter()
    _asking(routes, editions)
    _showing(routes, editions)
    _answering(routes, editions)
    return routes


def _asking(routes: APIRouter, of: Editions) -> None:
    @routes.get("/templates", tags=["editions"], **words.TEMPLATES)
    async def list_templates(_who: web.Reader) -> Response:
        return of.templates()

    @routes.post("/editions", tags=["editions"], **words.REQUEST)
    async def request_edition(request: Request) -> Response:
        return await of.request(request)

    @routes.post("/editions/{id}/paragraphs", tags=["editions"], **words.PARAGRAPH)
    async def write_paragraph(id: str, request: Request) -> Response:  # noqa: A002  the path's own word
        return await of.write(id, request)

    @routes.post("/editions/{id}/cut", tags=["editions"], **words.CUT)
    async def cut_again(id: str, request: Request) -> Response:  # noqa: A002
        return await of.cut(id, request)

    @routes.post("/editions/{id}/{step}", tags=["editions"], **words.STEP)
    async def take_step(id: str, step: str, request: Request) -> Response:  # noqa: A002
        return await of.step(id, step, request)

    @routes.get("/commands/{id}", tags=["editions"], **words.COMMAND)
    async def show_command(id: str, _who: web.Reader) -> Response:  # noqa: A002
        return acts.answered(id, await acts.outcome(of.desk, id, 0))


def _showing(routes: APIRouter, of: Editions) -> None:
    @routes.get("/editions", tags=["editions"], **words.EDITIONS)
    async def list_editions(request: Request, who: web.Reader) -> Response:
        return await of.list(request, who)

    for format_ in RENDERINGS:
        _rendering(routes, of, format_)

    @routes.get("/editions/{id}", tags=["editions"], **words.EDITION)
    async def show_edition(id: str, who: web.Reader) -> Response:  # noqa: A002
        return await of.show(id, who)

    @routes.get("/editions/{id}/drift", tags=["editions"], **words.DRIFT)
    async def show_drift(id: str, who: web.Reader) -> Response:  # noqa: A002
        return await of.drift(id, who)

    @routes.get("/editions/{id}/diff/{other}", tags=["editions"], **words.DIFF)
    async def show_diff(id: str, other: str, who: web.Reader) -> Response:  # noqa: A002
        return await of.diff(id, other, who)

    @routes.get("/editions/{id}/lines/{number}/events", tags=["editions"], **words.LINE)
    async def show_behind(id: str, number: int, request: Request, who: web.Reader) -> Response:  # noqa: A002
        return await of.behind(id, number, request, who)


def _answering(routes: APIRouter, of: Editions) -> None:
    @routes.post("/answers", tags=["editions"], **words.ANSWER)
    async def freeze_answer(request: Request) -> Response:
        return await of.freeze(request)

    for format_ in RENDERINGS:
        _answer_rendering(routes, of, format_)

    @routes.get("/answers/{id}", tags=["editions"], **words.ANSWERS)
    async def show_answer(id: str, who: web.Reader) -> Response:  # noqa: A002
        return shown(replies.shown(await of.answer(id, who)))


def _answer_rendering(routes: APIRouter, of: Editions, format_: str) -> None:
    @routes.get(f"/answers/{{id}}.{format_}", tags=["editions"], **words.rendering(format_))
    async def show_rendering(id: str, who: web.Reader) -> Response:  # noqa: A002
        return await of.drawn_answer(id, format_, who)


def _rendering(routes: APIRouter, of: Editions, format_: str) -> None:
    @routes.get(f"/editions/{{id}}.{format_}", tags=["editions"], **words.rendering(format_))
    async def show_rendering(id: str, who: web.Reader) -> Response:  # noqa: A002
        return await of.drawn(id, format_, who)

    show_rendering.__name__ = f"show_{format_}"
