"""Keys, accounts and sessions on real PostgreSQL, answered from memory."""

from __future__ import annotations

import asyncio
import datetime
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.runtime import access, accounts, audit, log, metrics, postgres, session, web
from services.runtime.access import Access, Key, NotLoaded, Scope
from services.runtime.settings import Settings

OWN = Scope(("/bureau",))


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    await postgres.migrate_all(database)
    connection = await postgres.connect(database, role="test")
    yield connection
    await connection.close()


@pytest.fixture
async def who(database: str, connection: asyncpg.Connection) -> AsyncIterator[Access]:
    who = Access(database)
    await who.start()
    yield who
    await who.stop()


async def known(who: Access, token: str, *, wanted: bool = True, seconds: float = 1.0) -> Key | None:
    """The key once the snapshot knows it (or no longer knows it)."""
    deadline = time.monotonic() + seconds
    while (who.authenticate(f"Bearer {token}") is not None) != wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    return who.authenticate(f"Bearer {token}")


async def test_a_key_is_known_at_once_and_its_secret_stored_nowhere(who: Access, connection: Any) -> None:
    scope = Scope(("/bureau", "/b"), ("hazard.*",), ("320111",), ("actual", "test"), ("publish", "read"), 5.0)
    key, token = await access.add_key(connection, "inspections", scope)
    hub, id_, secret = token.split("_", 2)
    assert (hub, id_, len(secret)) == ("hub", key.id, 43)
    found = await known(who, token)
    assert found == key
    assert found is not None
    assert found.scope == scope
    rows = await connection.fetch("SELECT row_to_json(k)::text FROM access.key k")
    audit = await connection.fetch("SELECT row_to_json(a)::text FROM access.audit a")
    assert all(secret not in str(row[0]) for row in [*rows, *audit])
    assert len(audit) == 1


async def test_only_the_whole_token_is_a_key(who: Access, connection: Any) -> None:
    key, token = await access.add_key(connection, "a", OWN)
    other, _ = await access.add_key(connection, "b", OWN)
    await known(who, token)
    headers = [None, "", "Bearer", "Bearer ", f"Basic {token}", token, f"Bearer {token}x", f"Bearer {token[:-1]}",
               f"Bearer hub_{other.id}_{token.split('_', 2)[2]}", f"Bearer hub_{key.id}_", f"Bearer {token} {token}",
               "Bearer hub_\ud800_é"]  # fmt: skip
    for header in headers:
        try:
            assert who.authenticate(header) is None, header
        except UnicodeEncodeError:
            pytest.fail(f"{header!r} raised")
    assert who.authenticate(f"bearer {token}") == key


async def test_a_revoked_key_is_refused_within_a_second(who: Access, connection: Any) -> None:
    key, token = await access.add_key(connection, "a", OWN)
    await known(who, token)
    assert await access.revoke(connection, key.id)
    assert await known(who, token, wanted=False) is None
    assert not await access.revoke(connection, key.id)
    assert not await access.revoke(connection, "no such")
    (row,) = await access.list_keys(connection)
    assert row.revoked is not None


async def test_without_notify_the_poll_finds_it(database: str, connection: Any) -> None:
    who = Access(database, poll_seconds=0.2)
    who._changed.set = lambda: None  # type: ignore[method-assign]
    await who.start()
    _, token = await access.add_key(connection, "a", OWN)
    assert await known(who, token) is not None
    await who.stop()


async def test_the_last_snapshot_holds_while_postgresql_is_away(who: Access, database: str, connection: Any) -> None:
    key, token = await access.add_key(connection, "a", OWN)
    await known(who, token)
    there, who.dsn = who.dsn, "postgresql://127.0.0.1:1/nowhere"
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hub-access'"
        " AND datname = current_database()"
    )
    await asyncio.sleep(1)
    assert who.authenticate(f"Bearer {token}") == key
    assert who.age_seconds > 0.5
    who.dsn = there
    await access.revoke(connection, key.id)
    assert await known(who, token, wanted=False, seconds=3) is None


async def test_before_the_first_snapshot_nobody_is_let_in_or_refused() -> None:
    with pytest.raises(NotLoaded):
        Access("postgresql://127.0.0.1:1/nowhere").authenticate("Bearer x")


