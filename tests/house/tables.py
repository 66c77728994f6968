"""Tables in the documents that are made from registers: `python -m tests.house.tables` puts them in place.

A table stands between `<!-- table NAME -->` and `<!-- end -->`; a test fails while it is not as the code has it.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cyclopts import App

from deploy.local import api
from services.cli import app as command
from services.contracts.families import TYPES
from services.contracts.topics import TOPICS, topic_of
from services.ingest.problem import CODES
from services.reporting import registers, statistics
from services.runtime import session, settings
from services.runtime.access import Access
from services.runtime.settings import ROOT
from tests.house.source import modules, tree

PLACE = re.compile(r"<!-- table (\w+) -->\n(.*?)<!-- end -->", re.DOTALL)
DOCUMENTS = ("*.md", "docs/*.md")


class Metric(NamedTuple):
    """One Prometheus metric, as the code defines it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    about: str
    service: str


KINDS = {
    "Counter": "counter", "CounterMetricFamily": "counter", "Gauge": "gauge", "GaugeMetricFamily": "gauge",
    "_gauge": "gauge", "Histogram": "histogram", "HistogramMetricFamily": "histogram", "Summary": "summary",
    "SummaryMetricFamily": "summary", "Info": "info", "Enum": "state",
}  # fmt: skip
"""What makes a metric → its kind."""


def metrics() -> list[Metric]:
    """Every metric that the services define, read from their code."""
    found = (metric(node, path.parts[1]) for path in modules("services") for node in ast.walk(tree(path)))
    return sorted(one for one in found if one)


def metric(node: ast.AST, service: str) -> Metric | None:
    """The metric that a call makes; None when it makes none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KINDS):
        return None
    texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if len(texts) < 2:
        return None
    kind = KINDS[node.func.id]
    lists = [*node.args[2:], *(k.value for k in node.keywords if k.arg in ("labels", "labelnames"))]
    labels = [e.value for one in lists if isinstance(one, ast.List) for e in one.elts if isinstance(e, ast.Constant)]
    name = texts[0].removesuffix("_total") + "_total" if kind == "counter" else texts[0]
    return Metric(name, kind, tuple(map(str, labels)), texts[1], service)


def routes() -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and OpenAPI description of every route of every service."""
    return asyncio.run(_routes())


async def _routes() -> list[tuple[str, str, dict[str, Any]]]:
    nowhere = settings.Settings(postgres_dsn="postgresql://nobody@127.0.0.1:1/hub", kafka_bootstrap="127.0.0.1:1")
    paths = [
        (prefix + path, methods)
        for prefix, module in api.present()
        for path, methods in importlib.import_module(module).create(nowhere).openapi()["paths"].items()
    ]
    people = session.create(nowhere, Access(nowhere.postgres_dsn)).openapi()["paths"]
    paths += [(path, methods) for path, methods in people.items() if path.startswith((api.SESSION, api.ACCESS))]
    return [(method.upper(), path, about) for path, methods in paths for method, about in methods.items()]


def verbs() -> Iterator[tuple[str, str]]:
    """Each command with the words below it, `hub keys add`, and what it says of itself."""
    built = command.build()
    for name, where, about in command.VERBS:
        if name in built:
            module, _, attribute = where.partition(":")
            found = getattr(importlib.import_module(module), attribute)
            yield f"hub {name}", about
            if isinstance(found, App):
                yield from ((f"hub {name} {word}", first_line(found[word])) for word in below(found))


def below(app: App) -> list[str]:
    """The words that may follow a command."""
    return [word for word in app if not word.startswith("-")]


def first_line(app: App) -> str:
    """What a command's help begins with."""
    return (app.help or "").strip().splitlines()[0].strip() if app.help else ""


Rows = Iterable[Iterable[object]]


def code(*words: str) -> str:
    """Words as code, or nothing."""
    return ", ".join(f"`{word}`" for word in words if word)


def _statistic_rows() -> Rows:
    found, _ = statistics.read((), {})
    for d in found:
        how = str(d.measure) if d.measure else " ÷ ".join(map(str, d.ratio or ())) or d.kind
        of = code(d.event) or (f"register {code(d.register)}" if d.register else "")
        yield code(d.key), d.zh, d.unit, of, code(how), code(*d.label_names), d.about


def _register_rows() -> Rows:
    found, _ = registers.read((), {})
    for one in found.values():
        acts = (one.added, one.changed, one.removed)
        yield code(one.name), one.zh, code(one.key), *(code(*(s.event for s in steps)) for steps in acts), one.expires


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings.table,
    "verbs": lambda: markdown("命令 | 用途", ((code(name), about) for name, about in verbs())),
    "routes": lambda: markdown("method | path | what", (
        (method, code(path), about.get("summary", "")) for method, path, about in routes())),
    "problems": lambda: markdown("status | code | when", (
        (status, code(name), about) for name, (status, about) in CODES.items())),
    "metrics": lambda: markdown("metric | kind | labels | what", (
        (code(m.name), m.kind, code(*m.labels), m.about) for m in metrics())),
    "topics": lambda: markdown("topic | lane | partitions | days | what | families", (
        (code(t.name), t.lane, t.partitions, t.retention_days, t.about, ", ".join(t.families)) for t in TOPICS)),
    "types": lambda: markdown("type | 名称 | subject | from | topic", (
        (code(t.name), t.zh, code("/".join(t.subject)), ", ".join(sorted(t.origins)),
         code("" if t.family == "event" else topic_of(t).name)) for t in TYPES.values())),
    "statistics": lambda: markdown("key | 名称 | 单位 | of | measure | by | 说明", _statistic_rows()),
    "registers": lambda: markdown("register | 名称 | key | added | changed | removed | expires", _register_rows()),
}  # fmt: skip
"""Name → the table in Markdown."""


def markdown(heading: str, rows: Rows) -> str:
    """A table of which the heading is given as it stands: `key | unit`."""
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    rule = "|".join("---" for _ in heading.split("|"))
    return "".join([f"| {heading} |\n|{rule}|\n", *(f"| {line} |\n" for line in lines)])


def documents() -> list[Path]:
    """Every document that may hold tables."""
    return [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]


def filled(text: str) -> str:
    """A document with its tables as the code has them."""
    return PLACE.sub(lambda place: f"<!-- table {place[1]} -->\n{TABLES[place[1]]()}<!-- end -->", text)


def main() -> None:
    """Put every table in place, and name the documents that changed."""
    for path in documents():
        text = path.read_text("utf-8")
        if (new := filled(text)) != text:
            path.write_text(new, "utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
