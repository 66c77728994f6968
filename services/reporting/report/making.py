"""Makes what an edition is: questions of its template, problems of its figures, its content."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from services.contracts import glossary
from services.contracts.families import FIELDS
from services.contracts.rows import Mistake, Mistakes
from services.reporting import period, registers
from services.reporting.catalogue import Catalogue
from services.reporting.definition import Definition
from services.reporting.period import Period
from services.reporting.question import Query
from services.reporting.registers import Registers
from services.reporting.report import checks, compose, questions, template
from services.reporting.report.content import Change, Content, Earlier, Head, Names
from services.reporting.report.edition import DRAFTED, FROZEN, REFUSED, REQUESTED, Edition, Scope, span
from services.reporting.report.frozen import Asked, Frozen
from services.reporting.report.template import Template
from services.reporting.report.told import SILENT
from services.runtime.bureau import Bureau

NOTE = "note:"
"""Before the slot in the name of a paragraph that says why a feed was silent."""
MARK = "草稿"
TEXT, CHECKS = "text", "checks"
"""The files of a template, as they are frozen."""


def asked(of: Template, catalogue: Catalogue, scope: Scope) -> tuple[Asked, ...]:
    """The questions of a template."""
    found = questions.questions(of, catalogue, Period(scope.first, scope.last), scope.region)
    return tuple(Asked(one.id, one.key, tuple(one.parameters)) for one in found)


def problems(of: Template, figures: Mapping[str, Mapping[str, Any]], noted: Mapping[str, str]) -> list[dict[str, Any]]:
    """Why an edition is refused: checks that fail, feeds that were silent without a note. Empty: it is sound."""
    return [msgspec.to_builtins(one) for one in checks.run(of, figures, noted)]


def head(edition: Edition, frozen: Frozen, *, signer: str = "") -> Head:
    """What the edition says of itself as it stands."""
    zone, bureau = ZoneInfo(frozen.timezone), frozen.bureau
    date = edition.issued.astimezone(zone).date() if edition.issued else None
    return Head(
        bureau=bureau["name"], short_name=bureau["short_name"], first=frozen.from_, last=frozen.to,
        as_of=frozen.cutoff.astimezone(zone), region=frozen.region, number=edition.number, signer=signer,
        addressees=bureau["addressee"], date=date, version=f"V{edition.revision}", mark="" if edition.issued else MARK,
        printed_by=bureau["name"] if edition.issued else "", names=names_in(frozen),
        notes=notes(edition, frozen.figures),
        printed_before={slot: _earlier(one) for slot, one in frozen.printed_before.items()},
        replaces=frozen.revises, correction=frozen.correction,
        changes=tuple(Change(**one) for one in frozen.changes), seals=frozen.heads,
    )  # fmt: skip


def names_in(frozen: Frozen) -> Names:
    """Labels, coded values and regions as they were called at the cut."""
    return {**frozen.names, "region": {row.code: row.name for row in frozen.regions}}


def _earlier(one: Mapping[str, Any]) -> Earlier:
    return Earlier(one["edition"], Decimal(str(one["value"])))


def notes(edition: Edition, figures: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What the clerk says of silent feeds, by slot: said of the slot, of its statistic, or of all its feed brings."""
    said = {slot.removeprefix(NOTE): p.text for slot, p in edition.paragraphs.items() if slot.startswith(NOTE)}
    found = {}
    for slot, figure in figures.items():
        if text := said.get(slot) or said.get(str(figure["key"])) or said.get(source_of(figure)):
            found[slot] = text
    return found


def source_of(figure: Mapping[str, Any]) -> str:
    """The type of event (or the register) that a figure comes from; of a ratio its own key."""
    of = str(figure["definition"]["of"]).partition("{")[0]
    return str(figure["key"]) if " / " in of or not of else of


