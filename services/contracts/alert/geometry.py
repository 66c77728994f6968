"""Polygons and circles of alerts, and which regions of a map they touch (WGS-84; plane, since districts are small)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

Point = tuple[float, float]
"""Latitude, longitude."""
Ring = Sequence[Point]
Map = Mapping[str, Sequence[Ring]]
"""Code of a region → the rings that bound it; a hole is a ring too."""
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")
KM_PER_DEGREE = 111.32
_CORNERS = 32
_EAST = 54
"""China lies south of it and east of it: of a pair whose first number is larger, the first is the longitude."""


def numbers(text: str) -> list[float]:
    """All numbers in a text."""
    return [float(number) for number in _NUMBER.findall(text)]


def decimal_text(number: float) -> str:
    """A number without exponent and needless zeros."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def polygon(text: str, *, swapped: bool = False) -> list[Point]:
    """The corners in a text of pairs; empty when it is no polygon. `swapped`: pairs may be longitude first (国突)."""
    found = numbers(text)
    pairs = list(zip(found[::2], found[1::2], strict=False))
    if len(found) % 2 or len(pairs) < 3 or any(not math.isfinite(n) for n in found):
        return []
    return [(b, a) if swapped and abs(a) > _EAST else (a, b) for a, b in pairs]


def circle(text: str, *, metres: bool = False) -> list[Point]:
    """A circle as a polygon of 32 corners, its radius in kilometres or metres; empty when the text is none."""
    found = numbers(text)
    if len(found) != 3:
        return []
    latitude, longitude, radius = found
    if metres:
        latitude, longitude = (longitude, latitude) if abs(latitude) > _EAST else (latitude, longitude)
        radius /= 1000
    high = max(abs(radius), 0.001) / KM_PER_DEGREE
    wide = high / max(math.cos(math.radians(latitude)), 0.01)
    turns = [2 * math.pi * n / _CORNERS for n in range(_CORNERS)]
    return [(latitude + high * math.sin(t), longitude + wide * math.cos(t)) for t in turns]


def touched(shapes: Iterable[Ring], regions: Map) -> list[str]:
    """The regions of a map that one of the shapes touches."""
    held = [shape for shape in shapes if len(shape) > 2]
    return [code for code, rings in regions.items() if any(_touch(shape, ring) for shape in held for ring in rings)]


def _touch(one: Ring, other: Ring) -> bool:
    if not _boxes_meet(one, other):
        return False
    crossing = any(_cross(a, b) for a in _sides(one) for b in _sides(other))
    return crossing or inside(one[0], other) or inside(other[0], one)


def _boxes_meet(one: Ring, other: Ring) -> bool:
    return all(
        min(p[i] for p in one) <= max(p[i] for p in other) and min(p[i] for p in other) <= max(p[i] for p in one)
        for i in (0, 1)
    )


def inside(point: Point, ring: Ring) -> bool:
    """Whether a point lies within a ring (even-odd rule)."""
    y, x = point
    crossings = (
        (a[0] > y) != (b[0] > y) and x < (b[1] - a[1]) * (y - a[0]) / (b[0] - a[0]) + a[1] for a, b in _sides(ring)
    )
    return sum(crossings) % 2 == 1


def _sides(ring: Ring) -> Iterator[tuple[Point, Point]]:
    yield from zip(ring, [*ring[1:], ring[0]], strict=True)


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    return _left(a, b, c) != _left(a, b, d) and _left(c, d, a) != _left(c, d, b)


def _left(a: Point, b: Point, c: Point) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) > (b[0] - a[0]) * (c[1] - a[1])
