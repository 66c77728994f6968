"""A stream of records in which everything happens: retries, conflicts, corrections early and late, exercises, noise."""

from __future__ import annotations

import datetime
import random
from typing import Any

from services.contracts import identity
from services.contracts.families import TYPES
from services.contracts.topics import BY_NAME
from tests.records import NOON, correction, record, retraction
from tests.reporting.truth import Record

OTHER_TYPES = sorted(name for name, type_ in TYPES.items() if type_.family in BY_NAME["hazards"].families)
LEVELS = ("general", "major", None)


class Mixture:
    """Makes records for the topics `hazards` and `readiness`; the same seed makes the same story."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.made: list[dict[str, Any]] = []
        self.rounds = 0
        self.before: dict[str, Any] | None = None
        self.clock = datetime.datetime(2023, 6, 2, tzinfo=datetime.UTC)

    def records(self, count: int) -> list[Record]:
        """The next records, a little out of order."""
        fresh: list[Record] = [self._next() for _ in range(count)]
        for n in range(0, count - 1, 3):
            if self.dice.random() < 0.3:
                fresh[n], fresh[n + 1] = fresh[n + 1], fresh[n]
        return fresh

    def one_of_each(self) -> list[Record]:
        """Few records that make the reader do everything it can do: a new type, new series, every kind of trouble."""
        self.rounds += 1
        new_region = {"region": f"9901{self.rounds}", "type_": "hazard.found"}
        new_type = {"type_": OTHER_TYPES[self.rounds % len(OTHER_TYPES)]}
        fresh = [self._kept(self._fresh(**more)) for more in ({}, {}, new_type, new_region)]
        hazard = self._kept(record("hazard.found", "h1", {"level": "major", "enterprise_id": "e1"}, **self._same()))
        drill = self._kept(record("drill.completed", "d1", {"participants": 7}, **self._same()))
        later = record("drill.completed", "d2", {"participants": 8}, **self._same())
        return [
            *fresh, hazard, drill, hazard, b"no event",
            self._kept(correction(drill, {"participants": 9}, **self._same())),
            self._kept(correction(later, {"participants": 5}, **self._same())), self._kept(later),
            self._kept(correction(hazard, {}, **{**self._same(), "subject": "other"})),
            self._kept(retraction(hazard, **self._same())), *self._earlier(later),
        ]  # fmt: skip

    def _earlier(self, drill: dict[str, Any]) -> list[Record]:
        """A correction of what the round before told: it is taken back from the tables, not from the same batch."""
        before, self.before = self.before, drill
        return [self._kept(correction(before, {"participants": 6}, **self._same()))] if before else []

    def _same(self) -> dict[str, Any]:
        self.clock += datetime.timedelta(milliseconds=7)
        return {"recorded": self.clock, "id": self._id(), "at": self._at()}

    def _next(self) -> Record:
        self.clock += datetime.timedelta(milliseconds=7)
        roll = self.dice.random()
        if roll < 0.03:
            return self.dice.choice([b"no event", b"{}", b"\xff", b'{"id": "x"}'])
        if self.made and roll < 0.30:
            return self._about(self.dice.choice(self.made[-40:]), roll)
        return self._kept(self._fresh())

    def _about(self, earlier: dict[str, Any], roll: float) -> Record:
        """Something that has to do with an earlier record."""
        same = {"recorded": self.clock, "id": self._id(), "at": self._at()}
        data = {} if earlier["type"] == "event.retracted" else {**earlier["data"], "level": self.dice.choice(LEVELS)}
        if roll < 0.10:
            return earlier
        if roll < 0.13:
            other = {**earlier, "data": {**earlier["data"], "note": roll}}
            return {**other, "digest": identity.digest_again(other)}
        if roll < 0.16:
            return self._kept(correction(earlier, data, **{**same, "type_": _type(earlier), "subject": "other"}))
        if roll < 0.21:
            return self._kept(retraction(earlier, **same))
        return self._kept(correction(earlier, data, **{**same, "type_": _type(earlier)}))

    def _fresh(self, type_: str = "", **more: Any) -> dict[str, Any]:
        n = self.dice.randrange(12)
        more = {"recorded": self.clock, "id": self._id(), "at": self._at(),
                "status": self.dice.choice(["actual"] * 9 + ["exercise"]),
                "region": self.dice.choice(["990111", "990112"]), **more}  # fmt: skip
        if type_:
            return record(type_, f"x{n}", **more)
        if self.dice.random() < 0.3:
            return record("drill.completed", f"d{n}", {"participants": self.dice.randrange(90)}, **more)
        return record(
            "hazard.found", f"h{n}", {"level": self.dice.choice(LEVELS), "enterprise_id": f"e{n % 5}"}, **more
        )

    def _kept(self, one: dict[str, Any]) -> dict[str, Any]:
        self.made.append(one)
        return one

    def _id(self) -> str:
        return f"{self.dice.getrandbits(128):032x}"

    def _at(self) -> datetime.datetime:
        return NOON - datetime.timedelta(hours=self.dice.randrange(24 * 70))


def _type(record: dict[str, Any]) -> str:
    return str(record["data"]["type"] if record["type"] == "event.retracted" else record["type"])
