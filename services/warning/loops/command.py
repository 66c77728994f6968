"""What a person writes down when he takes a step of a case by hand: the event that the step is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.contracts.families import FIELDS, TYPES
from services.contracts.fields import FLAG
from services.warning.loops.rows import Loops, Step


class NoSuchStep(ValueError):
    """The case has no step of this name; the text names those it has."""


def event_of(loops: Loops, key: str, sent: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Type and data of the event by which a case takes the step `sent["step"]`. Raises NoSuchStep."""
    name, _, id_ = key.partition("/")
    loop = loops.rows.get(name)
    steps = {step.name: step for step in loop.steps if not step.opens} if loop else {}
    step = steps.get(str(sent.get("step", "")))
    if loop is None or step is None:
        raise NoSuchStep(f"step: one of {', '.join(steps)}")
    type_ = step.on[0].type
    written = {field: value for field, value in sent.items() if field != "step"}
    inside, member = step.member
    if inside:
        written[inside] = [{member: id_, **_terms(step)}]
    elif step.case:
        written[step.case] = [id_]
    else:
        written |= {next(f for f in (*loop.case, *TYPES[type_].subject) if f in FIELDS[type_]): id_, **_terms(step)}
    return type_, {**dict.fromkeys(TYPES[type_].subject, id_), **written}


def _terms(step: Step) -> dict[str, Any]:
    """The fields that make an event this step."""
    condition = step.on[0]
    fields = FIELDS[condition.type]
    return {
        term.field: term.value == "true" if _is_flag(fields, term.field, term.value) else term.value
        for term in condition.terms if term.sign == "="
    }  # fmt: skip


def _is_flag(fields: Mapping[str, Any], name: str, value: str) -> bool:
    return fields[name].kind is FLAG if name in fields else value in ("true", "false")
