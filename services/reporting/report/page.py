"""What `GET /reporting/editions/{id}` tells: all that a page about an edition needs, for whoever asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.reporting.report import edition, making, nodes
from services.reporting.report.content import Content, Line, Names
from services.reporting.report.edition import OPEN, STEPS, WRITERS, Edition
from services.reporting.report.frozen import Frozen
from services.reporting.report.sources import name_of
from services.reporting.report.template import Template

STATES = {
    "requested": "等待取数", "refused": "校核未通过", "frozen": "已定数，起草中", "drafted": "待核稿",
    "reviewed": "待法制审核", "cleared": "待签发", "signed": "待印发", "issued": "已印发", "superseded": "已替代",
}  # fmt: skip


def row(one: Edition) -> dict[str, Any]:
    """An edition in a list."""
    scope = one.scope
    return {
        "id": one.id, "template": scope.template, "region": scope.region, "from": scope.first, "to": scope.last,
        "revision": one.revision, "version": f"V{one.revision}", "state": one.shown_state,
        "state_zh": STATES[one.shown_state], "cutoff": one.cutoff, "author": one.author, "requested": one.requested,
        "frozen": one.frozen, "number": one.number, "issued": one.issued, "superseded_by": one.superseded_by,
    }  # fmt: skip


def whole(
    one: Edition, frozen: Frozen | None, made: Content | None, t: Template | None, versions: Iterable[Edition],
    role: str, name: str, progress: tuple[float, str],
) -> dict[str, Any]:  # fmt: skip
    """An edition, and what whoever asks may do with it."""
    versions = list(versions)
    names = making.names_in(frozen) if frozen else {}
    newer = next((v.id for v in versions if v.revision > one.revision and v.issued), "")
    return row(one) | {
        "title": made.document.title if made else t.title if t else one.scope.template,
        "mark": "已替代" if one.superseded_by else "" if one.issued else making.MARK,
        "attempt": one.attempt,
        "progress": {"share": progress[0], "waits_for": progress[1]},
        "problems": one.problems,
        "digest": one.digest,
        "steps": [_step(one, step) for step in STEPS if step.name != edition.RETURN],
        "history": one.steps,
        "next": [_next(one, step, role, name, newer) for step in STEPS if one.state in step.before],
        "may_write": one.state in OPEN and role in WRITERS,
        "may_cut": one.state in OPEN and role in WRITERS,
        "paragraphs": {slot: msgspec.to_builtins(p) for slot, p in one.paragraphs.items()},
        "paragraph_slots": list(t.texts) if t else sorted(one.paragraphs),
        "notes_needed": making.notes_needed(one.problems, frozen.figures if frozen else {}),
        "empty": list(made.empty) if made else [],
        "remarks": list(made.remarks) if made else [],
        "outline": outline(t, made.lines if made else ()) if t else [],
        "lines": [line(one_, names) for one_ in made.lines] if made else [],
        "figures": _figures(frozen, names) if frozen else [],
        "changes": list(frozen.changes) if frozen else [],
        "revises": frozen.revises if frozen else "",
        "versions": [{"id": v.id, "version": f"V{v.revision}", "state": v.shown_state, "number": v.number,
                      "cutoff": v.cutoff, "issued": v.issued} for v in versions],
        "heads": list(frozen.heads) if frozen else [],
    }  # fmt: skip


def _step(one: Edition, step: edition.Step) -> dict[str, Any]:
    """A step of the present round, and who has taken it."""
    returned = max((n for n, done in enumerate(one.steps) if done.step == edition.RETURN), default=-1)
    done = next((d for d in one.steps[returned + 1 :] if d.step == step.name), None)
    return {"step": step.name, "zh": step.zh, "roles": list(step.roles), "by": done and done.by, "at": done and done.at}


def _next(one: Edition, step: edition.Step, role: str, name: str, newer: str) -> dict[str, Any]:
    """A step that the edition can take now; `hindrance` says why whoever asks may not."""
    why = "" if role in step.roles else f"须由 {'、'.join(step.roles)} 办理"
    why = why or edition.hindrance(one, step.name, name, "-", newer)
    return {"step": step.name, "zh": step.zh, "allowed": not why, "hindrance": why}


def line(one: Line, names: Names) -> dict[str, Any]:
    """A line of the source table, and which part of the figure it is in words."""
    found = {name: getattr(one, name) for name in Line.__dataclass_fields__}
    return found | {"labels": dict(one.labels), "part": _part(one.labels, names)}


def _part(labels: Mapping[str, str], names: Names) -> str:
    return "，".join(name_of(names, label, value) for label, value in labels.items())


def _figures(frozen: Frozen, names: Names) -> list[dict[str, Any]]:
    kept = ("value", "unit", "from", "to", "region", "labels", "events", "coverage", "parts", "compare", "recorded")
    return [
        {
            "slot": slot,
            "key": figure["key"],
            "zh": figure["definition"]["zh"],
            "hash": figure["definition"]["hash"],
            "part": _part(figure.get("labels") or {}, names),
        }
        | {name: figure[name] for name in kept if name in figure}
        for slot, figure in frozen.figures.items()
    ]


def outline(t: Template, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The chapters, each with its figures (and the lines that they are printed by) and its paragraphs."""
    numbers: dict[str, list[int]] = {}
    for one in lines:
        numbers.setdefault(one.slot, []).append(one.number)
    chapters: list[dict[str, Any]] = [{"level": 0, "title": t.title, "slots": [], "paragraphs": []}]
    for node, _ in nodes.walk(t.blocks):
        here = chapters[-1]
        if isinstance(node, nodes.Heading):
            title = "".join(part.text for part in node.body if isinstance(part, nodes.Plain))
            chapters.append({"level": node.level, "title": title, "slots": [], "paragraphs": []})
        elif isinstance(node, nodes.Written):
            here["paragraphs"].append(node.name)
        elif isinstance(node, nodes.Figure | nodes.Drawn | nodes.Each):
            id_ = node.slot.asked().id
            here["slots"].append({"slot": id_, "lines": numbers.get(id_, [])})
    return chapters
