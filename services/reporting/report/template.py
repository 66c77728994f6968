"""Finds and reads templates: `report/NAME.md` of the bureau, else the shipped one, each with its `NAME.checks.toml`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.contracts.rows import Mistake, Mistakes, advice
from services.reporting.report import nodes, reading, rules
from services.reporting.report.nodes import Node
from services.reporting.report.rules import Rule

FOLDER = Path(__file__).parent / "templates"
REPORT = "report"
"""The folder of a bureau's own templates."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SUFFIX, CHECKS = ".md", ".checks.toml"


@dataclass(frozen=True)
class Template:
    """A template, read and found without mistake in its form (what it asks for: see `questions.mistakes`)."""

    name: str
    title: str
    """The line `# …` as written."""
    text: str
    checks_text: str
    file: str
    checks_file: str
    heading: tuple[Node, ...]
    settings: Mapping[str, tuple[Node, ...]]
    blocks: tuple[Node, ...]
    rules: tuple[Rule, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of both files."""
        both = (self.text.encode(), self.checks_text.encode())
        return hashlib.sha256(b"".join(f"{len(one)}\0".encode() + one for one in both)).hexdigest()

    @property
    def sentences(self) -> tuple[Node, ...]:
        """Everything that may hold a figure or a name: settings, title, blocks."""
        return (*(node for nodes_ in self.settings.values() for node in nodes_), *self.heading, *self.blocks)

    @property
    def texts(self) -> tuple[str, ...]:
        """The names of its hand-written paragraphs, in order."""
        found = (node.name for node, _ in nodes.walk(self.sentences) if isinstance(node, nodes.Written))
        return tuple(dict.fromkeys(found))


def names(bureau_folder: Path | None) -> list[str]:
    """The templates that there are: the bureau's and the shipped."""
    folders = [FOLDER, *([bureau_folder / REPORT] if bureau_folder else [])]
    return sorted({path.name.removesuffix(SUFFIX) for folder in folders for path in folder.glob(f"*{SUFFIX}")})


def find(name: str, bureau_folder: Path | None) -> Template:
    """The template of a name. Raises Mistakes."""
    known = names(bureau_folder)
    if not _NAME.fullmatch(name) or name not in known:
        raise Mistakes([Mistake(f"{REPORT}/{name[:64]}{SUFFIX}", 1, f"没有模板 {name[:64]}", advice(name[:64], known))])
    own = bureau_folder / REPORT if bureau_folder else FOLDER
    folder = own if (own / f"{name}{SUFFIX}").is_file() else FOLDER
    return read(name, _text(folder / f"{name}{SUFFIX}"), _text(folder / f"{name}{CHECKS}"))


def _text(path: Path) -> str:
    """The text of a file; of none, nothing."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise Mistakes([Mistake(f"{REPORT}/{path.name}", 1, "文件不是 UTF-8 编码", "另存为 UTF-8")]) from error


def read(name: str, text: str, checks_text: str = "") -> Template:
    """The template of two texts. Raises Mistakes with every one of them."""
    file, checks_file = f"{REPORT}/{name}{SUFFIX}", f"{REPORT}/{name}{CHECKS}"
    found = reading.read(text, file)
    checks, more = rules.read(checks_text, checks_file)
    if mistakes := [*found.mistakes, *more]:
        raise Mistakes(mistakes)
    title = next(line.strip()[2:].strip() for line in text.splitlines() if line.strip().startswith("# "))
    return Template(
        name, title, text, checks_text, file, checks_file, found.title, found.settings, found.blocks, checks
    )
