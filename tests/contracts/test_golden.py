"""Golden records: what once passed the door decodes for ever."""

import json
from pathlib import Path

import pytest

from services.contracts import event
from services.contracts.check import check_data
from services.contracts.families import TYPES
from tests.contracts.golden import FOLDER

FILES = sorted(FOLDER.glob("*.json"))


def test_every_type_has_a_golden_record() -> None:
    assert {path.stem for path in FILES} >= set(TYPES), "run python -m tests.contracts.golden"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_record_is_still_an_event(path: Path) -> None:
    record = path.read_bytes()
    decoded = event.decode(record)
    data = json.loads(bytes(decoded.data))
    assert decoded.type == path.stem
    assert data == json.loads(record)["data"]
    assert check_data(decoded.type, data) == []
