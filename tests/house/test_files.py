"""What every file keeps to: its first sentence, its name, its size, what it may not hold."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.settings import ROOT
from tests.house.source import CODE, files, modules, tree

MEGABYTE = 1 << 20
SAYS_NOTHING = re.compile(r"(^|_)(utils?|helpers?|common|misc|manager|stuff|data)(_|$)")
"""Names that could stand on any file."""
ADDRESS_OF_A_REGISTRY = re.compile(
    "pypi" r"\.org|pythonhosted" r"\.org|repo1?\.maven|maven" r"\.org|registry\.npm|npmmirror|--(extra-)?index-url"
)
PATH_OF_A_MACHINE = re.compile(r"(?<![\w.])/(root|home/\w+|work|Users|mnt)/\w")
LOGS = {"log", "_log", "logger", "_logger", "logging"}
LONGEST, HALF = 50, 8
"""Lines of a function: none has more, half have at most so many."""


@pytest.mark.parametrize("path", [p for p in modules(*CODE) if (ROOT / p).stat().st_size], ids=str)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    first = (ast.get_docstring(tree(path)) or "").split("\n\n")[0].strip()
    assert first.endswith((".", "?")), f"{path}: open it with a docstring whose first paragraph is one sentence"


@pytest.mark.parametrize("path", modules(*CODE), ids=str)
def test_a_name_says_what_is_inside(path: Path) -> None:
    words = [*path.parts[:-1], path.stem, *(n.name for n in ast.walk(tree(path)) if isinstance(n, ast.ClassDef))]
    empty = [w for w in words if SAYS_NOTHING.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", w).lower()) and w != "Data"]
    assert empty == [], f"{path}: name it after the one thing it holds"


@pytest.mark.parametrize("path", modules("services", "deploy"), ids=str)
def test_no_except_only_logs(path: Path) -> None:
    silent = [node.lineno for node, inside in handlers(tree(path)) if only_logs(node) and not inside]
    assert silent == [], f"{path}: an error is never (set aside) or not now (tried again); a log line is neither"


def handlers(node: ast.AST, again: bool = False) -> Iterator[tuple[ast.ExceptHandler, bool]]:
    """Every handler, and whether something is tried again or done in `finally` after it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Try):
            after = isinstance(node, ast.While) or bool(child.finalbody)
            yield from ((handler, after) for handler in child.handlers)
        yield from handlers(child)


def only_logs(handler: ast.ExceptHandler) -> bool:
    calls = [s.value for s in handler.body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    owners = {
        c.func.value.id for c in calls if isinstance(c.func, ast.Attribute) and isinstance(c.func.value, ast.Name)
    }
    return len(calls) == len(handler.body) and bool(owners) and owners <= LOGS


Function = ast.FunctionDef | ast.AsyncFunctionDef


def lengths() -> dict[str, int]:
    """Lines of each function of services and deploy, without its docstring and the functions inside it."""
    return {
        f"{path}:{node.lineno} {node.name}": _own_lines(node)
        for path in modules("services", "deploy")
        for node in ast.walk(tree(path))
        if isinstance(node, Function)
    }


def _own_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    inside = [n for s in body for n in ast.walk(s) if isinstance(n, Function)]
    return sum(map(_lines, body)) - sum(map(_lines, inside))


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_function_is_one_thought() -> None:
    sizes = lengths()
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}, "look for the missing table"
    assert statistics.median(sizes.values()) <= HALF


@pytest.mark.parametrize("path", files(), ids=str)
def test_a_file_is_small_and_nobodys_own(path: Path) -> None:
    size = (ROOT / path).stat().st_size
    assert size <= MEGABYTE, f"{path} has {size} bytes: what is generated or downloaded does not belong here"
    text = (ROOT / path).read_bytes().decode("utf-8", "replace")
    if path != Path(__file__).relative_to(ROOT):
        addresses = ADDRESS_OF_A_REGISTRY.findall(text)
        assert not addresses, f"{path} names a registry: leave that to the clients' own settings"
        assert not PATH_OF_A_MACHINE.findall(text), f"{path} names a place on one machine"
