"""Polygons and circles of alerts, and which regions of a map they touch (WGS-84; plane, since districts are small)."""

from __future__ import annotations

import itertools
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
CORNERS = 300
"""Of a shape, at most, when it is compared with a map."""
SHAPES = 1_000
"""Of one message, at most."""
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
    held = [(thinned(shape, CORNERS), _box(shape)) for shape in itertools.islice(shapes, SHAPES) if len(shape) > 2]
    bounds = {code: [(ring, _box(ring)) for ring in rings] for code, rings in regions.items()}
    return [code for code, rings in bounds.items() if any(_touch(s, r) for s in held for r in rings)]


def thinned(ring: Ring, most: int) -> Ring:
    """A ring with at most so many corners: every n-th of it."""
    return ring[:: -(-len(ring) // most)] if len(ring) > most else ring


_Box = tuple[float, float, float, float]
_Bounded = tuple[Ring, _Box]


def _box(ring: Ring) -> _Box:
    """South, west, north, east."""
    latitudes, longitudes = [p[0] for p in ring], [p[1] for p in ring]
    return min(latitudes), min(longitudes), max(latitudes), max(longitudes)


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _touch(one: _Bounded, other: _Bounded) -> bool:
    if not _meet(one[1], other[1]):
        return False
    near = [(side, box) for side in _sides(one[0]) if _meet(box := _box(side), other[1])]
    far = [(side, box) for side in _sides(other[0]) if _meet(box := _box(side), one[1])]
    crossing = any(_meet(box, its) and _cross(side, that) for side, box in near for that, its in far)
    return crossing or _holds(one[0], other[0]) or _holds(other[0], one[0])


def _holds(outer: Ring, inner: Ring) -> bool:
    """Whether a ring whose sides cross none of the other's lies in it, or is the same."""
    middle = (sum(p[0] for p in inner) / len(inner), sum(p[1] for p in inner) / len(inner))
    return inside(inner[0], outer) or inside(middle, outer) or set(inner) == set(outer)


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
