"""The bench's events: ten towns, five types, 2 % duplicates, 1 % corrections, a fifth of the types distinct."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from services.contracts import identity
from services.reporting.definition import Condition, Definition, Measure

TOWNS = [f"99011100{n}" for n in range(10)]
START = datetime.datetime(2023, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
"""Publishers send the time as they read it."""
YEAR_SECONDS = 365 * 86_400
TYPES = {
    "hazard.found": ("hazards", "hazard_id", {"level": ["general", "major"], "mode": ["joint", "patrol", "campaign"]}),
    "patrol.completed": ("hazards", "patrol_id", {"post": ["a", "b", "c"], "abnormal_count": [0, 1, 2]}),
    "inspection.completed": ("inspections", "inspection_id", {"mode": ["routine", "joint"], "enterprise_id": None}),
    "hotline.ticket_received": (
        "services",
        "ticket_id",
        {"channel": ["12345", "12350"], "type": ["help", "complaint"]},
    ),
    "training.held": ("readiness", "class_id", {"audience": ["public", "officers"], "attendances": list(range(200))}),
}
"""Type: topic, subject field, other fields with their values."""


def _row(key: str, event: str, measure: str, by: tuple[str, ...] = (), where: tuple[Condition, ...] = ()) -> Definition:
    kind, _, field = measure.partition(":")
    return Definition(key=key, zh=key, unit="次", event=event, measure=Measure(kind, field), by=by, where=where)


DEFINITIONS = (
    _row("hazards", "hazard.found", "count", ("level",)),
    _row("hazards_by_mode", "hazard.found", "count", ("mode",)),
    _row("hazards_all", "hazard.found", "count"),
    _row("patrols", "patrol.completed", "count", ("post",)),
    _row("patrols_all", "patrol.completed", "count"),
    _row("abnormal", "patrol.completed", "sum:abnormal_count"),
    _row("inspections", "inspection.completed", "count", ("mode",)),
    _row("inspections_all", "inspection.completed", "count"),
    _row("enterprises", "inspection.completed", "distinct:enterprise_id"),
    _row("tickets", "hotline.ticket_received", "count", ("channel",)),
    _row("tickets_by_type", "hotline.ticket_received", "count", ("type",)),
    _row("tickets_all", "hotline.ticket_received", "count"),
    _row("trainings", "training.held", "count", ("audience",)),
    _row("trainings_all", "training.held", "count"),
    _row("attendances", "training.held", "sum:attendances"),
)
"""Three for each type."""

KEPT = 100_000
"""Events remembered at most to be repeated or corrected."""
_TEXT = "巡查发现配电箱未上锁、灭火器过期、疏散通道堆放杂物，已现场告知负责人并要求限期整改，复查时间另行通知。"
_encode = msgspec.json.Encoder().encode


def uuid7(milliseconds: int, rng: random.Random) -> str:
    """A UUIDv7 of this time."""
    tail = rng.getrandbits(74)
    number = milliseconds << 80 | 7 << 76 | (tail >> 62) << 64 | 2 << 62 | tail & ((1 << 62) - 1)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def sent(n: int, total: int, rng: random.Random, *, random_ids: bool = False) -> tuple[str, dict[str, Any]]:
    """The n-th of `total` events, spread over a year in order with an hour of jitter: topic and event."""
    type_ = rng.choice(list(TYPES))
    topic, subject, fields = TYPES[type_]
    at = START + datetime.timedelta(seconds=n * YEAR_SECONDS / total + rng.random() * 3600)
    data: dict[str, Any] = {name: rng.choice(values) if values else f"9132{rng.randrange(20_000):014d}"
                            for name, values in fields.items()}  # fmt: skip
    data |= {subject: f"{type_[:3]}-{n}", "description": _TEXT[: rng.randrange(20, 50)]}
    milliseconds = int(at.timestamp() * 1000)
    id_ = f"{rng.getrandbits(128):032x}" if random_ids else uuid7(milliseconds, rng)
    return topic, {
        "specversion": "1.0", "id": id_, "source": f"/town/{n % 10}", "type": type_, "subject": data[subject],
        "time": at.isoformat(timespec="seconds"), "region": TOWNS[n % 10], "status": "actual",
        "data": data,
    }  # fmt: skip


def stream(total: int, seed: int = 7, *, random_ids: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """`total` events as sent, duplicates (half near, half far) and corrections among them."""
    rng = random.Random(seed)
    kept: list[tuple[str, dict[str, Any]]] = []
    for n in range(total):
        dice = rng.random()
        if dice < 0.02 and kept:
            yield kept[-1 - rng.randrange(min(100, len(kept)))] if dice < 0.01 else rng.choice(kept)
            continue
        topic, event = sent(n, total, rng, random_ids=random_ids)
        if dice < 0.03 and kept:
            topic, old = rng.choice(kept)
            event = {**old, "id": event["id"], "corrects": old["id"], "correctssource": old["source"],
                     "data": {**old["data"], "level": "major"}}  # fmt: skip
        elif rng.random() < 0.05:
            _keep(kept, (topic, event), rng)
        yield topic, event


def _keep(kept: list[tuple[str, dict[str, Any]]], one: tuple[str, dict[str, Any]], rng: random.Random) -> None:
    """Remember one to repeat or correct, instead of any other when there are many."""
    if len(kept) < KEPT:
        kept.append(one)
    else:
        kept[rng.randrange(KEPT)] = one


def record(event: dict[str, Any]) -> bytes:
    """The event as the door writes it."""
    return _encode({**event, "digest": identity.digest(event), "publisher": "bench",
                    "recordedtime": "2024-01-01T00:00:00.000000Z"})  # fmt: skip
