"""Accounts, keys and the audit over HTTP: `/access/…`. One person makes, another grants; every act is written down."""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.runtime import access, accounts, audit, web
from services.runtime.accounts import NotAllowed
from services.runtime.audit import Actor
from services.runtime.person import connected, person_of

T = TypeVar("T")
Shape = TypeVar("Shape")
MAKE, GRANT, LOOK = ("administrator",), ("granter",), ("administrator", "granter", "auditor")
EITHER = (*MAKE, *GRANT)
"""Taking away needs no second person."""
AUDIT = ("auditor", "administrator")


class NewAccount(msgspec.Struct, frozen=True):
    """The body of `POST /access/accounts`."""

    name: str


class Grant(msgspec.Struct, frozen=True):
    """The body of `POST /access/accounts/{name}/grant`."""

    role: str
    region: str = ""
    publisher: str = ""


class NewKey(msgspec.Struct, frozen=True):
    """The body of `POST /access/keys`: the publisher, and what the key may do."""

    name: str
    scope: access.Scope


class Office:
    """Does what those who look after the hub ask, each by the role for it."""

    def __init__(self, dsn: str, who: access.Access) -> None:
        self.dsn, self.access = dsn, who

    async def look(
        self, request: Request, roles: tuple[str, ...], read: Callable[[asyncpg.Connection], Awaitable[T]]
    ) -> T:
        """Read something as one of the roles."""
        person_of(self.access, request, *roles, change=False)
        async with connected(self.dsn) as connection:
            return await read(connection)

    async def act(
        self, request: Request, roles: tuple[str, ...], do: Callable[[asyncpg.Connection, Actor], Awaitable[T]]
    ) -> T:
        """Do something as one of the roles. Raises 403 for whoever may not, 422 for what cannot be."""
        person = person_of(self.access, request, *roles)
        async with connected(self.dsn) as connection:
            try:
                done = await do(connection, web.actor(request, person.name))
            except NotAllowed as error:
                raise web.Refusal(403, str(error)) from error
            except ValueError as error:
                raise web.Refusal(422, str(error)) from error
            await self.access.refresh(connection)
        return done


def account_row(account: accounts.Account) -> dict[str, Any]:
    """An account as it is shown, by the page and by `hub users list --json`."""
    return {name: _plain(value) for name, value in asdict(account).items()}


def key_row(key: access.Key) -> dict[str, Any]:
    """A key as it is shown, without its secret."""
    shown = {name: getattr(key, name) for name in KEY_SHOWN}
    return {name: _plain(value) for name, value in shown.items()} | {"scope": asdict(key.scope)}


KEY_SHOWN = ("id", "name", "kafka", "created", "made_by", "granted", "granted_by", "revoked")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.datetime) else value


