"""The glossary: each field name has one row, one meaning, one kind."""

import re

import pytest

from services.contracts import glossary
from services.contracts.event import HUB_ATTRIBUTES, PUBLISHER_ATTRIBUTES
from services.contracts.families import FIELDS
from services.contracts.fields import FieldSpec

ROWS = (*glossary.ENVELOPE, *glossary.NAMES, *glossary.IN_ONE_TYPE)
USES: list[tuple[str, FieldSpec]] = [
    (type_name, spec) for type_name, specs in FIELDS.items() for spec in specs.values()
]


def test_no_row_is_there_twice() -> None:
    for rows in (glossary.ENVELOPE, (*glossary.NAMES, *glossary.IN_ONE_TYPE)):
        assert len({row.name for row in rows}) == len(rows)


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    assert {glossary.term(type_name, spec.name).name for type_name, spec in USES} == set(glossary.TERMS)


def test_every_attribute_of_the_envelope_has_a_row() -> None:
    assert {row.name for row in glossary.ENVELOPE} == PUBLISHER_ATTRIBUTES | HUB_ATTRIBUTES


def test_what_one_row_names_is_of_one_kind() -> None:
    """A name that is of another kind in one type has a row of its own for that type."""
    kinds: dict[str, set[tuple[str, bool, bool]]] = {}
    for type_name, spec in USES:
        row = glossary.term(type_name, spec.name)
        kinds.setdefault(row.name, set()).add((spec.kind.name, spec.many, spec.personal))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_a_row_has_a_chinese_heading_a_meaning_and_a_chinese_unit_or_none() -> None:
    assert [row.name for row in ROWS if not re.search("[一-鿿]", row.zh) or not row.about] == []
    assert [row.name for row in ROWS if not re.fullmatch("[一-鿿]*|%", row.unit)] == []


@pytest.mark.parametrize("type_name", FIELDS)
def test_no_two_columns_of_a_table_have_the_same_heading(type_name: str) -> None:
    headings = [row.zh for row in glossary.ENVELOPE] + [glossary.term(type_name, n).zh for n in FIELDS[type_name]]
    assert sorted({h for h in headings if headings.count(h) > 1}) == []
