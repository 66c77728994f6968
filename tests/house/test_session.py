"""The session that the README shows is what happens: its commands are run, and what they say is compared.

`python -m tests.house.test_session` writes what they said into the README.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.runtime.settings import ROOT
from tests.deploy.test_up import COMMAND, Hub

README = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
SESSION = re.compile(r"<!-- session -->\n(.*?)<!-- end session -->", re.DOTALL)
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
SHOWN_PORT = 8000
MARK = "\x1e"
COLUMNS = 96
CHANGING = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "MOMENT"),
    (r"\b[0-9a-f]{16}\b", "DIGEST"),
    (r"\d+\.\d 秒", "N 秒"),
    (r"\d+ 个统计项目", "N 个统计项目"),
    (r"[^\n]*\d:\d\d:\d\d[^\n]*\n", ""),
    (r"[━─]+", "─"),
    (r" +", " "),
    (r"(│ [a-z]+/\d+ │[^\n]*│ 相符 │\n)+", "ROWS\n"),
    (r"\d+ 条事件，", "N 条事件，"),
)
"""What differs from run to run, and what stands for it in the comparison. What a new hub says by itself (the daily
test of the channels, say) depends on the hour."""


def commands(block: str) -> Iterator[str]:
    """The commands of a block: a line after `$ `, and the lines that it needs to be whole."""
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\") or command.count("'") % 2:
                command += "\n" + next(lines)
            yield command


def session(document: Path) -> list[list[str]]:
    """The commands of each block of a document's session."""
    (whole,) = SESSION.findall(document.read_text("utf-8"))
    return [list(commands(block)) for block in BLOCK.findall(whole)]


def run(hub: Hub, blocks: list[list[str]]) -> list[list[str]]:
    """What each command says, in one shell; between them the time a person needs."""
    flat = [command for block in blocks for command in block]
    script = "".join(f"printf '{MARK}'\n{command}\nsleep 1\n" for command in flat)
    here = hub.url.rpartition(":")[2]
    done = subprocess.run(
        ["bash", "-c", script.replace(f":{SHOWN_PORT}/", f":{here}/")],
        cwd=hub.folder.parent, capture_output=True, text=True, timeout=120, check=False,
        env={**hub.environment, "PATH": f"{COMMAND.parent}:{hub.environment['PATH']}", "COLUMNS": str(COLUMNS)},
    )  # fmt: skip
    said = iter(done.stdout.split(MARK)[1:])
    return [["\n".join(map(str.rstrip, next(said).strip("\n").splitlines())) for _ in block] for block in blocks]


def written(blocks: list[list[str]], said: list[list[str]]) -> list[str]:
    """The blocks as the README has them."""
    return [
        "".join(f"$ {c}\n{s}\n" if s else f"$ {c}\n" for c, s in zip(*pair, strict=True))
        for pair in zip(blocks, said, strict=True)
    ]


def steady(shown: str) -> str:
    """A text without what differs from run to run."""
    for pattern, instead in CHANGING:
        shown = re.sub(pattern, instead, shown)
    return shown


def started(folder: Path, port: int) -> Hub:
    """A hub whose data folder is `.hub`, as in the README."""
    hub = Hub(folder, port)
    hub.folder = folder / ".hub"
    hub.environment["HUB_DATA_DIR"] = str(hub.folder)
    return hub.up()


@pytest.fixture
def hub(tmp_path: Path, ports: Callable[[], int]) -> Iterator[Hub]:
    hub = started(tmp_path, ports())
    yield hub
    hub.end()


def test_the_session_of_the_readme_is_what_happens(hub: Hub) -> None:
    (whole,) = SESSION.findall(README.read_text("utf-8"))
    blocks = session(README)
    for shown, happened in zip(BLOCK.findall(whole), written(blocks, run(hub, blocks)), strict=True):
        assert steady(shown) == steady(happened), "run: python -m tests.house.test_session"


def test_both_readmes_show_the_same_commands() -> None:
    chinese = [command for block in session(CHINESE) for command in block]
    assert chinese == [command for block in session(README) for command in block]


def main() -> None:
    """Run the session, and write what was said into the README."""
    with tempfile.TemporaryDirectory() as folder:
        hub = started(Path(folder), 21700)
        try:
            blocks = session(README)
            fresh = iter(written(blocks, run(hub, blocks)))
        finally:
            hub.end()
    text = SESSION.sub(
        lambda whole: BLOCK.sub(lambda _: f"```console\n{next(fresh)}```", whole[0]), README.read_text("utf-8")
    )
    README.write_text(text, "utf-8")
    sys.stdout.write("README.md\n")


if __name__ == "__main__":
    main()
