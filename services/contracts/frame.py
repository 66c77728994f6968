"""Frames: up to 100 readings of one site in one record of the topic `telemetry`.

A reading is the event as the door admitted it, whole. One record for each would cost the broker, and whoever watches,
many times what the reading itself costs.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from services.contracts.event import InvalidEvent

FRAME_READINGS = 100
FRAME_BYTES = 512 * 1024
"""A frame is closed before it grows beyond this; a single reading may have more."""
_PLACES = ("site_id", "enterprise_id", "hazard_source_id", "point_id")


class Measured(msgspec.Struct, frozen=True, gc=False):
    """The data of a reading, as far as it is watched."""

    point_id: str | None = None
    kind: str | None = None
    value: float | None = None
    unit: str | None = None
    quality: str | None = None


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One reading in a frame."""

    id: str
    source: str
    subject: str
    time: datetime.datetime
    recordedtime: datetime.datetime
    region: str
    status: str = "actual"
    drill: str = ""
    data: Measured = Measured()

    @property
    def at(self) -> datetime.datetime:
        """When it was read; a clock that is ahead does not make what follows late."""
        return min(self.time, self.recordedtime)

    @property
    def point(self) -> str:
        """The monitoring point."""
        return self.data.point_id or self.subject


class Frame(msgspec.Struct, frozen=True, gc=False):
    """The readings of one site, in the order in which the door took them."""

    site: str
    readings: list[Reading]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Frame).decode


def site_of(data: Mapping[str, Any], subject: str) -> str:
    """The key of a reading's frame: all readings of one point must name the same place, or none."""
    return next((str(data[name]) for name in _PLACES if data.get(name)), subject)


def frames(readings: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each record, from the key (site) and the JSON of each reading; each site's in order."""
    held: dict[bytes, list[bytes]] = {}
    sizes: dict[bytes, int] = {}
    for site, reading in readings:
        some = held.setdefault(site, [])
        if some and (len(some) == FRAME_READINGS or sizes[site] + len(reading) > FRAME_BYTES):
            yield site, _joined(site, some)
            some = held[site] = []
        sizes[site] = (sizes[site] if some else 0) + len(reading)
        some.append(reading)
    yield from ((site, _joined(site, some)) for site, some in held.items())


def _joined(site: bytes, readings: list[bytes]) -> bytes:
    return b'{"site":' + _encode(site.decode()) + b',"readings":[' + b",".join(readings) + b"]}"


def read(record: bytes) -> Frame:
    """The frame in a record. Raises InvalidEvent with the reason."""
    try:
        frame = _decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not a frame: {error}") from error
    for reading in frame.readings:
        if reading.time.tzinfo is None or reading.recordedtime.tzinfo is None:
            raise InvalidEvent("not a frame: a time without offset")
        if not (1 < reading.time.year < 9999 and 1 < reading.recordedtime.year < 9999):
            raise InvalidEvent("not a frame: a time at the very edge of the calendar")
    return frame
