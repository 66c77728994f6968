"""The continuous check finds a tally that is not what the ledger says, and the heads of the seals leave every day."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, generate_latest

from services.reporting import app as reporting
from services.reporting.catalogue import Catalogue
from services.reporting.meters import Meters
from services.reporting.recheck import EVERY, Recheck
from services.runtime import access
from tests.records import record
from tests.reporting.conftest import DEFINITIONS, SHANGHAI, Reader
from tests.reporting.naive import REGIONS
from tests.reporting.served import on

CATALOGUE = Catalogue(DEFINITIONS, REGIONS, SHANGHAI)
NOW = datetime.datetime(2024, 5, 5, 17, tzinfo=datetime.UTC)
"""The 6th in the bureau."""


async def metrics(reader: Reader) -> str:
    """The page that Prometheus reads."""
    registry = CollectorRegistry()
    await Meters(registry).read(reader.connection)
    return generate_latest(registry).decode()


async def test_a_difference_is_found_within_the_hour_and_shown(reader: Reader, tmp_path: Path) -> None:
    await reader.read([record(subject=f"h{n}", data={"level": "major"}) for n in range(5)])
    recheck = Recheck(reader.settings.postgres_dsn, CATALOGUE, tmp_path, lambda: NOW)
    assert "tally_difference" not in await metrics(reader)
    await recheck.turn()
    assert "hub_reporting_tally_difference 0.0" in await metrics(reader)
    await reader.connection.execute("UPDATE tally_day SET events = events + 1")
    await recheck.turn()
    assert await reader.connection.fetchval("SELECT count(*) FROM recheck") == 1, "not yet due"
    await reader.connection.execute("UPDATE recheck SET at = at - $1::interval", EVERY)
    await recheck.turn()
    row = await reader.connection.fetchrow("SELECT * FROM recheck ORDER BY at DESC LIMIT 1")
    assert row is not None
    assert (row["differences"], row["definitions"]) == (3, len(DEFINITIONS))
    assert "hub_reporting_tally_difference 3.0" in await metrics(reader)


async def test_a_definition_that_is_being_counted_puts_it_off(reader: Reader, tmp_path: Path) -> None:
    await reader.read([record()])
    await reader.connection.execute("UPDATE definition SET counted = NULL WHERE key = 'fines'")
    await Recheck(reader.settings.postgres_dsn, CATALOGUE, tmp_path, lambda: NOW).turn()
    assert await reader.connection.fetchval("SELECT count(*) FROM recheck") == 0


async def test_the_heads_of_the_seals_are_kept_once_a_day(reader: Reader, tmp_path: Path) -> None:
    await reader.read([record()])
    recheck = Recheck(reader.settings.postgres_dsn, CATALOGUE, tmp_path / "seals", lambda: NOW)
    await recheck.turn()
    kept = json.loads((tmp_path / "seals" / "2024-05-06.json").read_text())
    seal = await reader.connection.fetchval("SELECT seal FROM seal ORDER BY next DESC LIMIT 1")
    assert seal.hex() in {head["seal"] for head in kept["heads"]}
    _, token = await on(reader.settings, lambda c: access.add_key(c, "auditor", access.Scope(rights=("read",))))
    async with (
        reporting.running(reader.settings, of=CATALOGUE) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client,
    ):
        told = await client.get("/seals", headers={"authorization": f"Bearer {token}"})
    assert told.json()["items"] == kept["heads"]
    await reader.read([record(subject="h2")])
    await recheck.turn()
    assert json.loads((tmp_path / "seals" / "2024-05-06.json").read_text()) == kept
