"""What may become a ledger row, and what never can (bytes on a canonical topic are not all the door's)."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.contracts import identity
from services.contracts.event import InvalidEvent
from services.reporting import ledger
from tests.records import record, retraction


def entry(one: dict[str, Any]) -> ledger.Entry:
    return ledger.entry(1, 0, json.dumps(one).encode())


@given(st.text(), st.text(alphabet="0123456789abcdefAB -7", min_size=36, max_size=36))
@example("/a", "01 89abc-d 12-7bbb-cccc-dddddddddddd")
@example("/a", "018f0000-0000-7000-8000-000000000000")
def test_every_identity_is_sixteen_bytes(source: str, id_: str) -> None:
    assert len(identity.key(source, id_)) == 16


@pytest.mark.parametrize("digest", ["", "0" * 63, "z" * 64, "A" * 64, '"' * 64, "０" * 64])
def test_a_digest_is_64_hexadecimal_digits(digest: str) -> None:
    with pytest.raises(InvalidEvent):
        entry({**record(), "digest": digest})


@pytest.mark.parametrize("data", [[], "x", 1, None, {}, {"type": 7}, {"type": ""}, {"type": ["hazard.found"]}])
def test_a_retraction_that_names_no_type_is_no_event(data: Any) -> None:
    with pytest.raises(InvalidEvent):
        entry({**retraction(record()), "data": data})


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "0001-01-01T12:00:00Z"])
def test_a_time_that_cannot_be_told_everywhere_is_no_event(time: str) -> None:
    for name in ("time", "recordedtime"):
        with pytest.raises(InvalidEvent, match="calendar"):
            entry({**record(), name: time})


@pytest.mark.parametrize("time", ["0001-01-03T00:00:00+14:00", "9999-12-29T00:00:00-12:00"])
def test_a_clock_that_is_off_by_ages_is_kept(time: str) -> None:
    assert entry({**record(), "time": time}).event.time == datetime.datetime.fromisoformat(time)
