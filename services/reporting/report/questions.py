"""What a template asks of the count: each figure once; and what is wrong with what it asks."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.contracts.families import FIELDS
from services.contracts.rows import Mistake, Mistakes, advice
from services.contracts.units import UNITS
from services.reporting import period, question
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.period import Period
from services.reporting.question import LABEL, Query, Unclear
from services.reporting.report import nodes, template
from services.reporting.report.slot import ABOUT, CHART, COMPARED, HERE, MYRIADS, TABLE, Slot
from services.reporting.report.template import Template
from services.runtime import bureau

Pairs = tuple[tuple[str, str], ...]
Codes = Mapping[tuple[str, str], Mapping[str, str]]
_ANY_YEAR = period.year(datetime.date(2023, 1, 1))


@dataclass(frozen=True)
class Question:
    """One figure: `parameters` as `services.reporting.question.parse` takes them."""

    id: str
    """The slot in its one way of writing, e.g. `hazards_found{level=major}|by=sector`."""
    key: str
    parameters: Pairs


def slots(of: Template) -> Iterator[Slot]:
    """Every slot as it is asked: of the text, then of the checks."""
    for one, _ in nodes.slots(of.sentences):
        yield one.asked()
    for rule in of.rules:
        for one in rule.all:
            yield one.asked()


def questions(of: Template, catalogue: Catalogue, over: Period, region: str) -> tuple[Question, ...]:  # noqa: ARG001
    """Each figure that is needed, once, in the order of the template."""
    found: dict[str, Slot] = {}
    compared: set[str] = set()
    for one in slots(of):
        found.setdefault(one.id, one)
        if COMPARED in one.forms:
            compared.add(one.id)
    return tuple(
        Question(id_, one.key, parameters(one, over, region, compare=id_ in compared)) for id_, one in found.items()
    )


def parameters(one: Slot, over: Period, region: str, *, compare: bool) -> Pairs:
    """What a slot asks for, in a report over these days."""
    days = days_of(one, over)
    asked = [("from", days.first.isoformat()), ("to", days.last.isoformat()), ("region", one.region or region)]
    asked += [(LABEL + name, value) for name, value in one.labels]
    if one.by:
        asked.append(("by", ",".join(one.by)))
    return (*asked, *([("compare", "year")] if compare else []))


def days_of(one: Slot, over: Period) -> Period:
    """The days of a slot: its own, or the report's."""
    words = {
        "年初": period.year(over.first).first, "月初": period.month(over.first).first,
        "年末": period.year(over.last).last, "月末": period.month(over.last).last,
    }  # fmt: skip

    def day(text: str, otherwise: datetime.date) -> datetime.date:
        return words.get(text) or (datetime.date.fromisoformat(text) if text else otherwise)

    return Period(day(one.first, over.first), day(one.last, over.last))


# What is wrong.


def mistakes(of: Template, catalogue: Catalogue, folder: Path | None = None) -> list[Mistake]:
    """Everything that a template asks and nobody can answer; the codes of the bureau in `folder` are known too."""
    extra: Codes = bureau.read(folder).extra_codes if folder else {}
    found = list(_of_text(of, catalogue, extra))
    for rule in of.rules:
        for one in rule.all:
            found += _of_slot(one, of.checks_file, catalogue, extra)
    return sorted(set(found))


def in_folder(folder: Path, catalogue: Catalogue) -> list[Mistake]:
    """Every mistake in the templates of a bureau."""
    found: list[Mistake] = []
    own = folder / template.REPORT
    for path in sorted(own.glob(f"*{template.SUFFIX}")):
        try:
            found += mistakes(template.find(path.name.removesuffix(template.SUFFIX), folder), catalogue, folder)
        except Mistakes as error:
            found += error.mistakes
    for path in sorted(own.glob(f"*{template.CHECKS}")):
        name = path.name.removesuffix(template.CHECKS)
        if not (own / f"{name}{template.SUFFIX}").is_file():
            known = [known.name.removesuffix(template.SUFFIX) for known in own.glob(f"*{template.SUFFIX}")]
            what = f"没有模板 {name}{template.SUFFIX}, 这些校验不会被读取"
            found.append(Mistake(f"{template.REPORT}/{path.name}", 1, what, advice(name, known)))
    return sorted(found)


def _of_text(of: Template, catalogue: Catalogue, extra: Codes) -> Iterator[Mistake]:
    for node, around in nodes.walk(of.sentences):
        for what, todo, line in _misplaced(node, around):
            yield Mistake(of.file, line, what, todo)
    for one, _ in nodes.slots(of.sentences):
        yield from _of_slot(one, of.file, catalogue, extra)