def notes_needed(found: Iterable[Mapping[str, Any]], figures: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The notes that would do for the silent feeds among the problems: `{note, slots}`."""
    needed: dict[str, list[str]] = {}
    for slot in (slot for one in found if one["check"] == SILENT for slot in one["slots"]):
        needed.setdefault(NOTE + (source_of(figures[slot]) if slot in figures else slot), []).append(slot)
    return [{"note": note, "slots": slots} for note, slots in needed.items()]


def content(edition: Edition, frozen: Frozen) -> Content:
    """What the edition says, from what was frozen and what people wrote."""
    of = template.read(edition.scope.template, frozen.files.get(TEXT, ""), frozen.files.get(CHECKS, ""))
    written = {slot: p.text for slot, p in edition.paragraphs.items() if not slot.startswith(NOTE)}
    signers = [done.by for done in edition.steps if done.step == "sign"]
    signer = signers[-1] if signers and edition.state not in (REQUESTED, REFUSED, FROZEN, DRAFTED) else ""
    return compose.compose(of, frozen.figures, written, head(edition, frozen, signer=signer))


def bureau_of(house: Bureau) -> dict[str, Any]:
    """What a report says of its bureau."""
    return {"name": house.name, "short_name": house.short_name, "document_prefix": house.document_prefix,
            "addressee": house.addressee}  # fmt: skip


def names_of(house: Bureau, queries: Iterable[Query]) -> dict[str, dict[str, str]]:
    """The Chinese names of labels and of their coded values."""
    found: dict[str, dict[str, str]] = {"": {}}
    known_registers, _ = registers.read(house.registers, house.extra_codes)
    asked = {(type_, name) for q in queries for leaf in q.leaves for type_ in _types(leaf.definition, known_registers)
             for name in (*leaf.definition.label_names, *q.labels)}  # fmt: skip
    for type_, name in sorted(asked):
        found[""].setdefault(name, name)
        if name in FIELDS.get(type_, {}):
            found[""][name] = glossary.term(type_, name).zh
        spec = FIELDS.get(type_, {}).get(name)
        known = {**(spec.codes.values if spec and spec.codes else {}), **house.codes(type_, name)}
        found.setdefault(name, {}).update(known)
    return found


def _types(d: Definition, known: Registers) -> tuple[str, ...]:
    """The types of event that a figure's labels come from."""
    return tuple(step.event for step in known[d.register].added) if d.register else (d.event,)


def value_of(figure: Mapping[str, Any]) -> str:
    """A figure in a word, for a list of changes."""
    value = figure.get("value")
    return "本期无此项记录" if value is None else f"{value}{figure.get('unit') or ''}"


def changes(before: Frozen, now: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The figures that both editions have and that differ."""
    return tuple(
        {"slot": slot, "before": value_of(before.figures[slot]), "now": value_of(figure)}
        for slot, figure in now.items()
        if slot in before.figures and differ(before.figures[slot], figure)
    )


def differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers print something else: the figure, or one of its parts."""
    return bool(_printed(one) != _printed(other))


def _printed(answer: Mapping[str, Any]) -> Any:
    parts = [(sorted(part["labels"].items()), exact(part["value"])) for part in answer.get("parts") or ()]
    return exact(answer.get("value")), parts


def exact(value: Any) -> Decimal | None:
    """A value of an answer as an exact number."""
    return None if value is None else Decimal(str(value))


def printed_before(now: Mapping[str, Mapping[str, Any]], last_year: Frozen, called: str) -> dict[str, dict[str, Any]]:
    """Of compared figures: what the report of the year before printed, where the count says something else today."""
    found = {}
    for slot, figure in now.items():
        compare, printed = figure.get("compare"), last_year.figures.get(slot)
        if compare and printed and printed.get("value") is not None:
            same_days = (str(printed["from"]), str(printed["to"])) == (str(compare["from"]), str(compare["to"]))
            if same_days and exact(printed["value"]) != exact(compare["value"]):
                found[slot] = {"edition": called, "value": printed["value"]}
    return found


def called(edition: Edition) -> str:
    """An edition as a reader knows it: by its number, else by period and version."""
    return edition.number or f"{span(edition.scope.first, edition.scope.last)} V{edition.revision}"


def year_before(scope: Scope) -> Scope:
    """The scope of the report of a year earlier."""
    return msgspec.structs.replace(
        scope, first=period.year_before(scope.first), last=_last(scope.last, period.year_before(scope.last))
    )


def _last(day: datetime.date, before: datetime.date) -> datetime.date:
    """The end of February stays the end of February."""
    ends = (day + datetime.timedelta(days=1)).day == 1
    following = before + datetime.timedelta(days=1)
    return before if not ends or following.day == 1 else following


def mistakes(folder: Path, catalogue: Catalogue) -> list[Mistake]:
    """Everything that is wrong with a bureau's own templates; a shipped one that does not fit it is not its mistake."""
    own = sorted(path.name.removesuffix(template.SUFFIX) for path in (folder / template.REPORT).glob("*.md"))
    return sorted(mistake for name in own for mistake in mistakes_of(name, folder, catalogue))


def mistakes_of(name: str, folder: Path, catalogue: Catalogue) -> list[Mistake]:
    """Everything that is wrong with one template."""
    try:
        return questions.mistakes(template.find(name, folder), catalogue, folder)
    except Mistakes as error:
        return list(error.mistakes)
