"""`hub statistics` and `hub quarantine` against a served hub."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from tests.records import publish, record
from tests.reporting.conftest import Reader, reader
from tests.reporting.served import NOON, Hub, served

__all__ = ["reader"]


@pytest.fixture
async def hub(reader: Reader) -> AsyncIterator[Hub]:
    """A hub with some facts, and the key of its command line."""
    async with served(reader) as hub:
        await _fill(hub)
        yield hub


async def _fill(hub: Hub) -> None:
    (hub.reader.settings.data_dir).mkdir(parents=True, exist_ok=True)
    (hub.reader.settings.data_dir / "admin.key").write_text(hub.key + "\n")
    levels = ("major", "general", "general")
    facts = [record(subject=f"h{n}", at=NOON, data={"level": level}) for n, level in enumerate(levels)]
    fine = record("penalty.imposed", "c1", {"amount_cny": "1200.5", "kind": "fine"}, at=NOON)
    await publish(hub.reader.settings, [*facts, fine, b"no event"])
    await hub.reader.caught_up()


async def run(hub: Hub, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, with the settings of that hub."""
    settings = hub.reader.settings
    own = {"HUB_DATA_DIR": str(settings.data_dir), "HUB_HTTP_PORT": str(settings.http_port), "COLUMNS": "200",
           "TZ": "America/Lima"}  # fmt: skip
    command = [sys.executable, "-c", "from services.cli.app import main; main()", *words]
    return await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **own}, capture_output=True, text=True, check=False
    )


async def test_a_figure_by_options_and_by_question(hub: Hub) -> None:
    asked = await run(hub, "statistics", "found", "--from", "2024-01-01", "--to", "2024-12-31", "--label",
                      "level=general", "--json")  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["value"] == 2
    question = "found?from=2024-01-01&to=2024-12-31&label.level=general"
    assert json.loads((await run(hub, "statistics", question, "--json")).stdout)["value"] == 2
    table = await run(hub, "statistics", "fines?from=2024-01-01&by=kind", "--compare")
    assert "1200.50 元" in table.stdout
    assert f"{NOON:%Y-%m-%d %H:%M}" in table.stdout  # the bureau's zone, wherever the command runs
    assert "不可比" in table.stdout
    assert "fine" in table.stdout


async def test_the_list_the_events_and_what_was_set_aside(hub: Hub) -> None:
    listed = await run(hub, "statistics")
    assert "major_pct" in listed.stdout
    assert "unseen" not in listed.stdout
    events = await run(hub, "statistics", "found?from=2024-01-01", "--events", "--json")
    assert len(events.stdout.splitlines()) == 3
    aside = await run(hub, "quarantine", "--json")
    assert [item["reason"] for item in json.loads(aside.stdout)] == ["not_an_event"]
    assert "不是事件" in (await run(hub, "quarantine")).stdout


async def test_a_wrong_question_is_one_sentence(hub: Hub) -> None:
    wrong = await run(hub, "statistics", "fuond")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("hub: 没有这个统计项")
    assert "found" in wrong.stderr
    assert "Traceback" not in (await run(hub, "statistics", "found", "--label", "level")).stderr
