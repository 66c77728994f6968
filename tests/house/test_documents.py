"""The documents say what is there: commands, routes, settings, metrics, links and tables are looked up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.reporting import statistics
from services.runtime import bureau, toml
from services.runtime.settings import ROOT, Settings
from tests.house import tables

FILES = [path for path in tables.documents() if path.name != "CHANGELOG.md"]
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
DATA_OF_A_TEST = {"HUB_TEST_KAFKA", "HUB_TEST_POSTGRES", "HUB_SPARE_BYTES"}
"""Names that are no settings: those of the tests, and that of a recipe."""
SHELL_WORDS = re.compile(r"(?:^|\$ |/)hub ([a-z]+)(?: ([a-z]+))?", re.MULTILINE)
ROUTE = re.compile(r"(?<![\w.])(/(?:ingest|warning|reporting)/[\w/{}.-]*[\w}])")
METRIC = re.compile(r"\bhub_(?:ingest|warning|reporting)_[a-z_]+[a-z]\b")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)|<img[^>]*src=\"([^\"]+)\"")


def text(path: Path) -> str:
    return path.read_text("utf-8")


def spoken(path: Path) -> str:
    """What a document shows as code: the lines of a shell, and everything between backticks."""
    shown: list[str] = []
    block = ""
    for line in text(path).splitlines():
        if line.startswith("```"):
            block = "" if block else line.strip("`") or "text"
        elif block in ("console", "sh"):
            shown.append(line)
        elif not block:
            shown += re.findall(r"`([^`]+)`", line)
    return "\n".join(shown)


@EACH
def test_its_tables_are_as_the_code_has_them(path: Path) -> None:
    assert tables.filled(text(path)) == text(path), "run: python -m tests.house.tables"


@EACH
def test_its_links_lead_somewhere(path: Path) -> None:
    targets = [one or other for one, other in LINK.findall(text(path))]
    assert [t for t in targets if not (path.parent / t).exists()] == []


@EACH
def test_its_commands_are_there(path: Path) -> None:
    known = {name for name, _ in tables.verbs()}
    groups = {name.rpartition(" ")[0] for name in known if name.count(" ") == 2}
    strange = [
        f"hub {verb} {word}".strip()
        for verb, word in SHELL_WORDS.findall(spoken(path))
        if f"hub {verb}" not in known or (word and f"hub {verb}" in groups and f"hub {verb} {word}" not in known)
    ]
    assert [s for s in strange if s not in ("hub clock", "hub today")] == [], (
        f"{path.name} names verbs that are not there"
    )


@EACH
def test_its_make_targets_are_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text(path))) <= targets


@EACH
def test_its_routes_are_there(path: Path) -> None:
    known = [re.sub(r"\{\w+\}", "[^/]+", route) for _, route, _ in tables.routes()]
    known += [f"{prefix}/(docs|openapi\\.json)" for prefix, _ in tables.api.present()]
    shown = {route for route in ROUTE.findall(spoken(path)) if "services/" not in route}
    assert [r for r in shown if not any(re.fullmatch(k, r) for k in known)] == [], "no service answers these"


@EACH
def test_its_settings_and_metrics_are_there(path: Path) -> None:
    settings = {f"HUB_{name.upper()}" for name in Settings.model_fields} | DATA_OF_A_TEST
    assert {s for s in re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", text(path)) if s not in settings} == set()
    known = {m.name for m in tables.metrics()} | {"hub_ingest_keys_refused_total"}
    assert {m for m in METRIC.findall(text(path)) if m not in known} == set()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_a_readme_shows_every_verb_and_every_setting(name: str) -> None:
    said = text(ROOT / name)
    verbs = {verb for verb, _ in tables.verbs() if verb.count(" ") == 1}
    assert {verb for verb in verbs if f"`{verb}" not in said} == set(), f"add them to the table of commands in {name}"
    settings = {f"HUB_{field.upper()}" for field in Settings.model_fields}
    assert {s for s in settings if f"`{s}`" not in said} == set(), f"add them to the table of settings in {name}"


@pytest.mark.parametrize("name", ["http", "metrics", "kafka", "events", "statistics"])
def test_a_page_of_reference_is_made_from_its_register(name: str) -> None:
    assert tables.PLACE.search(text(ROOT / "docs" / f"{name}.md"))


@pytest.mark.parametrize("name", ["docs/statistics.md", "README.zh-CN.md"])
def test_the_rows_that_explain_statistics_are_statistics(tmp_path: Path, name: str) -> None:
    (written,) = re.findall(r"```toml\n(.*?)```", text(ROOT / name), re.DOTALL)
    (tmp_path / "rows.toml").write_text(written, "utf-8")
    document = toml.read(tmp_path, "rows.toml")
    assert isinstance(document, toml.Document), document
    mistakes: list[bureau.Mistake] = []
    rows = bureau.statistic_rows(document, mistakes)
    own = bureau.load(ROOT / "bureaus" / "example").extra_codes
    definitions, more = statistics.read(rows, own)
    assert [*mistakes, *more] == []
    assert {row.key for row in rows} <= {d.key for d in definitions}


def test_what_changed_is_written_down() -> None:
    assert re.search(r"^## \[Unreleased\]|^## \[\d+\.\d+\.\d+\]", text(ROOT / "CHANGELOG.md"), re.MULTILINE)