async def _body(request: Request, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except msgspec.ValidationError as error:
        raise web.Refusal(422, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise web.Refusal(400, f"not JSON: {error}") from error


def _done(found: object, what: str) -> Response:
    if not found:
        raise web.Refusal(404, what)
    return web.json_answer({})


def router(dsn: str, who: access.Access) -> APIRouter:
    """The routes of accounts, keys and the audit."""
    office = Office(dsn, who)
    routes = APIRouter(prefix="/access", tags=["access"])
    _add_accounts(routes, office)
    _add_changes(routes, office)
    _add_keys(routes, office)

    @routes.get("/audit", summary="Who did what, when, from where; the newest first")
    async def show_audit(request: Request) -> Response:
        asked = _asked(request.query_params)
        return web.json_answer(await office.look(request, AUDIT, lambda c: audit.page(c, asked)))

    return routes


def _add_accounts(routes: APIRouter, office: Office) -> None:
    @routes.get("/accounts", summary="All accounts; without a grant they can do nothing")
    async def show_accounts(request: Request) -> Response:
        found = await office.look(request, LOOK, accounts.list_accounts)
        return web.json_answer({"items": [account_row(one) for one in found], "next": None})

    @routes.post("/accounts", summary="Make an account; its password is shown once")
    async def add_account(request: Request) -> Response:
        sent = await _body(request, NewAccount)
        name, password = await office.act(request, MAKE, lambda c, by: accounts.add_account(c, sent.name, by=by))
        return web.json_answer({"name": name, "password": password}, 201)

    @routes.post("/accounts/{name}/grant", summary="Grant its rights; by somebody else than who made it")
    async def grant(name: str, request: Request) -> Response:
        sent = await _body(request, Grant)

        async def do(connection: asyncpg.Connection, by: Actor) -> bool:
            return await accounts.grant(connection, name, sent.role, sent.region, sent.publisher, by=by)

        return _done(await office.act(request, GRANT, do), f"no account {name[:64]} in use")


def _add_changes(routes: APIRouter, office: Office) -> None:
    @routes.post("/accounts/{name}/withdraw", summary="Take its rights back; its sessions end within a second")
    async def withdraw(name: str, request: Request) -> Response:
        done = await office.act(request, EITHER, lambda c, by: accounts.withdraw(c, name, by=by))
        return _done(done, f"no account {name[:64]} with rights")

    @routes.post("/accounts/{name}/disable", summary="Disable it for good; its sessions end within a second")
    async def disable(name: str, request: Request) -> Response:
        done = await office.act(request, EITHER, lambda c, by: accounts.disable_account(c, name, by=by))
        return _done(done, f"no account {name[:64]} in use")

    @routes.post("/accounts/{name}/password", summary="A new password, shown once; its rights are to be granted again")
    async def reset(name: str, request: Request) -> Response:
        password = await office.act(request, MAKE, lambda c, by: accounts.reset_password(c, name, by=by))
        _done(password, f"no account {name[:64]} in use")
        return web.json_answer({"name": name, "password": password})


def _add_keys(routes: APIRouter, office: Office) -> None:
    @routes.get("/keys", summary="All keys with their scopes, without their secrets")
    async def show_keys(request: Request) -> Response:
        found = await office.look(request, LOOK, access.list_keys)
        return web.json_answer({"items": [key_row(one) for one in found], "next": None})

    @routes.post("/keys", summary="Make a key; it is shown once, and waits for somebody else to grant it")
    async def add_key(request: Request) -> Response:
        sent = await _body(request, NewKey)
        key, token = await office.act(request, MAKE, lambda c, by: access.add_key(c, sent.name, sent.scope, by=by))
        return web.json_answer({"id": key.id, "key": token, "scope": key.scope}, 201)

    @routes.post("/keys/{id}/grant", summary="Put a key in use; by somebody else than who made it")
    async def grant(id: str, request: Request) -> Response:  # noqa: A002  the path's own word
        return _done(
            await office.act(request, GRANT, lambda c, by: access.grant_key(c, id, by=by)), "no such key waits"
        )  # fmt: skip

    @routes.post("/keys/{id}/revoke", summary="Revoke a key; it is refused within a second")
    async def revoke(id: str, request: Request) -> Response:  # noqa: A002  the path's own word
        return _done(
            await office.act(request, EITHER, lambda c, by: access.revoke(c, id, by=by)), "no such key in use"
        )  # fmt: skip


def _asked(query: Mapping[str, str]) -> audit.Asked:
    size, before = query.get("limit", str(audit.PAGE)), query.get("cursor", "")
    if not (size.isdecimal() and len(size) < 19 and 0 < int(size) <= audit.MOST):
        raise web.Refusal(422, f"limit: 1 to {audit.MOST}")
    if before and not (before.isdecimal() and len(before) < 19):
        raise web.Refusal(422, "cursor: not one that a list gave as `next`")
    from_, to = (_moment(query.get(name, ""), name) for name in ("from", "to"))
    texts = (query.get("who", "").replace("\0", ""), query.get("did", "").replace("\0", ""))
    return audit.Asked(*texts, from_, to, int(before) if before else None, int(size))


def _moment(text: str, name: str) -> datetime.datetime | None:
    if not text:
        return None
    try:
        found = datetime.datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise web.Refusal(422, f"{name}: a moment like 2026-07-01T08:00:00+08:00") from error
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
