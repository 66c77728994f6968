"""The recipes of CONTRIBUTING.md, followed to the letter: what they promise to be enough is enough."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry, Counter
from pydantic import Field

import services.cli
from services.cli import app
from services.cli.bureau import look
from services.ingest.door import Admitted
from services.runtime import postgres
from services.runtime.settings import ROOT, Settings
from tests.house import test_decisions, test_metrics
from tests.ingest import scene

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLE = ROOT / "bureaus" / "example"


def blocks(recipe: str, language: str) -> list[str]:
    """The blocks of one recipe in one language."""
    _, found, rest = TEXT.partition(f"\n### {recipe}\n")
    assert found, f"CONTRIBUTING.md has no recipe `{recipe}`"
    return re.findall(rf"```{language}\n(.*?)```", re.split(r"\n##", rest, maxsplit=1)[0], re.DOTALL)


class Copy:
    """The project in a folder of its own, in which the recipes are followed as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("services", "deploy", "tests", "bureaus/example"):
            made = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
            shutil.copytree(ROOT / name, folder / name, ignore=made)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def insert(self, file: str, before: str, text: str) -> None:
        """Put a text before the first line that begins so."""
        path = self.folder / file
        head, found, tail = path.read_text("utf-8").partition("\n" + before)
        assert found, f"{file} has no line that begins with {before}"
        path.write_text(f"{head}\n{text}{found}{tail}", "utf-8")

    def run(self, *arguments: str) -> str:
        """What a Python program says; it must end well."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy in which the event type and the statistic of the recipes were added."""
    copy = Copy(tmp_path_factory.mktemp("copy") / "project")
    written, term = blocks("Add an event type", "python")
    name = written.split("(")[0].removeprefix("class ")
    copy.insert("services/contracts/families/drill.py", "TYPES = (", f"{written}\n")
    copy.insert("services/contracts/families/drill.py", ")", f"    {name},")
    copy.insert("services/contracts/glossary.py", "IN_ONE_TYPE", f"NAMES = (*NAMES, {term.strip()})\n")
    (row,) = blocks("Add a statistic", "toml")
    (copy.folder / "services/reporting/statistics/watched.toml").write_text(row, "utf-8")
    assert copy.run("-m", "tests.contracts.golden").split() == ["drill.observed"]
    return copy


def test_one_class_is_an_event_type_and_one_row_a_statistic(copy: Copy) -> None:
    """The tests that walk the registers find them, and they pass."""
    where = ("tests/contracts", "tests/reporting/test_statistics.py")
    found = "drill.observed or drills_observed_by or glossary or (test_register and not [)"
    said = copy.run("-m", "pytest", "-p", "no:cacheprovider", "-rA", *where, "-k", found)
    assert said.count("drill.observed]") >= 5
    assert said.count("drills_observed_by]") >= 2


WALK = """
import json
from services.contracts import event, schema
from services.reporting import statistics
from services.reporting.tally import Increments, Series, Tally
from services.runtime import bureau
from services.runtime.settings import ROOT
from tests.ingest import scene

sent = schema.example_event("drill.observed") | {"source": scene.OWN.sources[0]}
admitted = scene.admit(sent)
decoded = event.decode(admitted.record)
house = bureau.load(ROOT / "bureaus" / "example")
tally, counted = Tally(statistics.definitions(house), house.timezone, Series()), Increments()
tally.count(decoded, decoded.type, b"k" * 16, counted)
print(json.dumps([admitted.topic, decoded.subject, list(map(int, counted.values.values())),
                  [labels for *_, labels in tally.series.ids]]))
"""


def test_from_the_door_to_the_figure_nothing_else_is_needed(copy: Copy) -> None:
    topic, subject, values, labels = json.loads(copy.run("-c", WALK))
    assert (topic, subject, values, labels) == ("readiness", "YL-2023-031", [12], [["TOWN-03"]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the example bureau."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "bureau"))


def test_a_row_of_codes_is_enough(folder: Path) -> None:
    (written,) = blocks("Add a code or a field of one bureau", "toml")
    with (folder / "codes.toml").open("a", encoding="utf-8") as codes:
        codes.write("\n" + written)
    found, _, mistakes = look(folder)
    assert mistakes == []
    assert found is not None
    door = scene.Door(scene.REGIONS, found.extra_codes)
    sent = scene.event(data={"hazard_id": "YH-1", "mode": "drone"})
    assert isinstance(scene.admit(sent, door=door), Admitted)
    assert not isinstance(scene.admit(sent), Admitted)


def test_a_field_of_settings_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    (written,) = blocks("Add a setting", "python")
    body = "class Grown(Settings):\n    '''Settings with one more.'''\n    " + written
    space: dict[str, Any] = {"Settings": Settings, "Field": Field, "__name__": __name__}
    exec(body, space)
    monkeypatch.setenv("HUB_SPARE_BYTES", "7")
    assert space["Grown"]().spare_bytes == 7
    assert space["Grown"].model_fields["spare_bytes"].description


def test_an_attribute_of_the_meters_is_enough() -> None:
    (written,) = blocks("Add a metric", "python")
    registry = CollectorRegistry()
    exec(written, {"self": SimpleNamespace(), "Counter": Counter, "registry": registry})
    (metric,) = test_metrics.defined(written, "ingest")
    assert test_metrics.faults(metric) == []
    assert registry.get_sample_value(metric.name) == 0


async def test_a_file_of_sql_is_a_migration(database: str, tmp_path: Path) -> None:
    (written,) = blocks("Add a migration", "sql")
    await postgres.migrate_all(database)
    own = tmp_path / "schema"
    own.mkdir()
    (own / "0099_remark.sql").write_text(written, "utf-8")
    connection = await asyncpg.connect(database)
    try:
        (folders,) = [folders for schema_, folders in postgres.SCHEMAS if schema_ == "reporting"]
        assert await postgres.migrate(connection, "reporting", (*folders, own)) == ["reporting:schema/0099_remark"]
        assert await postgres.migrate(connection, "reporting", (*folders, own)) == []
        assert await connection.fetchval("SELECT count(*) FROM reporting.remark") == 0
    finally:
        await connection.close()


def test_a_file_and_a_row_are_a_verb(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written, row = blocks("Add a verb", "python")
    (tmp_path / "today.py").write_text(written, "utf-8")
    monkeypatch.setattr(services.cli, "__path__", [*services.cli.__path__, str(tmp_path)])
    monkeypatch.setattr(app, "VERBS", (*app.VERBS, eval(row)))
    with pytest.raises(SystemExit):
        app.build()(["today", "--json"])
    assert "today" in json.loads(capsys.readouterr().out)


def test_the_pattern_of_a_decision_is_one(tmp_path: Path) -> None:
    (written,) = blocks("Write a decision down", "markdown")
    path = tmp_path / "0099-titles-are-statements.md"
    path.write_text(written, "utf-8")
    test_decisions.test_a_decision_says_what_why_what_else_and_what_follows(path)
