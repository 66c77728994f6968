"""A database put back to an earlier moment: the watch learns from Kafka what it had said and sent, and goes on."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from services.runtime.settings import Settings
from tests.warning.watching import Watching, watching


@pytest.fixture
async def server(postgres: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection from which databases are copied."""
    connection = await asyncpg.connect(postgres)
    yield connection
    await connection.close()


async def copied(server: asyncpg.Connection, settings: Settings, name: str) -> Settings:
    """Settings of the same hub with its database as it is now."""
    parts = urlsplit(settings.postgres_dsn)
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {parts.path[1:]} STRATEGY file_copy")
    return settings.model_copy(update={"postgres_dsn": urlunsplit(parts._replace(path=f"/{name}"))})


async def picture(watch: Watching) -> dict[str, Any]:
    """How everything stands, and whom the letters reached; moments of this process left out."""
    rows = await watch.connection.fetch(
        "SELECT kind, scope, key, parents, state, closed, region, due, wake IS NULL AS asleep, shown FROM matter"
        " WHERE kind NOT IN ('feed', 'channel') ORDER BY 1, 2, 3"
    )
    letters = await watch.connection.fetch(
        "SELECT id, slot, person, channel, address, text, token FROM delivery ORDER BY id"
    )
    return {"matters": [dict(row) for row in rows], "letters": [dict(row) for row in letters]}


async def ends(watch: Watching) -> dict[Any, int]:
    rows = await watch.connection.fetch("SELECT topic, partition, next FROM position WHERE is_current")
    return {(r["topic"], r["partition"]): r["next"] for r in rows if r["topic"] != "affairs"}  # the prober speaks there


async def test_what_was_sent_after_the_backup_is_not_sent_again_and_the_ladder_goes_on(
    settings: Settings, topics: list[str], server: asyncpg.Connection
) -> None:
    async with watching(settings, patient=True) as watch:
        await watch.publish(watch.alert("yellow"))
        await watch.settled()
    restored = await copied(server, settings, "hub_before")
    await watch.publish(watch.alert("red"))
    async with watching(settings, patient=True) as watch:
        await watch.settled()
        assert await watch.connection.fetchval("SELECT count(*) FROM life_before") == 0, "it was only away"
        called = await watch.matters("callout")
        post = next(key for key, one in called.items() if one["state"] == "calling")
        answer = {"callout_id": post, "answer": "received", "via": "link", "person_id": "x"}
        await watch.publish(watch.fact("callout.answered", post, answer))
        await watch.settled()
        before, sent, said = await picture(watch), await watch.outbox(), await ends(watch)
    assert len(sent) > 3
    async with watching(restored, patient=True) as watch:
        earlier = await watch.outbox()
        await watch.until(lambda: watch.connection.fetchval("SELECT settled IS NOT NULL FROM life_before"))
        await watch.settled()
        assert await watch.outbox() == earlier, "nobody is told a second time"
        after = await picture(watch)
        assert after["letters"] == before["letters"], "their links and receipts are known"
        assert after["matters"] == before["matters"]
        assert await ends(watch) == said, "nothing is said a second time"
        left = await watch.connection.fetchval("SELECT count(*) FROM delivery WHERE state IN ('waiting', 'past')")
        assert left == 0, "what became of each is known, too"
        watch.clock.advance(minutes=16)
        await watch.settled()
        more = (await watch.outbox())[len(earlier) :]
        assert more, "whoever has not answered is called further"
        assert post not in {one["callout"] for one in more}
        assert {(one["callout"], one["address"], one["channel"]) for one in more}
    await server.execute("DROP DATABASE hub_before WITH (FORCE)")


@pytest.mark.slow
async def test_a_warning_that_the_life_before_did_not_come_to_is_called_while_it_is_fresh(
    settings: Settings, topics: list[str], server: asyncpg.Connection
) -> None:
    async with watching(settings, patient=True) as watch:
        await watch.settled()
    restored = await copied(server, settings, "hub_not_come_to")
    async with watching(settings, patient=True) as watch:
        await watch.publish(watch.alert("red"))
        await watch.settled()
    async with watching(restored, patient=True) as watch:
        missed = watch.alert("red")
        old = watch.alert("red", recorded=watch.clock.now() - datetime.timedelta(hours=3))
        await watch.publish(missed, old)
        await watch.until(lambda: watch.connection.fetchval("SELECT settled IS NOT NULL FROM life_before"))
        await watch.settled()
        assert {one["chain"] for one in await watch.outbox()} - {""} == {missed["subject"]}
    await server.execute("DROP DATABASE hub_not_come_to WITH (FORCE)")


@pytest.mark.slow
async def test_a_lost_database_is_made_anew_from_kafka_and_nobody_is_called(
    settings: Settings, topics: list[str], server: asyncpg.Connection
) -> None:
    empty = await copied(server, settings, "hub_lost")
    async with watching(settings, patient=True) as watch:
        await watch.publish(watch.alert("red"))
        await watch.settled()
        before = await picture(watch)
    async with watching(empty, patient=True) as watch:
        await watch.until(lambda: watch.connection.fetchval("SELECT settled IS NOT NULL FROM life_before"))
        await watch.settled()
        assert await watch.outbox() == []
        assert (await picture(watch))["matters"] == before["matters"]
    await server.execute("DROP DATABASE hub_lost WITH (FORCE)")
