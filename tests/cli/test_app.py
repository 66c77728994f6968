"""The command: every verb of the register that exists can be called, and a known error is one sentence."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import httpx
import pytest

from deploy.local import CannotStart
from services.cli import app
from services.cli.running import CommandFailed

PRESENT = [row for row in app.VERBS if importlib.util.find_spec(row[1].partition(":")[0])]


@pytest.mark.parametrize(("name", "where", "_about"), PRESENT)
def test_every_verb_is_where_the_register_says(name: str, where: str, _about: str) -> None:
    module, _, attribute = where.partition(":")
    assert hasattr(importlib.import_module(module), attribute)


def test_every_verb_that_a_file_defines_is_in_the_register() -> None:
    registered = {where for _, where, _ in app.VERBS}
    for file in Path(app.__file__).parent.glob("*.py"):
        name = file.stem  # a verb's file defines what it is called
        tree = ast.parse(file.read_text("utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        apps = {
            t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if isinstance(t, ast.Name)
        }
        if name in functions | apps and name != "running":
            assert f"services.cli.{name}:{name}" in registered


def test_help_shows_every_verb_without_importing_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.build()(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown and about[:8] in shown for name, _, about in PRESENT)


def test_a_verb_that_this_release_has_not_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "VERBS", (*app.VERBS, ("dance", "services.cli.dance:dance", "跳舞")))
    assert "dance" not in app.build()
    assert "up" in app.build()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CannotStart("端口 8000 已被占用"), "8000"),
        (CommandFailed("做不到：先这样"), "先这样"),
        (ConnectionRefusedError(111, "refused"), "make up"),
        (httpx.ConnectError("refused"), "make up"),
        (FileNotFoundError(2, "No such file", "events.json"), "events.json"),
    ],
)
def test_a_known_error_is_a_sentence(error: Exception, words: str) -> None:
    assert words in (app.sentence(error) or "")


def test_a_fault_of_ours_stays_a_fault() -> None:
    assert app.sentence(KeyError("x")) is None


def test_the_command_line_does_not_load_the_services() -> None:
    """Only the verb that is used is imported: `hub status` must stay quick."""
    tree = ast.parse(Path(app.__file__).read_text("utf-8"))
    imported = {
        node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not any(name.startswith(("services", "deploy")) for name in imported)


def test_a_lone_hyphen_is_standard_input() -> None:
    command, bound, _ = app.build().parse_args(["publish", "-", "--partial"])
    assert (command.__name__, bound.args, bound.kwargs) == ("publish", (Path("-"),), {"partial": True})
