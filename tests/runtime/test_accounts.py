"""One makes, another grants: accounts and keys over HTTP, who may do what, what is written down, what ends at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from services.runtime import access, accounts, session
from services.runtime.access import Access
from services.runtime.audit import Actor
from services.runtime.settings import Settings
from tests.runtime.test_access import connection, who

__all__ = ["connection", "who"]
LogIn = Callable[[str], Awaitable[httpx.AsyncClient]]
PAGE = Actor("boss", "10.0.0.1")


@pytest.fixture
async def log_in(database: str, who: Access, connection: asyncpg.Connection) -> AsyncIterator[LogIn]:
    """A browser of somebody with a role; it sends the word that changes must carry."""
    app = session.create(Settings(postgres_dsn=database), who)
    clients: list[httpx.AsyncClient] = []

    async def begin(role: str) -> httpx.AsyncClient:
        name, password = await accounts.add_account(connection, f"{role}-{len(clients)}", role)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("10.0.0.9", 1)), base_url="http://hub")
        clients.append(client)
        await enter(client, name, password)
        return client

    yield begin
    for client in clients:
        await client.aclose()


async def enter(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    answer = await client.post("/session", json={"name": name, "password": password})
    if answer.is_success:
        client.headers["x-csrf-token"] = answer.json()["csrf"]
    return answer


async def test_one_makes_an_account_and_another_grants_its_rights(log_in: LogIn) -> None:
    boss, granter, guest = [await log_in(role) for role in ("administrator", "granter", "watch")]
    made = (await boss.post("/access/accounts", json={"name": "wang"})).json()
    refused = await enter(guest, **made)
    assert (refused.status_code, "granted" in refused.json()["detail"]) == (403, True)
    wish = {"role": "watch", "region": "990111001"}
    assert (await boss.post("/access/accounts/wang/grant", json=wish)).status_code == 403
    assert (await granter.post("/access/accounts/wang/grant", json=wish)).status_code == 200
    assert (await enter(guest, **made)).json()["region"] == "990111001"
    (row,) = [a for a in (await boss.get("/access/accounts")).json()["items"] if a["name"] == "wang"]
    assert (row["made_by"], row["granted_by"], row["role"]) == ("administrator-0", "granter-1", "watch")
    assert made["password"] not in str((await boss.get("/access/audit")).json())


async def test_nobody_grants_to_themselves_or_what_they_have_made(connection: Any) -> None:
    await accounts.add_account(connection, "boss", "granter")
    await accounts.add_account(connection, "new", by=PAGE)
    for name in ("boss", "new"):
        with pytest.raises(accounts.NotAllowed):
            await accounts.grant(connection, name, "watch", by=PAGE)
    await accounts.add_account(connection, "old", "granter")
    await accounts.reset_password(connection, "old", by=PAGE)
    with pytest.raises(accounts.NotAllowed, match="password"):
        await accounts.grant(connection, "old", "granter", by=PAGE)


async def test_a_key_of_the_page_opens_nothing_until_another_grants_it(log_in: LogIn, who: Access) -> None:
    boss, granter = await log_in("administrator"), await log_in("granter")
    sent = {"name": "grid", "scope": {"sources": ["/grid"], "types": ["hazard.*"]}}
    made = (await boss.post("/access/keys", json=sent)).json()
    header = f"Bearer {made['key']}"
    assert who.authenticate(header) is None
    assert who.key_of("grid") is None
    assert (await boss.post(f"/access/keys/{made['id']}/grant")).status_code == 403
    assert (await granter.post(f"/access/keys/{made['id']}/grant")).status_code == 200
    assert who.authenticate(header) is not None
    assert who.key_of("grid") == who.authenticate(header)
    assert (await granter.post(f"/access/keys/{made['id']}/revoke")).status_code == 200
    assert who.authenticate(header) is None
    wrong = await boss.post("/access/keys", json={"name": "grid", "scope": {"rights": ["fly"]}})
    assert (wrong.status_code, "fly" in wrong.json()["detail"]) == (422, True)


@pytest.mark.parametrize("act", ["withdraw", "disable", "password"])
async def test_what_is_taken_away_is_gone_within_a_second_everywhere(
    log_in: LogIn, who: Access, database: str, act: str
) -> None:
    boss, guest = await log_in("administrator"), await log_in("watch")
    elsewhere = Access(database)
    await elsewhere.start()
    cookie = guest.cookies["hub_session"]
    assert elsewhere.session(cookie) is not None
    began = time.monotonic()
    assert (await boss.post(f"/access/accounts/watch-1/{act}")).status_code == 200
    while elsewhere.session(cookie) is not None and time.monotonic() < began + 1:
        await asyncio.sleep(0.005)
    assert elsewhere.session(cookie) is None
    assert (await guest.get("/session")).status_code == 401
    await elsewhere.stop()


async def test_other_rights_need_another_log_in(log_in: LogIn) -> None:
    granter, guest = await log_in("granter"), await log_in("watch")
    assert (await granter.post("/access/accounts/watch-1/grant", json={"role": "clerk"})).status_code == 200
    assert (await guest.get("/session")).status_code == 401


ACTS = (
    ("GET", "/access/accounts", ("administrator", "granter", "auditor")),
    ("GET", "/access/keys", ("administrator", "granter", "auditor")),
    ("GET", "/access/audit", ("administrator", "auditor")),
    ("POST", "/access/accounts", ("administrator",)),
    ("POST", "/access/accounts/x/grant", ("granter",)),
    ("POST", "/access/accounts/x/withdraw", ("administrator", "granter")),
    ("POST", "/access/accounts/x/disable", ("administrator", "granter")),
    ("POST", "/access/accounts/x/password", ("administrator",)),
    ("POST", "/access/keys", ("administrator",)),
    ("POST", "/access/keys/x/grant", ("granter",)),
    ("POST", "/access/keys/x/revoke", ("administrator", "granter")),
)
BODY = {"name": "y", "role": "watch", "scope": {"rights": ["read"]}}


async def test_each_act_has_its_roles_and_nobody_acts_without_the_word(log_in: LogIn) -> None:
    for role in ("administrator", "granter", "auditor", "watch", "wall", "partner"):
        client = await log_in(role)
        for method, path, roles in ACTS:
            answer = await client.request(method, path, json=BODY if method == "POST" else None)
            assert (answer.status_code != 403) == (role in roles), (role, method, path, answer.text)
            if method == "POST":
                blind = await client.post(path, json=BODY, headers={"x-csrf-token": "guessed"})
                assert blind.status_code == 403
        client.cookies.clear()
        assert (await client.get("/access/audit")).status_code == 401


async def test_the_audit_says_who_what_when_and_from_where_and_is_read_in_pages(log_in: LogIn) -> None:
    boss = await log_in("administrator")
    for name in ("a", "b", "c"):
        await boss.post("/access/accounts", json={"name": name})
    page = (await boss.get("/access/audit", params={"who": "administrator-0", "did": "account", "limit": "2"})).json()
    assert [(one["detail"]["name"], one["origin"]) for one in page["items"]] == [("c", "10.0.0.9"), ("b", "10.0.0.9")]
    rest = (await boss.get("/access/audit", params={"did": "account.added", "cursor": page["next"]})).json()
    assert [one["detail"]["name"] for one in rest["items"]] == ["a", "administrator-0"]
    assert rest["items"][-1]["origin"] == "local"
    later = {"from": page["items"][0]["at"], "did": "account"}
    assert len((await boss.get("/access/audit", params=later)).json()["items"]) == 1
    for wrong in ({"limit": "0"}, {"cursor": "x"}, {"from": "yesterday"}):
        assert (await boss.get("/access/audit", params=wrong)).status_code == 422


async def test_a_wall_is_never_logged_out_and_only_reads(log_in: LogIn, who: Access, connection: Any) -> None:
    wall = await log_in("wall")
    expires = await connection.fetchval("SELECT expires - now() FROM access.session WHERE account = 'wall-0'")
    assert expires.days > 3650
    again = await wall.get("/session")
    assert f"Max-Age={int(session.COOKIE_LIFETIME.total_seconds())}" in again.headers["set-cookie"]
    assert "set-cookie" not in (await (await log_in("watch")).get("/session")).headers


async def test_a_stranger_elsewhere_cannot_lock_an_officer_out(log_in: LogIn, connection: Any, who: Access) -> None:
    watch = await log_in("watch")
    name, password = await accounts.add_account(connection, "officer", "watch")
    app = watch._transport.app  # type: ignore[attr-defined]
    stranger = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("10.6.6.6", 1)), base_url="http://hub")
    for _ in range(session.MAX_FAILURES):
        assert (await enter(stranger, name, "guess")).status_code == 401
    assert (await enter(stranger, name, password)).status_code == 429
    assert (await enter(watch, name, password)).status_code == 200
    rows = await connection.fetch("SELECT did, origin FROM access.audit WHERE who = 'officer' ORDER BY id")
    told = [(row["did"], row["origin"]) for row in rows]
    assert told[session.MAX_FAILURES - 1 :] == [("session.throttled", "10.6.6.6"), ("session.opened", "10.0.0.9")]
    await stranger.aclose()


def test_an_address_that_tries_many_names_waits() -> None:
    guesses = session.Guesses()
    full = [guesses.failed(Actor(f"name-{n}", "10.6.6.6")) for n in range(session.MAX_OF_ADDRESS)]
    assert full == [False] * (session.MAX_OF_ADDRESS - 1) + [True]
    with pytest.raises(Exception, match="too many"):
        guesses.check(Actor("another", "10.6.6.6"))
    guesses.check(Actor("another", "10.0.0.1"))


async def test_a_person_changes_the_own_password(log_in: LogIn, connection: Any, who: Access) -> None:
    watch = await log_in("watch")
    name, password = await accounts.add_account(connection, "li", "clerk")
    await enter(watch, name, password)
    change = {"password": password, "new": "correct horse"}
    assert (await watch.post("/session/password", json={**change, "new": "short"})).status_code == 422
    assert (await watch.post("/session/password", json={**change, "password": "x"})).status_code == 401
    assert (await watch.post("/session/password", json=change)).status_code == 200
    assert (await watch.get("/session")).status_code == 200
    assert (await enter(watch, name, password)).status_code == 401
    assert (await enter(watch, name, "correct horse")).status_code == 200


async def test_people_of_a_partner_act_with_its_newest_key(connection: Any, who: Access, log_in: LogIn) -> None:
    assert who.key_of("grid") is None
    for source in ("/old", "/new"):
        await access.add_key(connection, "grid", access.Scope((source,)))
    await access.add_key(connection, "grid", access.Scope(rights=("read",)))
    await who.refresh(connection)
    key = who.key_of("grid")
    assert key is not None
    assert key.scope.sources == ("/new",)
    name, password = await accounts.add_account(connection, "chen", "partner", "", "grid")
    client = await log_in("partner")
    assert (await client.get("/session")).json()["publisher"] == "partner-0"
    await enter(client, name, password)
    assert (await client.get("/session")).json()["publisher"] == "grid"
