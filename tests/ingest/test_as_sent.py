"""From the record alone anybody can compute the digest again: what the hub filled in can be taken out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import identity, schema
from services.contracts.event import Origin
from services.contracts.families import TYPES
from services.ingest import binding
from services.ingest.door import Admitted
from tests.ingest.scene import ALL, DOOR, NOW, event

SENT: dict[str, dict[str, Any]] = {
    "everything filled in": {},
    "nothing filled in": {"subject": "YH-1", "region": "320111", "status": "actual"},
    "an unknown region": {"region": "320111001999"},
    "the data filled from the subject": {"subject": "YH-1", "data": {"level": "major"}},
    "a field that was null": {"subject": "YH-1", "data": {"hazard_id": None}},
    "a field that was empty": {"subject": "YH-1", "data": {"hazard_id": ""}},
    "no data at all": {"subject": "YH-1", "data": ...},
    "null data": {"subject": "YH-1", "data": None},
    "an attribute that is null": {"subject": "YH-1", "drill": None},
    "a correction": {"corrects": "e-0"},
    "a correction of another's": {"corrects": "e-0", "correctssource": "/other"},
    "a clock that is off by ages": schema.example_event("weather.alert_received") | {"time": "0001-06-01T00:00:00Z"},
    "hub attributes": {"digest": "x", "filled": "id", "flags": 3, "cause": "c"},
    "unknown attributes and fields": {"extra": True, "data": {"hazard_id": "YH-1", "ü": {"b": [1, 2.50, "é"]}}},
}  # fmt: skip


def recomputed(raw: bytes) -> tuple[str, str]:
    """The digest in the record that the door makes, and the one that a stranger computes from that record."""
    admitted = DOOR.admit(binding.one(0, raw), ALL, NOW)
    assert isinstance(admitted, Admitted), admitted
    record = msgspec.json.decode(admitted.record)
    return record["digest"], identity.digest_again(record)


@pytest.mark.parametrize("case", SENT)
def test_the_digest_can_be_computed_again_from_the_record(case: str) -> None:
    of_the_hub, of_a_stranger = recomputed(msgspec.json.encode(event(**SENT[case])))
    assert of_the_hub == of_a_stranger


NUMBERED = {"quake.reported", "document.numbered"}
"""Part of their subject is a number: it must stand in the data."""


@pytest.mark.parametrize("type_", sorted(TYPES.keys() - NUMBERED))
def test_of_every_type_without_its_subject_or_without_the_fields_that_name_it(type_: str) -> None:
    whole = schema.example_event(type_) | ({} if Origin.PARTNER in TYPES[type_].origins else {"lane": "history"})
    bare = {k: v for k, v in whole["data"].items() if k not in TYPES[type_].subject}
    for sent in (whole, {k: v for k, v in whole.items() if k != "subject"} if bare != whole["data"] else whole,
                 {**whole, "data": bare}):  # fmt: skip
        of_the_hub, of_a_stranger = recomputed(msgspec.json.encode(sent))
        assert of_the_hub == of_a_stranger


fractions = st.floats(-1e299, 1e299).filter(lambda number: number == 0 or abs(number) > 1e-299)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | fractions
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["note_1", "ü", "x", "_"]), values, max_size=3))
def test_of_any_data(more: dict[str, Any]) -> None:
    raw = msgspec.json.encode(event(data={"hazard_id": "YH-1", **more}))
    if b"\\u0000" not in raw:
        of_the_hub, of_a_stranger = recomputed(raw)
        assert of_the_hub == of_a_stranger
