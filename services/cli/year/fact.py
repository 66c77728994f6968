"""A fact of the made year, and its CloudEvent."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass
from typing import Any

from services.contracts.event import subject_of
from services.contracts.families import TYPES


@dataclass(frozen=True)
class Fact:
    """What some platform of the bureau reports. `time` is local, with its offset."""

    type: str
    time: datetime.datetime
    region: str
    data: dict[str, Any]
    lane: str = ""
    status: str = "actual"
    drill: str = ""
    id: str = ""
    source: str = ""
    corrects: str = ""
    correctssource: str = ""
    subject: str = ""
    """Only where the data do not name it."""

    def event(self) -> dict[str, Any]:
        """The CloudEvent as the publisher sends it; in every mode the same."""
        sent = {
            "specversion": "1.0", "id": self.id, "source": self.source, "type": self.type, "subject": self.subject,
            "time": stamp(self.time), "region": self.region, "status": "" if self.status == "actual" else self.status,
            "drill": self.drill, "lane": self.lane, "corrects": self.corrects, "correctssource": self.correctssource,
        }  # fmt: skip
        return {k: v for k, v in sent.items() if v} | {"datacontenttype": "application/json", "data": self.data}


def stamp(time: datetime.datetime) -> str:
    """RFC 3339; odd seconds in UTC, since not every platform writes local time."""
    if time.second % 7 == 0:
        return time.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    return time.isoformat()


def uuid7(time: datetime.datetime, rng: random.Random) -> str:
    """A UUIDv7 of that instant (RFC 9562) whose random bits come from `rng`."""
    value = int(time.timestamp() * 1000) << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62
    text = f"{value | rng.getrandbits(62):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def subject(type_: str, data: dict[str, Any]) -> str:
    """The subject that the data name. Raises ValueError when a field of it is missing."""
    found = subject_of(TYPES[type_], data)
    if found is None:
        raise ValueError(f"{type_}: the data lack {', '.join(TYPES[type_].subject)}")
    return found