@pytest.mark.parametrize(
    ("name", "scope", "said"),
    [
        ("a", Scope(), "source prefix"),
        ("a", Scope(("",)), "empty"),
        ("a", Scope(("/a",), rights=("fly",)), "fly"),
        ("a", Scope(("/a",), statuses=("real",)), "real"),
        ("a", Scope(("/a",), rate=0), "rate"),
        ("", OWN, "name"),
        ("a b", OWN, "name"),
    ],
)
async def test_what_is_wrong_with_a_new_key_is_said(connection: Any, name: str, scope: Scope, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        await access.add_key(connection, name, scope)
    assert await access.list_keys(connection) == []


async def test_a_key_that_only_reads_needs_no_source(connection: Any) -> None:
    key, _ = await access.add_key(connection, "wall", Scope(rights=("read",)))
    assert key.may("read")
    assert not key.may("publish")


def test_prefixes_match_by_path_segment() -> None:
    scope = Scope(("/a/b", "urn:x", "/c/"))
    assert [scope.owns(s) for s in ("/a/b", "/a/b/", "/a/b/c", "urn:x", "urn:x/1", "/c/d")] == [True] * 6
    assert [scope.owns(s) for s in ("/a/bc", "/a", "", "urn:xy", "x/a/b", "/cd")] == [False] * 6


def test_passwords_are_salted_and_slow() -> None:
    one, two = accounts.hash_password("hunter2"), accounts.hash_password("hunter2")
    assert one != two
    assert accounts.check_password("hunter2", one)
    assert not accounts.check_password("hunter3", one)


async def test_the_first_administrator_is_made_once(connection: Any) -> None:
    made = await accounts.first_administrator(connection)
    assert made is not None
    assert made[0] == "admin"
    assert await accounts.first_administrator(connection) is None


async def test_audit_rows_stay_as_they_are(connection: Any) -> None:
    await audit.write(connection, audit.Actor("me"), "tested")
    for statement in ("UPDATE access.audit SET who = 'you'", "DELETE FROM access.audit", "TRUNCATE access.audit"):
        with pytest.raises(asyncpg.RaiseError):
            await connection.execute(statement)


@pytest.fixture
async def browser(settings_of_database: Settings, who: Access) -> AsyncIterator[httpx.AsyncClient]:
    app = session.create(settings_of_database, who)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield client


@pytest.fixture
def settings_of_database(database: str) -> Settings:
    return Settings(postgres_dsn=database)


async def test_people_log_in_and_out(browser: httpx.AsyncClient, who: Access, connection: Any) -> None:
    name, password = await accounts.add_account(connection, "王敏", "watch", "320111001")
    assert (await browser.get("/session")).status_code == 401
    wrong = await browser.post("/session", json={"name": name, "password": "x"})
    assert wrong.status_code == 401
    answer = await browser.post("/session", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    csrf = answer.json()["csrf"]
    assert {"httponly", "samesite=strict"} <= {p.strip().lower() for p in answer.headers["set-cookie"].split(";")}
    shown = (await browser.get("/session")).json()
    assert shown == {"name": name, "role": "watch", "region": "320111001", "csrf": csrf}
    assert (await browser.delete("/session")).status_code == 403
    assert (await browser.delete("/session", headers={"x-csrf-token": csrf})).status_code == 200
    assert (await browser.get("/session")).status_code == 401
    did = [row["did"] for row in await connection.fetch("SELECT did FROM access.audit ORDER BY id")]
    assert did == ["account.added", "account.granted", "session.refused", "session.opened", "session.closed"]


async def test_a_cookie_is_stored_as_its_hash(browser: httpx.AsyncClient, connection: Any) -> None:
    name, password = await accounts.add_account(connection, "a", "clerk")
    await browser.post("/session", json={"name": name, "password": password})
    rows = await connection.fetch("SELECT row_to_json(s)::text FROM access.session s")
    assert browser.cookies["hub_session"] not in str(rows)


async def test_guessing_passwords_is_slowed_down(browser: httpx.AsyncClient, connection: Any) -> None:
    name, password = await accounts.add_account(connection, "a", "clerk")
    for _ in range(session.MAX_FAILURES):
        assert (await browser.post("/session", json={"name": name, "password": "x"})).status_code == 401
    answer = await browser.post("/session", json={"name": name, "password": password})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"{}", 422), (b"[]", 422), (b"x" * 100_000, 413)])
async def test_a_log_in_that_is_none(browser: httpx.AsyncClient, body: bytes, status: int) -> None:
    assert (await browser.post("/session", content=body)).status_code == status


async def test_who_may_read(who: Access, connection: Any) -> None:
    _, reads = await access.add_key(connection, "wall", Scope(rights=("read",), regions=("320111001",)))
    _, writes = await access.add_key(connection, "inspections", OWN)
    await known(who, writes)
    app = web.create_app("t", about="", registry=metrics.new_registry(), ready=_ready, who=who)

    @app.get("/secret")
    async def secret(principal: web.Reader) -> Any:
        return {"name": principal.name, "regions": principal.regions}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        assert (await client.get("/secret")).status_code == 401
        assert (await client.get("/secret", headers={"authorization": f"Bearer {writes}"})).status_code == 403
        answer = await client.get("/secret", headers={"authorization": f"Bearer {reads}"})
        assert answer.json() == {"name": "wall", "regions": ["320111001"]}


async def test_an_error_of_ours_shows_nothing_of_it() -> None:
    app = web.create_app("t", about="", registry=metrics.new_registry(), ready=_ready)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("password=hunter2")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


async def _ready() -> dict[str, str]:
    return {}


def test_logs_hold_no_secrets() -> None:
    out = io.StringIO()
    log.configure("test", stream=out)
    token = "hub_0123456789ab_" + "x" * 43
    log.get("t").info("t.said", authorization=token, note=f"with {token} and postgresql://hub:pw@host/db\n", name="n")
    text = out.getvalue()
    assert "x" * 16 not in text
    assert "pw@" not in text
    assert "hub_0123456789ab_…" in text
    assert text.count("\n") == 1


async def test_a_key_that_is_replaced_stays_valid_for_its_grace_and_no_longer(who: Access, connection: Any) -> None:
    grace = datetime.timedelta(seconds=1)
    assert await access.rotate(connection, "inspections", grace) is None
    scope = Scope(("/bureau",), ("hazard.*",), rate=5.0)
    first, old_token = await access.add_key(connection, "inspections", scope)
    done = await access.rotate(connection, "inspections", grace)
    assert done is not None
    new, token, old = done
    assert old == [first.id]
    assert new.scope == scope
    assert await known(who, token) == new
    assert await known(who, old_token) is not None
    assert await known(who, old_token, wanted=False, seconds=2) is None
    assert await known(who, token) == new
    listed = {key.id: key.until for key in await access.list_keys(connection)}
    assert listed[new.id] is None
    assert listed[first.id] is not None
    assert await connection.fetchval("SELECT count(*) FROM access.audit WHERE did = 'key.rotated'") == 1
