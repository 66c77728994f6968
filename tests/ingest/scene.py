"""A small bureau, a key and an event, from which each test changes one thing."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from services.contracts.region import Region, Regions
from services.ingest import binding
from services.ingest.door import Admitted, Door
from services.ingest.problem import Problem
from services.runtime.access import RIGHTS, Key, Scope

NOW = datetime.datetime(2023, 8, 1, 12, 0, tzinfo=datetime.UTC)
REGIONS = Regions(
    [
        Region("320111", "浦口区", ""),
        Region("320111001", "江浦街道", "320111"),
        Region("320111001001", "白马社区", "320111001"),
        Region("320111002", "桥林街道", "320111"),
        Region("99", "飞地", "320111"),
    ]
)
DOOR = Door(REGIONS, {("", "level"): {"blue_plus": "加蓝"}})
OWN = Scope(sources=("/bureau/inspections",))
KEY = Key("k1", "inspections", OWN)
ALL = Key("k2", "admin", Scope(("*",), statuses=("actual", "exercise", "test"), rights=tuple(RIGHTS)))


def event(**changes: Any) -> dict[str, Any]:
    """A hazard found; a value of `...` leaves the attribute out."""
    whole = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/bureau/inspections/office",
        "type": "hazard.found",
        "time": "2023-06-30T08:00:00+08:00",
        "data": {"hazard_id": "YH-1", "level": "general"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not ...}


def scoped(**scope: Any) -> Key:
    """KEY with another scope."""
    return Key("k3", "inspections", Scope(**({"sources": OWN.sources} | scope)))


def admit(raw: Any, key: Key = KEY, door: Door = DOOR, now: datetime.datetime = NOW) -> Admitted | list[Problem]:
    """What the door says to an event that came as JSON."""
    return door.admit(binding.one(0, msgspec.json.encode(raw)), key, now)


def record(raw: Any, key: Key = KEY) -> dict[str, Any]:
    """The record an event becomes."""
    admitted = admit(raw, key)
    assert isinstance(admitted, Admitted), admitted
    found: dict[str, Any] = msgspec.json.decode(admitted.record)
    return found


def codes(raw: Any, key: Key = KEY) -> set[tuple[str, str]]:
    """Field and code of everything that is wrong with an event."""
    found = admit(raw, key)
    assert isinstance(found, list), found
    return {(p.field, p.code) for p in found}
