"""The files of the project as the house tests walk them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from services.runtime.settings import ROOT

IGNORED = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()} | {".git"}
"""Names of folders, and paths of them, that are not part of the project."""
CODE = ("services", "deploy", "bench", "tests")


def files() -> list[Path]:
    """Every file of the project, relative to its root."""
    return sorted(_below(ROOT))


def _below(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        short = path.relative_to(ROOT)
        if path.name in IGNORED or str(short) in IGNORED or path.match("*.egg-info"):
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield short


def modules(*folders: str) -> list[Path]:
    """The Python files below some folders of the root, relative to it."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse((ROOT / path).read_text("utf-8"), str(path))


def dotted(path: Path) -> str:
    """`services/ingest/door.py` → `services.ingest.door`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """What a module imports, also inside its functions: `services.contracts.event`, `asyncpg`."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno} imports by dots: name the package, so that walls can be read"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def lies_in(name: str, package: str) -> bool:
    """Whether a dotted name is the package or lies in it."""
    return name == package or name.startswith(package + ".")