def _misplaced(node: nodes.Node, around: tuple[nodes.Each, ...]) -> Iterator[tuple[str, str, int]]:
    """What cannot stand where it stands."""
    over = {name for each in around for name in each.slot.by}
    if isinstance(node, nodes.Here) and not around:
        yield f"{{{{{node.what}}}}} 不在循环里", "写在 {{#each 指标 by 标签}} 与 {{/each}} 之间", node.line
    if not isinstance(node, nodes.Figure | nodes.Drawn):
        return
    one = node.slot
    if isinstance(node, nodes.Drawn) and not one.by:
        yield f"{one.id} 的表或图没有说按什么分列", "加上 |by=标签", one.line
    if isinstance(node, nodes.Figure) and one.by:
        yield f"{one.id} 分列的数不能印在句子里", "加上 |table 单独成段, 或写成 {{#each 指标 by 标签}}", one.line
    for name in one.here:
        if name not in over:
            yield f"{name}={HERE} 不在按 {name} 的循环里", f"写成 {name}=值, 或放进 {{{{#each … by {name}}}}}", one.line
    if COMPARED in one.forms and (one.by or one.here):
        yield f"{one.id} 分列的数没有同比", "删去 |同比, 或不分列", one.line


def _of_slot(one: Slot, file: str, catalogue: Catalogue, extra: Codes) -> Iterator[Mistake]:
    asked = one.asked()
    try:
        query = question.parse(
            asked.key, parameters(asked, _ANY_YEAR, catalogue.regions.root, compare=COMPARED in one.forms), catalogue,
            _ANY_YEAR.last,
        )  # fmt: skip
    except Unclear as error:
        yield from (_said(one, problem, file, catalogue) for problem in error.problems)
        return
    yield from (Mistake(file, one.line, what, todo) for what, todo in _unprintable(one, query.definition))
    yield from (Mistake(file, one.line, what, todo) for what, todo in _strange_values(one, query, extra))


def _said(one: Slot, problem: question.Problem, file: str, catalogue: Catalogue) -> Mistake:
    """A problem of the question in the words of the clerk."""
    rows = catalogue.rows.get(one.key, ())
    labels = sorted({name for d in rows for name in (*d.label_names, *dict(d.labels))})
    name = problem.field.removeprefix(LABEL)
    match problem.code:
        case "unknown_key":
            what, todo = f"没有统计指标 {one.key}", advice(one.key, catalogue.rows)
        case "unknown_region":
            what, todo = f"没有区域 {one.region}", advice(one.region, catalogue.regions)
        case "unknown_label" if problem.field == "by":
            strange = next((n for n in one.asked().by if n not in (*labels, *question.SPLITS)), ",".join(one.by))
            what, todo = f"{one.key} 不能按 {strange} 分列", advice(strange, [*labels, *question.SPLITS])
        case "unknown_label" if problem.field.startswith(LABEL) and name:
            what, todo = f"{one.key} 没有标签 {name}", advice(name, labels)
        case "several_rows" | "unknown_label":
            constants = (",".join(f"{n}={v}" for n, v in d.labels) for d in rows)
            named = "、".join(f"{d.key}{{{inner}}} ({d.zh})" for d, inner in zip(rows, constants, strict=True))
            what, todo = f"{one.id} 没有指明是哪一项", f"写成其中一个: {named}"
        case _:
            what, todo = f"{one.id} 问不出数: {problem.reason}", "改正这一项"
    return Mistake(file, one.line, what, todo)


def _unprintable(one: Slot, d: Definition) -> Iterator[tuple[str, str]]:
    """Forms that do not go with the unit."""
    unit = UNITS.get(d.unit)
    if MYRIADS in one.forms and (unit is None or unit.kind != "money"):
        yield f"{one.key} 的单位是{d.unit}, 不能写成万元", "删去 |万元"
    if ABOUT in one.forms and unit is not None and unit.kind == "level":
        yield f"{one.key} 的单位是{d.unit}, 不能写成约数", "删去 |约"
    if CHART in one.forms and TABLE in one.forms:
        yield f"{one.id} 又是表又是图", "分成两段, 各写一项"


def _strange_values(one: Slot, query: Query, extra: Codes) -> Iterator[tuple[str, str]]:
    """Values of labels that no event can have."""
    for name, value in one.labels:
        known = set(_values(query, name, extra))
        if value != HERE and known and value not in known and name not in dict(query.definition.labels):
            yield f"标签 {name} 没有值 {value}", f"{advice(value, known)}; 新的代码写入 codes.toml"


def _values(query: Query, name: str, extra: Codes) -> Iterable[str]:
    for leaf in query.leaves:
        type_ = leaf.definition.event
        spec = FIELDS.get(type_, {}).get(name)
        if spec is not None and spec.codes:
            yield from (*spec.codes.values, *extra.get(("", name), {}), *extra.get((type_, name), {}))
